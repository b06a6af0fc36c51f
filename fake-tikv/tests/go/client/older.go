//go:build !newer

package main

import "github.com/tikv/client-go/v2/txnkv/transaction"

// iterReverse goes back from a key. Newer versions of the client want to know how far.
func iterReverse(txn *transaction.KVTxn, from []byte) (iterator, error) { return txn.IterReverse(from) }

// collectsGarbage: the newer client asks PD in a way that PD knows from version 9 on.
const collectsGarbage = true
