"""A real Tryton for the tests of a worker: installed once into the cache, one server per worker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from instep.sandbox.tryton import Installation, Person, Tryton, install, start

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def installation() -> Installation:
    """From the cache, where the first to ask puts it; whoever else asks meanwhile waits."""
    cache = Path(os.environ.get("INSTEP_TRYTON_CACHE", ROOT / ".cache" / "tryton"))
    return install(cache)


@pytest.fixture(scope="session")
def tryton(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tryton]:
    """A server that outlives a test; each test makes what it needs."""
    with start(installation, tmp_path_factory.mktemp("tryton")) as running:
        yield running


@pytest.fixture(scope="session")
def person(tryton: Tryton) -> Person:
    """Who works in that Tryton; logged in once, since Tryton makes a login slow on purpose."""
    return Person(tryton.url, "person", tryton.installation.password("person"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of it is slow, and the first of all may have to install Tryton."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.timeout(900))
