"""Writes whose answer is lost, wrong or late: applied once, whatever was heard of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.badday.days import ended, fill, in_step, run_later
from tests.cli.company import Company

WRITES: dict[str, dict[str, tuple[str, str]]] = {
    "people": {"chargebee": ("POST", "/customers$"), "erp": ("POST", "/contacts$")},
    "products": {"chargebee": ("POST", "/items$"), "erp": ("POST", "/products$")},
    "prices": {"chargebee": ("POST", "/item_prices$")},
    "orders": {"chargebee": ("POST", "/import_order$")},
    "invoices": {"chargebee": ("POST", "/import_invoice$")},
    "states of orders": {"erp": ("PATCH", "/orders/")},
}
"""What is written where, by method and path."""
APPLIED: dict[str, dict[str, Any]] = {
    "an error after it was applied": {"kind": "status_after_apply"},
    "a dropped connection before it was applied": {"kind": "drop_before"},
    "a dropped connection after it was applied": {"kind": "drop_after_apply"},
    "a login page": {"kind": "html", "status": 200},
    "an answer of another shape": {"kind": "rewrite_json", "set": {"": []}},
}


@pytest.mark.slow
@pytest.mark.parametrize("effect", APPLIED.values(), ids=APPLIED)
@pytest.mark.parametrize("written", WRITES.values(), ids=WRITES)
def test_what_is_written_is_written_once(
    acme: Company, written: dict[str, tuple[str, str]], effect: dict[str, Any]
) -> None:
    fill(acme, 2)
    servers = {"chargebee": acme.chargebee, "erp": acme.erp}
    for system, (method, path) in written.items():
        servers[system].add_fault(effect, match={"method": method, "path": path}, times=2)
    ended(acme.run("sync"), 0, 3)
    for system in written:
        assert servers[system].console("GET", "faults")["rules"][0]["fired"]
        servers[system].clear_faults()
    run_later(acme, 600)
    for hold in acme.json("holds", "list"):  # an order that was tried before its item had a price
        assert "there is no item price" in hold["why"]
        ended(acme.run("holds", "release", str(hold["id"]), "--choose", "retry"), 0)
    in_step(acme)


@pytest.mark.slow
@pytest.mark.parametrize("effect", APPLIED.values(), ids=APPLIED)
def test_an_update_in_either_system_arrives_once(acme: Company, effect: dict[str, Any]) -> None:
    fill(acme, 2)
    in_step(acme)
    acme.edit_chargebee("c0", last_name="Strand")
    acme.edit_erp("501", family_name="Vik")
    acme.erp.add_fault(effect, match={"method": "PATCH", "path": "/contacts/"}, times=2)
    acme.chargebee.add_fault(effect, match={"method": "POST", "path": "/customers/"}, times=2)
    ended(acme.run("sync"), 0, 3)
    for server in (acme.erp, acme.chargebee):
        assert server.console("GET", "faults")["rules"][0]["fired"]
    in_step(acme)
    assert acme.in_erp()["ase0@example.test"]["family_name"] == "Strand"
    assert acme.in_chargebee("erp-501")["last_name"] == "Vik"


@pytest.mark.slow
@pytest.mark.parametrize("headers", [{}, {"Retry-After": "1"}], ids=["without a time", "with Retry-After"])
def test_too_many_requests_is_waited_out(acme: Company, headers: dict[str, str]) -> None:
    fill(acme, 2)
    effect = {"kind": "status", "status": 429, "headers": headers}
    acme.erp.add_fault(effect, match={"method": "POST", "path": "/contacts$"}, times=1)
    acme.chargebee.add_fault(effect, match={"method": "POST", "path": "/customers$"}, times=1)
    ended(acme.run("sync"), 0)
    in_step(acme)
