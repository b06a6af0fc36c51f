// Puts rows through TiKV's own Go client, client-go, over raw KV, and serves Go's pprof.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	_ "net/http/pprof"
	"strings"
	"time"

	"github.com/tikv/client-go/v2/config"
	"github.com/tikv/client-go/v2/rawkv"
)

type loader struct {
	client  *rawkv.Client
	timeout time.Duration
}

// putRow puts one row. Without a timeout it leaves it to the client to give up.
func (l *loader) putRow(row int) error {
	ctx := context.Background()
	if l.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.timeout)
		defer cancel()
	}
	return l.client.Put(ctx, []byte(fmt.Sprintf("k%012d", row)), []byte("a value"))
}

func (l *loader) load(rows int) {
	for row := 0; row < rows; row++ {
		for {
			err := l.putRow(row)
			if err == nil {
				break
			}
			log.Printf("row %d: %v", row, err)
		}
		fmt.Printf("rows %d/%d\n", row+1, rows)
		time.Sleep(5 * time.Millisecond)
	}
}

func main() {
	pd := flag.String("pd", "", "addresses, by commas")
	status := flag.String("status", "", "where to serve pprof")
	rows := flag.Int("rows", 100, "how many rows")
	timeout := flag.Duration("timeout", 0, "how long one put may take; 0: as long as it likes")
	flag.Parse()
	go func() { log.Fatal(http.ListenAndServe(*status, nil)) }()
	client, err := rawkv.NewClient(context.Background(), strings.Split(*pd, ","), config.DefaultConfig().Security)
	if err != nil {
		log.Fatal(err)
	}
	l := loader{client: client, timeout: *timeout}
	l.load(*rows)
}
