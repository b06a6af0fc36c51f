"""Puts and gets a raw key."""

import sys

import tikv

with tikv.RawClient(sys.argv[1:]) as client:
    client.put(b"hello", b"world")
    print("hello", client.get(b"hello").decode())
