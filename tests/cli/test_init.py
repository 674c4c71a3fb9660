"""`instep init`."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from instep.cli import instep
from instep.site import load_site
from tests.cli.company import Company

DOCUMENT = """\
===============================
Chargebee to Customerp Dataflow
===============================

Chargebee Item to Customerp Product
-----------------------------------
Every Chargebee Item will be synchronized with a Customerp Product.

Once in a blue moon, somebody will look at it.
"""


def init(directory: Path, *words: str) -> Result:
    return CliRunner().invoke(instep, ["-C", str(directory), "init", *words])


def test_a_new_site_can_be_checked_at_once(tmp_path: Path) -> None:
    made = init(tmp_path, "--site", "acme-test", "--erp-name", "Acme ERP")
    assert made.exit_code == 0, made.output
    assert {"instep.yaml", "dataflow.yaml", "erp.yaml"} <= {path.name for path in tmp_path.iterdir()}
    site = load_site(tmp_path, offline=True)
    assert site.systems.right == "Acme ERP"
    checked = CliRunner().invoke(instep, ["-C", str(tmp_path), "check", "--offline"])
    assert checked.exit_code == 0, checked.output


def test_it_tells_what_to_do_next(tmp_path: Path) -> None:
    made = init(tmp_path)
    assert f"instep -C {tmp_path} check" in made.stderr
    assert "export CHARGEBEE_API_KEY" in made.stderr


def test_it_makes_the_directory(tmp_path: Path) -> None:
    assert init(tmp_path / "new" / "site").exit_code == 0
    assert (tmp_path / "new" / "site" / "instep.yaml").exists()


def test_what_is_there_is_not_overwritten_and_nothing_is_half_written(tmp_path: Path) -> None:
    (tmp_path / "dataflow.yaml").write_text("mine")
    refused = init(tmp_path)
    assert refused.exit_code == 2
    assert "dataflow.yaml is there already" in refused.stderr
    assert (tmp_path / "dataflow.yaml").read_text() == "mine"
    assert not (tmp_path / "instep.yaml").exists()


def test_it_overwrites_when_told_so_but_for_the_ignored_files(tmp_path: Path) -> None:
    (tmp_path / "dataflow.yaml").write_text("mine")
    (tmp_path / ".gitignore").write_text("mine too")
    assert init(tmp_path, "--force").exit_code == 0
    assert (tmp_path / "dataflow.yaml").read_text() != "mine"
    assert (tmp_path / ".gitignore").read_text() == "mine too"


def test_the_currencies_of_prices_can_be_chosen(tmp_path: Path) -> None:
    init(tmp_path, "--currency", "EUR", "--currency", "SEK")
    text = (tmp_path / "dataflow.yaml").read_text()
    assert "price.SEK <-> prices.SEK" in text
    assert "price.USD" not in text


def test_pairs_come_from_a_document_and_what_it_could_not_express_is_told(tmp_path: Path) -> None:
    document = tmp_path / "flow.rst"
    document.write_text(DOCUMENT)
    made = init(tmp_path, "--from", str(document))
    assert made.exit_code == 0, made.output
    assert [pair.name for pair in load_site(tmp_path, offline=True).dataflow.pairs] == ["product"]
    assert "taken over: 1 pair, 1 sentence about creating" in made.stdout
    assert "flow.rst:9: not understood: Once in a blue moon" in made.stdout
    assert str(tmp_path) not in (tmp_path / "dataflow.yaml").read_text()


def test_a_document_that_is_not_there_is_told(tmp_path: Path) -> None:
    refused = init(tmp_path, "--from", str(tmp_path / "flow.rst"))
    assert refused.exit_code == 2
    assert "the dataflow document can't be read" in refused.stderr


def test_without_a_sandbox_that_runs_it_says_how_to_start_one(tmp_path: Path) -> None:
    refused = init(tmp_path, "--sandbox")
    assert refused.exit_code == 2
    assert "instep sandbox start" in refused.stderr


def test_a_sandbox_is_connected_with_its_keys_by_reference(acme: Company) -> None:
    text = (acme.directory / "instep.yaml").read_text() + (acme.directory / "erp.yaml").read_text()
    assert acme.chargebee.url in text
    assert acme.erp.url in text
    assert "test_chargebee_key" not in text
    assert acme.run("check").exit_code == 0


def test_a_document_that_is_not_understood_writes_nothing(tmp_path: Path) -> None:
    document = tmp_path / "notes.rst"
    document.write_text("hello\n")
    made = CliRunner().invoke(instep, ["-C", str(tmp_path), "init", "--from", str(document)])
    assert made.exit_code == 2
    assert "nothing was written" in made.output
    assert not (tmp_path / "dataflow.yaml").exists()


def test_a_document_without_a_pair_is_refused_with_its_lines(tmp_path: Path) -> None:
    document = tmp_path / "flow.rst"
    document.write_text("=" * 21 + "\nZendesk to  Dataflow\n" + "=" * 21 + "\n\nGenerated: 2024-01-01\n")
    refused = init(tmp_path, "--from", str(document))
    assert refused.exit_code == 2
    assert "the document states no pair of records" in refused.stderr
    assert "flow.rst has no section" in refused.stderr


def test_documents_of_two_dataflows_are_refused(tmp_path: Path) -> None:
    for name, erp in (("a.rst", "Customerp"), ("b.rst", "Wave")):
        (tmp_path / name).write_text(DOCUMENT.replace("Customerp", erp))
    refused = init(tmp_path, "--from", str(tmp_path / "a.rst"), "--from", str(tmp_path / "b.rst"))
    assert refused.exit_code == 2
    assert "b.rst is about other systems than a.rst" in refused.stderr
    assert not (tmp_path / "dataflow.yaml").exists()
