"""How far a run is: a bar per step on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars

from instep.cli.terminal import Terminal
from instep.runner.run import Progress

LINE_EVERY_S: Final = 5.0
BARS_EVERY_S: Final = 0.1
WORDS: Final = {
    "read": "reading",
    "plan": "planning",
    "act": "syncing",
    "audit": "auditing",
    "qa": "trying",
    "clean": "taking back",
}


@contextmanager
def shown(terminal: Terminal) -> Iterator[Callable[[Progress], None]]:
    """What to hand to a runner as `on_progress`, for as long as the block lasts."""
    if terminal.quiet:
        yield lambda _: None
    elif terminal.interactive:
        with _bars() as bars:
            terminal.above = lambda text: bars.console.print(text, markup=False, highlight=False)
            try:
                yield Drawn(bars)
            finally:
                terminal.above = None
    else:
        yield Lines(terminal)


def _bars() -> Bars:
    console = Console(stderr=True, no_color=bool(os.environ.get("NO_COLOR")))
    return Bars(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        refresh_per_second=1 / BARS_EVERY_S,
    )


class Drawn:
    """A bar per entity that is read and per pair that is worked on."""

    def __init__(self, bars: Bars) -> None:
        self.bars = bars
        self.tasks: dict[tuple[str, str], TaskID] = {}
        self.began_s: dict[TaskID, float] = {}

    def __call__(self, progress: Progress) -> None:
        key = (progress.phase, progress.what)
        if key not in self.tasks:
            self._clear(progress.phase)
            words = f"{WORDS[progress.phase]} {progress.what}"
            self.tasks[key] = self.bars.add_task(words, total=progress.total or None, rate="")
            self.began_s[self.tasks[key]] = time.monotonic()
        task = self.tasks[key]
        took_s = time.monotonic() - self.began_s[task]
        rate = f"{progress.count / took_s:.0f}/s" if took_s > 1 else ""
        self.bars.update(task, completed=progress.count, total=progress.total or None, rate=rate)

    def _clear(self, phase: str) -> None:
        """Take away the bars of the phase before: nothing says when a reading has come to its end."""
        for before in [key for key in self.tasks if key[0] != phase]:
            self.bars.remove_task(self.tasks.pop(before))


class Lines:
    """A line when something begins, and every few seconds while it goes on."""

    def __init__(self, terminal: Terminal, clock: Callable[[], float] = time.monotonic) -> None:
        self.terminal, self.clock = terminal, clock
        self.said_s: dict[tuple[str, str], float] = {}
        self.began: dict[tuple[str, str], tuple[float, int]] = {}

    def __call__(self, progress: Progress) -> None:
        key, now_s = (progress.phase, progress.what), self.clock()
        if now_s - self.said_s.get(key, float("-inf")) < LINE_EVERY_S:
            return
        self.said_s[key] = now_s
        began_s, before = self.began.setdefault(key, (now_s, progress.count))
        left = progress.total - progress.count
        rate = (progress.count - before) / (now_s - began_s) if now_s > began_s else 0.0
        of = f" of {progress.total}" if progress.total else ""
        requests = f", {progress.requests} requests so far" if progress.requests else ""
        ends = f", about {left / rate:.0f} s to go" if rate and left > 0 else ""
        self.terminal.note(f"{WORDS[progress.phase]} {progress.what}: {progress.count}{of}{requests}{ends}")
