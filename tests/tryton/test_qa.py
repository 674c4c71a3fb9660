"""`instep qa` against a real Tryton: what comes of each line is what the shipped page states."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.checklist import run, stated
from docs.generate import DOCUMENT
from instep.sandbox.tryton import Installation


def test_the_checklist_comes_out_as_the_shipped_page_states(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To write it anew: make qa"""
    monkeypatch.setenv("INSTEP_TRYTON_CACHE", str(installation.template.parent))
    found = run("qa-tryton.rst", tmp_path / "site")["qa-tryton.rst"]
    assert " 0 failed" in found
    assert stated(found) == stated((DOCUMENT / "qa-tryton.rst").read_text("utf-8"))
