"""`instep new-connector`. What it writes is put to work by the guide's own test."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from instep.cli import instep


def new(directory: Path, name: str) -> Result:
    return CliRunner().invoke(instep, ["-C", str(directory), "new-connector", name])


def test_every_name_is_filled_in(tmp_path: Path) -> None:
    made = new(tmp_path, "acme-books")
    assert made.exit_code == 0, made.output
    package = tmp_path / "instep-acme-books"
    texts = {
        str(path.relative_to(package)): path.read_text() for path in package.rglob("*") if path.is_file()
    }
    assert set(texts) == {
        ".gitignore",
        "README.md",
        "pyproject.toml",
        "src/instep_acme_books/__init__.py",
        "src/instep_acme_books/connector.py",
        "tests/__init__.py",
        "tests/recorded.json",
        "tests/server.py",
        "tests/test_contract.py",
        "tests/test_recorded.py",
    }
    assert not [
        path for path, text in texts.items() if "@name@" in text or "@Class@" in text or "@module@" in text
    ]
    assert "class AcmeBooksConnector:" in texts["src/instep_acme_books/connector.py"]
    assert 'acme-books = "instep_acme_books:KIND"' in texts["pyproject.toml"]
    assert "{env: ACME_BOOKS_TOKEN}" in texts["README.md"]
    assert "cd " in made.stderr and "pytest" in made.stderr


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Members", "it becomes the name of a package"),
        ("9lives", "it becomes the name of a package"),
        ("../up", "it becomes the name of a package"),
        ("a--b", "it becomes the name of a package"),
        ("x" * 41, "it becomes the name of a package"),
        ("class", "it is a word of Python's own"),
        ("rest", "a connector of that name is there already"),
    ],
)
def test_a_name_that_can_not_be_used_is_refused(tmp_path: Path, name: str, why: str) -> None:
    refused = new(tmp_path, name)
    assert refused.exit_code == 2
    assert why in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "instep-members").mkdir()
    (tmp_path / "instep-members" / "mine.txt").write_text("mine")
    refused = new(tmp_path, "members")
    assert refused.exit_code == 2
    assert "it is there already" in refused.stderr
    assert [path.name for path in (tmp_path / "instep-members").iterdir()] == ["mine.txt"]
