"""Running a site from the command line: progress, and Ctrl-C once to stop gently and twice to stop at once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from instep.cli.progress import shown
from instep.cli.terminal import Terminal
from instep.core.dataflow import Dataflow
from instep.dataflow.spelling import did_you_mean
from instep.errors import UsageError
from instep.runner.run import Report, Wish
from instep.site import Site

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def require_pairs(dataflow: Dataflow, names: Iterable[str]) -> None:
    """Raises UsageError for a name that is no pair of the dataflow."""
    known = [pair.name for pair in dataflow.pairs]
    for name in names:
        if name not in known:
            raise UsageError(f'there is no pair "{name}"', fix=did_you_mean(name, known))


async def go(terminal: Terminal, site: Site, wish: Wish, interrupt: Interrupt) -> Report:
    """One run, with its progress. Raises what a run raises; a Ctrl-C ends it with status "stopped"."""
    with shown(terminal) as on_progress:
        runner = site.runner(on_progress)
        with interrupt.stops(runner.stop):
            return await runner.run(wish)


class Interrupt:
    """Ctrl-C of this process: the first calls what `stops` was given, the second ends everything at once."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.asked = asyncio.Event()
        self._stop: Callable[[], None] | None = None
        self._task = asyncio.current_task()

    @contextmanager
    def listening(self) -> Iterator[Interrupt]:
        """Take the signals for as long as the block lasts."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            with suppress(NotImplementedError):  # Windows has no signal handlers in the loop
                loop.add_signal_handler(number, self._signalled)
        try:
            yield self
        finally:
            for number in SIGNALS:
                with suppress(NotImplementedError):
                    loop.remove_signal_handler(number)

    @contextmanager
    def stops(self, stop: Callable[[], None]) -> Iterator[None]:
        """What the first Ctrl-C does within the block."""
        self._stop = stop
        if self.asked.is_set():
            stop()
        try:
            yield
        finally:
            self._stop = None

    async def wait(self, seconds: float) -> bool:
        """Sleep, but not past a Ctrl-C; says whether there was one."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.asked.wait()
        return self.asked.is_set()

    def _signalled(self) -> None:
        if self.asked.is_set():
            if self._task is not None:
                self._task.cancel()
            with suppress(NotImplementedError):
                asyncio.get_running_loop().remove_signal_handler(
                    signal.SIGINT
                )  # a third one needs no handler
            return
        self.asked.set()
        if self._stop is not None:
            self.terminal.note("stopping: the calls on their way are finished; Ctrl-C again stops at once")
            self._stop()


def arun(work: Coroutine[Any, Any, int]) -> int:
    """Run a command's coroutine; one that a second Ctrl-C ended raises KeyboardInterrupt."""
    try:
        return asyncio.run(work)
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
