"""`instep document`."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from instep.cli import instep
from instep.site import load_site


def run(directory: Path, *words: str) -> Result:
    return CliRunner().invoke(instep, ["-C", str(directory), *words])


@pytest.fixture
def site(tmp_path: Path) -> Path:
    assert run(tmp_path, "init", "--erp-name", "Acme ERP").exit_code == 0
    return tmp_path


def test_it_writes_the_document_and_its_picture_beside_the_site(site: Path) -> None:
    made = run(site, "document")
    assert made.exit_code == 0, made.output
    assert made.stdout == f"wrote {site / 'dataflow.rst'}\nwrote {site / 'dataflow.svg'}\n"
    assert "Chargebee and Acme ERP Dataflow" in (site / "dataflow.rst").read_text("utf-8")


def test_it_reads_no_secret(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHARGEBEE_API_KEY", raising=False)
    assert run(site, "document").exit_code == 0


def test_several_forms_are_written_at_once(site: Path) -> None:
    names = ["a/flow.rst", "flow.md", "flow.html"]
    made = run(site, "document", *[str(site / name) for name in names])
    assert made.exit_code == 0, made.output
    assert all((site / name).exists() for name in [*names, "a/flow.svg", "flow.svg"])


def test_a_form_that_is_not_known_writes_nothing(site: Path) -> None:
    refused = run(site, "document", str(site / "flow.pdf"))
    assert refused.exit_code == 2
    assert "let it end in .rst, .md, .html" in refused.stderr


def test_a_place_that_can_not_be_written_is_told(site: Path) -> None:
    (site / "file").write_text("")
    refused = run(site, "document", str(site / "file" / "flow.rst"))
    assert refused.exit_code == 2
    assert "could not be written" in refused.stderr


def test_check_writes_nothing_and_passes_what_is_up_to_date(site: Path) -> None:
    run(site, "document")
    (site / "dataflow.rst").write_bytes((site / "dataflow.rst").read_bytes().replace(b"\n", b"\r\n"))
    before = {path: path.read_bytes() for path in site.iterdir() if path.is_file()}
    checked = run(site, "document", "--check")
    assert checked.exit_code == 0, checked.output
    assert {path: path.read_bytes() for path in site.iterdir() if path.is_file()} == before


def test_check_fails_and_shows_what_differs_once_the_dataflow_has_changed(site: Path) -> None:
    run(site, "document", str(site / "dataflow.rst"), str(site / "dataflow.html"))
    flow = site / "dataflow.yaml"
    flow.write_text(flow.read_text("utf-8").replace("email <-> email | email", "email -> email | email"))
    checked = run(site, "document", "--check", str(site / "dataflow.rst"), str(site / "dataflow.html"))
    assert checked.exit_code == 3
    assert f"{site / 'dataflow.rst'} is out of date:" in checked.stdout
    assert "  +     - to Acme ERP" in checked.stdout
    assert f"{site / 'dataflow.html'} is out of date:" in checked.stdout
    assert "Write it anew: instep" in checked.stderr


def test_check_fails_when_a_file_is_not_there_or_not_text(site: Path) -> None:
    run(site, "document")
    (site / "dataflow.svg").write_bytes(b"\xff\xfe")
    (site / "dataflow.rst").unlink()
    checked = run(site, "document", "--check")
    assert checked.exit_code == 3
    assert "dataflow.rst can't be read" in checked.stdout
    assert "dataflow.svg is out of date" in checked.stdout


def test_what_was_written_makes_the_same_site_again(
    site: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    flow = site / "dataflow.yaml"
    flow.write_text(
        "\n".join(line for line in flow.read_text("utf-8").splitlines() if "price.NOK" not in line)
    )
    run(site, "document")
    other = tmp_path_factory.mktemp("other")
    made = run(other, "init", "--erp-name", "Acme ERP", "--from", str(site / "dataflow.rst"))
    assert made.exit_code == 0, made.output
    assert "dataflow.rst: Chargebee and Acme ERP, 4 pairs" in made.stdout
    run(other, "document")
    assert (other / "dataflow.rst").read_bytes() == (site / "dataflow.rst").read_bytes()
    assert "NOK" not in (other / "instep.yaml").read_text("utf-8")
    load_site(other, offline=True).require_sound()


def test_the_two_directions_make_one_site(site: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    places = [site / f"{side}.rst" for side in ("left", "right")]
    for place in places:
        assert run(site, "document", "--to", place.stem, str(place)).exit_code == 0
    other = tmp_path_factory.mktemp("other")
    sources = [word for place in places for word in ("--from", str(place))]
    assert run(other, "init", "--erp-name", "Acme ERP", *sources).exit_code == 0
    run(other, "document")
    run(site, "document")
    assert (other / "dataflow.rst").read_bytes() == (site / "dataflow.rst").read_bytes()


def test_documents_of_two_forms_are_not_mixed(site: Path) -> None:
    run(site, "document")
    (site / "old.rst").write_text("A to B Dataflow\n===\n")
    refused = run(
        site, "init", "--force", "--from", str(site / "dataflow.rst"), "--from", str(site / "old.rst")
    )
    assert refused.exit_code == 2
    assert "dataflow.rst was written by Instep, and old.rst was not" in refused.stderr


def test_an_own_document_that_a_person_has_broken_is_refused_with_the_reason(site: Path) -> None:
    run(site, "document")
    text = (site / "dataflow.rst").read_text("utf-8")
    (site / "dataflow.rst").write_text(
        text.replace("``text(trim, max=60)``", "``txet(trim)``"), encoding="utf-8"
    )
    refused = run(site, "init", "--force", "--from", str(site / "dataflow.rst"))
    assert refused.exit_code == 2
    assert "txet" in refused.stderr
