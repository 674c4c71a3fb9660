"""Each protection of the engine is needed: without it some law is broken; and the page lists them all."""

from __future__ import annotations

from pathlib import Path

import pytest

from .protections import PROTECTIONS, Protection, page

PAGE = Path(__file__).parents[2] / "docs" / "protections.md"


@pytest.mark.parametrize("protection", PROTECTIONS, ids=lambda each: each.name)
def test_a_world_notices_that_a_protection_is_missing(
    protection: Protection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert list(protection.notices()) == []
    protection.remove(monkeypatch)
    assert list(protection.notices()) != []


def test_the_page_lists_the_protections() -> None:
    assert PAGE.read_text("utf-8") == page()
