"""What was erased or replaced is gone from the bytes of the store's files, not from its tables alone."""

import apsw
import pytest

from instep.core.model import Side
from instep.core.values import digest
from instep.errors import StoreError
from instep.store.contract import Entry, Sighting
from instep.store.sqlite import open_store

SECRET = "Ada-Lovelace-1815"


def bytes_of(directory):
    return b"".join(file.read_bytes() for file in directory.iterdir())


def seen(name):
    fields = {"name": name}
    return Sighting(Side.LEFT, "customer", "c1", fields, digest(fields))


async def filled(directory, **options):
    """A store that held a name in an entry among many, in a reading that was replaced, and in what was undone."""
    store = open_store(directory / "store.sqlite", **options)
    changes = ({"property": "name", "old": None, "new": [SECRET]},)
    for number in range(30):
        await store.write(
            lambda tx, n=number: tx.append(
                [Entry(n, 1, "contact", "update", "done", Side.RIGHT, f"r{n}", f"c{n}", 1, SECRET, changes)]
            )
        )
    await store.write(lambda tx: tx.save_sightings([seen(SECRET)]))
    await store.write(lambda tx: tx.save_sightings([seen("Grace")]))
    await store.write(lambda tx: [tx.forget_values("contact", Side.RIGHT, f"r{n}") for n in range(30)])
    return store


@pytest.mark.parametrize("threaded", [True, False])
async def test_not_a_byte_is_left_of_what_was_forgotten(tmp_path, threaded):
    store = await filled(tmp_path, threaded=threaded)
    assert SECRET.encode() in bytes_of(tmp_path), "the test would pass by itself"
    await store.scrub()
    assert SECRET.encode() not in bytes_of(tmp_path)
    assert b"Grace" in bytes_of(tmp_path)
    await store.close()
    assert SECRET.encode() not in bytes_of(tmp_path)


async def test_what_was_pruned_is_overwritten(tmp_path):
    store = await filled(tmp_path)
    changes = ({"property": "name", "old": None, "new": ["Pruned-by-age"]},)
    entry = Entry(90, 1, "contact", "update", "done", Side.RIGHT, "r", "c", 1, "", changes)
    await store.write(lambda tx: tx.append([entry] * 200))
    await store.write(lambda tx: tx.append([Entry(99, 1, "contact", "link", "done")]))
    assert b"Pruned-by-age" in bytes_of(tmp_path)
    await store.write(lambda tx: tx.prune(95, 1000))
    await store.close()
    assert b"Pruned-by-age" not in bytes_of(tmp_path)


async def test_writes_before_and_after_a_scrub_are_kept(tmp_path):
    store = await filled(tmp_path)
    await store.scrub()
    await store.write(lambda tx: tx.save_meta("after", "yes"))
    await store.close()
    store = open_store(tmp_path / "store.sqlite")
    assert store.read(lambda tx: (tx.meta("after"), len(tx.journal()))) == ("yes", 30)
    await store.close()
    with pytest.raises(StoreError, match="closed"):
        await store.scrub()


async def test_a_log_that_somebody_else_reads_is_told_and_scrubbed_the_next_time(tmp_path):
    store = await filled(tmp_path, busy_timeout_ms=10)
    other = apsw.Connection(str(tmp_path / "store.sqlite"))
    other.execute("begin; select count(*) from journal").fetchall()
    with pytest.raises(StoreError, match="may still stand in the log") as told:
        await store.scrub()
    assert "run the same command again" in told.value.fix
    other.close()
    await store.scrub()
    assert SECRET.encode() not in bytes_of(tmp_path)
    await store.close()
