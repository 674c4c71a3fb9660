"""The contract suite over the SQL connector: each way to tell changes, each kind of entity, each database."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest

from instep.connectors.contract import Connector
from instep.connectors.sql.description import KeyColumn
from instep.connectors.sql.keys import key_of
from instep.core.values import Json
from instep.testing.connector_hooks import ConnectorHooks
from instep.testing.connector_suite import ConnectorContract

from .company import NUMBERED, Company, Dialect, SqliteCompany, described, in_postgres

COLUMNS = {"address.street": "street", "address.city": "city", "address.country": "country"}


class OverDatabase(ConnectorHooks):
    """Hooks for any entity: a fresh database per test, edited by plain SQL. A subclass gives the rest."""

    dialect: Dialect = "sqlite"
    entity = "customer"
    table = "customers"
    key: ClassVar[list[str]] = ["id"]
    versioned = True
    touched = True
    clearable = "address.city"
    text_field = "address.street"
    extra: ClassVar[Mapping[Dialect, Any]] = {}
    changes: ClassVar[dict[str, Any]] = {}
    company: Company

    @pytest.fixture(autouse=True)
    def _company(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
        extra = self.extra.get(self.dialect, ())
        if self.dialect == "sqlite":
            self.company = SqliteCompany(tmp_path / "erp.db", extra)
            yield
            return
        with in_postgres(request.getfixturevalue("postgres"), extra) as self.company:
            yield

    async def connector(self) -> Connector:
        return self.company.connect(self.entities())

    def entities(self) -> dict[str, Any]:
        return described(**self.changes)

    async def valid_fields(self, n: int) -> dict[str, Json]:
        return {
            "name": f"Nordlys {n} AS",
            "email": f"post{n}@nordlys.example",
            "address": {"street": "Storgata 1", "city": "Tromsø", "country": "NO"},
            "credit": Decimal("1250.50"),
            "active": True,
            "since": "2024-02-29",
            "extra": {"segment": "north", "score": Decimal("0.25"), "tags": ["a", "b"]},
        }

    def an_edit(self) -> dict[str, Json]:
        return {
            "name": "Nordlys ASA",
            "address.country": "SE",
            "extra.segment": "south",
            "credit": Decimal("7"),
        }

    async def edit_as_person(self, id: str, changes: Mapping[str, Json]) -> None:
        sets, values = [], []
        for path, value in changes.items():
            if path.startswith("extra."):
                part = path.partition(".")[2]
                if self.company.dialect == "postgresql":
                    sets.append(f"extra = jsonb_set(extra, '{{{part}}}', %s::jsonb)")
                else:
                    sets.append(f"extra = json_set(extra, '$.{part}', json(%s))")
                value = json.dumps(value)
            else:
                sets.append(f"{COLUMNS.get(path, path)} = %s")
            values.append(str(value) if isinstance(value, Decimal) else value)
        if self.versioned:
            sets.append("version = version + 1")
        if self.touched:
            sets.append(f"updated_at = {self.company.now}")
        where, key = self.where(id)
        self.company.run(f"UPDATE {self.table} SET {', '.join(sets)} WHERE {where}", *values, *key)

    async def remove_as_person(self, id: str) -> None:
        where, key = self.where(id)
        self.company.run(f"DELETE FROM {self.table} WHERE {where}", *key)

    def where(self, id: str) -> tuple[str, tuple[int | str, ...]]:
        kind = "integer" if self.key == ["id"] else "text"
        key = key_of(id, [KeyColumn.model_validate({"column": name, "type": kind}) for name in self.key])
        assert key is not None
        return " AND ".join(f"{name} = %s" for name in self.key), key


class ByUpdatedAt(OverDatabase):
    """The time of the last change tells."""


class ByNumber(OverDatabase):
    """A number that triggers of the ERP's own give to each change tells."""

    extra = NUMBERED
    changes: ClassVar = {
        "changes": {"by": "number", "column": "change_no"},
        "updated_at": None,
        "version": None,
    }


class ByScan(OverDatabase):
    """Nothing tells, and there is no version: all that is seen is compared."""

    changes: ClassVar = {"changes": {"by": "scan"}, "updated_at": None, "version": None}


class ByTriggers(OverDatabase):
    """A log that triggers write tells, deletes too; nothing else of the table is looked at."""

    changes: ClassVar = {"changes": {"by": "triggers"}, "updated_at": None, "version": None}

    async def connector(self) -> Connector:
        self.company.prepare(self.entities())
        return await super().connector()


class SoftDeletes(OverDatabase):
    """Rows are marked as deleted and stay."""

    fields: ClassVar = [
        *described()["customer"]["fields"],
        {"path": "deleted", "type": "boolean", "read_only": True},
    ]
    changes: ClassVar = {"deleted": {"field": "deleted", "value": True}, "fields": fields}

    async def remove_as_person(self, id: str) -> None:
        await self.edit_as_person(id, {"deleted": True})


