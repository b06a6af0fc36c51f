package main

// iterator is what the client's scans give; it does not export the type.
type iterator interface {
	Valid() bool
	Key() []byte
	Value() []byte
	Next() error
	Close()
}
