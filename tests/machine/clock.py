"""The time of one office: it passes while its people wait and while a command sleeps, and at no other moment."""

from __future__ import annotations

from tests.simulation.virtual_time import EPOCH_MS, VirtualLoop


class Clock:
    """Seconds since the beginning, shared by every event loop that a command starts."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now_ms(self) -> int:
        return EPOCH_MS + round(self.seconds * 1000)

    def time_ns(self) -> int:
        """In the place of the function of that name, for who asks the module `time`."""
        return self.now_ms() * 1_000_000

    def wait(self, seconds: float) -> None:
        self.seconds += seconds

    def loop(self) -> VirtualLoop:
        """A new event loop on this clock."""
        return _Loop(self)


class _Loop(VirtualLoop):
    def __init__(self, clock: Clock) -> None:
        began, self._clock = clock.seconds, clock
        super().__init__()
        self.now = began

    @property
    def now(self) -> float:
        return self._clock.seconds

    @now.setter
    def now(self, seconds: float) -> None:
        self._clock.seconds = seconds
