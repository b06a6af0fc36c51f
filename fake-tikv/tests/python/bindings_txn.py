"""tikv-client, the bindings of the Rust client: transactions, while the cluster changes."""

import asyncio
import os

from cluster import Cluster
from tikv_client.asynchronous import TransactionClient

KEYS = [b"a", b"e", b"m", b"q", b"z"]


async def commit(db, value, pessimistic):
    txn = await db.begin(pessimistic=pessimistic)
    for key in KEYS:
        await txn.put(key, value)
    await txn.commit()


async def values(db):
    txn = await db.begin(pessimistic=False)
    found = dict(await txn.batch_get(KEYS))
    await txn.rollback()
    return set(found.values())


async def every_operation(db):
    before = await db.current_timestamp()
    await commit(db, b"one", pessimistic=False)
    await commit(db, b"two", pessimistic=True)
    assert await values(db) == {b"two"}
    assert await db.snapshot(before, pessimistic=False).get(b"a") is None

    txn = await db.begin(pessimistic=True)
    assert await txn.get_for_update(b"a") == b"two"
    assert dict(await txn.batch_get_for_update(KEYS)) == {key: b"two" for key in KEYS}
    await txn.lock_keys([b"b", b"y"])
    await txn.delete(b"a")
    await txn.insert(b"b", b"B")
    assert await txn.key_exists(b"b") and not await txn.key_exists(b"a")
    # a surprise, pinned: what a transaction has inserted, unlike what it has put, its own scans leave out
    await txn.put(b"c", b"C")
    assert await txn.scan_keys(b"a", None, 10) == [b"c", b"e", b"m", b"q", b"z"]
    assert dict(await txn.scan(b"b", b"n", 10)) == {b"c": b"C", b"e": b"two", b"m": b"two"}
    await txn.commit()

    first, second = await db.begin(pessimistic=False), await db.begin(pessimistic=False)
    await first.put(b"a", b"first")
    await second.put(b"a", b"second")
    await first.commit()
    try:
        await second.commit()
        raise AssertionError("the second of two writers has to lose")
    except Exception as error:
        assert "WriteConflict" in str(error), error


async def while_the_cluster_changes(db, cluster):
    cluster.split(b"c", b"h", b"p", b"x")
    await commit(db, b"split", pessimistic=False)
    for region in cluster.regions():
        other = next(store for store in region["stores"] if store != region["leader"])
        cluster.post(f"/regions/{region['id']}/leader", store=other)
        await commit(db, b"moved", pessimistic=True)
    for store in (1, 2, 3):
        cluster.empty_of_leaders(store)
        cluster.restart(store)
        value = f"restarted {store}".encode()
        await commit(db, value, pessimistic=False)
        assert await values(db) == {value}


async def main():
    cluster = Cluster()
    db = await TransactionClient.connect(cluster.pd)
    await every_operation(db)
    await while_the_cluster_changes(db, cluster)


if __name__ == "__main__":
    asyncio.run(main())
    # threads of this client crash an interpreter that ends in order, now and then
    os._exit(0)
