"""Queries and parts of a table as entities, read-only copies, and values kept in a database's own way."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from instep.connectors.contract import CreateKey
from instep.connectors.sql.description import KeyColumn
from instep.connectors.sql.failures import failure_of
from instep.connectors.sql.keys import id_of, key_of
from instep.connectors.sql.types import Instant, RowVersion, Unreadable, Whole, read_moment
from instep.errors import BadAnswer, Gone, Refused, Stop, Taken, Unable

from .company import Company, PostgresCompany, described
from .postgres import USER


def key(n: int = 1) -> CreateKey:
    return CreateKey(f"id-{n}", f"m-{n}", f"k-{n}")


QUERY = (
    "SELECT c.*, (SELECT count(*) FROM orders o WHERE o.customer_id = c.id) AS order_count FROM customers c"
)


def with_count(**more: Any) -> dict[str, Any]:
    fields = [
        *described()["customer"]["fields"],
        {"path": "order_count", "type": "integer", "read_only": True},
    ]
    return described(query=QUERY, fields=fields, **more)


async def test_a_query_is_read_and_its_table_is_written(company: Company) -> None:
    connector = company.connect(with_count())
    if isinstance(company, PostgresCompany):
        company.run(f"GRANT SELECT ON orders, customers TO {USER}")
    made = await connector.create("customer", {"name": "Nordlys"}, key())
    company.run("INSERT INTO orders (customer_id, placed_on) VALUES (%s, '2026-01-31')", int(made.id))
    seen = await connector.read("customer", made.id)
    assert (made.fields["order_count"], seen.fields["order_count"]) == (0, 1)
    changed = await connector.update("customer", made.id, {"name": "New"}, seen=seen, idempotency="k")
    assert changed.fields["name"] == "New"
    await connector.close()


async def test_a_query_without_a_table_can_only_be_read(company: Company) -> None:
    connector = company.connect(with_count(table="", changes={"by": "scan"}, version=None, updated_at=None))
    with pytest.raises(Unable) as unable:
        await connector.create("customer", {"name": "Nordlys"}, key())
    assert "query without a table" in unable.value.why
    await connector.close()


async def test_a_part_of_a_table_is_all_that_is_seen_and_made(company: Company) -> None:
    connector = company.connect(described(where={"city": "Oslo", "active": True}))
    company.run("INSERT INTO customers (name, city) VALUES ('Elsewhere', 'Bergen')")
    made = await connector.create("customer", {"name": "Here"}, key())
    listed = [
        record.fields["name"] async for page in connector.list("customer", None) for record in page.records
    ]
    assert listed == ["Here"] and made.fields["address"] == {"street": None, "city": "Oslo", "country": None}
    with pytest.raises(Gone):
        await connector.read("customer", "1")
    await connector.close()


async def test_a_path_into_a_json_column_leaves_the_rest_of_it_alone(company: Company) -> None:
    connector = company.connect()
    extra = {"segment": "north", "deep": {"a": Decimal("1.10"), "b": [1, "x"]}}
    made = await connector.create("customer", {"name": "Nordlys", "extra": extra}, key())
    changed = await connector.update("customer", made.id, {"extra.deep.a": 2}, seen=made, idempotency="k")
    assert changed.fields["extra"] == {"segment": "north", "deep": {"a": 2, "b": [1, "x"]}}
    await connector.close()


HOSTILE = "'; DROP TABLE customers; -- \" %s :name $1 \\"


async def test_no_value_becomes_a_part_of_a_statement(company: Company) -> None:
    connector = company.connect()
    made = await connector.create(
        "customer", {"name": HOSTILE, "email": HOSTILE}, CreateKey("", HOSTILE, "k")
    )
    assert made.fields["name"] == HOSTILE
    (found,) = await connector.find("customer", "instep_ref", HOSTILE)
    assert found.id == made.id
    for id in (HOSTILE, "1 OR 1=1", "1/2", "", "9" * 30, "-0x1"):
        with pytest.raises(Gone):
            await connector.read("customer", id)
    await connector.close()


async def test_what_the_database_turns_down_names_its_field(company: Company) -> None:
    connector = company.connect()
    await connector.create("customer", {"name": "A", "email": "a@x.example"}, key(1))
    with pytest.raises(Taken) as taken:
        await connector.create("customer", {"name": "B", "email": "a@x.example"}, key(2))
    with pytest.raises(Refused) as refused:
        await connector.create("order", {"placed_on": "2026-02-30"}, key(3))
    with pytest.raises(Refused) as unknown:
        await connector.create("order", {"placed_on": "2026-02-28", "customer_id": "77"}, key(4))
    lines = [{"quantity": Decimal(0)}]
    with pytest.raises(Refused):
        await connector.create("order", {"placed_on": "2026-02-28", "lines": lines}, key(5))
    assert company.run("SELECT count(*) FROM orders") == [(0,)]  # neither the order nor its line
    assert (taken.value.field, refused.value.field) == ("email", "placed_on")
    assert "foreign key" in unknown.value.why.lower()
    await connector.close()


async def test_lines_that_do_not_differ_keep_their_rows_untouched(company: Company) -> None:
    connector = company.connect()
    lines: list[Any] = [{"text": text, "quantity": Decimal(1)} for text in "abc"]
    made = await connector.create("order", {"placed_on": "2026-01-31", "lines": lines}, key())
    first, second, third = made.fields["lines"]  # type: ignore[misc]
    new = [third, {**second, "quantity": Decimal(5)}, {"text": "d", "quantity": Decimal(1)}]
    changed = await connector.update("order", made.id, {"lines": new}, seen=made, idempotency="k")
    told = [(line["id"], line["text"]) for line in changed.fields["lines"]]  # type: ignore[union-attr,index,call-overload]
    assert told[:2] == [(third["id"], "c"), (second["id"], "b")] and told[2][1] == "d"  # type: ignore[index,call-overload]
    assert first["id"] not in {id for id, _ in told}  # type: ignore[index,call-overload]
    with pytest.raises(Refused, match="lines was refused"):
        await connector.update(
            "order", made.id, {"lines": [{"colour": "red"}]}, seen=changed, idempotency="k"
        )
    await connector.close()


async def test_listings_come_from_the_copy_and_the_copy_is_never_written_to(company: Company) -> None:
    copy: dict[str, Any] = {"url": company.url, "lag_s": 5}
    connector = company.connect(replica=copy)
    made = await connector.create("customer", {"name": "Nordlys"}, key())
    listed = [record.id async for page in connector.list("customer", None) for record in page.records]
    assert listed == [made.id]
    assert connector.entities()["customer"].abilities.list_lag_ms == 5000
    with pytest.raises((Stop, BadAnswer)):
        await connector._reading.read(lambda c: c.exec_driver_sql("DELETE FROM customers").rowcount)
    assert company.run("SELECT count(*) FROM customers") == [(1,)]
    await connector.close()


async def test_a_value_of_another_kind_makes_the_reading_unbelievable(tmp_path: Path) -> None:
    from .company import SqliteCompany

    erp = SqliteCompany(tmp_path / "erp.db")
    erp.run("INSERT INTO customers (name, credit) VALUES ('Nordlys', 'plenty')")
    connector = erp.connect()
    with pytest.raises(BadAnswer, match="can't be believed") as bad:
        await connector.read("customer", "1")
    assert "plenty" in bad.value.why
    await connector.close()


@pytest.mark.parametrize("parts", [("NO", "a/b%"), ("%2F", "/"), ("x", "y")])
def test_the_id_of_a_composite_key_leads_back_to_it(parts: tuple[str, str]) -> None:
    columns = [KeyColumn(column="a", type="text"), KeyColumn(column="b", type="text")]
    assert key_of(id_of(parts), columns) == parts


def test_times_are_read_and_written_in_their_own_zone_and_form() -> None:
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    oslo = Instant("native", "Europe/Oslo")
    assert oslo.stored_form(noon, postgresql.dialect()) == datetime(2026, 7, 1, 14)  # noqa: DTZ001
    assert read_moment(datetime(2026, 7, 1, 14), "native", "Europe/Oslo") == noon  # noqa: DTZ001
    assert Instant("epoch_ms").stored_form(noon, sqlite.dialect()) == int(noon.timestamp()) * 1000
    assert read_moment(int(noon.timestamp()), "epoch_s", "UTC") == noon
    with pytest.raises(Unreadable):
        read_moment("yesterday", "text", "UTC")


def test_a_row_version_is_a_number_that_keeps_its_order() -> None:
    kind = RowVersion()
    stored = [kind.process_bind_param(n, sqlite.dialect()) for n in (1, 255, 256, 2**40)]
    assert stored == sorted(stored, key=bytes)  # type: ignore[arg-type]
    assert [kind.process_result_value(value, sqlite.dialect()) for value in stored] == [1, 255, 256, 2**40]


def test_a_fraction_is_no_whole_number() -> None:
    with pytest.raises(Unreadable):
        Whole().process_result_value(Decimal("1.5"), sqlite.dialect())


@pytest.mark.parametrize(
    ("dialect", "args", "meaning", "columns"),
    [
        ("mysql", (1062, "Duplicate entry 'a' for key 'customers.email'"), "taken", ()),
        ("mysql", (1048, "Column 'name' cannot be null"), "required", ("name",)),
        ("mysql", (1406, "Data too long for column 'city' at row 1"), "refused", ("city",)),
        ("mysql", (1213, "Deadlock found when trying to get lock"), "busy", ()),
        ("mysql", (2013, "Lost connection to MySQL server during query"), "lost", ()),
        ("mssql", (2627, b"Violation of UNIQUE KEY constraint 'uq'. Cannot insert"), "taken", ()),
        ("mssql", (515, b"Cannot insert the value NULL into column 'name'"), "required", ("name",)),
        ("mssql", (1222, b"Lock request time out period exceeded."), "busy", ()),
        ("mssql", (229, b"The SELECT permission was denied on the object"), "rights", ()),
    ],
)
def test_numbers_of_other_databases_mean_what_their_manuals_say(
    dialect: str, args: tuple[Any, ...], meaning: str, columns: tuple[str, ...]
) -> None:
    failure = failure_of(DBAPIError("SELECT 'a secret'", None, Exception(*args)), dialect)
    assert (failure.meaning, failure.columns) == (meaning, columns)
    assert "secret" not in failure.sentence
