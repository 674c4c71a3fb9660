"""When each entity is read next by a process that is always on: sooner after news, later when it is quiet.

Webhooks, where they come, bring an edit before a poll does; then polls find nothing new and get rare by themselves.
Knows times and nothing else: who asks and what comes of it is `live`'s.
"""

from __future__ import annotations

from dataclasses import dataclass

from instep.core.model import Side
from instep.errors import OutcomeError, RetryLater, Stop


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Times of a process that is always on, in milliseconds.

    `slow_ms`, `busy_ms`: between two polls of an entity when nothing happens in it, and after a poll that brought
    news. `full_ms`: between two complete readings. `failed_ms`: after a poll that failed, doubling up to
    `stopped_ms`; after one that will fail until a person acts, that at once. `run_ms`: how long a run of turns goes
    on, and `idle_ms` how long it waits for another. `tick_ms`: how often the store is looked into for what other
    processes have marked. `linger_ms`: the lease is kept for so long after the last thing that was done.
    `turn_ms`: after so long what is left is counted anew. `log_ms`: between two readings of a log of changes.
    """

    slow_ms: int = 60_000
    busy_ms: int = 5_000
    full_ms: int = 86_400_000
    failed_ms: int = 5_000
    stopped_ms: int = 300_000
    run_ms: int = 300_000
    idle_ms: int = 60_000
    tick_ms: int = 1_000
    linger_ms: int = 1_000
    turn_ms: int = 60_000
    log_ms: int = 60_000


@dataclass(slots=True)
class Poll:
    """One entity: when it is read next, and why it could not be read last (`trouble`, "" if it could).

    `complete_ms`: when a complete reading ended, 0 if none has since all were; `full`: the next one is to be one.
    `read_ms`: when it was last read to its end by this process, 0 if it was not yet. `doubted`: the system did not
    take our key, which may have been mended since.
    """

    side: Side
    entity: str
    rhythm: Rhythm
    due_ms: int = 0
    wait_ms: int = 0
    failures: int = 0
    trouble: str = ""
    full: bool = False
    complete_ms: int = 0
    read_ms: int = 0
    doubted: bool = False

    def succeeded(self, now_ms: int, news: int) -> None:
        """It was read to its end, and so many records had news."""
        rhythm = self.rhythm
        self.failures, self.trouble, self.read_ms = 0, "", now_ms
        busy_ms = min(rhythm.busy_ms, rhythm.slow_ms)
        self.wait_ms = busy_ms if news else min(max(2 * self.wait_ms, busy_ms), rhythm.slow_ms)
        self.due_ms = now_ms + self.wait_ms

    def failed(self, now_ms: int, error: OutcomeError) -> None:
        """It was not read: ask ever more rarely, and not before the system wants to be asked."""
        rhythm = self.rhythm
        wait_ms = min(rhythm.failed_ms << min(self.failures, 20), rhythm.stopped_ms)
        if isinstance(error, Stop):
            wait_ms, self.doubted = rhythm.stopped_ms, True
        elif isinstance(error, RetryLater) and error.after_ms is not None:
            wait_ms = max(wait_ms, error.after_ms)
        self.failures += 1
        self.trouble = str(error)
        self.due_ms = now_ms + wait_ms

    def soon(self, now_ms: int) -> None:
        """There is a reason to read it now, unless the system is not to be asked."""
        if not self.trouble:
            self.due_ms = min(self.due_ms, now_ms)
