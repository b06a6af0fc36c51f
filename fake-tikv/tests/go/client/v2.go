package main

import (
	"github.com/pingcap/kvproto/pkg/kvrpcpb"
	"github.com/tikv/client-go/v2/rawkv"
	"github.com/tikv/client-go/v2/txnkv"
)

// v2 keeps raw and transactional keys of the same names apart, in a keyspace of API V2.
func v2(c *cluster) {
	raw, err := rawkv.NewClientWithOpts(ctx, c.PD, rawkv.WithAPIVersion(kvrpcpb.APIVersion_V2), rawkv.WithKeyspace("DEFAULT"))
	must(err)
	defer raw.Close()
	db := txnClient(c, txnkv.WithAPIVersion(kvrpcpb.APIVersion_V2), txnkv.WithKeyspace("DEFAULT"))
	defer db.Close()
	keys, values := letters()
	must(raw.BatchPut(ctx, keys, values))
	commit(db, "transactional", ways["optimistic"])
	all(db, "transactional", "transactional")
	_, found, err := raw.Scan(ctx, nil, nil, 100)
	must(err)
	same("raw", joined(found), joined(values))
}
