"""The law of every parser: any input gives a value or an error of ours in words, soon, and in memory in proportion.

`told` is the law for one input; `grows` tries it on inputs that grow.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings

from instep.dataflow import yaml
from instep.errors import ConfigurationError, InstepError

T = TypeVar("T")

SOON_S = 2.0
"""CPU seconds for one input of a few kilobytes: a hundred times what any takes, so that no busy machine matters."""


def quick(examples: int) -> Any:
    """Settings of a fuzzer: the same inputs each time."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def told(parse: Callable[[], T], *kinds: type[Exception]) -> T | None:
    """What is parsed; None if it was refused in words. `kinds`: what may be raised besides our own errors, with a
    sentence."""
    began = time.process_time()
    try:
        return parse()
    except InstepError as error:
        require_words(error)
        return None
    except kinds as error:
        sentence = str(error)
        assert sentence.strip() and not sentence.startswith(("'", "invalid literal", "embedded")), repr(error)
        return None
    finally:
        took_s = time.process_time() - began
        assert took_s < SOON_S, f"{took_s:.1f} s"


def require_words(error: InstepError) -> None:
    """What, and why or how to mend it; each problem of a configuration with its place."""
    if isinstance(error, ConfigurationError):
        assert error.problems, "a configuration error without a problem"
        for problem in error.problems:
            assert problem.what.strip(), problem
            assert problem.line >= 0 and problem.column >= 0, problem
    else:
        assert error.what.strip(), repr(error)
        assert error.why.strip() or error.fix.strip(), f"neither why nor fix: {error.what}"
    assert str(error).strip()


def grows(parse: Callable[[str], Any], make: Callable[[int], str], size: int, times: int = 8) -> None:
    """Parse a text and one that is so many times larger: time and memory grow no more than a little beyond that."""
    small, large = _cost(parse, make(size)), _cost(parse, make(size * times))
    for name, before, after, free in (
        ("s", *small[:1], *large[:1], 0.05),
        ("bytes", small[1], large[1], 2_000_000),
    ):
        assert after <= free + before * times * 3, f"{times} times the text, {before} {name} became {after}"


def _cost(parse: Callable[[str], Any], text: str) -> tuple[float, int]:
    """CPU seconds at best of three, and the bytes of memory at the highest."""
    best = min(_seconds(parse, text) for _ in range(3))
    yaml._parsed.cache_clear()
    tracemalloc.start()
    try:
        told(lambda: parse(text), ValueError)
        return best, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _seconds(parse: Callable[[str], Any], text: str) -> float:
    yaml._parsed.cache_clear()
    began = time.process_time()
    told(lambda: parse(text), ValueError)
    return time.process_time() - began


__all__ = ["grows", "quick", "require_words", "told"]
