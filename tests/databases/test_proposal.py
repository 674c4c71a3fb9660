"""What is proposed of tables that nobody has described."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from instep.connectors.proposing import scalar, singular
from instep.connectors.sql import Description
from instep.connectors.sql.proposal import propose
from instep.connectors.sql.surveying import Surveyed, survey
from instep.core.model import Abilities, Entity, Field
from instep.dataflow.build import parse_dataflow
from instep.dataflow.proposal import propose as propose_dataflow

from .company import Company, SqliteCompany


@pytest.mark.parametrize(
    ("many", "one"),
    [
        ("customers", "customer"),
        ("companies", "company"),
        ("boxes", "box"),
        ("addresses", "address"),
        ("Orders", "Order"),
        ("business", "business"),
        ("stock", "stock"),
        ("s", "s"),
    ],
)
def test_a_row_has_the_name_of_its_table_in_the_singular(many: str, one: str) -> None:
    assert singular(many) == one


@pytest.mark.parametrize("text", ["no", "NULL", "a b", 'it"s', "12", "x: y", "#", "ærø", "plain", ""])
def test_a_name_stays_what_it_is_in_yaml(text: str) -> None:
    assert YAML(typ="safe").load(f"key: {scalar(text)}") == {"key": text}


async def surveyed(company: Company) -> list[Surveyed]:
    connector = company.connect()
    if company.dialect == "postgresql":
        company.run("GRANT ALL ON ALL TABLES IN SCHEMA " + str(company.log["schema"]) + " TO instep")
    try:
        return await connector.look(lambda connection: survey(connection, ""))
    finally:
        await connector.close()


async def test_composite_keys_lines_json_and_checks_are_seen_and_the_proposal_works(company: Company) -> None:
    proposal = propose(await surveyed(company), company.url, "", "")
    description = Description.model_validate(YAML(typ="safe").load(proposal.text))
    order, price = description.entities["order"], description.entities["price"]
    assert [key.column for key in price.key] == ["country", "code"]
    assert order.lines["lines"].parent == ("order_id",) and order.lines["lines"].position == "line_no"
    status = order.of("status")
    assert status is not None and status.choices == ("draft", "confirmed", "shipped")
    customer = description.entities["customer"]
    assert customer.marker is not None and customer.marker.unique
    assert customer.deleted is not None and customer.retired is not None
    reference = order.of("customer_id")
    assert reference is not None and reference.reference == "customer"
    assert "order_line" not in description.entities

    connector = company.connect(YAML(typ="safe").load(proposal.text)["entities"])
    health = await connector.check()
    await connector.close()
    assert [str(problem) for problem in health.problems if problem.severity == "error"] == []


async def test_a_check_that_says_more_than_a_list_of_values_gives_no_choices(tmp_path: Path) -> None:
    erp = SqliteCompany(
        tmp_path / "odd.db",
        (),
        "CREATE TABLE things (id integer PRIMARY KEY, a text CHECK (a IN ('x') OR a > 'm'), "
        "b text CHECK (b <> 'y'), c text, d text, e text CHECK (e IN ('it''s')), CHECK (c IN ('z') AND d IN ('z')))",
    )
    connector = erp.connect({"thing": {"table": "things", "fields": [{"path": "a"}]}})
    (table,) = await connector.look(lambda connection: survey(connection, ""))
    await connector.close()
    choices = {name: column.choices for name, column in table.columns.items()}
    assert choices == {"id": (), "a": (), "b": (), "c": (), "d": (), "e": ("it's",)}


def test_a_dataflow_is_proposed_for_any_connector_and_can_be_read() -> None:
    fields = tuple(map(Field, ("id", "surname", "address.city", "EMAIL", "odd")))
    party = Entity("Client", tuple(Field(f.path, "text") for f in fields), Abilities())
    text = propose_dataflow({"Client": party})
    (pair,) = parse_dataflow(text).pairs
    assert {prop.name for prop in pair.properties} >= {"last_name", "email"}
    assert "billing_address.city <-> address.city" in text and "odd" in text


def test_a_database_of_unknown_names_is_told_so_and_leaves_a_file_that_can_be_read() -> None:
    text = propose_dataflow({"zzz": Entity("zzz", (Field("q", "text"),), Abilities())})
    assert "No entity has a name that is known" in text
    assert [pair.name for pair in parse_dataflow(text).pairs] == ["customer"]
