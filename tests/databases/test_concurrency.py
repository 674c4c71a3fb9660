"""People and programs who change a row while Instep is about to, locks, and connections that end."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from instep.connectors.contract import CreateKey
from instep.connectors.sql import SqlConnector
from instep.core.model import Record
from instep.errors import InDoubt, Moved, RetryLater

from .company import Company, PostgresCompany, SqliteCompany, described, in_postgres
from .postgres import USER, Server

UNVERSIONED = {"changes": {"by": "scan"}, "updated_at": None, "version": None}


@pytest.fixture
def erp(postgres: Server) -> Iterator[PostgresCompany]:
    with in_postgres(postgres) as made:
        yield made


def key(n: int = 1) -> CreateKey:
    return CreateKey(f"id-{n}", f"marker-{n}", f"once-{n}")


async def write(connector: SqlConnector, seen: Record, **changes: object) -> Record:
    return await connector.update("customer", seen.id, changes, seen=seen, idempotency="k")  # type: ignore[arg-type]


@pytest.mark.parametrize("changes", [{}, UNVERSIONED], ids=["by version", "by all that was seen"])
async def test_an_edit_between_look_and_write_is_not_overwritten(
    company: Company, changes: dict[str, object]
) -> None:
    connector = company.connect(described(**changes))
    made = await connector.create("customer", {"name": "Nordlys", "credit": Decimal(10)}, key())
    seen = await connector.read("customer", made.id)
    company.run("UPDATE customers SET credit = 20, version = version + 1 WHERE id = %s", int(made.id))
    with pytest.raises(Moved):
        await write(connector, seen, credit=Decimal(30))
    assert company.run("SELECT credit FROM customers") == [(20,)]
    await connector.close()


@pytest.mark.parametrize("changes", [{}, UNVERSIONED], ids=["by version", "by all that was seen"])
async def test_an_edit_that_is_not_committed_yet_is_waited_for_and_not_overwritten(
    erp: PostgresCompany, changes: dict[str, object]
) -> None:
    connector = erp.connect(described(**changes))
    made = await connector.create("customer", {"name": "Nordlys"}, key())
    person = erp.open()
    person.autocommit = False
    person.execute("UPDATE customers SET name = 'Theirs', version = version + 1")
    ours = asyncio.create_task(write(connector, made, name="Ours"))
    await waiting(erp)
    person.commit()
    with pytest.raises(Moved):
        await ours
    assert erp.run("SELECT name FROM customers") == [("Theirs",)]
    person.close()
    await connector.close()


async def test_a_line_that_a_person_adds_moves_the_order(company: Company) -> None:
    connector = company.connect()
    order = {"placed_on": "2026-01-31", "lines": [{"text": "Freight", "quantity": Decimal(1)}]}
    made = await connector.create("order", order, key())
    company.run("INSERT INTO order_lines (order_id, line_no, quantity) VALUES (%s, 2, 5)", int(made.id))
    with pytest.raises(Moved):
        await connector.update("order", made.id, {"note": "x"}, seen=made, idempotency="k")
    with pytest.raises(Moved):
        await connector.update("order", made.id, {"lines": []}, seen=made, idempotency="k")
    assert company.run("SELECT count(*) FROM order_lines") == [(2,)]
    await connector.close()


async def test_a_row_that_stays_locked_is_given_up_and_tried_later(erp: PostgresCompany) -> None:
    connector = erp.connect(lock_timeout_s=0.2)
    made = await connector.create("customer", {"name": "Nordlys"}, key())
    person = erp.open()
    person.autocommit = False
    person.execute("UPDATE customers SET name = 'Theirs'")
    with pytest.raises(RetryLater) as later:
        await write(connector, made, name="Ours")
    assert "lock" in later.value.why
    person.rollback()
    assert (await write(connector, made, name="Ours")).fields["name"] == "Ours"
    person.close()
    await connector.close()


async def test_a_statement_that_takes_too_long_is_ended_by_the_database(erp: PostgresCompany) -> None:
    slow = {"query": "SELECT *, pg_sleep(5) IS NULL AS slept FROM customers", "table": ""}
    erp.run(f"GRANT SELECT ON customers TO {USER}")
    connector = erp.connect(described(**slow), statement_timeout_s=0.2)
    erp.run("INSERT INTO customers (name) VALUES ('Nordlys')")
    with pytest.raises(RetryLater) as later:
        await connector.read("customer", "1")
    assert "statement timeout" in later.value.why
    await connector.close()


async def test_a_connection_that_was_killed_between_calls_is_not_noticed(erp: PostgresCompany) -> None:
    connector = erp.connect()
    made = await connector.create("customer", {"name": "Nordlys"}, key())
    kill(erp)
    assert (await connector.read("customer", made.id)).id == made.id
    await connector.close()


async def test_a_connection_that_is_killed_before_its_commit_has_written_nothing(
    erp: PostgresCompany,
) -> None:
    connector = erp.connect(lock_timeout_s=30)
    made = await connector.create("customer", {"name": "Nordlys"}, key())
    person = erp.open()
    person.autocommit = False
    person.execute("UPDATE customers SET active = false")
    ours = asyncio.create_task(write(connector, made, name="Ours"))
    await waiting(erp)
    kill(erp)
    with pytest.raises(RetryLater):
        await ours
    person.rollback()
    assert erp.run("SELECT name FROM customers") == [("Nordlys",)]
    person.close()
    await connector.close()


async def test_a_commit_without_an_answer_is_in_doubt_and_the_marker_tells(erp: PostgresCompany) -> None:
    """A deferred trigger ends the session in the middle of its COMMIT, once."""
    erp.run("CREATE TABLE once (n integer)")
    erp.run("GRANT SELECT, DELETE ON once TO PUBLIC")
    erp.run("INSERT INTO once VALUES (1)")
    erp.run(
        "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN "
        f"IF EXISTS (SELECT 1 FROM {erp.schema}.once) THEN PERFORM pg_terminate_backend(pg_backend_pid()); "
        "PERFORM pg_sleep(1); END IF; RETURN NULL; END $$"
    )
    erp.run(
        "CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON customers DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION cut()"
    )
    connector = erp.connect()
    with pytest.raises(InDoubt):
        await connector.create("customer", {"name": "Nordlys"}, key())
    erp.run("DELETE FROM once")
    assert await connector.find("customer", "instep_ref", "marker-1") == []
    made = await connector.create("customer", {"name": "Nordlys"}, key())
    found = await connector.find("customer", "instep_ref", "marker-1")
    assert [record.id for record in found] == [made.id]
    await connector.close()


async def test_many_at_once_share_a_few_connections(company: Company) -> None:
    connector = company.connect(connections=2)
    made = await asyncio.gather(
        *(
            connector.create("customer", {"name": f"C{n}", "email": f"{n}@x.example"}, key(n))
            for n in range(20)
        )
    )
    assert len({record.id for record in made}) == 20
    assert company.run("SELECT count(*) FROM customers") == [(20,)]
    await connector.close()


async def test_a_file_that_somebody_else_writes_is_tried_later(tmp_path: Path) -> None:
    erp = SqliteCompany(tmp_path / "erp.db")
    connector = erp.connect(lock_timeout_s=0.1)
    made = await connector.create("customer", {"name": "Nordlys"}, key())
    person = sqlite3.connect(erp.path, isolation_level=None)
    person.execute("BEGIN EXCLUSIVE")
    with pytest.raises(RetryLater, match="was not written"):
        await write(connector, made, name="Ours")
    with pytest.raises(RetryLater, match="can't be read"):
        await connector.read("customer", made.id)
    person.execute("ROLLBACK")
    assert (await write(connector, made, name="Ours")).fields["name"] == "Ours"
    person.close()
    await connector.close()


async def test_a_commit_that_a_reader_keeps_waiting_has_written_nothing(tmp_path: Path) -> None:
    erp = SqliteCompany(tmp_path / "erp.db")
    connector = erp.connect(lock_timeout_s=0.1)
    made = await connector.create("customer", {"name": "Nordlys"}, key())
    person = sqlite3.connect(erp.path, isolation_level=None)
    person.execute("BEGIN")
    person.execute("SELECT * FROM customers").fetchone()
    with pytest.raises(RetryLater):
        await write(connector, made, name="Ours")
    person.execute("ROLLBACK")
    assert erp.run("SELECT name FROM customers") == [("Nordlys",)]
    assert (await write(connector, made, name="Ours")).fields["name"] == "Ours"
    person.close()
    await connector.close()


def kill(erp: PostgresCompany) -> None:
    """End every session of Instep's, as an administrator does."""
    erp.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'instep'")


async def waiting(erp: PostgresCompany) -> None:
    """Until a session of Instep's waits for a lock."""
    for _ in range(2000):
        if erp.run(
            "SELECT 1 FROM pg_stat_activity WHERE application_name = 'instep' AND wait_event_type = 'Lock'"
        ):
            return
        await asyncio.sleep(0.005)
    raise AssertionError("nobody waits for a lock")
