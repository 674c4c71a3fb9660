"""Whatever is done to the journal behind Instep's back shows, and at which entry."""

import tracemalloc
from hashlib import sha256

import apsw
import pytest

from instep.core.model import Side
from instep.core.values import decode
from instep.store.chain import Anchor, names_of, resealed, seal
from instep.store.contract import Entry
from instep.store.sqlite import MEMORY, open_store
from instep.store.verify import verify
from tests.store.test_model import done_at_once

ENTRIES = 9


def entry(number, **more):
    changes = ({"property": "name", "old": ["Ada"], "new": [f"Ada {number}"]},)
    return Entry(
        number, 1, "contact", "update", "done", Side.RIGHT, f"r{number}", "c1", 1, "why", changes, **more
    )


@pytest.fixture
async def path(tmp_path):
    """A store with nine entries."""
    path = tmp_path / "store.sqlite"
    store = open_store(path, threaded=False)
    await store.write(lambda tx: tx.append([entry(number) for number in range(1, 5)]))
    for number in range(5, ENTRIES + 1):
        await store.write(lambda tx, n=number: tx.append([entry(n)]))
    await store.close()
    return path


def tamper(path, sql, *given):
    connection = apsw.Connection(str(path))
    connection.execute(sql, given)
    connection.close()


def read(path, work):
    async def once():
        store = open_store(path, threaded=False)
        try:
            return store.read(work)
        finally:
            await store.close()

    return done_at_once(once())


def found(path, anchor=""):
    return read(path, lambda tx: verify(tx, anchor))


def rows(path):
    return read(path, lambda tx: tx.sealed(0, 100))


MOVED = """
update journal set seq = -3 where seq = 3;
update journal set seq = 3 where seq = 7;
update journal set seq = 7 where seq = -3
"""
NAMED_AGAIN = """update journal set salt = null, commitment = seal, reason = '', changes = '[{"property":"name"}]'
where seq = 4"""
FAULTS = {
    "a value was changed": (
        "update journal set changes = replace(changes, 'Ada 4', 'Eve 4') where seq = 4",
        4,
    ),
    "the old value was changed": (
        "update journal set changes = replace(changes, '[\"Ada\"]', '[]') where seq = 1",
        1,
    ),
    "a property was renamed": (
        "update journal set changes = replace(changes, 'name', 'note') where seq = 4",
        4,
    ),
    "the changes are no JSON": ("update journal set changes = '[' where seq = 4", 4),
    "the changes are another thing": ("update journal set changes = '[7]' where seq = 4", 4),
    "the reason was changed": ("update journal set reason = 'because' where seq = 5", 5),
    "the time was changed": ("update journal set at_ms = 0 where seq = 9", 9),
    "the run was changed": ("update journal set run = 2 where seq = 9", 9),
    "the pair was changed": ("update journal set pair = 'order' where seq = 2", 2),
    "the side was changed": ("update journal set side = 'left' where seq = 2", 2),
    "the record was changed": ("update journal set record_id = 'r0' where seq = 2", 2),
    "the partner was changed": ("update journal set partner_id = 'c2' where seq = 2", 2),
    "the link was changed": ("update journal set link_id = 2 where seq = 2", 2),
    "the operation was changed": ("update journal set operation = 'create' where seq = 2", 2),
    "the outcome was changed": ("update journal set outcome = 'refused' where seq = 2", 2),
    "the request was changed": ("update journal set request = 'other' where seq = 2", 2),
    "the salt was changed": ("update journal set salt = '00' where seq = 6", 6),
    "the seal was changed": ("update journal set seal = '00' where seq = 6", 6),
    "the seal was emptied": ("update journal set seal = '', changes = '[' where seq = 6", 6),
    "an entry was taken out": ("delete from journal where seq = 5", 6),
    "several entries were taken out": ("delete from journal where seq in (3, 4, 5)", 6),
    "the first entries were taken out": ("delete from journal where seq < 4", 4),
    "the last entry was taken out": ("delete from journal where seq = 9", 9),
    "the tail was taken out": ("delete from journal where seq > 6", 7),
    "everything was taken out": ("delete from journal", 1),
    "two entries changed places": (MOVED, 3),
    "an entry was put in before the first": (
        "update journal_chain set start_seq = 3, start_seal = (select seal from journal where seq = 3)",
        1,
    ),
    "an entry was put in at the end": (
        "insert into journal select 10, at_ms, run, pair, side, record_id, partner_id, link_id, operation,"
        " outcome, reason, changes, request, salt, commitment, seal from journal where seq = 9",
        10,
    ),
    "a beginning was made up": (
        """update journal_chain set start_seq = 3, start_count = 3, start_ms = 3,
           start_seal = (select seal from journal where seq = 3); delete from journal where seq <= 3""",
        1,
    ),
    "values were taken away": ('update journal set changes = \'[{"property":"name"}]\' where seq = 4', 4),
    "values and salt were taken away": (NAMED_AGAIN, 4),
    "another value stands with the commitment": (
        "update journal set salt = null, commitment = seal where seq = 4",
        4,
    ),
    "the end was noted elsewhere": ("update journal_chain set head_seal = 'x'", 9),
    "the end was noted earlier": ("update journal_chain set head_seq = 8", 9),
    "the count is another": ("update journal_chain set head_count = 8", 9),
}


