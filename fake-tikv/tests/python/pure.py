"""tikv-python, a client in pure Python: every operation on raw keys, while the cluster changes. Needs times to live."""

import asyncio

import tikv
from cluster import Cluster

LETTERS = {bytes([c]): bytes([c]).upper() for c in range(ord("a"), ord("z") + 1)}


def every_operation(cluster):
    with tikv.RawClient(cluster.pd) as db:
        assert db.get(b"a") is None
        db.put(b"a", b"A")
        assert db.get(b"a") == b"A"
        db.put(b"empty", b"")
        assert db.get(b"empty") == b""
        db.delete(b"a")
        db.delete(b"empty")
        assert list(db.scan()) == []

        db.put_many(LETTERS)
        assert db.get_many([b"a", b"m", b"nothing", b"z"]) == {b"a": b"A", b"m": b"M", b"z": b"Z"}
        assert dict(db.scan()) == LETTERS
        assert list(db.scan_keys(b"c", b"f")) == [b"c", b"d", b"e"]
        assert list(db.scan_keys(b"y")) == [b"y", b"z"]
        assert list(db.scan_keys(reverse=True, limit=3)) == [b"z", b"y", b"x"]
        assert list(db.scan_keys(b"b", b"v", reverse=True)) == sorted((k for k in LETTERS if b"b" <= k < b"v"), reverse=True)

        everything = db.checksum()
        assert (everything.keys, everything.size) == (26, 52), everything
        halves = db.checksum(end=b"m"), db.checksum(start=b"m")
        assert halves[0].crc64_xor ^ halves[1].crc64_xor == everything.crc64_xor != 0

        db.delete_many([b"a", b"z", b"nothing"])
        db.delete_range(b"c", b"x")
        assert list(db.scan_keys()) == [b"b", b"x", b"y"]

        db.put(b"short", b"lived", ttl=1000)
        assert 900 < db.ttl(b"short") <= 1000
        assert db.ttl(b"b") is None
        try:
            db.ttl(b"nothing")
            raise AssertionError("a key that is not there has no time to live")
        except KeyError:
            pass
        db.delete_range(b"")

    with tikv.RawClient(cluster.pd, atomic=True) as db:
        assert db.compare_and_swap(b"lock", None, b"one") == (True, None)
        assert db.compare_and_swap(b"lock", None, b"two") == (False, b"one")
        assert db.compare_and_swap(b"lock", b"one", b"two") == (True, b"one")
        assert db.get(b"lock") == b"two"
        db.delete(b"lock")


async def asynchronously(cluster):
    async with tikv.AsyncRawClient(cluster.pd) as db:
        await asyncio.gather(*(db.put(k, v) for k, v in LETTERS.items()))
        assert {k: v async for k, v in db.scan()} == LETTERS
        await db.delete_range(b"")


def while_the_cluster_changes(cluster):
    with tikv.RawClient(cluster.pd) as db:
        db.put_many(LETTERS)
        cluster.split(b"c", b"h", b"p", b"x")
        assert dict(db.scan()) == LETTERS, "after splits"
        for key in (b"a", b"e", b"m", b"q", b"z"):
            cluster.move_leader(key)
            db.put(key, b"moved")
        assert db.get(b"q") == b"moved"
        for store in (1, 2, 3):
            cluster.empty_of_leaders(store)
            cluster.restart(store)
            db.put_many(LETTERS)
        assert dict(db.scan()) == LETTERS, "after restarts"


if __name__ == "__main__":
    cluster = Cluster()
    every_operation(cluster)
    asyncio.run(asynchronously(cluster))
    while_the_cluster_changes(cluster)
