"""Pictures as numbers: where the bars of a chart stand. The templates draw them as SVG."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from instep.core.model import Both, Side
from instep.store.contract import Activity

HOUR_MS: Final = 3_600_000
SPANS: Final[Mapping[str, tuple[int, int, str]]] = {
    "day": (24, HOUR_MS, "24 hours"),
    "week": (28, 6 * HOUR_MS, "7 days"),
    "month": (30, 24 * HOUR_MS, "30 days"),
}
"""Name -> how many bars, how long each is, and what people call it."""

WRITES: Final = ("create", "update", "retire")
WIDTH: Final = 720
HEIGHT: Final = 140


@dataclass(frozen=True, slots=True)
class Bar:
    """One span of time: what was written to each side, and where its two parts stand, from the top."""

    x: float
    width: float
    at_ms: int
    label: str
    counts: Both[int]
    tops: Both[float]
    heights: Both[float]


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars with their scale. `ticks`: (x, label) under the axis."""

    bars: Sequence[Bar]
    most: int
    total: Both[int]
    ticks: Sequence[tuple[float, str]]


def since(span: str, now_ms: int) -> tuple[int, int]:
    """When the first bar of a chart begins, and how long a bar is."""
    count, each_ms, _ = SPANS[span]
    return (now_ms // each_ms - count + 1) * each_ms, each_ms


def chart(span: str, activity: Sequence[Activity], now_ms: int) -> Chart:
    """What was written over time, a bar for each span, stacked by side."""
    begin_ms, each_ms = since(span, now_ms)
    count = SPANS[span][0]
    written: Counter[tuple[int, Side]] = Counter()
    for each in activity:
        if each.operation in WRITES and each.side is not None:
            written[each.at_ms, each.side] += each.count
    times = [begin_ms + each_ms * number for number in range(count)]
    counts = [Both.of(lambda side, at_ms=at_ms: written[at_ms, side]) for at_ms in times]  # type: ignore[misc]
    most = max((both.left + both.right for both in counts), default=0)
    step = WIDTH / count
    bars = [
        _bar(number * step, step, at_ms, both, most, span)
        for number, (at_ms, both) in enumerate(zip(times, counts, strict=True))
    ]
    ticks = [(bar.x, bar.label) for bar in bars[:: max(1, count // 6)]]
    total = Both(sum(both.left for both in counts), sum(both.right for both in counts))
    return Chart(bars, most, total, ticks)


def _bar(x: float, step: float, at_ms: int, counts: Both[int], most: int, span: str) -> Bar:
    heights = counts.map(lambda count: HEIGHT * count / most if most else 0.0)
    tops = Both(HEIGHT - heights.left, HEIGHT - heights.left - heights.right)
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    label = f"{at:%H:%M}" if span == "day" else f"{at:%d %b}"
    return Bar(round(x + 1, 1), round(step - 2, 1), at_ms, label, counts, tops, heights)