async def test_an_untouched_journal_verifies(path):
    result = found(path)
    assert (result.trouble, result.entries, result.forgotten) == ("", ENTRIES, 0)
    assert (result.chain.head.seq, result.chain.head.count, result.chain.start) == (
        ENTRIES,
        ENTRIES,
        Anchor(),
    )


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_was_done_to_the_journal_shows_and_where(path, fault):
    sql, at = FAULTS[fault]
    tamper(path, sql)
    result = found(path)
    assert result.trouble
    assert result.at == at, result.trouble


async def test_entries_that_were_taken_out_are_named(path):
    tamper(path, "delete from journal where seq in (3, 4, 5)")
    assert "entries 3 to 5 were taken out" in found(path).trouble
    tamper(path, "delete from journal where seq = 2")
    assert "entries 2 to 5 were taken out" in found(path).trouble


async def test_an_anchor_from_before_is_in_the_chain_that_went_on(path):
    before = found(path).chain.head
    store = open_store(path, threaded=False)
    await store.write(lambda tx: tx.append([entry(10)]))
    await store.close()
    for anchor in (str(before), before.seal, f" {str(before).upper()}\n"):
        assert found(path, anchor).trouble == ""


def forge(path):
    """Another outcome in entry 4, and every seal from there on made to fit."""
    tamper(path, "update journal set outcome = 'refused' where seq = 4")
    before, seals = "", []
    for row in rows(path):
        before = resealed(before, row)
        seals.append((before, row["seq"]))
    for one in seals:
        tamper(path, "update journal set seal = ? where seq = ?", *one)
    tamper(path, "update journal_chain set head_seal = ?", before)


async def test_a_journal_that_was_written_anew_is_told_by_an_anchor_alone(path):
    """Who can write the file can seal every entry again, the end included."""
    kept = found(path).chain.head
    forge(path)
    assert found(path).trouble == ""
    result = found(path, str(kept))
    assert "written anew" in result.trouble
    assert result.at == ENTRIES


async def test_an_anchor_of_the_same_seal_at_another_place_is_not_met(path):
    kept = found(path).chain.head
    assert found(path, f"3:{kept.seal}").trouble


async def test_the_memory_to_verify_does_not_grow_with_the_journal():
    peaks = []
    for size in (3_000, 9_000):
        store = open_store(MEMORY, threaded=False)
        for start in range(0, size, 500):
            await store.write(lambda tx, s=start: tx.append([entry(s + n) for n in range(500)]))
        tracemalloc.start()
        assert store.read(verify).entries == size
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        await store.close()
    assert peaks[1] < peaks[0] * 1.2


def test_a_seal_is_the_documented_hash():
    """A program of somebody else can check an exported journal: SHA-256 of canonical JSON."""
    row = {
        "seq": 1, "at_ms": 2, "run": 3, "pair": "contact", "side": None, "record_id": "a", "partner_id": "é",
        "link_id": 4, "operation": "link", "outcome": "done", "request": "q",
    }  # fmt: skip
    changes = decode('[{"property":"name","new":1.50}]')
    expected = sha256(
        '["",1,2,3,"contact",null,"a","é",4,"link","done","q",["name"],"committed"]'.encode()
    ).hexdigest()
    assert seal("", row, names_of(changes), "committed") == expected
