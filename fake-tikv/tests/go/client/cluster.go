package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// cluster is the fake cluster, as its admin API shows and changes it.
type cluster struct {
	PD    []string `json:"pd"`
	Admin string   `json:"admin"`
	ready string
}

type region struct {
	ID     uint64   `json:"id"`
	Leader *uint64  `json:"leader"`
	Stores []uint64 `json:"stores"`
}

func parse(ready string) *cluster {
	c := cluster{ready: ready}
	must(json.Unmarshal([]byte(ready), &c))
	return &c
}

func (c *cluster) post(path string, body any) {
	sent, err := json.Marshal(body)
	must(err)
	answer, err := http.Post(c.Admin+path, "application/json", bytes.NewReader(sent))
	must(err)
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	must(err)
	if answer.StatusCode != http.StatusOK {
		panic(fmt.Sprintf("%s: %s: %s", path, answer.Status, got))
	}
}

func (c *cluster) regions() []region {
	answer, err := http.Get(c.Admin + "/cluster")
	must(err)
	defer answer.Body.Close()
	var view struct {
		Regions []region `json:"regions"`
	}
	must(json.NewDecoder(answer.Body).Decode(&view))
	return view.Regions
}

// split divides regions at keys, as clients name them.
func (c *cluster) split(keys ...string) {
	c.post("/regions/split", map[string]any{"keys": keys})
}

// moveLeaders gives the lead of every region to another store.
func (c *cluster) moveLeaders() {
	for _, region := range c.regions() {
		for _, store := range region.Stores {
			if region.Leader != nil && store != *region.Leader {
				c.post(fmt.Sprintf("/regions/%d/leader", region.ID), map[string]any{"store": store})
				break
			}
		}
	}
}

// restart ends a store's process and starts it again: its regions elect other leaders.
func (c *cluster) restart(store int) {
	c.post(fmt.Sprintf("/nodes/tikv-%d/restart", store), map[string]any{})
}
