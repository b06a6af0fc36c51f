//go:build newer

package main

import "github.com/tikv/client-go/v2/txnkv/transaction"

// iterReverse goes back from a key.
func iterReverse(txn *transaction.KVTxn, from []byte) (iterator, error) {
	return txn.IterReverse(from, nil)
}

// collectsGarbage: it asks PD in a way that PD knows from version 9 on.
const collectsGarbage = false
