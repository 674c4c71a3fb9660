"""The writer thread: many writes share a commit, and every caller gets its own answer."""

import asyncio

import pytest

from instep.errors import StoreError
from instep.store.group_commit import GROUP_LIMIT
from instep.store.sqlite import open_store


def append(store, name):
    return store.write(lambda tx: tx.save_meta(name, "yes"))


async def test_writes_that_wait_together_share_a_commit(tmp_path):
    store = open_store(tmp_path / "store.sqlite")
    commits = []
    store._writer.set_commit_hook(lambda: bool(commits.append(1)))
    await asyncio.gather(*(append(store, f"n{number}") for number in range(1000)))
    assert 1000 // GROUP_LIMIT <= len(commits) < 200
    assert store.read(lambda tx: all(tx.meta(f"n{number}") for number in range(1000)))
    await store.close()


async def test_closing_does_first_what_is_waiting(tmp_path):
    store = open_store(tmp_path / "store.sqlite")
    writes = [asyncio.ensure_future(append(store, f"n{number}")) for number in range(600)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*writes)
    again = open_store(tmp_path / "store.sqlite")
    assert again.read(lambda tx: all(tx.meta(f"n{number}") for number in range(600)))
    await again.close()


async def test_a_cancelled_caller_leaves_the_writer_at_work(tmp_path):
    store = open_store(tmp_path / "store.sqlite")
    first, second = (asyncio.ensure_future(append(store, name)) for name in ("a", "b"))
    await asyncio.sleep(0)
    first.cancel()
    await second
    with pytest.raises(asyncio.CancelledError):
        await first
    assert store.read(lambda tx: tx.meta("b")) == "yes"
    await store.close()


def test_a_store_serves_one_event_loop_after_another(tmp_path):
    store = open_store(tmp_path / "store.sqlite")
    for name in ("a", "b"):
        asyncio.run(append(store, name))
    assert store.read(lambda tx: (tx.meta("a"), tx.meta("b"))) == ("yes", "yes")
    asyncio.run(store.close())


@pytest.mark.parametrize("threaded", [True, False])
@pytest.mark.parametrize("trouble", [StopIteration, KeyError, RecursionError])
async def test_whatever_a_function_raises_the_next_one_is_served(tmp_path, threaded, trouble):
    def fail(tx):
        tx.save_meta("n", "yes")
        raise trouble("x")

    store = open_store(tmp_path / "store.sqlite", threaded=threaded)
    with pytest.raises((trouble, RuntimeError)):
        await store.write(fail)
    assert store.read(lambda tx: tx.meta("n")) is None
    await append(store, "m")
    await store.close()


async def test_a_write_after_closing_is_refused_and_not_left_waiting(tmp_path):
    store = open_store(tmp_path / "store.sqlite")
    closing = asyncio.ensure_future(store.close())
    await asyncio.sleep(0)
    with pytest.raises(StoreError, match="closed"):
        await append(store, "n")
    await closing
