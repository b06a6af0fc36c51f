// The Go client of TiKV, as its users have it, against the fake cluster: `go-client RUN READY`, where READY is the line
// of JSON that the cluster printed when it was ready. Ends with 0 if all is as it has to be.
package main

import (
	"fmt"
	"os"
	"reflect"
)

var runs = map[string]func(*cluster){
	"raw":       raw,
	"raw-moves": rawMoves,
	"txn":       txn,
	"txn-moves": txnMoves,
	"txn-dead":  txnDead,
	"die":       die,
	"v2":        v2,
	"long":      long,
}

func main() {
	if len(os.Args) != 3 || runs[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: go-client RUN READY")
		os.Exit(2)
	}
	runs[os.Args[1]](parse(os.Args[2]))
}

// must panics, which shows where: these programs have nothing to go on with.
func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("%+v", err))
	}
}

func same(what string, got, want any) {
	if !reflect.DeepEqual(got, want) {
		panic(fmt.Sprintf("%s: %v instead of %v", what, got, want))
	}
}
