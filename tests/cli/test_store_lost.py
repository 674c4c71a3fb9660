"""A store that is lost: every record is recognised for what it is, and none is made a second time."""

from __future__ import annotations

from pathlib import Path

import pytest

from instep.sandbox.world import build_world

from .company import Company, company


def _counted(site: Company) -> dict[str, int]:
    found = {}
    for running, names in (
        (site.chargebee, ("customers", "items", "item_prices", "orders", "invoices")),
        (site.erp, ("customers", "contacts", "products", "orders")),
    ):
        for name in names:
            rows = running.console("GET", f"records/{name}")["records"]
            found[f"{running.url} {name}"] = sum(not row.get("deleted") for row in rows)
    return found


@pytest.mark.slow
def test_a_lost_store_makes_nothing_twice(tmp_path: Path) -> None:
    with company(tmp_path) as site:
        world = build_world(seed=5, scale=0.4)
        site.chargebee.load(world.chargebee)
        site.erp.load(world.erp)
        settings = tmp_path / "instep.yaml"
        site.run("sync")
        site.run("sync")
        before, links = _counted(site), site.json("status")
        for left in settings.parent.glob("instep.sqlite*"):
            left.unlink()
        site.run("sync")
        site.run("sync")
        assert _counted(site) == before
        again = site.json("status")
        linked = [{name: pair["linked"] for name, pair in one["pairs"].items()} for one in (links, again)]
        assert linked[0] == linked[1]
