"""Servers of the tests that start warm (`tests/warm.py`)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from instep.sandbox.__main__ import SERVERS
from instep.sandbox.launch import SandboxError
from tests import warm


def tell_what_is_there(saying: Any) -> None:
    saying.send([module for module in SERVERS.values() if module in sys.modules])


def test_a_new_process_has_imported_both_servers() -> None:
    said, saying = warm.FORKS.Pipe(duplex=False)
    process = warm.FORKS.Process(target=tell_what_is_there, args=(saying,))
    process.start()
    assert said.recv() == list(SERVERS.values())
    process.join()


def test_a_warm_server_is_a_process_with_its_own_file_that_ends_cleanly(tmp_path: Path) -> None:
    with warm.start("erp", tmp_path / "erp.db") as first, warm.start("erp", tmp_path / "other.db") as second:
        made = first.console("POST", "contacts", {"family_name": "Kern"})
        assert second.console("GET", "records/contacts")["records"] == []
        assert first.pid != second.pid
        first.kill()
    assert (first.process.returncode, second.process.returncode) == (-9, 0)
    with warm.start("erp", tmp_path / "erp.db") as again:
        assert again.console("GET", f"contacts/{made['id']}") == made


def test_a_warm_server_that_can_not_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="colour"):
        warm.start("erp", tmp_path / "erp.db", options=["--setting", "colour=1"])
