"""A site kept in step for as long as the process lives: run after run, sooner when there is a reason to look.

Everything that anybody asks of it is done by one task, in order, so that no two runs meet at a record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, Literal

from instep.errors import InstepError, RetryLater
from instep.runner.run import COMPLETE, Progress, Report, Runner, Wish
from instep.site import Site, now_ms

IDLE_S: Final = 60.0
"""Between two runs when nothing gives a reason to look."""


@dataclass(frozen=True, slots=True)
class Now:
    """What the loop is at. `trouble`: why the last run failed, "" if it did not."""

    state: Literal["starting", "idle", "running", "stopping", "stopped"]
    progress: Progress | None = None
    last: Report | None = None
    trouble: str = ""


@dataclass(slots=True)
class _Asked:
    wish: Wish
    done: asyncio.Future[Report]


class Live:
    """The loop of one site. `go_on` is its task; everything else may be called meanwhile, on the same event loop.

    `on_change` is called whenever `now` or what is stored may have changed; it must return at once.
    """

    def __init__(self, site: Site, on_change: Callable[[], None] = lambda: None) -> None:
        self.site = site
        self.on_change = on_change
        self.now = Now("starting")
        self._asked: list[_Asked] = []
        self._poked = asyncio.Event()
        self._stop = False
        self._runner: Runner | None = None

    async def go_on(self) -> None:
        """Until `stop`. Raises StoreError, and Stop when a system says that asking again makes no sense."""
        try:
            while not self._stop:
                self._poked.clear()
                asked = self._asked.pop(0) if self._asked else None
                await self._turn(asked)
                if not self._asked:
                    await self._wait(IDLE_S)
        finally:
            for left in self._asked:
                left.done.cancel()
            self._tell(state="stopped")

    def stop(self) -> None:
        """End after the requests that are on their way; `go_on` returns then."""
        self._stop = True
        self._tell(state="stopping")
        self.stop_run()
        self._poked.set()

    def stop_run(self) -> None:
        """End the run that is going on, after the requests that are on their way; the loop goes on."""
        if self._runner is not None:
            self._runner.stop()

    def poke(self) -> None:
        """There is a reason to look now: a person chose something, a system told of a change."""
        self._poked.set()

    async def ask(self, wish: Wish) -> Report:
        """A run of one's own, when those that were asked for before are done. Raises what a run raises."""
        asked = _Asked(wish, asyncio.get_running_loop().create_future())
        self._asked.append(asked)
        self._poked.set()
        return await asked.done

    async def _turn(self, asked: _Asked | None) -> None:
        self._runner = self.site.runner(self._progress)
        self._tell(state="running", progress=None)
        try:
            report = await self._runner.run(asked.wish if asked else Wish(full=self._full_due()))
        except RetryLater as error:
            self._tell(trouble=str(error))
            if asked is not None:
                asked.done.set_exception(error)
        except InstepError as error:
            if asked is not None:
                asked.done.set_exception(error)
            raise
        else:
            self._tell(last=report, trouble="")
            if asked is not None and not asked.done.done():
                asked.done.set_result(report)
        finally:
            self._runner = None
            self._tell(state="stopping" if self._stop else "idle", progress=None)

    def _full_due(self) -> bool:
        """Whether the schedule asks for a complete reading, which is what finds deletes."""
        last = self.site.store.read(lambda tx: tx.meta(COMPLETE))
        every_ms = self.site.file.settings.schedule.full_every_s * 1000
        return last is not None and now_ms() - int(last) >= every_ms

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._poked.wait()

    def _progress(self, progress: Progress) -> None:
        self._tell(progress=progress)

    def _tell(self, **changes: object) -> None:
        self.now = replace(self.now, **changes)  # type: ignore[arg-type]
        self.on_change()
