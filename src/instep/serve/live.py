"""A site kept in step for as long as the process lives: what others see and ask of the loop (`runner.live`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from instep.connectors.webhooks import Hint
from instep.core.model import Side
from instep.errors import UsageError
from instep.runner import pauses
from instep.runner.live import First
from instep.runner.polling import Rhythm
from instep.runner.report import Progress, Report, Wish
from instep.serve.finish import Finish
from instep.serve.hints import take
from instep.serve.quiet import quiet_at
from instep.site import Site, now_ms

TELL_S: Final = 0.2
"""Whoever watches is told no more often."""


@dataclass(frozen=True, slots=True)
class Now:
    """What the loop is at. `last`: the run that ended last. `troubles`: why something can't be done now, by what it
    concerns; `trouble`: all of that, "" if there is none. `finish_ms`: when long work will be done, if that can be
    told. `quiet`: nothing is written by itself at this hour."""

    state: Literal["starting", "idle", "running", "stopping", "stopped"]
    progress: Progress | None = None
    last: Report | None = None
    troubles: Mapping[str, str] = field(default_factory=dict)
    finish_ms: int | None = None
    quiet: bool = False

    @property
    def trouble(self) -> str:
        return "\n".join(dict.fromkeys(self.troubles.values()))


class Live:
    """The loop of one site. `go_on` is its task; everything else may be called meanwhile, on the same event loop.

    `on_change` is called whenever `now` or what is stored may have changed; it must return at once.
    """

    def __init__(
        self, site: Site, on_change: Callable[[], None] = lambda: None, rhythm: Rhythm | None = None
    ) -> None:
        self.site, self.on_change = site, on_change
        self.now = Now("starting")
        self._quiet = quiet_at(site.file.settings.serve.quiet)
        self._finish = Finish()
        self._watchers: set[asyncio.Event] = set()
        self._stop = self._stopped = False
        self._began_ms = 0
        self._runner = site.live_runner(
            rhythm, quiet=self._quiet, on_progress=self._progressed, on_change=self._tell
        )

    async def go_on(self) -> None:
        """Until `stop`. What a system or the store can't do is a trouble, and tried again."""
        self._began_ms = now_ms()
        try:
            await self._runner.go_on()
        finally:
            self._stopped = True
            self._tell()

    def stop(self) -> None:
        """End after the requests that are on their way; `go_on` returns then."""
        self._stop = True
        self._runner.stop()
        self._tell()

    def stop_run(self) -> None:
        """End the run that somebody asked for, after the requests that are on their way; the loop goes on."""
        self._runner.stop_asked()

    def poke(self) -> None:
        """There is a reason to look now: something was marked, or a person chose something."""
        self._runner.poke()

    def read_now(self) -> None:
        """Read every entity now instead of at its time, but for those of a system that could not be read last."""
        self._runner.polls.soon()
        self.poke()

    async def ask(self, wish: Wish, first: First | None = None) -> Report:
        """A run of one's own, when those that were asked for before are done. `first` is done right before it, with
        nothing but urgent looks beside it. Raises what a run raises."""
        return await self._runner.ask(wish, first)

    async def hint(
        self, side: Side, entity: str, ids: Sequence[str], versions: Mapping[str, int] | None = None
    ) -> int:
        """These records are to be looked at at once, which is on disk on return; says how many had to be marked.
        `versions`: what is told of some. One that is known already costs nothing. Raises StoreError."""
        told = versions or {}
        marked = await take(self.site, side, [Hint(entity, id, told.get(id)) for id in ids if id])
        self.poke()
        return marked

    async def pause(self, pair: str, who: str) -> None:
        """Write nothing of a pair by itself until it is resumed, also after a restart. Raises UsageError."""
        await self._change(pauses.pause, pair, who)

    async def resume(self, pair: str, who: str) -> None:
        """Let a paused pair go on. Raises UsageError."""
        await self._change(pauses.resume, pair, who)

    def paused(self) -> Mapping[str, str]:
        """By pair, who has paused it."""
        return self.site.store.read(lambda tx: pauses.paused(tx, self.site.dataflow))

    def read_ms(self) -> Mapping[tuple[Side, str], int]:
        """By side and entity, when it was last read to its end by this process, 0 if it was not yet."""
        return {(poll.side, poll.entity): poll.read_ms for poll in self._runner.polls.all}

    def behind_ms(self) -> int | None:
        """How long ago the entity was last read to its end that was read longest ago, but for those that are being
        read now; None if one was not read yet."""
        read = self._runner.polls.read_ms()
        return now_ms() - min(read) if all(read) else None

    def late_ms(self) -> int:
        """For how long the loop should have begun something that it has not; 0 while a run goes on that was asked
        for, since readings wait for it, and while the store can't be used, which is tried again and again."""
        if self._runner.asked is not None or not self._began_ms or "store" in self._runner.troubles:
            return 0
        return min(self._runner.polls.overdue_ms(), now_ms() - self._began_ms)

    async def subscribe(self) -> AsyncIterator[Now]:
        """What the loop is at, and again whenever that has changed, until it ends."""
        changed = asyncio.Event()
        self._watchers.add(changed)
        try:
            while True:
                changed.clear()
                yield self.now
                if self.now.state == "stopped":
                    return
                await changed.wait()
                await asyncio.sleep(TELL_S)
        finally:
            self._watchers.discard(changed)

    async def _change(self, change: pauses.Change, pair: str, who: str) -> None:
        try:
            await change(self._runner.engine, pair, who)
        except LookupError:
            raise UsageError(f'there is no pair "{pair}"') from None
        self.poke()
        self._tell()

    def _progressed(self, progress: Progress) -> None:
        self.now = replace(self.now, progress=progress, finish_ms=self._finish.of(progress, now_ms()))
        self._notify()

    def _tell(self) -> None:
        runner = self._runner
        busy = runner.busy
        state: Literal["idle", "running", "stopping", "stopped"] = (
            "stopped" if self._stopped else "stopping" if self._stop else "running" if busy else "idle"
        )
        progress, finish_ms = (self.now.progress, self.now.finish_ms) if busy else (None, None)
        self.now = Now(
            state,
            progress,
            runner.run.last or self.now.last,
            runner.troubles,
            finish_ms,
            self._quiet(now_ms()),
        )
        self._notify()

    def _notify(self) -> None:
        for changed in self._watchers:
            changed.set()
        self.on_change()
