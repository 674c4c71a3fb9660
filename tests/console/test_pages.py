"""Every page in light, in dark and on a phone, over people of whom some are held and some have hostile names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.async_api import Browser

from instep.runner.run import Wish
from tests.cli.company import Company, company
from tests.console.looking import look
from tests.console.people import login_of, person, until
from tests.serve.served import Served, fill, served

PAGES = {
    "overview": "/",
    "inbox": "/inbox",
    "matches": "/matches",
    "records": "/records",
    "record": "/record?pair=contact&side=left&id=c1",
    "runs": "/runs",
    "run": "/runs/1",
    "plan": "/runs/plans/1",
    "brakes": "/runs/brakes",
    "dataflow": "/dataflow",
    "try": "/dataflow/try?pair=contact&property=email",
    "check": "/dataflow/check",
}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with company(tmp_path_factory.mktemp("office")) as made:
        fill(made)
        yield made


@pytest.fixture(scope="module")
def console(office: Company) -> Iterator[Served]:
    """After a first run; the pair is paused, and a plan would create one more."""
    with served(office.directory) as found:
        found.do(found.live.ask(Wish()))
        found.do(found.live.pause("contact", "Olaf"))
        office.customer("new", "<b>New</b>", "javascript:alert(1)", "new@example.test")
        assert found.client("operator").send("POST", "/api/v1/plans", {"full": True}).json["number"] == 1
        yield found


async def test_every_page_is_readable_and_accessible_in_light_dark_and_on_a_phone(
    browser: Browser, console: Served
) -> None:
    await until(lambda: console.client("viewer").get("/api/v1/plans/1").json["state"] == "ready")
    state = await login_of(browser, console, "operator")
    await look(browser, f"{console.url}/login", "login")
    for name, path in PAGES.items():
        await look(browser, console.url + path, name, state)


async def test_no_name_of_a_record_runs_as_a_script(browser: Browser, console: Served) -> None:
    async with person(browser, console) as seen:
        seen.page.on("dialog", lambda dialog: seen.complaints.append(f"dialog: {dialog.message}"))
        for path in PAGES.values():
            await seen.page.goto(console.url + path)
            await seen.page.wait_for_load_state("networkidle") if path == "/" else None
            assert await seen.page.locator("main script, main b:text-is('New')").count() == 0
        shown = await seen.page.goto(f"{console.url}/runs/plans/1")
        assert shown is not None
        assert "&lt;b&gt;New&lt;/b&gt;" in await shown.text()
