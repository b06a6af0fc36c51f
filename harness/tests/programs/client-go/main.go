// Puts rows through TiKV's own Go client, client-go, over raw KV or in transactions, and serves Go's pprof.
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
	"github.com/tikv/client-go/v2/txnkv"
)

// rawRows puts each row over raw KV.
type rawRows struct{ client *rawkv.Client }

func (r *rawRows) put(ctx context.Context, key, value []byte) error {
	return r.client.Put(ctx, key, value)
}

// txnRows puts each row in a transaction of its own.
type txnRows struct{ client *txnkv.Client }

func (t *txnRows) put(ctx context.Context, key, value []byte) error {
	txn, err := t.client.Begin()
	if err != nil {
		return err
	}
	if err := txn.Set(key, value); err != nil {
		return err
	}
	return txn.Commit(ctx)
}

type loader struct {
	put     func(ctx context.Context, key, value []byte) error
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
	return l.put(ctx, []byte(fmt.Sprintf("k%012d", row)), []byte("a value"))
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
	transactions := flag.Bool("txn", false, "a transaction a row, instead of raw KV")
	rows := flag.Int("rows", 100, "how many rows")
	timeout := flag.Duration("timeout", 0, "how long one put may take; 0: as long as it likes")
	flag.Parse()
	go func() { log.Fatal(http.ListenAndServe(*status, nil)) }()
	addresses := strings.Split(*pd, ",")
	l := loader{timeout: *timeout}
	if *transactions {
		client, err := txnkv.NewClient(addresses)
		if err != nil {
			log.Fatal(err)
		}
		l.put = (&txnRows{client}).put
	} else {
		client, err := rawkv.NewClient(context.Background(), addresses, config.DefaultConfig().Security)
		if err != nil {
			log.Fatal(err)
		}
		l.put = (&rawRows{client}).put
	}
	l.load(*rows)
}
