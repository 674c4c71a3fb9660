"""What people live at the console, in a real browser, with both systems running; told by what the systems hold."""

from __future__ import annotations

import asyncio

from playwright.async_api import Browser, expect

from instep.runner.run import Wish
from instep.serve.console.inbox import KEYS
from tests.cli.company import ERP_TOKEN, Company
from tests.console.looking import shot, watched
from tests.console.people import log_in, person, until
from tests.serve.served import TOKENS, fill, served
from tests.warm import start


async def test_a_wrong_token_is_told_the_right_one_opens_and_a_logout_closes(
    browser: Browser, acme: Company
) -> None:
    with served(acme.directory) as console:
        context = await browser.new_context()
        async with watched(context) as seen:
            seen.expected.append("401")
            page = seen.page
            await log_in(page, console.url, "a-token-that-nobody-has")
            await expect(page.get_by_text("That token is not known")).to_be_visible()
            await page.get_by_label("Token").fill(TOKENS["viewer"])
            await page.get_by_role("button", name="Log in").click()
            await expect(page.get_by_text("Vera")).to_be_visible()
            await page.get_by_role("button", name="Log out").click()
            await expect(page.get_by_role("button", name="Log in")).to_be_visible()
            await page.goto(f"{console.url}/runs")
            await expect(page).to_have_url(f"{console.url}/login?next=%2Fruns")
        await context.close()


async def test_a_plan_is_looked_at_approved_and_undone(browser: Browser, acme: Company) -> None:
    acme.customer("c2", "Ole", "Berg", "ole@example.test")
    with served(acme.directory) as console:
        console.do(console.live.pause("contact", "Olaf"))
        async with person(browser, console) as seen:
            page = seen.page
            await page.get_by_role("link", name="Plans and runs").click()
            await expect(page.get_by_text("contact is paused by Olaf")).to_be_visible()
            await page.get_by_role("button", name="Make a plan").click()
            approve = page.get_by_role("button", name="Approve and do 1 write")
            await expect(approve).to_be_visible(timeout=60_000)
            created = page.get_by_role("region", name="Actions")
            await expect(created.get_by_role("heading", name="contact: create in Custom ERP")).to_be_visible()
            await expect(created.get_by_text("ole@example.test")).to_be_visible()
            await shot(page, "plan-ready")
            assert "ole@example.test" not in acme.in_erp(), "a plan writes nothing"
            await approve.click()
            await expect(page.get_by_text("1 of 1 write made")).to_be_visible(timeout=60_000)
            assert acme.in_erp()["ole@example.test"]["given_name"] == "Ole"
            await shot(page, "plan-done")
            await page.get_by_role("link", name="what run").click()
            await expect(page.get_by_role("heading", name="create contact")).to_be_visible()
            await page.get_by_role("button", name="Undo this run").click()
            await expect(page.get_by_text("take out of use in Custom ERP").first).to_be_visible(
                timeout=60_000
            )
            await shot(page, "plan-undo")
            await page.get_by_role("button", name="Approve and do 1 write").click()
            await expect(page.get_by_text("1 of 1 write made")).to_be_visible(timeout=60_000)
        assert acme.in_erp()["ole@example.test"]["active"] is False
        journal = console.client("viewer").get("/api/v1/journal?operation=decide").json["items"]
        assert [entry["reason"] for entry in journal] == [
            "Olaf approved plan 2 (1 write), to undo run 3",
            "Olaf approved plan 1 (1 write)",
        ]


async def test_a_brake_is_looked_at_and_released(browser: Browser, acme: Company) -> None:
    for number in range(14):
        acme.customer(f"c{number}", "Åse", f"Nordmann {number}", f"ase{number}@example.test")
        acme.contact(str(number), "Åse", f"Nordmann {number}", f"ase{number}@example.test")
    with served(acme.directory) as console:
        await until(lambda: len(acme.in_erp()["ase13@example.test"]["currency"] or "") == 3)
        console.do(console.live.ask(Wish()))
        for number in range(14):
            acme.edit_chargebee(f"c{number}", last_name=f"Berg {number}")
        console.client("operator").send("POST", "/api/v1/runs")

        def brakes() -> list[object]:
            return list(console.client("viewer").get("/api/v1/brakes").json)

        async with person(browser, console) as seen:
            page = seen.page
            await until(brakes)
            await page.goto(f"{console.url}/runs")
            await expect(page.get_by_text("1 brake stopped what would have changed too much")).to_be_visible()
            await page.get_by_role("link", name="Look at what was stopped").click()
            await expect(
                page.get_by_role("heading", name="14 records of contact would be changed")
            ).to_be_visible()
            await expect(page.get_by_text("Berg 1", exact=True).first).to_be_visible()
            await shot(page, "brake")
            assert acme.in_erp()["ase3@example.test"]["family_name"] == "Nordmann 3"
            page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
            await page.get_by_role("button", name="Release").click()
            await expect(page.get_by_text("The brake is released")).to_be_visible()
            await until(lambda: acme.in_erp()["ase3@example.test"]["family_name"] == "Berg 3")
            await until(lambda: not brakes())
            await page.goto(f"{console.url}/runs/brakes")
            await expect(page.get_by_text("No brake has stopped anything")).to_be_visible()


