"""Many single writes as few calls: what is asked for while a call is under way goes into the next one.

A call may be one transaction, and an error in one record then undoes all of it without saying which record it was.
So a batch that is refused is halved until what is refused is a single record; the others are written.
Nothing waits for company: a write that is alone is sent at once, by itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from instep.errors import InDoubt, InstepError, Moved, Refused, RetryLater

Job = TypeVar("Job")
Result = TypeVar("Result")


@dataclass(slots=True)
class _Waiting(Generic[Job, Result]):
    job: Job
    until: float
    answer: asyncio.Future[Result] = field(repr=False)


class Batches(Generic[Job, Result]):
    """Sends jobs in batches of up to `most`, at most `calls` batches at once.

    `send` does all jobs in one call and tells a result or an error for each. It raises Refused or Moved if
    nothing of it was done because of one of them, and any other outcome if that is the outcome of all.
    A job that has waited for `patience_s` without being sent is given up with RetryLater, so that one whose
    outcome is not known can't be sent later behind the caller's back.
    """

    def __init__(
        self,
        send: Callable[[Sequence[Job]], Awaitable[Sequence[Result | InstepError]]],
        *,
        most: int,
        calls: asyncio.Semaphore,
        patience_s: float,
    ) -> None:
        self._send, self._most, self._calls, self._patience_s = send, most, calls, patience_s
        self._waiting: deque[_Waiting[Job, Result]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    async def do(self, job: Job) -> Result:
        """The result of one job. Raises what came of it."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Result] = loop.create_future()
        waiting = _Waiting(job, loop.time() + self._patience_s, answer)
        self._waiting.append(waiting)
        task = asyncio.create_task(self._flush())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await answer

    async def close(self) -> None:
        """What is still waiting is given up; what has been sent is not waited for."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        while self._waiting:
            self._waiting.popleft().answer.cancel()

    async def _flush(self) -> None:
        async with self._calls:
            batch = self._taken()
            if batch:
                try:
                    await self._sent(batch)
                except BaseException as problem:
                    for waiting in batch:
                        _fail(waiting, InDoubt("the call was broken off", why=type(problem).__name__))
                    raise

    def _taken(self) -> list[_Waiting[Job, Result]]:
        batch: list[_Waiting[Job, Result]] = []
        now = asyncio.get_running_loop().time()
        while self._waiting and len(batch) < self._most:
            waiting = self._waiting.popleft()
            if waiting.answer.done():  # whoever asked for it has gone
                continue
            if now > waiting.until:
                _fail(waiting, RetryLater("the write was not sent", why="too many others were waiting"))
                continue
            batch.append(waiting)
        return batch

    async def _sent(self, batch: Sequence[_Waiting[Job, Result]]) -> None:
        try:
            results = await self._send([waiting.job for waiting in batch])
        except (Refused, Moved) as error:
            if len(batch) == 1:
                _fail(batch[0], error)
                return
            half = len(batch) // 2
            await self._sent(batch[:half])
            await self._sent(batch[half:])
            return
        except InstepError as error:
            for waiting in batch:
                _fail(waiting, error)
            return
        for waiting, result in zip(batch, results, strict=True):
            if isinstance(result, InstepError):
                _fail(waiting, result)
            elif not waiting.answer.done():
                waiting.answer.set_result(result)


def _fail(waiting: _Waiting[Job, Result], error: InstepError) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(error)
