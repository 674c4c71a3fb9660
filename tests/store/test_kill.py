"""What `await write` returned for is there after a kill -9, whenever it comes."""

import asyncio
import os
import random
import subprocess
import sys
from itertools import count

import pytest

from instep.store.sqlite import open_store
from instep.store.verify import verify

WRITER = """
import asyncio, sys
from instep.store.sqlite import open_store

async def main(path, first):
    store = open_store(path)
    numbers = iter(range(first, first + 10**9))

    async def one_after_another():
        for number in numbers:
            await store.write(lambda tx: (tx.save_meta(f"n{number}", "yes"), tx.save_meta(f"m{number}", "yes")))
            print(number, flush=True)

    await asyncio.gather(*(one_after_another() for _ in range(8)))

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


PRUNER = """
import asyncio, sys
from instep.store.contract import Entry
from instep.store.sqlite import open_store

async def main(path):
    store = open_store(path)
    def step(tx):
        tx.append(Entry(1, 1, "contact", "link", "done", record_id=str(n)) for n in range(15))
        start = tx.prune(9, 14)
        tx.append([Entry(2, 1, "", "prune", "done", record_id=str(start.seq))])
        return start.count
    while True:
        print(await store.write(step), flush=True)

asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.slow
def test_a_journal_that_was_being_pruned_verifies_after_a_kill(tmp_path):
    path = tmp_path / "store.sqlite"
    chance = random.Random(11)
    for _ in range(6):
        pruner = subprocess.Popen(
            [sys.executable, "-c", PRUNER, str(path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        try:
            told = [int(pruner.stdout.readline()) for _ in range(chance.randrange(1, 60))]
        finally:
            pruner.kill()
            pruner.wait()
            pruner.stdout.close()
        store = open_store(path)
        found = store.read(verify)
        assert found.trouble == ""
        assert found.chain.start.count >= told[-1]
        assert found.chain.head.count == found.chain.start.count + found.entries
        asyncio.run(store.close())


@pytest.mark.slow
def test_a_write_that_has_returned_outlives_a_kill(tmp_path):
    path = tmp_path / "store.sqlite"
    chance = random.Random(7)
    told = []
    for turn in range(6):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(turn * 10**6)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        try:
            for _ in range(chance.randrange(1, 300)):
                told.append(int(writer.stdout.readline()))
            writer.kill()
            rest = writer.stdout.read().split(b"\n")
            told += [int(line) for line in rest[:-1]]
        finally:
            writer.kill()
            writer.wait()
            writer.stdout.close()
        store = open_store(path)
        lost = [number for number in told if store.read(lambda tx, n=number: tx.meta(f"n{n}")) is None]
        assert lost == []
        halves = [
            number
            for base in range(turn + 1)
            for number in next_numbers(store, base * 10**6)
            if store.read(lambda tx, n=number: (tx.meta(f"n{n}"), tx.meta(f"m{n}"))).count(None) == 1
        ]
        assert halves == []
        asyncio.run(store.close())
    assert len(told) > 200


def next_numbers(store, first):
    """Every number of a turn up to eight in a row that are not there."""
    missing = 0
    for number in count(first):
        there = store.read(lambda tx, n=number: tx.meta(f"n{n}") or tx.meta(f"m{n}"))
        missing = 0 if there else missing + 1
        if missing > 8:
            return
        yield number
