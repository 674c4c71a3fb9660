"""One Chromium per test process, and what is to be looked at with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.cli.conftest import acme as acme
from tests.console.browser import chromium

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of it shares one event loop, since the browser lives in it; the first of all may have to fetch it."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.timeout(600))
            if pytest_asyncio.is_async_test(item):
                item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A Chromium that outlives a test; each test has a context of its own."""
    async with async_playwright() as driver:
        started = await driver.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        yield started
        await started.close()
