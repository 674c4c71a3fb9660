"""Turns for requests within a quota: who goes first, and what becomes of one that does not want to wait."""

from __future__ import annotations

import asyncio

import pytest

from instep.connectors.pace import OVERTAKEN, Pace, Paused, ahead


class Clock:
    """Time that passes when nobody has anything else to do."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        for _ in range(20):
            await asyncio.sleep(0)
        self.now += seconds


def pace(clock: Clock, per_minute: int = 60, burst: int = 1) -> Pace:
    return Pace(per_minute, burst=burst, monotonic=clock.monotonic, sleep=clock.sleep)


async def turns(its: Pace, names: list[str], done: list[str], *, urgent: bool = False) -> None:
    ahead.set(urgent)

    async def one(name: str) -> None:
        await its.turn(1e9)
        done.append(name)

    await asyncio.gather(*(one(name) for name in names))


async def test_what_goes_ahead_does_not_wait_behind_others() -> None:
    clock, done = Clock(), list[str]()
    its = pace(clock)
    backfill = asyncio.create_task(turns(its, [f"b{n}" for n in range(10)], done))
    while len(done) < 3:  # noqa: ASYNC110 - time is the test's own
        await asyncio.sleep(0)
    await asyncio.create_task(turns(its, ["edit", "another"], done, urgent=True))
    assert done[:3] == ["b0", "b1", "b2"]
    assert max(done.index("edit"), done.index("another")) <= 5
    await backfill
    assert [name for name in done if name.startswith("b")] == [f"b{n}" for n in range(10)]
    assert clock.now >= 11


async def test_what_goes_ahead_keeps_nothing_else_waiting_for_ever() -> None:
    clock, done = Clock(), list[str]()
    its = pace(clock)
    edits = asyncio.create_task(turns(its, [f"e{n}" for n in range(5)], done, urgent=True))
    await asyncio.sleep(0)
    poll = asyncio.create_task(turns(its, ["poll"], done))
    more = [asyncio.create_task(turns(its, [f"m{n}"], done, urgent=True)) for n in range(2 * OVERTAKEN)]
    await asyncio.gather(edits, poll, *more)
    assert OVERTAKEN - 1 <= done.index("poll") <= OVERTAKEN + 5


async def test_one_that_gives_up_leaves_its_place_to_the_next() -> None:
    clock, done = Clock(), list[str]()
    its = pace(clock)
    await its.turn(0)
    waiting = [asyncio.create_task(turns(its, [name], done)) for name in ("a", "b", "c")]
    await asyncio.sleep(0)
    waiting[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting[0]
    await asyncio.gather(*waiting[1:])
    assert done == ["b", "c"]


async def test_a_turn_that_is_too_far_away_is_not_waited_for() -> None:
    clock = Clock()
    its = pace(clock)
    its.pause(30)
    with pytest.raises(Paused) as caught:
        await its.turn(10)
    assert caught.value.left_s == 30
    await its.turn(40)
    assert clock.now == 30
