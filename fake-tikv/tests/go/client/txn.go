package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	tikverr "github.com/tikv/client-go/v2/error"
	"github.com/tikv/client-go/v2/kv"
	"github.com/tikv/client-go/v2/txnkv"
	"github.com/tikv/client-go/v2/txnkv/transaction"
)

var ctx = context.Background()

func txnClient(c *cluster, options ...txnkv.ClientOpt) *txnkv.Client {
	db, err := txnkv.NewClient(c.PD, options...)
	must(err)
	return db
}

func begin(db *txnkv.Client) *transaction.KVTxn {
	txn, err := db.Begin()
	must(err)
	return txn
}

// commit sets all letters to a value, in one of the ways there are.
func commit(db *txnkv.Client, value string, way func(*transaction.KVTxn)) {
	txn := begin(db)
	way(txn)
	keys, _ := letters()
	if txn.IsPessimistic() {
		must(txn.LockKeys(ctx, lockCtx(txn), keys...))
	}
	for _, key := range keys {
		must(txn.Set(key, []byte(value)))
	}
	must(txn.Commit(ctx))
}

var ways = map[string]func(*transaction.KVTxn){
	"optimistic":   func(*transaction.KVTxn) {},
	"pessimistic":  func(txn *transaction.KVTxn) { txn.SetPessimistic(true) },
	"async commit": func(txn *transaction.KVTxn) { txn.SetEnableAsyncCommit(true) },
	"one phase":    func(txn *transaction.KVTxn) { txn.SetEnable1PC(true) },
	"pessimistic and fast": func(txn *transaction.KVTxn) {
		txn.SetPessimistic(true)
		txn.SetEnableAsyncCommit(true)
		txn.SetEnable1PC(true)
	},
}

func lockCtx(txn *transaction.KVTxn) *kv.LockCtx {
	return kv.NewLockCtx(txn.StartTS(), kv.LockAlwaysWait, time.Now())
}

// value is that of a key, or nothing.
func value(txn *transaction.KVTxn, key string) any {
	found, err := txn.Get(ctx, []byte(key))
	if tikverr.IsErrNotFound(err) {
		return nil
	}
	must(err)
	return string(found)
}

// all checks that every letter has a value, key by key, as a batch, and scanned both ways.
func all(db *txnkv.Client, what, want string) {
	txn := begin(db)
	defer txn.Rollback()
	keys, _ := letters()
	same(what, value(txn, "a"), want)
	found, err := txn.BatchGet(ctx, keys)
	must(err)
	for _, key := range keys {
		same(what+", a batch", string(found[string(key)]), want)
	}
	it, err := txn.Iter(nil, nil)
	must(err)
	for _, key := range keys {
		same(what+", a scan", string(it.Key())+string(it.Value()), string(key)+want)
		must(it.Next())
	}
	same(what+", the scan's end", it.Valid(), false)
	it, err = iterReverse(txn, []byte("zz"))
	must(err)
	for i := range keys {
		same(what+", a scan back", string(it.Key())+string(it.Value()), string(keys[len(keys)-1-i])+want)
		must(it.Next())
	}
}

