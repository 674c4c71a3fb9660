"""A page as a person has it before them: whatever its console or its policy complains of fails the test.

Looks are the ways in which the same page is seen: light, dark, and on a phone. `look` goes through all of them, keeps
a picture of each, and asks axe what a person with a disability could not use.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request

from tests.console.browser import ROOT

SHOTS: Final = Path(os.environ.get("INSTEP_SHOTS") or ROOT / ".cache" / "shots")
ONLY: Final = {"resultTypes": ["violations"]}
SERIOUS: Final = ("serious", "critical")
LIGHT: Final[dict[str, Any]] = {"color_scheme": "light", "viewport": {"width": 1280, "height": 800}}
DARK: Final[dict[str, Any]] = {**LIGHT, "color_scheme": "dark"}
PHONE: Final[dict[str, Any]] = {
    "color_scheme": "light",
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
TALL: Final = 4000
LOOKS: Final = {"light": LIGHT, "dark": DARK, "phone": PHONE}


@dataclass
class Watched:
    """A page, and what it complained of. `expected`: patterns of complaints that the test provokes itself."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def unexpected(self) -> list[str]:
        return [
            said for said in self.complaints if not any(re.search(known, said) for known in self.expected)
        ]


@asynccontextmanager
async def watched(context: BrowserContext) -> AsyncIterator[Watched]:
    """A new page of the context. Fails at its end if it complained of anything that was not expected."""
    found = Watched(await context.new_page())

    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            found.complaints.append(f"{message.type}: {message.text}")

    def on_failed(request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # a page that was left, or an event stream that was closed
            found.complaints.append(f"request failed: {request.url} {request.failure}")

    found.page.on("console", on_console)
    found.page.on("pageerror", lambda error: found.complaints.append(f"uncaught: {error}"))
    found.page.on("requestfailed", on_failed)
    yield found
    await found.page.close()
    assert found.unexpected() == []


async def shot(page: Page, name: str) -> None:
    """Keep a picture of the page, or of the beginning of a long one."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    tall = await page.evaluate("document.documentElement.scrollHeight")
    await page.screenshot(path=SHOTS / f"{name}.png", full_page=tall < TALL)


async def accessible(page: Page) -> None:
    """Fails with what axe finds to be serious or critical."""
    found = (await Axe().run(page, options=ONLY)).response["violations"]
    told = [
        f"{rule['id']} ({rule['impact']}): {node['html'][:200]} {node.get('failureSummary', '')}"
        for rule in found
        if rule["impact"] in SERIOUS
        for node in rule["nodes"][:3]
    ]
    assert not told, f"{page.url}\n" + "\n".join(told)


async def look(browser: Browser, url: str, name: str, state: Any = None) -> None:
    """Open the page in every look, with a picture of each; nothing may be wider than the screen."""
    for kind, options in LOOKS.items():
        context = await browser.new_context(storage_state=state, **options)
        try:
            async with watched(context) as seen:
                await seen.page.goto(url)
                await shot(seen.page, f"{name}-{kind}")
                await accessible(seen.page)
                wide = await seen.page.evaluate("document.documentElement.scrollWidth")
                assert wide <= options["viewport"]["width"], f"{url} is {wide} pixels wide on a {kind} screen"
        finally:
            await context.close()
