// Reads a dump with Go's own readers and tells how fast: go run . FILE
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/DataDog/gostackparse"
	"github.com/maruel/panicparse/v2/stack"
)

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	tell("gostackparse", len(text), 5, func() int {
		goroutines, _ := gostackparse.Parse(bytes.NewReader(text))
		return len(goroutines)
	})
	// once: it takes half a minute
	tell("panicparse", len(text), 1, func() int {
		snapshot, _, err := stack.ScanSnapshot(bytes.NewReader(text), io.Discard, stack.DefaultOpts())
		if err != nil && err != io.EOF {
			fmt.Println("panicparse:", err)
		}
		if snapshot == nil {
			return 0
		}
		snapshot.Aggregate(stack.AnyPointer)
		return len(snapshot.Goroutines)
	})
}

func tell(name string, size, times int, read func() int) {
	best, count := time.Duration(1<<62), 0
	for range times {
		start := time.Now()
		count = read()
		best = min(best, time.Since(start))
	}
	fmt.Printf("%-13s %7.1f MB/s, %v, %d goroutines\n", name, float64(size)/1e6/best.Seconds(), best.Round(time.Millisecond), count)
}
