"""What triggers write down, that nothing of it is missed, and that it can be taken back."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from instep.cli import instep
from instep.connectors.contract import CreateKey
from instep.connectors.sql import SqlConnector, preparing
from instep.core.model import Record
from instep.errors import Stop

from .company import Company, PostgresCompany, SqliteCompany, described, in_postgres
from .postgres import PASSWORD, Server

BY_TRIGGERS: dict[str, Any] = {"changes": {"by": "triggers"}, "updated_at": None, "version": None}


def entities() -> dict[str, Any]:
    found = described(**BY_TRIGGERS)
    found["order"]["changes"] = found["price"]["changes"] = {"by": "triggers"}
    return found


async def listed(connector: SqlConnector, entity: str, cursor: str | None) -> tuple[dict[str, Record], str]:
    records: dict[str, Record] = {}
    async for page in connector.list(entity, cursor):
        records |= {record.id: record for record in page.records}
        cursor = page.cursor
    assert cursor is not None
    return records, cursor


async def test_edits_deletes_and_new_keys_are_told_and_then_no_more(company: Company) -> None:
    company.prepare(entities())
    for code in ("a", "b/%", "c"):
        company.run("INSERT INTO prices (country, code) VALUES ('NO', %s)", code)
    connector = company.connect(entities())
    _, cursor = await listed(connector, "price", None)
    company.run("UPDATE prices SET note = 'new' WHERE code = 'a'")
    company.run("DELETE FROM prices WHERE code = %s", "b/%")
    company.run("UPDATE prices SET code = 'd' WHERE code = 'c'")
    told, cursor = await listed(connector, "price", cursor)
    again, _ = await listed(connector, "price", cursor)
    await connector.close()
    assert {id: record.deleted for id, record in told.items()} == {
        "NO/a": False,
        "NO/b%2F%25": True,
        "NO/c": True,
        "NO/d": False,
    }
    assert again == {}


async def test_a_changed_line_is_a_change_of_its_order(company: Company) -> None:
    company.prepare(entities())
    connector = company.connect(entities())
    order = {"placed_on": "2026-01-31", "lines": [{"text": "Freight", "quantity": Decimal(1)}]}
    made = await connector.create("order", order, CreateKey("1", "m-1", "k"))
    _, cursor = await listed(connector, "order", None)
    company.run("UPDATE order_lines SET quantity = 2")
    told, cursor = await listed(connector, "order", cursor)
    assert told[made.id].fields["lines"][0]["quantity"] == 2  # type: ignore[index,call-overload]
    company.run("DELETE FROM order_lines")
    told, _ = await listed(connector, "order", cursor)
    assert told[made.id].fields["lines"] == []
    await connector.close()


async def test_a_transaction_that_commits_late_is_not_missed_and_holds_nobody_up(postgres: Server) -> None:
    """The late one has written its entry before those that are committed first, or got its number after them."""
    with in_postgres(postgres) as company:
        company.prepare(entities())
        connector = company.connect(entities())
        _, cursor = await listed(connector, "customer", None)
        slow, slower = company.open(), company.open()
        slow.autocommit = slower.autocommit = False
        slower.execute("SELECT pg_current_xact_id()")
        slow.execute("INSERT INTO customers (name) VALUES ('slow')")
        company.run("INSERT INTO customers (name) VALUES ('quick')")
        slower.execute("INSERT INTO customers (name) VALUES ('slower')")
        names: list[set[object]] = []
        for step in (lambda: None, slower.commit, slow.commit):
            step()
            told, cursor = await listed(connector, "customer", cursor)
            names.append({record.fields["name"] for record in told.values()})
        rest, _ = await listed(connector, "customer", cursor)
        await connector.close()
        slow.close()
        slower.close()
    assert names[0] == {"quick"}
    assert "slower" in names[1] and "slow" in names[2]
    assert rest == {}


async def test_setting_up_twice_writes_each_change_down_once(company: Company) -> None:
    company.prepare(entities())
    company.prepare(entities())
    company.run("INSERT INTO customers (name) VALUES ('Nordlys')")
    assert company.run("SELECT source, row_key FROM instep_changes") == [("customers", "1")]


def schema(company: Company) -> list[tuple[Any, ...]]:
    """Everything that is in the database, but the rows."""
    if company.dialect == "sqlite":
        return company.run("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite%' ORDER BY 1, 2")
    assert isinstance(company, PostgresCompany)
    mine = f"'{company.schema}'::regnamespace"
    return company.run(
        f"SELECT 'relation', relname::text FROM pg_class WHERE relnamespace = {mine} UNION ALL "
        f"SELECT 'function', proname::text FROM pg_proc WHERE pronamespace = {mine} UNION ALL "
        "SELECT 'trigger', tgname::text FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid "
        f"WHERE relnamespace = {mine} AND NOT tgisinternal ORDER BY 1, 2"
    )


@pytest.fixture
def site(company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site with that database on the right."""
    place = tmp_path / "site"
    place.mkdir()
    (place / "instep.yaml").write_text(
        "version: 1\nsystems:\n"
        "  left: {kind: chargebee, name: Chargebee, site: acme-test, api_key: {env: KEY}}\n"
        "  right: {kind: sql, name: Custom ERP, describe: erp.yaml}\n"
    )
    (place / "dataflow.yaml").write_text(
        "version: 1\npairs:\n  order: {left: order, right: order, properties: [note <-> note]}\n"
    )
    told = company.connect(entities()).description
    text = told.model_copy(update={"url": company.url}).model_dump_json(by_alias=True, exclude_unset=True)
    (place / "erp.yaml").write_text(text)
    monkeypatch.setenv("KEY", "test_key")
    monkeypatch.setenv("ERP_DB_PASSWORD", PASSWORD)
    return place