class TimesInText(OverDatabase):
    """ISO 8601 in a text column, as programs without a type for times write it."""

    extra: ClassVar = {
        "sqlite": ["ALTER TABLE customers ADD COLUMN changed varchar(40)"],
        "postgresql": ["ALTER TABLE customers ADD COLUMN changed varchar(40)"],
    }
    changes: ClassVar = {"updated_at": {"column": "changed", "stored": "text"}, "version": None}

    async def edit_as_person(self, id: str, changes: Mapping[str, Json]) -> None:
        now = "to_char(now() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
        if self.company.dialect == "sqlite":
            now = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
        await super().edit_as_person(id, changes)
        self.company.run(f"UPDATE customers SET changed = {now} WHERE id = %s", int(id))


class Composite(OverDatabase):
    """A key of two columns, which whoever makes a record chooses; retired by deleting the row."""

    entity = "price"
    table = "prices"
    key: ClassVar = ["country", "code"]
    versioned = False
    clearable = "note"
    text_field = "note"

    async def valid_fields(self, n: int) -> dict[str, Json]:
        return {"country": "NO", "code": f"A/{n}%", "price": Decimal("19.9000"), "note": "per piece"}

    def an_edit(self) -> dict[str, Json]:
        return {"price": Decimal("21.5"), "note": "per box"}


class Orders(OverDatabase):
    """A record with lines in a table of their own."""

    entity = "order"
    table = "orders"
    clearable = "note"
    text_field = "note"

    async def valid_fields(self, n: int) -> dict[str, Json]:
        self.company.run("INSERT INTO prices (country, code) VALUES ('NO', %s)", f"S-{n}-{len(self._keys)}")
        customer = self.company.run("INSERT INTO customers (name) VALUES ('Buyer') RETURNING id")[0][0]
        return {
            "customer_id": str(customer),
            "placed_on": "2026-01-31",
            "status": "confirmed",
            "note": "by the back door",
            "lines": [
                {
                    "price_id": f"NO/S-{n}-{len(self._keys)}",
                    "quantity": Decimal(2),
                    "price": Decimal("19.90"),
                },
                {"text": "Freight", "quantity": Decimal(1), "price": Decimal("5.00")},
            ],
        }

    def an_edit(self) -> dict[str, Json]:
        return {"status": "shipped", "placed_on": "2026-02-01"}

    async def remove_as_person(self, id: str) -> None:
        self.company.run("DELETE FROM order_lines WHERE order_id = %s", int(id))
        await super().remove_as_person(id)


class OrdersByTriggers(Orders, ByTriggers):
    """Whoever changes a line need not touch the order."""

    versioned = touched = False

    def entities(self) -> dict[str, Any]:
        entities = described()
        del entities["order"]["version"], entities["order"]["updated_at"]
        entities["order"]["changes"] = {"by": "triggers"}
        return entities


class CompositeByTriggers(Composite, ByTriggers):
    def entities(self) -> dict[str, Any]:
        entities = described()
        entities["price"]["changes"] = {"by": "triggers"}
        return entities


class OnPostgres:
    dialect: Dialect = "postgresql"


class TestByUpdatedAtInSqlite(ByUpdatedAt, ConnectorContract):
    pass


class TestByUpdatedAtInPostgres(OnPostgres, ByUpdatedAt, ConnectorContract):
    pass


class TestByNumberInSqlite(ByNumber, ConnectorContract):
    pass


class TestByNumberInPostgres(OnPostgres, ByNumber, ConnectorContract):
    pass


class TestByScanInSqlite(ByScan, ConnectorContract):
    pass


class TestByScanInPostgres(OnPostgres, ByScan, ConnectorContract):
    pass


class TestSoftDeletesInPostgres(OnPostgres, SoftDeletes, ConnectorContract):
    pass


class TestTimesInTextInSqlite(TimesInText, ConnectorContract):
    pass


class TestTimesInTextInPostgres(OnPostgres, TimesInText, ConnectorContract):
    pass


class TestCompositeKeysInSqlite(Composite, ConnectorContract):
    pass


class TestCompositeKeysInPostgres(OnPostgres, Composite, ConnectorContract):
    pass


class TestOrdersWithLinesInSqlite(Orders, ConnectorContract):
    pass


class TestOrdersWithLinesInPostgres(OnPostgres, Orders, ConnectorContract):
    pass


class TestByTriggersInSqlite(ByTriggers, ConnectorContract):
    pass


class TestByTriggersInPostgres(OnPostgres, ByTriggers, ConnectorContract):
    pass


class TestOrdersByTriggersInSqlite(OrdersByTriggers, ConnectorContract):
    pass


class TestOrdersByTriggersInPostgres(OnPostgres, OrdersByTriggers, ConnectorContract):
    pass


class TestCompositeByTriggersInSqlite(CompositeByTriggers, ConnectorContract):
    pass


class TestCompositeByTriggersInPostgres(OnPostgres, CompositeByTriggers, ConnectorContract):
    pass