// txn is every operation of transactions.
func txn(c *cluster) {
	db := txnClient(c)
	defer db.Close()
	before, err := db.GetTimestamp(ctx)
	must(err)
	for name, way := range ways {
		commit(db, name, way)
		all(db, name, name)
	}
	// a surprise, pinned: back from no key at all begins at the end of the first region
	back := begin(db)
	it, err := iterReverse(back, nil)
	must(err)
	same("back from no key", string(it.Key()), "d")
	must(back.Rollback())

	snapshot := db.GetSnapshot(before)
	_, err = snapshot.Get(ctx, []byte("a"))
	same("nothing at first", tikverr.IsErrNotFound(err), true)

	// of two writers the second to commit loses
	first, second := begin(db), begin(db)
	must(first.Set([]byte("a"), []byte("first")))
	must(second.Set([]byte("a"), []byte("second")))
	must(first.Commit(ctx))
	same("a conflict", tikverr.IsErrWriteConflict(second.Commit(ctx)), true)

	// a pessimistic one waits for the lock of another, and of two that wait for each other one is told
	one, two := begin(db), begin(db)
	one.SetPessimistic(true)
	two.SetPessimistic(true)
	must(one.LockKeys(ctx, lockCtx(one), []byte("a")))
	must(two.LockKeys(ctx, lockCtx(two), []byte("z")))
	// whoever closes the circle is told, and lets the other go on
	told := func(txn *transaction.KVTxn, key string) bool {
		var deadlock *tikverr.ErrDeadlock
		err := txn.LockKeys(ctx, lockCtx(txn), []byte(key))
		if !errors.As(err, &deadlock) {
			must(err)
		}
		must(txn.Rollback())
		return err != nil
	}
	other := make(chan bool)
	go func() { other <- told(one, "z") }()
	same("one of two is told", told(two, "a") != <-other, true)

	// regions are divided through the client, and scattered
	ids, err := db.SplitRegions(ctx, [][]byte{[]byte("f"), []byte("s")}, true, nil)
	must(err)
	for _, id := range ids {
		must(db.WaitScatterRegionFinish(ctx, id, 10_000))
	}
	commit(db, "split", ways["optimistic"])
	all(db, "after splits", "split")

	now, err := db.GetTimestamp(ctx)
	must(err)
	safe, err := db.GC(ctx, now)
	if collectsGarbage {
		must(err)
		same("the safe point", safe, now)
	}
	all(db, "after garbage collection", "split")

	done, err := db.DeleteRange(ctx, []byte("a"), []byte("y"), 2)
	must(err)
	same("at least a region", done > 0, true)
	must(db.UnsafeDestroyRange(ctx, []byte("y"), []byte("z")))
	left := begin(db)
	defer left.Rollback()
	same("deleted", value(left, "a"), nil)
	same("destroyed", value(left, "y"), nil)
	same("left", value(left, "z"), "split")
}

// txnMoves goes on while the cluster changes.
func txnMoves(c *cluster) {
	db := txnClient(c)
	defer db.Close()
	commit(db, "start", ways["optimistic"])
	c.split("c", "h", "p", "x")
	commit(db, "splits", ways["pessimistic"])
	all(db, "after splits", "splits")
	c.moveLeaders()
	commit(db, "moved", ways["async commit"])
	all(db, "after leaders moved", "moved")
	// its regions elect other leaders after ten seconds, which a transaction that had begun before waits for too
	txn := begin(db)
	must(txn.Set([]byte("a"), []byte("open")))
	c.restart(1)
	must(txn.Commit(ctx))
	commit(db, "restarted", ways["pessimistic"])
	all(db, "after a restart", "restarted")
}

// txnDead has a process of its own die with its locks: they are resolved when their time is over.
func txnDead(c *cluster) {
	db := txnClient(c)
	defer db.Close()
	commit(db, "alive", ways["optimistic"])
	dead := exec.Command(os.Args[0], "die", c.ready)
	dead.Stderr = os.Stderr
	must(dead.Run())
	all(db, "after a death", "alive")
	commit(db, "again", ways["optimistic"])
	all(db, "after a death", "again")
}

// die leaves locks on all letters, and nobody that keeps them alive for longer than a second.
func die(c *cluster) {
	transaction.ManagedLockTTL = 1000
	txn := begin(txnClient(c))
	txn.SetPessimistic(true)
	keys, _ := letters()
	must(txn.LockKeys(ctx, lockCtx(txn), keys...))
	os.Exit(0)
}

// long reads for longer than the 100 s after which this client refuses to, if it has not heard PD's safe point since.
func long(c *cluster) {
	db := txnClient(c)
	defer db.Close()
	began := time.Now()
	for round := 0; time.Since(began) < 115*time.Second; round++ {
		what := fmt.Sprintf("round %d", round)
		commit(db, what, ways["optimistic"])
		all(db, what, what)
		switch round {
		case 20:
			c.split("c", "h", "p", "x")
		case 40:
			c.moveLeaders()
		case 60:
			c.restart(1)
		}
		time.Sleep(time.Second)
	}
}
