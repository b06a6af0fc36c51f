// A client of PD's HTTP/2: each unit of work is one PING and its answer. It serves Go's pprof.
//
// A reader hands the answers to the importer. Without -redial the reader ends at its first error and tells nobody: the
// importer then waits for ever.
package main

import (
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	_ "net/http/pprof"
	"strings"
	"time"
)

const ping, ack = 6, 1

type link struct {
	conn  net.Conn
	acks  chan uint64
	ended chan error
}

func dial(addr string, patience time.Duration) (*link, error) {
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	preface := "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + string([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0})
	if _, err := io.WriteString(conn, preface); err != nil {
		return nil, err
	}
	l := &link{conn: conn, acks: make(chan uint64), ended: make(chan error, 1)}
	go l.readAcks(patience)
	return l, nil
}

func (l *link) readAcks(patience time.Duration) {
	for {
		number, err := l.readAck(patience)
		if err != nil {
			log.Printf("no answer: %v", err)
			l.ended <- err
			return
		}
		l.acks <- number
	}
}

func (l *link) readAck(patience time.Duration) (uint64, error) {
	for {
		l.conn.SetReadDeadline(time.Now().Add(patience))
		var head [9]byte
		if _, err := io.ReadFull(l.conn, head[:]); err != nil {
			return 0, err
		}
		payload := make([]byte, binary.BigEndian.Uint32(append([]byte{0}, head[:3]...)))
		if _, err := io.ReadFull(l.conn, payload); err != nil {
			return 0, err
		}
		if head[3] == ping && head[4]&ack != 0 {
			return binary.BigEndian.Uint64(payload), nil
		}
	}
}

func (l *link) send(number uint64) error {
	frame := binary.BigEndian.AppendUint64([]byte{0, 0, 8, ping, 0, 0, 0, 0, 0}, number)
	_, err := l.conn.Write(frame)
	return err
}

type importer struct {
	addr     string
	patience time.Duration
	redial   bool
	link     *link
}

func (i *importer) waitForAck() error {
	if i.redial {
		select {
		case <-i.link.acks:
			return nil
		case err := <-i.link.ended:
			return err
		}
	}
	<-i.link.acks
	return nil
}

func (i *importer) importRow(number uint64) {
	for {
		if i.link != nil && i.link.send(number) == nil && i.waitForAck() == nil {
			return
		}
		if i.link != nil {
			i.link.conn.Close()
		}
		var err error
		if i.link, err = dial(i.addr, i.patience); err != nil {
			i.link = nil
			time.Sleep(i.patience)
		}
	}
}

func main() {
	pd := flag.String("pd", "", "addresses, by commas")
	status := flag.String("status", "", "where to serve pprof")
	rows := flag.Uint64("rows", 100, "units of work")
	patience := flag.Duration("patience", 200*time.Millisecond, "how long an answer may take")
	redial := flag.Bool("redial", false, "get over errors")
	flag.Parse()
	go func() { log.Fatal(http.ListenAndServe(*status, nil)) }()
	work := importer{addr: strings.Split(*pd, ",")[0], patience: *patience, redial: *redial}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for number := uint64(1); number <= *rows; number++ {
			work.importRow(number)
			fmt.Printf("rows %d/%d\n", number, *rows)
			time.Sleep(10 * time.Millisecond)
		}
	}()
	<-done
}
