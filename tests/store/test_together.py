"""Several processes that open one new store at the same moment all find it whole."""

import asyncio
import os
import subprocess
import sys

from instep.store.sqlite import open_store

OPENER = """
import asyncio, sys
from instep.store.sqlite import open_store

async def main(path, name):
    print("ready", flush=True)
    sys.stdin.readline()
    store = open_store(path)
    await store.write(lambda tx: tx.save_meta(name, "yes"))
    await store.close()

asyncio.run(main(*sys.argv[1:]))
"""


def test_processes_that_open_a_new_store_together_share_it(tmp_path):
    path = tmp_path / "store.sqlite"
    names = ["a", "b", "c"]
    openers = [
        subprocess.Popen(
            [sys.executable, "-c", OPENER, str(path), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for name in names
    ]
    try:
        for opener in openers:
            assert opener.stdout.readline() == b"ready\n"
        for opener in openers:
            opener.stdin.write(b"go\n")
            opener.stdin.flush()
        errors = [opener.communicate(timeout=60)[1] for opener in openers]
    finally:
        for opener in openers:
            opener.kill()
            opener.wait()
    assert errors == [b""] * len(names)
    store = open_store(path)
    assert store.read(lambda tx: [tx.meta(name) for name in names]) == ["yes"] * len(names)
    asyncio.run(store.close())
