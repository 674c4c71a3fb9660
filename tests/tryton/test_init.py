"""`instep init --tryton`: the files of a site whose ERP is a Tryton."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from instep.cli import instep


def test_the_files_are_right_as_they_are(tmp_path: Path) -> None:
    made = CliRunner().invoke(
        instep, ["-C", str(tmp_path), "init", "--tryton", "https://erp.example.com/main"]
    )
    assert made.exit_code == 0, made.output
    assert not (tmp_path / "erp.yaml").exists()
    text = (tmp_path / "instep.yaml").read_text("utf-8")
    assert 'base_url: "https://erp.example.com"' in text and 'database: "main"' in text
    assert "TRYTON_PASSWORD" in made.output
    checked = CliRunner().invoke(instep, ["-C", str(tmp_path), "check", "--offline"])
    assert checked.exit_code == 0, checked.output
    assert "4 pairs (customer, product, contact, order)" in checked.stdout
    assert "price.EUR <-> list_price | money(EUR)" in (tmp_path / "dataflow.yaml").read_text("utf-8")


def test_the_list_price_is_in_the_currency_that_is_named(tmp_path: Path) -> None:
    words = ["-C", str(tmp_path), "init", "--tryton", "https://erp.example.com/main", "--currency", "NOK"]
    assert CliRunner().invoke(instep, words).exit_code == 0
    assert "price.NOK <-> list_price | money(NOK)" in (tmp_path / "dataflow.yaml").read_text("utf-8")
    assert "- {currency: NOK}" in (tmp_path / "instep.yaml").read_text("utf-8")


@pytest.mark.parametrize(
    "url", ["https://erp.example.com", "erp/main", "https://sync:pw@erp.example.com/main"]
)
def test_what_is_no_address_of_a_database_is_refused_with_the_form(tmp_path: Path, url: str) -> None:
    refused = CliRunner().invoke(instep, ["-C", str(tmp_path), "init", "--tryton", url])
    assert refused.exit_code == 2
    assert "https://HOST/DATABASE" in refused.output
    assert not (tmp_path / "instep.yaml").exists()
