"""Hours of the day in which nothing is written by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from instep.dataflow.systems import Quiet


def quiet_at(hours: Quiet | None) -> Callable[[int], bool]:
    """Says of a time, in UTC milliseconds, whether it is within these hours. None: there are no such hours."""
    if hours is None:
        return lambda _: False
    zone = ZoneInfo(hours.time_zone)
    begins, ends = time.fromisoformat(hours.begins), time.fromisoformat(hours.ends)

    def quiet(now_ms: int) -> bool:
        at = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone).time()
        if begins <= ends:
            return begins <= at < ends
        return at >= begins or at < ends

    return quiet