async def test_a_system_that_is_down_is_told_and_that_it_is_back(browser: Browser, acme: Company) -> None:
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test")
    db = acme.erp.log.with_suffix(".db")
    port = int(acme.erp.url.rpartition(":")[2])
    acme.erp.stop()
    with served(acme.directory) as console:
        async with person(browser, console) as seen:
            page = seen.page
            state = page.locator("#state")
            await expect(state).to_contain_text("troubled", timeout=60_000)
            await page.goto(f"{console.url}/runs")
            await expect(page.locator("#now")).to_contain_text("Custom ERP")
            await shot(page, "system-down")
            with start("erp", db, port=port, options=["--token", ERP_TOKEN]) as erp:
                await until(lambda: erp.console("GET", "records/contacts")["records"])
                await expect(state).not_to_contain_text("troubled", timeout=60_000)
                await shot(page, "system-back")


async def test_everything_can_be_reached_by_keyboard(browser: Browser, acme: Company) -> None:
    with served(acme.directory) as console:
        context = await browser.new_context()
        async with watched(context) as seen:
            page = seen.page
            await page.goto(f"{console.url}/login")
            await page.get_by_label("Token").focus()
            await page.keyboard.type(TOKENS["operator"])
            await page.keyboard.press("Enter")
            await expect(page.get_by_text("Olaf")).to_be_visible()
            await page.keyboard.press("Tab")
            await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
            for _ in range(20):
                await page.keyboard.press("Tab")
                if await page.evaluate("document.activeElement.textContent.trim()") == "Plans and runs":
                    break
            await page.keyboard.press("Enter")
            await expect(page.get_by_role("heading", name="Plans and runs")).to_be_visible()
            for _ in range(40):
                await page.keyboard.press("Tab")
                if await page.evaluate("document.activeElement.textContent.trim()") == "Make a plan":
                    break
            await page.keyboard.press("Enter")
            await expect(page.get_by_text("in step")).to_be_visible(timeout=60_000)
        await context.close()


async def test_conflicts_are_resolved_by_a_click_and_by_a_key(browser: Browser, acme: Company) -> None:
    fill(acme)
    with served(acme.directory) as console:
        console.do(console.live.ask(Wish()))
        async with person(browser, console) as seen:
            page = seen.page
            await expect(page.get_by_text("conflict in first_name")).to_be_visible()
            await page.goto(f"{console.url}/inbox?pair=contact&cause=conflict&property=first_name")
            await shot(page, "conflicts")
            card = page.get_by_role("article").filter(has_text="ase@example.test")
            await expect(card.get_by_text("Åsa", exact=True)).to_be_visible()
            await card.get_by_role("button", name="Take Chargebee").click()
            await until(lambda: acme.in_erp()["ase@example.test"]["given_name"] == "Åse")
            await page.goto(f"{console.url}/inbox?pair=contact&cause=conflict&property=first_name")
            card = page.get_by_role("article").filter(has_text="ole@example.test")
            while not await card.evaluate("card => card === document.activeElement"):
                await page.keyboard.press("j")
            await page.keyboard.press(KEYS["right"])
            await until(lambda: acme.in_chargebee("c2")["first_name"] == "Ola")
        journal = console.client("viewer").get("/api/v1/journal?operation=release").json["items"]
        assert {entry["reason"] for entry in journal} == {
            "conflict: Olaf chose left",
            "conflict: Olaf chose right",
        }


async def test_a_match_is_made_and_taken_back(browser: Browser, acme: Company) -> None:
    fill(acme)
    with served(acme.directory) as console:
        console.do(console.live.ask(Wish()))

        def partner() -> str | None:
            found = console.client("viewer").get("/api/v1/links?pair=contact").json["items"]
            return next((link["right"] for link in found if link["left"] == "c3"), None)

        async with person(browser, console) as seen:
            page = seen.page
            page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
            await page.goto(f"{console.url}/matches?pair=contact")
            await shot(page, "match")
            asked = page.get_by_role("article").filter(has_text="c3 has no unique partner by email")
            await asked.get_by_role("button", name="They are the same").first.click()
            await expect(page.get_by_text("are linked")).to_be_visible()
            assert await until(partner) == "9"
            await asyncio.to_thread(
                console.do, console.live.ask(Wish())
            )  # its writes are over before it is undone
            await page.goto(f"{console.url}/record?pair=contact&side=left&id=c3")
            await page.get_by_role("button", name="Unlink, and keep them apart").click()
            await expect(page.get_by_text("The link is removed")).to_be_visible()
            assert partner() is None
            await shot(page, "match-taken-back")
