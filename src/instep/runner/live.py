"""A site kept in step for as long as the process lives: one lease and one run serve many narrow turns.

Three things go on beside each other: `polls` read each entity at its own pace; urgent keys, which a hint has brought,
are looked at as they come (`urgent`); and all else is done in turns (`work`), pair by pair and counted by the brakes
before the first write, while neither entity of the pair is being read. A run that somebody asks for takes the place
of a turn. The lease is given back whenever there is nothing to do, so that commands beside this process get theirs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from instep.core.dataflow import Pair
from instep.core.model import Side
from instep.errors import InstepError, RetryLater, Stop, StoreError
from instep.runner.aside import take_up
from instep.runner.brakes import brake_key, held_brakes
from instep.runner.drain import broken_off
from instep.runner.engine import Engine
from instep.runner.lease import leased
from instep.runner.live_run import LiveRun
from instep.runner.observe import CHANGED, Observed
from instep.runner.openings import Pairs
from instep.runner.overwritten import log_due, look_back
from instep.runner.polling import Poll, Rhythm
from instep.runner.polls import Polls, nothing_to_renew
from instep.runner.prune import prune, prune_due
from instep.runner.recover import recover
from instep.runner.redefined import look_again
from instep.runner.report import Progress, Report, Wish
from instep.runner.run import Runner
from instep.runner.urgent import Urgent
from instep.runner.work import Work
from instep.store.contract import Tx

FEW = 50
"""So many changes that a reading brings while a long turn goes on are urgent; more of them are counted first."""
COUNTING = 10
"""What a turn has counted takes no more than a part in so many of the time."""

First = Callable[[Engine], Awaitable[object]]
"""What is done right before a run that was asked for, with nothing but urgent looks beside it."""


@dataclass(slots=True)
class _Asked:
    wish: Wish
    first: First | None
    done: asyncio.Future[Report]

    def give_up(self) -> None:
        if not self.done.done():
            why = "the process is about to end, or has lost its store"
            self.done.set_exception(RetryLater("the run was broken off", why=why))


class LiveRunner:
    """`go_on` is its task; everything else may be called meanwhile, on the same event loop.

    `quiet` says of a time whether nothing is to be written by itself then. `renew` reads the key again of a system
    that did not take it. `on_change` is called whenever something that is shown may have changed. `troubles`: why
    something can't be done now, by what it concerns.
    """

    def __init__(
        self,
        engine: Engine,
        holder: str,
        *,
        rhythm: Rhythm | None = None,
        is_dead: Callable[[str], bool] = lambda _: False,
        quiet: Callable[[int], bool] = lambda _: False,
        renew: Callable[[Side], Awaitable[None]] = nothing_to_renew,
        on_progress: Callable[[Progress], None] = lambda _: None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self.engine, self.holder, self.is_dead = engine, holder, is_dead
        self.rhythm = rhythm or Rhythm()
        self.on_progress, self.on_change = on_progress, on_change
        self.run = LiveRun(engine, self.rhythm)
        self.polls = Polls(engine, self.rhythm, self.poke, on_progress, self._was_read, renew)
        self.urgent = Urgent(engine, self.poke, self.run.begin, self._was_looked_at)
        self.asked: Runner | None = None
        self._troubles: dict[str, str] = {}
        self.pairs = Pairs(engine, quiet)
        self._asked: list[_Asked] = []
        self._poked = asyncio.Event()
        self._stop = False
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._work: Work | None = None
        self._log_ms = 0
        self._anew = True
        self._released: frozenset[tuple[str, str, int]] = frozenset()
        self._epoch = 0
        self._now_ms = engine.now_ms()

    @property
    def busy(self) -> bool:
        """Whether anything goes on."""
        return bool(self._tasks or self.urgent or self.polls.reading())

    @property
    def troubles(self) -> dict[str, str]:
        return {**self._troubles, **self.polls.troubles()}

    # What others ask of it

    async def go_on(self) -> None:
        """Until `stop`. What a system or the store can't do is a trouble, and tried again."""
        try:
            while not self._stop:
                self._heed()
                if not self._due():
                    self.on_change()
                    await self._wait(self._next_ms())
                    continue
                try:
                    async with leased(self.engine, self.holder, self.is_dead) as epoch:
                        self._troubles.pop("store", None)
                        await self._begin(epoch)
                        await self._until_nothing_is_left()
                except StoreError as error:
                    self._troubles["store"] = str(error)
                    self._anew = True
                    self.on_change()
                    await self._wait(self.rhythm.failed_ms, unless_poked=False)
        finally:
            self._stop = True
            for left in self._asked:
                left.give_up()
            with suppress(StoreError):
                await self.run.end(self.troubles)

    def stop(self) -> None:
        """End after the requests that are on their way; `go_on` returns then."""
        self._stop = True
        self.stop_asked()
        self.poke()

    def stop_asked(self) -> None:
        """End the run that somebody asked for, after the requests that are on their way."""
        if self.asked is not None:
            self.asked.stop()

    def poke(self) -> None:
        """Something was marked, or has ended: see what can be done now."""
        self._poked.set()

    async def ask(self, wish: Wish, first: First | None = None) -> Report:
        """A run of one's own, when those that were asked for before are done. Raises what a run raises, and
        RetryLater if it was broken off."""
        asked = _Asked(wish, first, asyncio.get_running_loop().create_future())
        if self._stop:
            asked.give_up()
        self._asked.append(asked)
        self.poke()
        return await asked.done

    # The loop

    async def _begin(self, epoch: int) -> None:
        """If another process may have been at work since: take up what it has left, as a run does."""
        if self._epoch + 1 != epoch:
            await self.engine.store.write(partial(recover, self.engine))
            await look_again(self.engine)
        self._epoch = epoch

    async def _until_nothing_is_left(self) -> None:
        last_ms = self.engine.now_ms()
        try:
            while True:
                await self._start()
                if self.busy:
                    last_ms = self.engine.now_ms()
                elif self._stop or self.engine.now_ms() - last_ms >= self.rhythm.linger_ms:
                    return
                self.on_change()
                await self._wait(
                    self._next_ms() if self.busy else min(self._next_ms(), self.rhythm.linger_ms)
                )
        finally:
            await broken_off(list(self._tasks.values()))
            self._tasks.clear()
            await self.polls.end()
            await self.urgent.end()

    async def _start(self) -> None:
        """Begin whatever can be begun now. Raises what a task of before has raised."""
        self._heed()
        for name, task in list(self._tasks.items()):
            if task.done():
                del self._tasks[name]
                task.result()
        self.polls.reap()
        self.urgent.reap()
        if "turn" not in self._tasks:
            await self.run.end_if_over(self.troubles)
        if self._stop:
            await self.polls.end()
            return
        if "turn" not in self._tasks and self._anew:
            await self._begin_anew()
        if not self._asked and (self.asked is None or self.asked.read_over):
            self.polls.start()
        self.urgent.start(self.pairs.open())
        if "turn" not in self._tasks:
            if self._asked:
                self._go("turn", self._run_asked(self._asked.pop(0)))
            elif ready := self.pairs.ready(self.polls, self.urgent.braked):
                self._go("turn", self._take_turn(ready))
        if "chores" not in self._tasks and self._has_chores():
            self._go("chores", self._do_chores())

    def _go(self, name: str, work: Coroutine[None, None, None]) -> None:
        self._tasks[name] = task = asyncio.ensure_future(work)
        task.add_done_callback(lambda _: self.poke())

    async def _begin_anew(self) -> None:
        """A person has decided something, or it is not known what has happened: nothing stays aside."""
        self._anew = False
        self.run.report.gates.clear()
        self.pairs.begin_anew()
        await self.engine.store.write(lambda tx: take_up(tx, self.engine.dataflow.pairs))

    async def _wait(self, ms: int, *, unless_poked: bool = True) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(max(ms, 1) / 1000):
                await self._poked.wait()
                while not unless_poked and not self._stop:
                    self._poked.clear()
                    await self._poked.wait()
        self._poked.clear()

    # What there is to do

    def _heed(self) -> None:
        """Take note of what has happened elsewhere. If the clock was set back, nothing is to wait until it has caught
        up; if a person has let a brake go, all is looked at anew."""
        before_ms, self._now_ms = self._now_ms, self.engine.now_ms()
        if self._now_ms < before_ms:
            self.polls.bring_forward(before_ms - self._now_ms)
            self.pairs.begin_anew()
        before, self._released = self._released, self.engine.store.read(self._releases)
        self._anew = self._anew or not self._released <= before

    def _releases(self, tx: Tx) -> frozenset[tuple[str, str, int]]:
        return frozenset(
            (pair.name, release.property, release.at_ms)
            for pair in self.engine.dataflow.pairs
            for release in tx.releases_of(brake_key(pair.name))
        )

    def _due(self) -> bool:
        return bool(
            self._asked
            or self._anew
            or self.polls.due_ms() <= self.engine.now_ms()
            or self.urgent.due(self.pairs.open())
            or self.pairs.ready(self.polls, self.urgent.braked)
            or self._has_chores()
        )

    def _next_ms(self) -> int:
        """How long there is nothing to be done for all that is known; other processes may mark something as well."""
        now_ms = self.engine.now_ms()

        def look(tx: Tx) -> list[int | None]:
            return [tx.next_due(pair.name) for pair in self.engine.dataflow.pairs]

        times = (*self.engine.store.read(look), self.polls.due_ms(), *self.pairs.times())
        later = [at_ms - now_ms for at_ms in times if at_ms is not None and at_ms > now_ms]
        return min([self.rhythm.tick_ms, *later])

    def _has_chores(self) -> bool:
        now_ms = self.engine.now_ms()
        return now_ms >= self._log_ms and (log_due(self.engine) or prune_due(self.engine))

    # What is done

    async def _take_turn(self, pairs: list[Pair]) -> None:
        engine, over_ms = self.engine, 1 << 62
        report, began_ms = await self.run.begin(), engine.now_ms()

        def over() -> bool:
            return self._stop or bool(self._asked) or engine.now_ms() >= over_ms

        self._work = work = Work(engine, Wish(), report, over, self.on_progress, calm=True)
        try:
            for pair in pairs:
                self.urgent.braked.discard(pair.name)
                report.troubles.pop(pair.name, None)
                await work.plan(pair)
            counted_ms = engine.now_ms() - began_ms
            over_ms = engine.now_ms() + max(self.rhythm.turn_ms, COUNTING * counted_ms)
            if over():
                return
            emptied = work.emptied()
            pairs = [pair for pair in pairs if pair.name not in emptied]
            await work.work_off(pairs)
            for pair in pairs if not over() else ():
                await work.brake(pair)
                self._was_looked_at(pair, None)
            wait_ms = min(COUNTING * counted_ms, self.rhythm.turn_ms)
            self.pairs.wait(pairs, wait_ms)
        except Stop as error:
            for pair in [pair for pair in pairs if pair.name in report.troubles] or pairs:
                self._was_looked_at(pair, error)
        finally:
            self._work = None

    async def _run_asked(self, asked: _Asked) -> None:
        engine = replace(self.engine, run=0, awaited=set(), woken={}, readable_ms=0)
        going_on = {pair.name for pair in self.pairs.open()}
        closed = {pair.name for pair in engine.dataflow.pairs} - going_on
        self.asked = Runner(engine, self.holder, self.on_progress, calm=True, closed=closed)
        try:
            await self.polls.end()
            if asked.first is not None:
                await asked.first(engine)
            report = await self.asked.run_leased(asked.wish)
        except InstepError as error:
            if not asked.done.done():
                asked.done.set_exception(error)
            if isinstance(error, StoreError):
                raise
        except BaseException:
            asked.give_up()
            raise
        else:
            if not asked.done.done():
                asked.done.set_result(report)
        finally:
            self.asked = None
            self._anew = True

    async def _do_chores(self) -> None:
        """Ask the logs about writes that may have replaced an edit, and let go of what was kept for long enough."""
        report = await self.run.begin()
        self._log_ms = self.engine.now_ms() + self.rhythm.log_ms
        troubles: dict[str, str] = {}
        with suppress(Stop):  # the next poll will tell
            await look_back(self.engine, troubles, lambda: self._stop)
        report.troubles.update(troubles)
        await prune(self.engine, lambda: self._stop)

    def _was_looked_at(self, pair: Pair, error: Stop | None) -> None:
        """Note that something could be done in a pair, or that nothing can until a person acts."""
        if error is None:
            self._troubles.pop(pair.name, None)
            return
        self._troubles[pair.name] = str(error)
        self.pairs.rest(pair, self.rhythm.stopped_ms)
        self.polls.doubt(pair)

    async def _was_read(self, poll: Poll, observed: Observed) -> None:
        """What a reading has brought while a long turn goes on is an edit of just now: a few of them are urgent."""
        counted = self.asked.counted if self.asked else self._work.counted if self._work else {}
        for pair in self.engine.dataflow.of_entity(poll.side, poll.entity):
            if observed.changed and pair.name in counted:
                await self.engine.store.write(partial(_hurry, pair=pair.name, after=counted[pair.name]))
            if observed.complete and self.engine.store.read(partial(held_brakes, pair=pair.name)):
                self.urgent.braked.add(pair.name)  # what they hold may have changed


def _hurry(tx: Tx, *, pair: str, after: int) -> None:
    todos = [
        t for t in tx.todo_after(pair, after=after, limit=40 * FEW) if t.reason == CHANGED and not t.urgent
    ]
    if len(todos) <= FEW:
        tx.mark([todo.key for todo in todos], reason=CHANGED, urgent=True)
