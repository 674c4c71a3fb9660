"""Each protection of the engine is needed: without it the law that the table names is broken; with it none is."""

from __future__ import annotations

from pathlib import Path

import pytest

from .laws import MORE, named, promises
from .notices import Notice
from .protection import Protection
from .table import PAGE, PROTECTIONS, page

SOURCE = Path(__file__).parents[2] / "src" / "instep"


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
    assert name in (SOURCE / file).read_text("utf-8")


def test_each_protection_has_a_name_of_its_own() -> None:
    assert len({(each.name, each.without) for each in PROTECTIONS}) == len(PROTECTIONS)


def test_each_law_is_seen_to_say_no() -> None:
    assert {law for _, law, _ in CASES} == {*promises(), *MORE}


def test_the_page_lists_the_protections() -> None:
    assert PAGE.read_text("utf-8") == page()
