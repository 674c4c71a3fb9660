"""Whose turn it is: one runner at a time, and a dead one is no hindrance."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from instep.errors import Held
from instep.processes import SERVING, is_dead, this_process
from instep.runner.run import Runner
from instep.store.sqlite import open_store

from .site import Site


async def test_the_lease_of_a_living_process_is_respected_and_that_of_a_dead_one_taken_at_once(
    tmp_path: Path,
) -> None:
    one, other = (open_store(tmp_path / "s.sqlite", threaded=False) for _ in range(2))
    site = Site()
    await one.acquire("another process", site.now, 60_000)
    engine = site.runner.engine
    engine.store = other
    site.runner = Runner(engine, "this one", is_dead=lambda name: False)
    with pytest.raises(Held, match="another process"):
        await site.run()
    site.runner = Runner(engine, "this one", is_dead=lambda name: name == "another process")
    assert (await site.run()).status == "done"
    await one.close()
    await other.close()


async def test_a_process_that_is_always_on_is_not_to_be_stopped_for_a_command(tmp_path: Path) -> None:
    serving, store = (open_store(tmp_path / "s.sqlite", threaded=False) for _ in range(2))
    await serving.acquire(f"{SERVING}here process 7", 0, 60_000)
    with pytest.raises(Held) as held:
        await store.acquire("this one", 1, 60_000)
    assert held.value.what == "this one can't run: instep serve is at work"
    assert "here process 7" in held.value.why
    assert "again in a moment" in held.value.fix and "stop" not in held.value.fix
    await serving.close()
    await store.close()


def test_a_process_is_known_by_its_name_as_long_as_it_lives() -> None:
    assert not is_dead(this_process())
    assert not is_dead(f"{this_process()} (a1b2c3)")
    told = subprocess.run(
        [sys.executable, "-c", "from instep.processes import this_process; print(this_process())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert is_dead(told)
    assert is_dead(f"{told} (a1b2c3)")
    assert is_dead(f"{SERVING}{told} (a1b2c3)")
    assert not is_dead(f"{SERVING}{this_process()} (a1b2c3)")
    assert not is_dead("elsewhere process 1, started ticks 5")
    assert not is_dead("runner")
