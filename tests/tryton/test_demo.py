"""The two-way story against a real Tryton: every claim of the demonstration is checked at the two systems."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from instep.cli import instep
from instep.cli.servers import Place
from instep.sandbox.tryton import Installation


def test_every_claim_holds_and_nothing_is_left_running(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSTEP_TRYTON_CACHE", str(installation.template.parent))
    directory = tmp_path / "demo"
    shown = CliRunner().invoke(instep, ["-q", "demo", "--tryton", "--dir", str(directory)])
    assert shown.exit_code == 0, shown.output
    assert "every claim held" in shown.stdout
    assert "✗" not in shown.stdout
    place = Place(directory)
    assert set(place.servers()) == {"chargebee", "tryton"}
    assert place.running() == {}
