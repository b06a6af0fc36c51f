// Waits in every way that a goroutine of a client waits, and writes dumps of itself in every form:
//
//	go run ./waits debug2 > waits.debug2.txt
//	go run ./waits debug1 > waits.debug1.txt
//	GODEBUG=tracebacklabels=1 go run ./waits debug2 > waits.labels.txt
//	GODEBUG=tracebackancestors=5 go run ./waits debug2 > waits.ancestors.txt
//	GOTRACEBACK=system go run ./waits quit 2> waits.sigquit.txt
package main

import (
	"context"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sync"
	"syscall"
	"time"
)

type store struct {
	mu   sync.Mutex
	rw   sync.RWMutex
	jobs chan int
}

// holds the locks for ever: it waits for a job while it has them.
func (s *store) holder(locked chan<- struct{}) {
	s.mu.Lock()
	s.rw.Lock()
	close(locked)
	<-s.jobs
}

func (s *store) lock()  { s.mu.Lock() }
func (s *store) rlock() { s.rw.RLock() }

func (s *store) send() { s.jobs <- 1 }

func (s *store) pick(ctx context.Context) {
	select {
	case <-ctx.Done():
	case s.jobs <- 2:
	}
}

func deep(n int, wait chan struct{}) {
	if n == 0 {
		<-wait
		return
	}
	deep(n-1, wait)
}

func accept(listener net.Listener) {
	for {
		if _, err := listener.Accept(); err != nil {
			return
		}
	}
}

func generic[T any](c chan T) T { return <-c }

func main() {
	s := &store{jobs: make(chan int)}
	locked := make(chan struct{})
	go s.holder(locked)
	<-locked
	for range 3 {
		go s.lock()
	}
	go s.rlock()
	full := &store{jobs: make(chan int)}
	go full.send()
	go full.pick(context.Background())

	never := make(chan struct{})
	go deep(150, never)
	go generic(never)
	go func() { var none chan int; <-none }()
	go func() { select {} }()
	go time.Sleep(time.Hour)
	go func() {
		runtime.LockOSThread()
		<-never
	}()
	go func() {
		var group sync.WaitGroup
		for range 2 {
			group.Go(func() { <-never })
		}
		group.Wait()
	}()
	go func() {
		c := sync.NewCond(&sync.Mutex{})
		c.L.Lock()
		c.Wait()
	}()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go accept(listener)
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		panic(err)
	}
	go conn.Read(make([]byte, 1))
	labels := pprof.Labels("job", "import \"7\"", "table", "t}")
	pprof.Do(context.Background(), labels, func(context.Context) { go func() { <-never }() })

	for runtime.NumGoroutine() < 21 {
		runtime.Gosched()
	}
	time.Sleep(100 * time.Millisecond)
	if len(os.Args) > 2 {
		// a wait's age counts from a garbage collection that began after it; the first one knows no time yet
		runtime.GC()
		runtime.GC()
		time.Sleep(61 * time.Second)
	}
	switch os.Args[1] {
	case "debug2":
		pprof.Lookup("goroutine").WriteTo(os.Stdout, 2)
	case "debug1":
		pprof.Lookup("goroutine").WriteTo(os.Stdout, 1)
	case "quit":
		debug.SetTraceback(os.Getenv("GOTRACEBACK"))
		syscall.Kill(os.Getpid(), syscall.SIGQUIT)
		<-never
	}
}