def administrator(company: Company) -> list[str]:
    """Options for somebody who may define things."""
    if isinstance(company, PostgresCompany):
        return ["--url", company.url.replace("//instep@", "//postgres@"), "--password", "env:ERP_DB_PASSWORD"]
    return []


def test_the_commands_set_up_and_take_back_and_leave_nothing_behind(company: Company, site: Path) -> None:
    before = schema(company)
    run = CliRunner()
    prepared = run.invoke(instep, ["-C", str(site), "sql", "prepare", *administrator(company)])
    assert prepared.exit_code == 0, prepared.output
    assert "changes of 4 tables are written down" in prepared.output
    company.run("INSERT INTO customers (name) VALUES ('Nordlys')")
    assert company.run("SELECT row_key FROM instep_changes") == [("1",)]
    removed = run.invoke(instep, ["-C", str(site), "sql", "unprepare", *administrator(company)])
    assert removed.exit_code == 0, removed.output
    assert schema(company) == before
    company.run("INSERT INTO customers (name) VALUES ('Nordlys')")


def test_what_is_printed_is_what_would_be_run(company: Company, site: Path) -> None:
    run = CliRunner()
    printed = run.invoke(instep, ["-C", str(site), "sql", "prepare", "--print"]).output
    connector = company.connect(entities())
    statements = preparing.prepare(connector.description, connector.dialect)
    assert printed == "".join(f"{statement};\n" for statement in statements)
    before = schema(company)
    again = run.invoke(instep, ["-C", str(site), "sql", "unprepare", "--print"]).output
    assert "DROP" in again and schema(company) == before


async def test_a_user_without_the_right_to_set_up_is_told_so(postgres: Server) -> None:
    with in_postgres(postgres) as company:
        connector = company.connect(entities())
        statements = preparing.prepare(connector.description, connector.dialect)
        with pytest.raises(Stop, match="does not allow it"):
            await connector.administer(None, None, lambda _: statements)
        await connector.close()


def test_the_rights_of_a_site_are_printed(company: Company, site: Path) -> None:
    printed = CliRunner().invoke(instep, ["-C", str(site), "sql", "grants", "--user", "someone"]).output
    if isinstance(company, SqliteCompany):
        assert printed.startswith("-- SQLite has no users")
        return
    assert "GRANT DELETE ON order_lines TO someone;" in printed
    assert "ON customers TO someone;" in printed and "GRANT DELETE ON customers" not in printed
    assert "instep_changes TO someone;" in printed


async def test_check_says_when_the_triggers_are_not_there(company: Company) -> None:
    connector = company.connect(entities())
    told = [str(problem) for problem in (await connector.check()).problems]
    await connector.close()
    assert any("triggers" in text and "instep sql prepare" in text for text in told)
