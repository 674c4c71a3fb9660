"""The pictures of the README, from the data of the demonstration: make pictures"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, Page, async_playwright

from instep.cli import servers
from instep.cli.servers import Place
from tests.console.browser import ROOT, chromium
from tests.console.conftest import FLAGS
from tests.console.looking import DARK, LIGHT
from tests.console.people import log_in
from tests.serve.served import TOKENS, Served, served

INTO: Final = ROOT / "docs" / "images"


async def _picture(browser: Browser, console: Served, name: str, path: str, look: dict[str, Any]) -> None:
    context = await browser.new_context(**look)
    page = await context.new_page()
    await log_in(page, console.url, TOKENS["operator"])
    await page.wait_for_url(f"{console.url}/")
    await page.goto(console.url + path)
    if path == "/runs/2":
        await _way_back(page)
    await page.screenshot(path=INTO / f"{name}.png")
    await context.close()


async def _way_back(page: Page) -> None:
    await page.get_by_role("button", name="Undo this run").click()
    await page.get_by_role("button", name="Approve").wait_for()


async def take(directory: Path) -> None:
    """All of them. Nothing is decided at the console."""
    small = {"viewport": {"width": 1180, "height": 760}}
    with served(directory) as console:
        async with async_playwright() as driver:
            browser = await driver.chromium.launch(executable_path=chromium(), args=list(FLAGS))
            await _picture(browser, console, "overview", "/", {**LIGHT, **small})
            conflicts = "/inbox?pair=contact&cause=conflict&property=first_name"
            await _picture(browser, console, "inbox", conflicts, {**DARK, **small})
            await _picture(browser, console, "plan", "/runs/2", {**LIGHT, **small})
            await browser.close()


def main() -> None:
    INTO.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as above:
        directory = Path(above) / "demo"
        command = [
            sys.executable,
            "-m",
            "instep",
            "-q",
            "demo",
            "--keep",
            "--no-console",
            "--dir",
            str(directory),
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        try:
            asyncio.run(take(directory))
        finally:
            servers.stop(Place(directory))
    for picture in sorted(INTO.glob("*.png")):
        print(f"{picture.relative_to(ROOT)}: {picture.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
