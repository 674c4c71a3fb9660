"""What a new site starts from can be used as it is."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from instep.cli.qa import LEDGER, STORE
from instep.cli.serve import OWN
from instep.dataflow.build import parse_dataflow
from instep.dataflow.documents.conversion import convert
from instep.dataflow.documents.reader import read_document
from instep.dataflow.files import parse_site
from instep.dataflow.scaffold import Choices, default_dataflow, scaffold
from instep.dataflow.systems import ChargebeeSystem, RestSystem
from tests.dataflow.rst import document, section


def test_every_text_of_a_new_site_can_be_read() -> None:
    texts = scaffold(Choices(), "base_url: http://erp.example\n")
    site = parse_site(texts["instep.yaml"], "instep.yaml")
    dataflow = parse_dataflow(texts["dataflow.yaml"])
    left, right = site.systems
    assert isinstance(left, ChargebeeSystem)
    assert isinstance(right, RestSystem)
    assert right.describe in texts
    assert texts[right.describe] == "base_url: http://erp.example\n"
    assert site.settings.dataflow in texts
    assert [pair.name for pair in dataflow.pairs] == ["customer", "product", "contact", "order"]


def test_choices_are_written_down() -> None:
    choices = Choices(
        site="acme",
        chargebee_url="http://127.0.0.1:9001",
        erp_url="http://127.0.0.1:9002/api/v1",
        erp_name="Bjørns ERP: «x»",
        currencies=("SEK",),
        business_entities=(("be1", 'Acme "NO"'), ("be2", "Ærø: 1")),
    )
    texts = scaffold(choices, "")
    left, right = parse_site(texts["instep.yaml"], "instep.yaml").systems
    assert isinstance(left, ChargebeeSystem)
    assert isinstance(right, RestSystem)
    assert (left.site, left.base_url) == ("acme", "http://127.0.0.1:9001")
    assert (right.name, right.base_url) == ("Bjørns ERP: «x»", "http://127.0.0.1:9002/api/v1")
    assert [price.currency for price in left.prices] == ["SEK"]
    assert not isinstance(left.business_entities, str)
    assert [(e.id, e.name) for e in left.business_entities] == [("be1", 'Acme "NO"'), ("be2", "Ærø: 1")]
    product = parse_dataflow(texts["dataflow.yaml"]).pair("product")
    assert product is not None
    assert [p.name for p in product.properties if p.name.startswith("price.")] == ["price.SEK"]


def test_the_currencies_of_both_files_agree() -> None:
    texts = scaffold(Choices(), "")
    left = parse_site(texts["instep.yaml"], "instep.yaml").systems.left
    assert isinstance(left, ChargebeeSystem)
    product = parse_dataflow(texts["dataflow.yaml"]).pair("product")
    assert product is not None
    mapped = [p.name.removeprefix("price.") for p in product.properties if p.name.startswith("price.")]
    assert mapped == [price.currency for price in left.prices]


def test_no_prices_are_possible() -> None:
    texts = scaffold(Choices(currencies=()), "")
    left = parse_site(texts["instep.yaml"], "instep.yaml").systems.left
    assert isinstance(left, ChargebeeSystem)
    assert left.prices == []
    assert "price." not in "".join(line for line in texts["dataflow.yaml"].splitlines() if "<->" in line)


def test_editors_find_the_schemas_that_are_written_along() -> None:
    texts = scaffold(Choices(), "")
    for name in ("instep", "dataflow"):
        first = texts[f"{name}.yaml"].splitlines()[0]
        assert first == f"# yaml-language-server: $schema=.instep/{name}.json"
        assert texts[f".instep/{name}.json"].startswith("{")


def test_a_document_states_the_pairs_in_place_of_the_shipped_ones() -> None:
    read = read_document(document(section("Chargebee Customer", "Customerp Contact")), "talk.rst")
    texts = scaffold(Choices(), "", stated=convert([read], default_dataflow()).text)
    assert [pair.name for pair in parse_dataflow(texts["dataflow.yaml"]).pairs] == ["contact"]


@pytest.mark.parametrize(
    "name",
    [
        OWN,
        "instep.sqlite",
        "instep.sqlite-wal",
        LEDGER,
        STORE,
        "plan.json",
        "plan-monday.json",
        "erp.secret",
        ".env",
    ],
)
def test_what_is_secret_or_of_customers_is_kept_out_of_version_control(name: str) -> None:
    lines = scaffold(Choices(), "")[".gitignore"].splitlines()
    assert any(fnmatchcase(name, line) for line in lines)


def test_the_files_of_a_site_are_not_kept_out_of_version_control() -> None:
    texts = scaffold(Choices(), "")
    lines = texts[".gitignore"].splitlines()
    assert not [name for name in texts if any(fnmatchcase(name, line) for line in lines)]


def test_the_shipped_dataflow_teaches_in_short_lines() -> None:
    assert max(map(len, default_dataflow().splitlines())) <= 118
