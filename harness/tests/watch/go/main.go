// A client that runs elsewhere: each row is one byte to its peer and one back. It serves Go's pprof and Prometheus metrics.
//
// A reader hands the answers to the loader. Without -redial the reader ends at its first error and tells nobody: the loader
// then waits for ever.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"sync/atomic"
	"time"
)

var rows, errors atomic.Uint64

type link struct {
	conn    net.Conn
	answers chan struct{}
	ended   chan struct{}
}

func dial(peer string) (*link, error) {
	conn, err := net.Dial("tcp", peer)
	if err != nil {
		return nil, err
	}
	l := &link{conn: conn, answers: make(chan struct{}), ended: make(chan struct{})}
	go l.read()
	return l, nil
}

func (l *link) read() {
	answer := make([]byte, 1)
	for {
		if _, err := l.conn.Read(answer); err != nil {
			close(l.ended)
			return
		}
		l.answers <- struct{}{}
	}
}

type loader struct {
	peer   string
	redial bool
	link   *link
}

func (l *loader) waitForAnswer() bool {
	if !l.redial {
		<-l.link.answers
		return true
	}
	select {
	case <-l.link.answers:
		return true
	case <-l.link.ended:
		return false
	}
}

func (l *loader) load() {
	for {
		if l.link != nil {
			if _, err := l.link.conn.Write([]byte{1}); (err == nil || !l.redial) && l.waitForAnswer() {
				rows.Add(1)
				return
			}
			l.link.conn.Close()
			errors.Add(1)
		}
		var err error
		if l.link, err = dial(l.peer); err != nil {
			l.link = nil
			errors.Add(1)
			time.Sleep(50 * time.Millisecond)
		}
	}
}

func metrics(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintf(w, "# TYPE rows_total counter\nrows_total %d\n", rows.Load())
	fmt.Fprintf(w, "# TYPE errors_total counter\nerrors_total %d\n", errors.Load())
}

// It serves until its standard input ends, so that it never outlives whoever started it.
func main() {
	peer := flag.String("peer", "", "address of the peer")
	total := flag.Uint64("rows", 100, "units of work")
	redial := flag.Bool("redial", false, "get over errors")
	flag.Parse()
	http.HandleFunc("/metrics", metrics)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	go http.Serve(listener, nil)
	go func() {
		work := loader{peer: *peer, redial: *redial}
		for rows.Load() < *total {
			work.load()
			time.Sleep(20 * time.Millisecond)
		}
	}()
	os.Stdin.Read(make([]byte, 1))
}
