package main

import (
	"context"
	"fmt"

	"github.com/tikv/client-go/v2/rawkv"
)

// letters are keys over the whole key space: `a` is `A` and so on.
func letters() (keys, values [][]byte) {
	for c := byte('a'); c <= 'z'; c++ {
		keys, values = append(keys, []byte{c}), append(values, []byte{c - 'a' + 'A'})
	}
	return keys, values
}

func joined(parts [][]byte) (all string) {
	for _, part := range parts {
		all += string(part)
	}
	return all
}

func rawClient(c *cluster) *rawkv.Client {
	db, err := rawkv.NewClientWithOpts(context.Background(), c.PD)
	must(err)
	return db
}

// raw is every operation on raw keys. The stores keep times to live.
func raw(c *cluster) {
	ctx, db := context.Background(), rawClient(c)
	defer db.Close()
	get := func(key string) any {
		value, err := db.Get(ctx, []byte(key))
		must(err)
		if value == nil {
			return nil
		}
		return string(value)
	}
	same("no value", get("a"), nil)
	must(db.Put(ctx, []byte("a"), []byte("A")))
	same("the value", get("a"), "A")
	must(db.Delete(ctx, []byte("a")))
	same("the deleted value", get("a"), nil)

	keys, values := letters()
	must(db.BatchPut(ctx, keys, values))
	found, err := db.BatchGet(ctx, [][]byte{[]byte("a"), []byte("m"), []byte("nothing"), []byte("z")})
	must(err)
	same("a batch", found, [][]byte{[]byte("A"), []byte("M"), nil, []byte("Z")})

	scanned, _, err := db.Scan(ctx, []byte("c"), []byte("t"), 100)
	must(err)
	same("a scan", joined(scanned), "cdefghijklmnopqrs")
	_, scanned, err = db.Scan(ctx, nil, nil, 3)
	must(err)
	same("a scan's values", joined(scanned), "ABC")
	scanned, _, err = db.ReverseScan(ctx, []byte("t"), []byte("c"), 100)
	must(err)
	same("a scan back", joined(scanned), "srqponmlkjihgfedc")
	scanned, scannedValues, err := db.ReverseScan(ctx, []byte("zz"), nil, 3, rawkv.ScanKeyOnly())
	must(err)
	same("a scan back from the end", joined(scanned), "zyx")
	same("its values", joined(scannedValues), "")

	sum, err := db.Checksum(ctx, nil, nil)
	must(err)
	same("keys and bytes", [2]uint64{sum.TotalKvs, sum.TotalBytes}, [2]uint64{26, 52})
	low, err := db.Checksum(ctx, nil, []byte("m"))
	must(err)
	high, err := db.Checksum(ctx, []byte("m"), nil)
	must(err)
	same("checksums of halves", low.Crc64Xor^high.Crc64Xor, sum.Crc64Xor)

	must(db.BatchDelete(ctx, [][]byte{[]byte("a"), []byte("z"), []byte("nothing")}))
	must(db.DeleteRange(ctx, []byte("c"), []byte("x")))
	scanned, _, err = db.Scan(ctx, nil, nil, 100)
	must(err)
	same("what is left", joined(scanned), "bxy")

	must(db.PutWithTTL(ctx, []byte("short"), []byte("lived"), 1000))
	ttl, err := db.GetKeyTTL(ctx, []byte("short"))
	must(err)
	if ttl == nil || *ttl > 1000 || *ttl < 900 {
		panic(fmt.Sprintf("a time to live of %v", ttl))
	}
	ttl, err = db.GetKeyTTL(ctx, []byte("nothing"))
	must(err)
	same("no time to live", ttl, (*uint64)(nil))

	db.SetAtomicForCAS(true)
	swap := func(old []byte, new string, want string, done bool) {
		previous, swapped, err := db.CompareAndSwap(ctx, []byte("lock"), old, []byte(new))
		must(err)
		same("previous", string(previous), want)
		same("swapped", swapped, done)
	}
	swap(nil, "one", "", true)
	swap(nil, "two", "one", false)
	swap([]byte("one"), "two", "one", true)
	same("swapped", get("lock"), "two")
}

// rawMoves goes on while the cluster changes.
func rawMoves(c *cluster) {
	ctx, db := context.Background(), rawClient(c)
	defer db.Close()
	keys, values := letters()
	check := func(after string) {
		must(db.BatchPut(ctx, keys, values))
		found, err := db.BatchGet(ctx, keys)
		must(err)
		same("a batch after "+after, joined(found), joined(values))
		_, found, err = db.Scan(ctx, nil, nil, 100)
		must(err)
		same("a scan after "+after, joined(found), joined(values))
	}
	check("the start")
	c.split("c", "h", "p", "x")
	check("splits")
	c.moveLeaders()
	check("leaders moved")
	// its regions elect other leaders after ten seconds, which the client waits for
	c.restart(1)
	check("a restart")
}
