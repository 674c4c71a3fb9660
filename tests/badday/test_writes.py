"""Writes whose answer is lost, wrong or late: applied once, whatever was heard of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.badday.days import ended, fill, in_step
from tests.cli.company import Company

CHARGEBEE = ("/customers$", "/items$", "/item_prices$", "/import_order$", "/import_invoice$")
ERP = ("/contacts$", "/products$", "/orders$")
APPLIED: dict[str, dict[str, Any]] = {
    "an error after it was applied": {"kind": "status_after_apply"},
    "a dropped connection before it was applied": {"kind": "drop_before"},
    "a dropped connection after it was applied": {"kind": "drop_after_apply"},
    "a login page": {"kind": "html", "status": 200},
    "half a body": {"kind": "truncate_body"},
    "an answer of another shape": {"kind": "rewrite_json", "set": {"": []}},
}


@pytest.mark.slow
@pytest.mark.parametrize("effect", APPLIED.values(), ids=APPLIED)
@pytest.mark.parametrize("path", CHARGEBEE)
def test_a_create_in_chargebee_is_made_once(acme: Company, path: str, effect: dict[str, Any]) -> None:
    fill(acme, 2)
    acme.chargebee.add_fault(effect, match={"method": "POST", "path": path}, times=2)
    ended(acme.run("sync"), 0, 3)
    assert acme.chargebee.console("GET", "faults")["rules"][0]["fired"]
    in_step(acme)


@pytest.mark.slow
@pytest.mark.parametrize("effect", APPLIED.values(), ids=APPLIED)
@pytest.mark.parametrize("path", ERP)
def test_a_create_in_the_erp_is_made_once(acme: Company, path: str, effect: dict[str, Any]) -> None:
    fill(acme, 2)
    if path == "/orders$":
        orders_in_chargebee(acme)
    acme.erp.add_fault(effect, match={"method": "POST", "path": path}, times=2)
    ended(acme.run("sync"), 0, 3)
    assert acme.erp.console("GET", "faults")["rules"][0]["fired"]
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


def orders_in_chargebee(acme: Company) -> None:
    """An order that begins in Chargebee, in a shape that the ERP takes."""
    ended(acme.run("sync"), 0)
    order = next(iter(acme.chargebee.console("GET", "records/orders")["records"]))
    copy = {
        key: value for key, value in order.items() if key not in ("id", "reference_id", "resource_version")
    }
    acme.chargebee.load({"orders": [{**copy, "id": "o-1", "reference_id": "C-1", "object": "order"}]})
