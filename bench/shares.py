"""Where the CPU of a run goes: the standard library's profiler, summed up by part of the program.

Time inside a function of C is its caller's, unless it is one of those with a name of their own below. The
profiler makes Python calls dearer than C, so these are shares to compare, not times.
"""

from __future__ import annotations

import cProfile
import pstats
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

T = TypeVar("T")

_OWN: Final = (
    ("apsw", "SQLite"),
    ("msgspec", "JSON"),
    ("_blake2", "digests"),
    ("blake2b", "digests"),
    ("socket", "sockets"),
)
_PARTS: Final = (
    ("/instep/core/", "core"),
    ("/instep/runner/", "runner"),
    ("/instep/store/", "store"),
    ("/instep/connectors/", "connectors"),
    ("/aiohttp/", "aiohttp"),
    ("/yarl/", "aiohttp"),
    ("/multidict/", "aiohttp"),
    ("/asyncio/", "asyncio"),
    ("/dataclasses.py", "dataclasses"),
)
TOP: Final = 45


async def profiled(work: Callable[[], Awaitable[T]]) -> tuple[T, dict[str, Any]]:
    """What the work returns, and {"parts": share per part, "top": the functions that take most}."""
    profile = cProfile.Profile()
    profile.enable()
    try:
        result = await work()
    finally:
        profile.disable()
    return result, _summed(pstats.Stats(profile))


def _summed(stats: pstats.Stats) -> dict[str, Any]:
    parts: Counter[str] = Counter()
    functions = []
    for (file, line, name), (_, calls, own_s, all_s, callers) in stats.stats.items():  # type: ignore[attr-defined]
        if "epoll" in name:
            continue  # waiting
        functions.append((own_s, all_s, calls, _shown(file, line, name)))
        if file != "~":
            parts[_part(file)] += own_s
            continue
        known = next((part for word, part in _OWN if word in name), None)
        if known is not None or not callers:
            parts[known or "other"] += own_s
            continue
        for (caller, _, _), (_, _, caller_s, _) in callers.items():
            parts[_part(caller)] += caller_s
    total = sum(parts.values()) or 1.0
    functions.sort(reverse=True)
    return {
        "total_s": total,
        "parts": {part: own_s / total for part, own_s in parts.most_common()},
        "top": [
            {"share": own_s / total, "with_callees": all_s / total, "calls": calls, "function": shown}
            for own_s, all_s, calls, shown in functions[:TOP]
        ],
    }


def _part(file: str) -> str:
    return next((part for words, part in _PARTS if words in file), "other")


def _shown(file: str, line: int, name: str) -> str:
    if file == "~":
        return name
    return f"{'/'.join(file.rsplit('/', 2)[-2:])}:{line} {name}"
