"""The document of a dataflow as HTML, in a browser."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Browser

from tests.console.looking import look

PAGE = Path(__file__).parents[2] / "docs" / "document" / "dataflow.html"


async def test_the_document_can_be_read_in_light_dark_and_on_a_phone(browser: Browser) -> None:
    await look(browser, PAGE.as_uri(), "document")
