"""Where the tests' Chromium comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console.browser import NoBrowser, chromium


def test_one_on_the_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\necho Chromium 1.0\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert chromium(tmp_path / "cache") == program
    assert not (tmp_path / "cache").exists()


def test_what_was_fetched_before_is_taken_again_and_what_is_broken_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "debian" / "chromium"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", "")
    assert chromium(tmp_path) == program
    program.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(NoBrowser, match=r"no apt-get.*no npm") as told:
        chromium(tmp_path)
    assert "fix: install Debian's package chromium" in str(told.value)
