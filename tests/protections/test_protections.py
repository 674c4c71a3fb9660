"""Each protection of the engine is needed: without it the law that the table names is broken; with it none is."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from .laws import MORE, named, promises
from .notices import Notice
from .protection import Protection
from .table import PAGE, PROTECTIONS, page

SOURCE = Path(__file__).parents[2] / "src" / "instep"

_IN_SQL = re.compile(r"^(?:-- name: *(\S+)|create ((?:unique )?\w+ \w+))", re.MULTILINE)


@cache
def names(file: Path) -> frozenset[str]:
    """What is named in the code of a file: defined, assigned, read, called, given by name, or a kind (a string that
    is one word); in SQL, a statement, a table or an index. What comments and docstrings speak of is not."""
    text = file.read_text("utf-8")
    if file.suffix == ".sql":
        return frozenset(name for found in _IN_SQL.findall(text) for name in found if name)
    return frozenset(
        str(name)
        for node in ast.walk(ast.parse(text))
        for field in ("name", "id", "attr", "arg", "value")
        if isinstance(name := getattr(node, field, None), str)
    )


CASES = [(each, law, notice) for each in PROTECTIONS for law, notice in each.notices]


@pytest.mark.parametrize(("protection", "law", "notice"), CASES, ids=str)
def test_a_law_notices_that_a_protection_is_missing(
    protection: Protection, law: str, notice: Notice, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert notice.broken("") == []
    protection.remove(monkeypatch)
    found = notice.broken(law)
    assert law in named(found), found


@pytest.mark.parametrize("protection", PROTECTIONS, ids=str)
def test_a_protection_is_where_the_table_says(protection: Protection) -> None:
    file, _, name = protection.where.partition(":")
    assert name in names(SOURCE / file)


def test_what_a_file_only_speaks_of_is_not_in_it(tmp_path: Path) -> None:
    said = tmp_path / "said.py"
    said.write_text('"""Of guard."""\n\nother = 1  # not guard\n', "utf-8")
    assert "other" in names(said)
    assert "guard" not in names(said)


def test_each_protection_has_a_name_of_its_own() -> None:
    assert len({(each.name, each.without) for each in PROTECTIONS}) == len(PROTECTIONS)


def test_each_law_is_seen_to_say_no() -> None:
    assert {law for _, law, _ in CASES} == {*promises(), *MORE}


def test_the_page_lists_the_protections() -> None:
    assert PAGE.read_text("utf-8") == page()
