"""The ERP tells of each change: signed, in order, again until it is taken, and across a restart."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from pathlib import Path
from typing import Any

import pytest

from .chargebee_site import Receiver, receiver
from .erp_app import DEFAULT_TOKEN, erp


@pytest.fixture
def hook() -> Any:
    with receiver() as running:
        yield running


async def heard(hook: Receiver) -> dict[str, Any]:
    return await asyncio.to_thread(hook.next)


async def test_every_change_is_told_in_its_order_whoever_made_it(hook: Receiver) -> None:
    async with erp(webhooks=[hook.url]) as books:
        made = await books.make("contacts")
        await books.console("PATCH", f"contacts/{made['id']}", {"given_name": "Eva"})
        await books.ask("DELETE", f"contacts/{made['id']}")
        came = [await heard(hook) for _ in range(3)]
    assert [each["type"] for each in came] == ["contacts.create", "contacts.change", "contacts.delete"]
    assert [each["record"] for each in came] == [{"id": made["id"], "version": n} for n in (1, 2, 3)]


async def test_a_webhook_is_signed_with_the_time_by_the_one_secret(hook: Receiver) -> None:
    async with erp(webhooks=[hook.url]) as books:
        await books.make("contacts")
        came = await heard(hook)
    headers = came.pop("headers")
    body = json.dumps(came, separators=(",", ":")).encode()
    text = headers["x-erp-timestamp"].encode() + b"." + body
    made = hmac.digest(DEFAULT_TOKEN.encode(), text, "sha256").hex()
    assert headers["x-erp-signature"] == f"sha256={made}"
    assert abs(int(headers["x-erp-timestamp"]) - time.time()) < 60


async def test_one_that_is_not_taken_is_sent_again_and_the_next_one_waits(hook: Receiver) -> None:
    hook.answers.put(503)
    async with erp(webhooks=[hook.url]) as books:
        first, second = await books.make("contacts"), await books.make("contacts")
        assert (await heard(hook))["record"]["id"] == first["id"]
        await books.console("POST", "clock", {"advance_s": 2})
        assert (await heard(hook))["record"]["id"] == first["id"]
        assert (await heard(hook))["record"]["id"] == second["id"]


async def test_a_restart_loses_none_and_repeats_none(tmp_path: Path, hook: Receiver) -> None:
    hook.answers.put(200)
    hook.answers.put(503)
    async with erp(tmp_path / "erp.db", webhooks=[hook.url]) as books:
        first, second = await books.make("contacts"), await books.make("contacts")
        assert [(await heard(hook))["record"]["id"] for _ in "12"] == [first["id"], second["id"]]
    async with erp(tmp_path / "erp.db"):
        assert (await heard(hook))["record"]["id"] == second["id"]


async def test_an_address_is_told_of_what_happens_since_it_is_known_and_no_more_once_it_is_not(
    hook: Receiver,
) -> None:
    async with erp() as books:
        await books.make("contacts")
        await books.set(webhooks=[hook.url])
        made = await books.make("products")
        assert (await heard(hook))["record"]["id"] == made["id"]
        await books.set(webhooks=[])
        await books.make("contacts")
        await books.set(webhooks=[hook.url])
        made = await books.make("products", code="S-2")
        assert (await heard(hook))["record"]["id"] == made["id"]
