"""An edit is carried by webhooks alone, both ways, and the echo of our own write costs no request."""

from __future__ import annotations

import asyncio

from tests.cli.company import Company

from .living import NEVER_MS, at_rest, sent, until
from .observed import observed


async def test_an_edit_arrives_by_its_webhook_alone_and_its_echo_costs_nothing(office: Company) -> None:
    office.customer("c-hook", "Åse", "Nordmann", "ase.hook@example.test")
    async with observed(office.directory, slow_ms=NEVER_MS, busy_ms=NEVER_MS) as here:
        await until(lambda: "ase.hook@example.test" in office.in_erp())
        await at_rest(here.live)
        address = f"{here.url}/hooks/chargebee"
        made = await asyncio.to_thread(office.run, "webhooks", "create", "--url", address)
        assert made.exit_code == 0, made.output
        office.erp.console("POST", "settings", {"webhooks": [f"{here.url}/hooks/erp"]})
        heard = here.heard

        office.edit_chargebee("c-hook", last_name="Berg")
        await until(lambda: office.in_erp()["ase.hook@example.test"]["family_name"] == "Berg")
        await until(lambda: heard["erp", "known"])
        await at_rest(here.live)
        before = sent(office)
        office.edit_erp(office.in_erp()["ase.hook@example.test"]["id"], family_name="Dahl")
        await until(lambda: office.in_chargebee("c-hook")["last_name"] == "Dahl")
        await until(lambda: heard["chargebee", "known"])
        await at_rest(here.live)
        after = sent(office)
        assert heard["chargebee", "new"] == heard["erp", "new"] == 1
        office.erp.console("POST", "settings", {"webhooks": []})
    spent = {name: after[name] - before.get(name, 0) for name in after}
    spent.pop("GET events", 0)  # the look for overwritten edits, at its own pace
    assert {name: count for name, count in spent.items() if count} == {
        "GET customers/{id}": 1,  # it is read before it is written
        "POST customers/{id}": 1,
    }
