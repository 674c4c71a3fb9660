"""`instep serve` on a site, in a process of its own, and a person who logs in."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page

from tests.cli.test_stopping import WAIT_S, instep, read_until
from tests.console.looking import LIGHT, Watched, watched


@dataclass(frozen=True)
class Console:
    """A console that is served. `token` is that of its admin."""

    url: str
    token: str
    directory: Path
    process: subprocess.Popen[bytes]

    async def log_in(self, page: Page, token: str = "") -> None:
        await page.goto(f"{self.url}/login")
        await page.get_by_label("Token").fill(token or self.token)
        await page.get_by_role("button", name="Log in").click()

    @asynccontextmanager
    async def person(self, browser: Browser, **look: Any) -> AsyncIterator[Watched]:
        """Somebody who has logged in, at the overview; what the browser complains of fails the test."""
        context = await browser.new_context(**{**LIGHT, **look})
        try:
            async with watched(context) as seen:
                await self.log_in(seen.page)
                await seen.page.wait_for_url(f"{self.url}/")
                yield seen
        finally:
            await context.close()

    async def state(self, context: BrowserContext) -> Any:
        """A login, to be used by other contexts of the browser."""
        page = await context.new_page()
        await self.log_in(page)
        await page.wait_for_url(f"{self.url}/")
        return await context.storage_state()


@contextmanager
def serving(directory: Path) -> Iterator[Console]:
    """Until the end of the block; then it has to end by itself, and in peace."""
    with instep(directory, "serve", "--port", "0") as process:
        said = read_until(process, "\n", error=False)
        url = said.partition(": ")[0]
        yield Console(url, (directory / "instep.token").read_text().strip(), directory, process)
        if process.poll() is None:
            process.terminate()
            _, err = process.communicate(timeout=WAIT_S)
            assert process.returncode == 0, err.decode()
