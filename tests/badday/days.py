"""How a bad day is looked at afterwards: what was said, and what both systems hold."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from click.testing import Result

from instep.runner.run import Report, Runner, Wish
from instep.site import load_site, now_ms
from tests.cli.company import CHARGEBEE_KEY, ERP_TOKEN, LONG_AGO, LONG_AGO_S, Company

ENTITIES = {"customers": "contacts", "items": "products", "orders": "orders"}
"""Chargebee resource -> the ERP's, for those that Instep can make on both sides."""


def plain_words(said: str) -> None:
    """Whatever was said is fit for a person: no traceback, no secret, not our last resort."""
    assert "Traceback" not in said, said
    assert "mistake in Instep" not in said, said
    for secret in (CHARGEBEE_KEY, ERP_TOKEN):
        assert secret not in said, said


def ended(result: Result, *codes: int) -> str:
    """What the command said, after a look at how it ended."""
    plain_words(result.output)
    assert result.exit_code in codes, (result.exit_code, result.output)
    return result.output


def instep(directory: Path, *words: str, env: Mapping[str, str] | None = None, **more: Any) -> Any:
    """The command as a process of its own, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "instep", *words],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=120,
        env=env,
        **more,
    )


def living(acme: Company, system: str, entity: str) -> list[dict[str, Any]]:
    """Records of a server that nobody deleted."""
    server = acme.chargebee if system == "chargebee" else acme.erp
    rows = server.console("GET", f"records/{entity}")["records"]
    return [dict(row) for row in rows if not row.get("deleted")]


def fill(acme: Company, people: int = 4) -> None:
    """People on either side, an item with a price, a product, and an order of each side."""
    now: dict[str, Any] = {"created_at": LONG_AGO_S, "updated_at": LONG_AGO_S}
    for n in range(people):
        acme.customer(f"c{n}", "Åse", f"Nordmann {n}", f"ase{n}@example.test")
        acme.contact(str(500 + n), "Ole", f"Berg {n}", f"ole{n}@example.test")
    acme.chargebee.load(
        {
            "item_families": [{"id": "sensors", "name": "Sensors", **now}],
            "items": [{"id": "probe", "name": "Probe", "type": "charge", "item_family_id": "sensors", **now}],
            "item_prices": [
                {
                    "id": "probe-NOK",
                    "item_id": "probe",
                    "name": "Probe NOK",
                    "currency_code": "NOK",
                    "pricing_model": "per_unit",
                    "price": 10000,
                    **now,
                }
            ],
        }
    )
    now = {"created_at": LONG_AGO, "updated_at": LONG_AGO}
    cable = {"code": "cable", "name": "Cable", "unit": "pcs", "kind": "goods", "family": "Sensors"}
    line = {"product_id": "900", "description": "Cable", "quantity": "2", "unit_price": "49.00"}
    order = {"contact_id": "500", "currency": "NOK", "order_date": "2026-01-05", "reference": "E-1"}
    acme.erp.load(
        {
            "products": [{"id": "900", **cable, "prices": {"NOK": "49.00"}, **now}],
            "orders": [{"id": "700", **order, "lines": [line], **now}],
        }
    )


def run_later(acme: Company, after_s: float) -> Report:
    """A complete run in this process, as if so much time had gone by: what waits for its time is due."""

    async def run() -> Report:
        site = load_site(acme.directory)
        try:
            engine = replace(site.engine(), now_ms=lambda: now_ms() + int(after_s * 1000))
            return await Runner(engine, "a later day").run(Wish(full=True))
        finally:
            await site.close()

    return asyncio.run(run())


def in_step(acme: Company) -> None:
    """The trouble is over: runs mend all, each record has one partner, and one more run writes nothing."""
    for server in (acme.chargebee, acme.erp):
        server.clear_faults()
    for hours in (1, 2, 3):
        report = run_later(acme, hours * 3600)
        assert report.status == "done", report.summary()
        assert not report.troubles, report.troubles
    assert acme.json("holds", "list") == []
    assert acme.json("status")["in_doubt"] == []
    for resource, entity in ENTITIES.items():
        left, right = living(acme, "chargebee", resource), living(acme, "erp", entity)
        assert len(left) == len(right), (resource, len(left), len(right))
    emails = Counter(row["email"].lower() for row in living(acme, "erp", "contacts"))
    emails_left = Counter(row["email"].lower() for row in living(acme, "chargebee", "customers"))
    assert emails == emails_left
    assert set(emails.values()) <= {1}
    assert {row["code"] for row in living(acme, "erp", "products")} == {
        row["id"] for row in living(acme, "chargebee", "items")
    }
    prices = Counter((p["item_id"], p["currency_code"]) for p in living(acme, "chargebee", "item_prices"))
    assert set(prices.values()) <= {1}
    before = writes(acme)
    run_later(acme, 4 * 3600)
    assert writes(acme) == before, "a settled world is left alone"


def writes(acme: Company) -> int:
    return sum(server.counters()["writes"] for server in (acme.chargebee, acme.erp))


def has_three_parts(said: str) -> bool:
    return bool(re.search(r"\n *why: \S", said) and re.search(r"\n *fix: \S", said))
