// Hello puts and gets a raw key.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/tikv/client-go/v2/rawkv"
)

func main() {
	ctx := context.Background()
	client, err := rawkv.NewClientWithOpts(ctx, os.Args[1:])
	if err != nil {
		panic(err)
	}
	defer client.Close()
	if err := client.Put(ctx, []byte("hello"), []byte("world")); err != nil {
		panic(err)
	}
	value, err := client.Get(ctx, []byte("hello"))
	if err != nil {
		panic(err)
	}
	fmt.Printf("hello %s\n", value)
}
