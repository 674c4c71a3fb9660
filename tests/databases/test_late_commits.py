"""A change that is committed after others that came later: it is listed all the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from instep.connectors.sql import SqlConnector

from .company import NUMBERED, PostgresCompany, described, in_postgres
from .postgres import USER, Server

BY_TIME = {"changes": {"by": "updated_at", "lag_s": 0}}
BY_NUMBER = {
    "changes": {"by": "number", "column": "change_no", "lag_s": 0},
    "updated_at": None,
    "version": None,
}
WAYS = {"time": BY_TIME, "number": BY_NUMBER}


@pytest.fixture
def company(postgres: Server) -> Iterator[PostgresCompany]:
    with in_postgres(postgres, NUMBERED["postgresql"]) as made:
        yield made


@pytest.fixture
def seeing(company: PostgresCompany) -> Iterator[None]:
    """Instep's user may see when other sessions' transactions began."""
    company.run(f"GRANT pg_read_all_stats TO {USER}")
    yield
    company.run(f"REVOKE pg_read_all_stats FROM {USER}")


async def listed(connector: SqlConnector, cursor: str | None) -> tuple[set[str], str]:
    ids: set[str] = set()
    async for page in connector.list("customer", cursor):
        ids |= {record.id for record in page.records}
        cursor = page.cursor
    assert cursor is not None
    return ids, cursor


@pytest.mark.parametrize("way", WAYS)
async def test_a_transaction_that_runs_while_others_commit_is_not_missed(
    company: PostgresCompany, seeing: None, way: str
) -> None:
    slow = company.open()
    slow.autocommit = False
    connector = company.connect(described(**WAYS[way]))
    _, cursor = await listed(connector, None)

    late = slow.execute("INSERT INTO customers (name) VALUES ('Late') RETURNING id").fetchone()
    company.run("INSERT INTO customers (name) VALUES ('Early')")
    first, cursor = await listed(connector, cursor)
    slow.commit()
    second, cursor = await listed(connector, cursor)
    company.run("UPDATE customers SET updated_at = now() WHERE name = 'Early'")
    third, _ = await listed(connector, cursor)

    assert late is not None
    id = str(late[0])
    assert id not in first and id in second | third
    slow.close()
    await connector.close()


@pytest.mark.parametrize("way", WAYS)
async def test_a_transaction_that_began_before_the_first_listing_is_not_missed(
    company: PostgresCompany, seeing: None, way: str
) -> None:
    slow = company.open()
    slow.autocommit = False
    late = slow.execute("INSERT INTO customers (name) VALUES ('Late') RETURNING id").fetchone()
    connector = company.connect(described(**WAYS[way]))
    company.run("INSERT INTO customers (name) VALUES ('Early')")
    _, cursor = await listed(connector, None)
    for _ in range(3):
        _, cursor = await listed(connector, cursor)
    slow.commit()
    seen, cursor = await listed(connector, cursor)

    assert late is not None and str(late[0]) in seen
    slow.close()
    await connector.close()


@pytest.mark.parametrize("way", WAYS)
async def test_where_other_sessions_cannot_be_seen_the_declared_lag_is_read_again(
    company: PostgresCompany, way: str
) -> None:
    slow = company.open()
    slow.autocommit = False
    late = slow.execute("INSERT INTO customers (name) VALUES ('Late') RETURNING id").fetchone()
    company.run("INSERT INTO customers (name) VALUES ('Early')")
    lagging = {**WAYS[way], "changes": {**WAYS[way]["changes"], "lag_s": 600}}  # type: ignore[dict-item]
    connector = company.connect(described(**lagging))
    _, cursor = await listed(connector, None)
    _, cursor = await listed(connector, cursor)
    slow.commit()
    seen, _ = await listed(connector, cursor)

    assert late is not None and str(late[0]) in seen
    slow.close()
    await connector.close()


@pytest.mark.parametrize("way", WAYS)
async def test_an_idle_look_lists_nothing_where_sessions_can_be_seen(
    company: PostgresCompany, seeing: None, way: str
) -> None:
    for n in range(5):
        company.run(
            "INSERT INTO customers (name, updated_at) VALUES (%s, now() - interval '1 hour')", f"C{n}"
        )
    connector = company.connect(described(**WAYS[way]))
    first, cursor = await listed(connector, None)
    second, cursor = await listed(connector, cursor)
    third, _ = await listed(connector, cursor)
    assert len(first) == 5 and (second, third) == (set(), set())
    await connector.close()


async def test_check_says_when_late_commits_can_only_be_guessed(company: PostgresCompany) -> None:
    connector = company.connect(described(changes={"by": "updated_at", "lag_s": 45}))
    blind = (await connector.check()).notes
    company.run(f"GRANT pg_read_all_stats TO {USER}")
    seeing = (await connector.check()).notes
    company.run(f"REVOKE pg_read_all_stats FROM {USER}")
    await connector.close()
    assert any("longer than 45 s may be missed" in note and "pg_read_all_stats" in note for note in blind)
    assert not any("may be missed" in note and note.startswith("customer") for note in seeing)
