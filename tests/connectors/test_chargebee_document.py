"""The page on the Chargebee connector says what the connector declares."""

from __future__ import annotations

from pathlib import Path

from instep.connectors.chargebee import ChargebeeConnector, Settings

PAGE = (Path(__file__).parents[2] / "docs" / "chargebee.md").read_text("utf-8")


def test_the_table_of_entities_says_what_they_declare() -> None:
    rows = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| `")]
    said = {name.strip("`"): (made, changed, retired) for name, _, made, changed, retired in rows}
    declared = ChargebeeConnector("acme-test", "key").entities()
    assert said.keys() == declared.keys()
    for name, entity in declared.items():
        can = (entity.abilities.create, entity.abilities.update, entity.abilities.retire)
        assert tuple(not text.startswith("never") for text in said[name]) == can, name


def test_the_page_names_the_prefix_of_invoices_and_the_lag() -> None:
    assert f"(`{Settings().invoice_prefix}` and the order's id)" in PAGE
    assert "`list_lag_s`" in PAGE and Settings().list_lag_s == 5 * 60
