"""People at the console in a browser, and what they wait for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from playwright.async_api import Browser, Page

from instep.serve.access import Role
from tests.console.looking import LIGHT, Watched, watched
from tests.serve.served import TOKENS, Served

WAIT_S = 60.0

T = TypeVar("T")


async def log_in(page: Page, url: str, token: str) -> None:
    await page.goto(f"{url}/login")
    await page.get_by_label("Token").fill(token)
    await page.get_by_role("button", name="Log in").click()


@asynccontextmanager
async def person(
    browser: Browser, served: Served, role: Role = "operator", **look: Any
) -> AsyncIterator[Watched]:
    """Somebody of that role who has logged in, at the overview."""
    context = await browser.new_context(**{**LIGHT, **look})
    try:
        async with watched(context) as seen:
            await log_in(seen.page, served.url, TOKENS[role])
            await seen.page.wait_for_url(f"{served.url}/")
            yield seen
    finally:
        await context.close()


async def login_of(browser: Browser, served: Served, role: Role) -> Any:
    """The cookies of a login, for any other context."""
    context = await browser.new_context()
    try:
        page = await context.new_page()
        await log_in(page, served.url, TOKENS[role])
        await page.wait_for_url(f"{served.url}/")
        return await context.storage_state()
    finally:
        await context.close()


async def until(found: Callable[[], T]) -> T:
    """What is found, once it is anything; asked for in a thread, since the browser goes on meanwhile."""
    ends = time.monotonic() + WAIT_S
    while not (value := await asyncio.to_thread(found)):
        assert time.monotonic() < ends, "it does not come about"
        await asyncio.sleep(0.05)
    return value
