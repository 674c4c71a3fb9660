"""A site with a database on one side: what its files may say, and what is told of mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from instep.connectors.sql import Description
from instep.errors import ConfigurationError, OutcomeError, Stop
from instep.site import load_site

from .company import PostgresCompany, SqliteCompany, described, in_postgres
from .postgres import PASSWORD, Server

SITE = """version: 1
systems:
  left: {kind: sql, name: Old, describe: erp.yaml}
  right: {kind: sql, name: New, describe: erp.yaml, url: "sqlite:///new.db"}
"""
DATAFLOW = """version: 1
pairs:
  customer:
    left: customer
    right: customer
    match: [name]
    properties: [name <-> name]
"""
ERP = """url: sqlite:///old.db
entities:
  customer:
    table: customers
    fields:
      - {path: name, required: true}
"""


def write(place: Path, erp: str = ERP) -> None:
    (place / "instep.yaml").write_text(SITE)
    (place / "dataflow.yaml").write_text(DATAFLOW)
    (place / "erp.yaml").write_text(erp)


async def test_a_file_is_seen_from_the_configuration_and_the_address_may_be_replaced(tmp_path: Path) -> None:
    write(tmp_path)
    SqliteCompany(tmp_path / "old.db").run("INSERT INTO customers (name) VALUES ('Nordlys')")
    SqliteCompany(tmp_path / "new.db")
    site = load_site(tmp_path, environ={})
    try:
        await site.runner().run()
        left, right = [await connector.check() for connector in site.connectors]
        assert not [p for health in (left, right) for p in health.problems if p.severity == "error"]
    finally:
        await site.close()
    assert SqliteCompany.at(tmp_path / "new.db").run("SELECT name FROM customers") == [("Nordlys",)]


def test_every_mistake_of_a_description_is_told_with_its_line(tmp_path: Path) -> None:
    write(tmp_path, ERP.replace("table: customers", "tabel: customers").replace("required", "requird"))
    with pytest.raises(ConfigurationError) as error:
        load_site(tmp_path, environ={})
    told = str(error.value)
    assert "erp.yaml:4" in told and "erp.yaml:6" in told


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://instep:hunter2@db/erp",
        "postgresql://db/erp?password=hunter2",
        "db.example/erp",
    ],
)
def test_an_address_with_a_password_or_of_no_kind_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValidationError) as error:
        Description.model_validate({"url": url, "entities": described()})
    assert "hunter2" not in str([item["msg"] for item in error.value.errors()])


async def test_a_wrong_password_stops_and_is_never_told(postgres: Server) -> None:
    with in_postgres(postgres) as company:
        connector = company.connect(secret="wrong-" + PASSWORD)
        with pytest.raises(Stop) as stop:
            await connector.read("customer", "1")
        await connector.close()
    assert "password authentication failed" in stop.value.why
    assert PASSWORD not in str(stop.value)


async def test_a_missing_right_stops_with_the_way_to_mend_it(postgres: Server) -> None:
    with in_postgres(postgres) as company:
        company.strict = True
        connector = company.connect()
        with pytest.raises(Stop) as stop:
            await connector.read("customer", "1")
        await connector.close()
    assert "permission denied for table customers" in stop.value.why and "rights" in stop.value.fix


async def test_check_tells_every_difference_between_description_and_tables(company: PostgresCompany) -> None:
    entities = described(table="customers", marker={"field": "email", "unique": False})
    entities["customer"]["fields"].append({"path": "no_such_column"})
    entities["customer"]["fields"][0] = {"path": "id", "type": "integer", "read_only": True}
    entities["order"]["lines"]["lines"]["table"] = "no_such_table"
    entities["price"]["key"] = [{"column": "code", "type": "text"}]
    entities["order"]["lines"]["lines"]["fields"] = [{"path": "quantity", "type": "decimal"}]
    connector = company.connect(entities)
    told = [str(problem) for problem in (await connector.check()).problems]
    await connector.close()
    assert any("customers has no column no_such_column" in text for text in told)
    assert any("there is no table no_such_table" in text for text in told)
    assert any("the key code is not unique" in text and "code, country" in text for text in told)


async def test_nobody_at_the_address_is_told_as_such_by_check(postgres: Server) -> None:
    with in_postgres(postgres) as company:
        company.url = company.url.replace(f":{postgres.port}/", ":1/")
        connector = company.connect()
        health = await connector.check()
        with pytest.raises(OutcomeError):
            await connector.read("customer", "1")
        await connector.close()
    assert any("can't be read" in problem.what for problem in health.problems)
