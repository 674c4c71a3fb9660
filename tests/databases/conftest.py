"""One PostgreSQL server per test process, started when a test first asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .company import Company, Dialect, SqliteCompany, in_postgres
from .postgres import Server, running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    with running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> Dialect:
    found: Dialect = request.param
    return found


@pytest.fixture
def company(dialect: Dialect, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Company]:
    """A fresh ERP database, once of each kind."""
    if dialect == "sqlite":
        with SqliteCompany(tmp_path / "erp.db") as made:
            yield made
        return
    with in_postgres(request.getfixturevalue("postgres")) as made:
        yield made
