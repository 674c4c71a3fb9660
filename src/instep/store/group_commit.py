"""Many callers' transactions in one commit: the price of a commit is the disk's, and it is paid once for all.

Each job runs under a savepoint of its own, so that one which raises undoes itself alone. A result is given
out only after the commit; if the commit fails, no job of the group has happened.
`WriterThread` collects the jobs that arrive while the disk is busy; `Inline` runs each one at once, on the
caller's thread, so that a simulated world stays deterministic.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import apsw

from instep.errors import StoreError
from instep.store.failures import told
from instep.store.lease import held, lost
from instep.store.transaction import SqliteTx

GROUP_LIMIT = 256
"""At most so many jobs share a commit, so that the first need not wait for ever more."""


@dataclass(slots=True, eq=False)
class Job:
    """A function to run in a transaction. `epoch`: the lease under which it was decided; None: under none.
    `alone`: it is run outside of any, since what it does can't be part of one."""

    work: Callable[[SqliteTx], Any]
    epoch: int | None
    future: asyncio.Future[Any] | None = None
    result: Any = None
    error: BaseException | None = None
    alone: bool = False


class Group:
    """Runs groups of jobs on one connection, which nobody else may use meanwhile."""

    def __init__(self, connection: apsw.Connection, path: str) -> None:
        self._connection = connection
        self._path = path
        self._tx = SqliteTx(connection)

    def commit(self, jobs: list[Job]) -> None:
        """Run the jobs and commit; never raises: each job has its result or its error afterwards."""
        for alone, some in groupby(jobs, key=attrgetter("alone")):
            if alone:
                for job in some:
                    self._run_alone(job)
            else:
                self._commit(list(some))

    def _run_alone(self, job: Job) -> None:
        try:
            job.result = job.work(self._tx)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the caller waits for an answer
            job.error = told(error, self._path)

    def _commit(self, jobs: list[Job]) -> None:
        execute = self._connection.execute
        try:
            execute("begin immediate")
            holder, epoch, _ = held(self._connection)
            for job in jobs:
                if job.epoch is not None and job.epoch != epoch:
                    job.error = lost(self._path, holder)
                else:
                    self._run(job)
            execute("commit")
        except BaseException as error:  # noqa: BLE001 - whatever it is, callers wait for an answer
            if self._connection.in_transaction:
                execute("rollback")
            for job in jobs:
                job.error = told(job.error or error, self._path)

    def _run(self, job: Job) -> None:
        execute = self._connection.execute
        execute("savepoint job")
        try:
            job.result = job.work(self._tx)
        except BaseException as error:
            job.error = told(error, self._path)
            # A full disk or a failing one can make SQLite give up the whole transaction.
            if not self._connection.in_transaction:
                raise
            execute("rollback to job")
        execute("release job")


def closed(path: str) -> StoreError:
    """The error for using a store after `close`."""
    return StoreError(f"the store is closed: {path}", why="it was used after it had been closed")


class Inline:
    """Every job is a group of its own, run and committed before `submit` returns."""

    def __init__(self, group: Group) -> None:
        self._group = group

    async def submit(self, work: Callable[[SqliteTx], Any], epoch: int | None, *, alone: bool = False) -> Any:
        """Run and commit; raises what the job raised."""
        job = Job(work, epoch, alone=alone)
        self._group.commit([job])
        if job.error is not None:
            raise job.error
        return job.result

    async def stop(self) -> None:
        """Nothing is ever left to do."""


class WriterThread:
    """Runs jobs in one thread, as many in a commit as are waiting."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        # A store that nobody closed must not keep the process from ending; all that was told is durable.
        self._thread = Thread(target=self._loop, name="instep-store-writer", daemon=True)
        self._thread.start()

    async def submit(self, work: Callable[[SqliteTx], Any], epoch: int | None, *, alone: bool = False) -> Any:
        """Wait until the job is committed; raises what it raised. A caller that is cancelled before its job
        has begun takes the job with it; afterwards the job is committed all the same."""
        future = asyncio.get_running_loop().create_future()
        self._queue.put(Job(work, epoch, future, alone=alone))
        return await future

    async def stop(self) -> None:
        """Do what is waiting, then end the thread."""
        self._queue.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    def _loop(self) -> None:
        going = True
        while going:
            jobs = [self._queue.get()]
            with suppress(Empty):
                while len(jobs) < GROUP_LIMIT:
                    jobs.append(self._queue.get_nowait())
            going = None not in jobs
            wanted = [job for job in jobs if job is not None and not _cancelled(job)]
            if wanted:
                self._group.commit(wanted)
                _hand_out(wanted)


def _cancelled(job: Job) -> bool:
    return job.future is not None and job.future.cancelled()


def _hand_out(jobs: list[Job]) -> None:
    """Wake each event loop once for all of its jobs."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in jobs:
        assert job.future is not None
        by_loop.setdefault(job.future.get_loop(), []).append(job)
    for loop, its_jobs in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle, its_jobs)
        except RuntimeError:  # The loop was closed meanwhile: nobody waits any more.
            continue


def _settle(jobs: list[Job]) -> None:
    for job in jobs:
        assert job.future is not None
        if job.future.done():
            continue
        if job.error is None:
            job.future.set_result(job.result)
        elif isinstance(job.error, StopIteration):
            # A future can't carry it; to await it would end the caller's own iteration.
            job.future.set_exception(RuntimeError("the transaction's function raised StopIteration"))
        else:
            job.future.set_exception(job.error)
