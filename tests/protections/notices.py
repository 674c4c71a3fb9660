"""What notices that a protection is missing: the cheapest world in which it matters, and the laws broken there.

*search*: everything that can happen to one linked record within a budget (`tests/exhaustive`). *worlds*: made-up
worlds from seeds, shaped so that the protection is needed often (`tests/simulation`). *story*: a few requests and
edits in a fixed order between two systems in memory (`tests/runner/site.py`). *store*: the suite that every store
has to pass (`src/instep/testing/store_suite.py`). The engine and its store are the real ones in all of them.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from instep.core.model import Both
from instep.store.contract import Store
from instep.store.sqlite import open_store
from instep.testing.store_suite import StoreContract
from tests.exhaustive.little_world import Budget
from tests.exhaustive.scope import explore
from tests.simulation.oracle import broken_laws
from tests.simulation.plan import Plan
from tests.simulation.world import simulate

from .laws import broken, named

SOUND_WORLDS = 2
"""Made-up worlds that are lived with the protection in place; a thousand others are by `tests/simulation`."""


@dataclass(frozen=True, slots=True)
class Notice:
    """`broken` lives the world and returns the sentences about laws that were broken; it may stop at the first one
    that names the given law. With no law it is lived to see that none is."""

    kind: str
    broken: Callable[[str], list[str]]

    def __str__(self) -> str:
        return self.kind


def search(profile: str, *budget: int, policy: Any = "left") -> Notice:
    """Every way within a budget (edits on the left, on the right, faults, crashes), to the first broken law."""

    def explored(_: str) -> list[str]:
        return [law for law, _ in explore(Both(profile, profile), Budget(*budget), policy).broken]

    return Notice("search", explored)


def worlds(shape: Callable[[int], Plan] = Plan.draw, most: int = 100) -> Notice:
    """Worlds of that shape, until one breaks the law."""

    def lived(law: str) -> list[str]:
        for seed in range(most if law else SOUND_WORLDS):
            try:
                world = simulate(shape(seed))
            except (AssertionError, RuntimeError):
                if not law:
                    raise
                continue  # the engine noticed by itself, which names no law
            found = broken_laws(world)
            world.disk.close()
            if found and (not law or law in named(found)):
                return found
        return []

    return Notice("worlds", lived)


def story(tell: Callable[[], Coroutine[Any, Any, list[str]]]) -> Notice:
    """A story returns the sentences about what went wrong in it."""
    return Notice("story", lambda _: asyncio.run(tell()))


class _Files(StoreContract):
    """The suite on a store in a file; not collected by itself."""

    async def open(self, directory: Path) -> Store:
        return open_store(directory / "store.sqlite", threaded=False)


def contract(sentence: str) -> Notice:
    """A sentence of the contract that every store has to keep, by the name of its test."""

    async def ask() -> list[str]:
        with tempfile.TemporaryDirectory() as directory:
            try:
                await getattr(_Files(), f"test_{sentence}")(Path(directory))
            except (AssertionError, ValueError, LookupError, pytest.fail.Exception) as error:
                return [broken("store", f"{sentence.replace('_', ' ')}: {type(error).__name__}")]
        return []

    return Notice("store", lambda _: asyncio.run(ask()))
