"""tikv-client, the bindings of the Rust client: every operation on raw keys, while the cluster changes."""

import asyncio
import os

from cluster import Cluster
from tikv_client.asynchronous import RawClient

LETTERS = {bytes([c]): bytes([c]).upper() for c in range(ord("a"), ord("z") + 1)}


async def every_operation(db):
    assert await db.get(b"a") is None
    await db.put(b"a", b"A")
    assert await db.get(b"a") == b"A"
    await db.delete(b"a")
    assert await db.get(b"a") is None
    await db.batch_put(LETTERS)
    assert dict(await db.batch_get([b"a", b"m", b"nothing", b"z"])) == {b"a": b"A", b"m": b"M", b"z": b"Z"}
    assert await db.scan_keys(b"c", b"f", 10) == [b"c", b"d", b"e"]
    assert await db.scan(b"c", b"f", 2) == [(b"c", b"C"), (b"d", b"D")]
    assert await db.scan_keys(b"y", None, 10) == [b"y", b"z"]
    await db.batch_delete([b"a", b"nothing"])
    await db.delete_range(b"b", b"y")
    assert await db.scan_keys(b"", None, 10) == [b"y", b"z"]


async def while_the_cluster_changes(db, cluster):
    await db.batch_put(LETTERS)
    cluster.split(b"c", b"h", b"p", b"x")
    assert dict(await db.batch_get(list(LETTERS))) == LETTERS, "after splits"
    for key in (b"a", b"e", b"m", b"q", b"z"):
        cluster.move_leader(key)
        await db.put(key, b"moved")
        assert await db.get(key) == b"moved"
    for store in (1, 2, 3):
        # this client gives up after ten tries, sooner than an election
        cluster.empty_of_leaders(store)
        cluster.restart(store)
        for key in LETTERS:
            await db.put(key, b"restarted")
    assert set(dict(await db.batch_get(list(LETTERS))).values()) == {b"restarted"}


async def main():
    cluster = Cluster()
    db = await RawClient.connect(cluster.pd)
    await every_operation(db)
    await while_the_cluster_changes(db, cluster)


if __name__ == "__main__":
    asyncio.run(main())
    # threads of this client crash an interpreter that ends in order, now and then
    os._exit(0)
