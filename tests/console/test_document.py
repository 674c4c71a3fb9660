"""The document of a dataflow as HTML, in a browser."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner
from playwright.async_api import Browser

from instep.cli import instep
from tests.console.looking import look


async def test_the_document_can_be_read_in_light_dark_and_on_a_phone(
    browser: Browser, tmp_path: Path
) -> None:
    def run(*words: str) -> None:
        assert CliRunner().invoke(instep, ["-C", str(tmp_path), *words]).exit_code == 0

    run("init", "--site", "acme-test", "--erp-name", "Acme ERP", "--currency", "EUR")
    run("document", "--to", "right", str(tmp_path / "dataflow.html"))
    await look(browser, (tmp_path / "dataflow.html").as_uri(), "document")
