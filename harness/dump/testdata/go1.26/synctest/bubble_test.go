// A bubble of testing/synctest whose goroutines wait for each other: the test fails with their dump.
//
//	go test ./synctest > synctest.txt
package synctest

import (
	"sync"
	"testing"
	"testing/synctest"
)

func TestDeadlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		never := make(chan struct{})
		var group sync.WaitGroup
		for range 2 {
			group.Go(func() { <-never })
		}
		group.Wait()
	})
}
