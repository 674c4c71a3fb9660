"""Many writes as few calls: what goes together, what is halved, what is told to whom."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from instep.connectors.batches import Batches
from instep.errors import InDoubt, InstepError, Moved, Refused, RetryLater


class System:
    """Doubles numbers, all or none of a call. It refuses what is in `bad`, and waits for `open` to be set."""

    def __init__(self, *, bad: Sequence[int] = (), outcome: InstepError | None = None) -> None:
        self.calls: list[list[int]] = []
        self.bad, self.outcome = set(bad), outcome
        self.open = asyncio.Event()

    async def send(self, jobs: Sequence[int]) -> list[int | InstepError]:
        self.calls.append(list(jobs))
        await self.open.wait()
        if self.outcome is not None:
            raise self.outcome
        if self.bad & set(jobs):
            raise Refused("one of them is bad")
        return [job * 2 for job in jobs]


def batches(
    system: System, *, most: int = 100, calls: int = 1, patience_s: float = 60.0
) -> Batches[int, int]:
    return Batches(system.send, most=most, calls=asyncio.Semaphore(calls), patience_s=patience_s)


async def outcomes(batches: Batches[int, int], jobs: Sequence[int], system: System) -> list[object]:
    """What becomes of jobs that are all asked for while a first call is under way."""
    first = asyncio.create_task(batches.do(1000))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    tasks = [asyncio.create_task(batches.do(job)) for job in jobs]
    await asyncio.sleep(0)
    system.open.set()
    return (await asyncio.gather(first, *tasks, return_exceptions=True))[1:]


async def test_a_write_that_is_alone_is_sent_at_once() -> None:
    system = System()
    system.open.set()
    assert await batches(system).do(7) == 14
    assert system.calls == [[7]]


async def test_what_is_asked_for_during_a_call_goes_into_the_next_one() -> None:
    system = System()
    assert await outcomes(batches(system), [1, 2, 3], system) == [2, 4, 6]
    assert system.calls == [[1000], [1, 2, 3]]


async def test_no_call_holds_more_than_the_most() -> None:
    system = System()
    assert await outcomes(batches(system, most=2), [1, 2, 3], system) == [2, 4, 6]
    assert system.calls == [[1000], [1, 2], [3]]


async def test_a_refused_batch_is_halved_until_the_bad_one_is_alone() -> None:
    system = System(bad=[3])
    found = await outcomes(batches(system), [1, 2, 3, 4], system)
    assert found[:2] == [2, 4] and found[3] == 8
    assert isinstance(found[2], Refused)
    assert system.calls == [[1000], [1, 2, 3, 4], [1, 2], [3, 4], [3], [4]]


async def test_several_bad_ones_are_each_refused_and_the_rest_is_done() -> None:
    system = System(bad=[1, 4])
    found = await outcomes(batches(system), [1, 2, 3, 4], system)
    assert [isinstance(one, Refused) for one in found] == [True, False, False, True]


@pytest.mark.parametrize("outcome", [InDoubt("no answer"), RetryLater("not now")])
async def test_an_outcome_of_the_call_is_that_of_each_and_nothing_is_sent_again(outcome: InstepError) -> None:
    system = System(outcome=outcome)
    found = await outcomes(batches(system), [1, 2], system)
    assert found == [outcome, outcome]
    assert system.calls == [[1000], [1, 2]]


async def test_a_result_may_be_an_error_of_one_alone() -> None:
    async def send(jobs: Sequence[int]) -> list[int | InstepError]:
        return [Moved("it moved") if job == 2 else job for job in jobs]

    some: Batches[int, int] = Batches(send, most=9, calls=asyncio.Semaphore(1), patience_s=60.0)
    found = await asyncio.gather(some.do(1), some.do(2), return_exceptions=True)
    assert found[0] == 1 and isinstance(found[1], Moved)


async def test_what_has_waited_too_long_is_given_up_without_being_sent() -> None:
    system = System()
    found = await outcomes(batches(system, patience_s=-1.0), [1, 2], system)
    assert all(isinstance(one, RetryLater) for one in found)
    assert system.calls == []


async def test_a_job_whose_asker_has_gone_is_not_sent() -> None:
    system = System()
    some = batches(system)
    first = asyncio.create_task(some.do(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gone = asyncio.create_task(some.do(2))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    system.open.set()
    assert await first == 2
    assert system.calls == [[1]]


async def test_closing_gives_up_what_is_sent_as_in_doubt_and_what_waits_as_cancelled() -> None:
    system = System()
    some = batches(system)
    sent = asyncio.create_task(some.do(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting = asyncio.create_task(some.do(2))
    await asyncio.sleep(0)
    await some.close()
    found = await asyncio.gather(sent, waiting, return_exceptions=True)
    assert isinstance(found[0], InDoubt)
    assert isinstance(found[1], asyncio.CancelledError)
