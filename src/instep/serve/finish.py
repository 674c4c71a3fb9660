"""When long work will be done, from what is left of it and how fast it went of late."""

from __future__ import annotations

from dataclasses import dataclass

from instep.runner.report import Progress

RECENT: float = 0.05
"""Weight of the latest step in the rate; the steps before count ever less."""
SURE = 20
"""After so many steps the rate is worth telling."""


@dataclass(slots=True)
class Finish:
    """Watches the progress of one piece of work after another. `step_ms`: what one step takes of late."""

    work: tuple[str, str] = ("", "")
    count: int = 0
    at_ms: int = 0
    steps: int = 0
    step_ms: float = 0.0

    def of(self, progress: Progress, now_ms: int) -> int | None:
        """When this work will be done, in UTC milliseconds; None if that can't be told."""
        work = (progress.phase, progress.what)
        if work != self.work or progress.count < self.count:
            self.work, self.steps, self.step_ms = work, 0, 0.0
        elif progress.count > self.count:
            took_ms = (now_ms - self.at_ms) / (progress.count - self.count)
            self.steps += 1
            weight = max(RECENT, 1 / self.steps)
            self.step_ms += weight * (took_ms - self.step_ms)
        self.count, self.at_ms = progress.count, now_ms
        if not progress.total or self.steps < SURE:
            return None
        return now_ms + round(self.step_ms * (progress.total - progress.count))
