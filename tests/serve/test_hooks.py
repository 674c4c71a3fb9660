"""Webhooks in, over real HTTP: who is let in, what is marked, and what a bad sender achieves."""

from __future__ import annotations

import asyncio
import hmac
import json
import statistics
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

import instep.serve.serving
from instep.connectors.rest import RestConnector
from instep.connectors.webhooks import Call
from instep.core.model import Both, Record, Side
from instep.core.state import Key
from instep.dataflow.systems import ChargebeeSystem, RestSystem, SqlSystem, System, TrytonSystem
from instep.runner.observe import take_records
from instep.serve.guard import MOST_BYTES
from instep.serve.hooks import places
from instep.serve.serving import CONNECTIONS

from .hooks_site import ERP_TOKEN, PASSWORD, TOKENS, Served, basic, served

AUTH = basic("instep", PASSWORD)


@pytest.fixture
async def here(site_files: Path) -> AsyncIterator[Served]:
    async with served(site_files) as running:
        yield running


def event(id: str, kind: str = "customer_changed", **more: Any) -> dict[str, Any]:
    return {"id": f"ev_{id}", "event_type": kind, "content": {"customer": {"id": id, **more}}}


def signed(body: Mapping[str, Any], *, at_s: float | None = None, secret: str = ERP_TOKEN) -> dict[str, Any]:
    data = json.dumps(body).encode()
    moment = str(int(time.time() if at_s is None else at_s))
    signature = hmac.digest(secret.encode(), f"{moment}.".encode() + data, "sha256").hex()
    return {
        "data": data,
        "headers": {"X-Erp-Timestamp": moment, "X-Erp-Signature": f"sha256={signature}"},
    }


def changed(id: str, kind: str = "contacts.change") -> dict[str, Any]:
    return {"id": "evt-1", "type": kind, "record": {"id": id, "version": 2}}


async def test_an_event_of_chargebee_marks_its_record_before_it_is_answered(here: Served) -> None:
    assert await here.post("/hooks/chargebee", json=event("c-1"), headers=AUTH) == 200
    assert here.is_marked(Key("contact", Side.LEFT, "c-1"))
    assert here.app.state.heard["chargebee", "new"] == 1


async def test_the_password_may_be_the_last_part_of_the_address(here: Served) -> None:
    assert await here.post(f"/hooks/chargebee/{PASSWORD}", json=event("c-1")) == 200
    assert here.is_marked(Key("contact", Side.LEFT, "c-1"))


async def test_an_event_of_the_erp_marks_its_record_if_it_is_signed(here: Served) -> None:
    assert await here.post("/hooks/erp", **signed(changed("1001"))) == 200
    assert here.is_marked(Key("contact", Side.RIGHT, "1001"))


async def test_many_events_in_one_body_are_each_heard(here: Served) -> None:
    assert await here.post("/hooks/erp", **signed([changed("1"), changed("2"), changed("3", "x.y")])) == 200  # type: ignore[arg-type]
    assert here.marked("contact") == {"1", "2"}


async def test_of_a_thousand_merges_in_one_body_no_record_is_left_out(here: Served) -> None:
    erp = here.site.connectors.right
    assert isinstance(erp, RestConnector)
    told = erp._description.webhooks
    assert told is not None
    merges = told.model_copy(update={"ids": ("record.id", "record.into")})
    erp._description = erp._description.model_copy(update={"webhooks": merges})
    body = [{"type": "contacts.x", "record": {"id": n, "into": n + 1000}} for n in range(1000)]
    assert await here.post("/hooks/erp", **signed(body)) == 200  # type: ignore[arg-type]
    assert len(here.marked("contact")) == 2000


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"headers": basic("instep", PASSWORD[:-1])},
        {"headers": basic("other", PASSWORD)},
        {"headers": basic("", "")},
        {"headers": {"Authorization": f"Bearer {PASSWORD}"}},
        {"headers": {"Authorization": "Basic !"}},
        {"headers": {"Authorization": "Basic"}},
        {"headers": {"Authorization": "Basic " + "A" * 8000}},
    ],
)
async def test_a_wrong_password_is_told_nothing_and_marks_nothing(
    here: Served, options: dict[str, Any]
) -> None:
    async with here.client.post(f"{here.url}/hooks/chargebee", json=event("c-1"), **options) as answer:
        assert (answer.status, await answer.read()) == (401, b"")
    assert here.marked("contact") == set()
    assert here.app.state.heard == {("chargebee", "refused"): 1}


@pytest.mark.parametrize("tail", ["", "/x", "/instep", f"/{PASSWORD}x", "/%00", "/%ff"])
async def test_a_wrong_secret_in_the_address_is_refused(here: Served, tail: str) -> None:
    assert await here.post(f"/hooks/chargebee{tail}", json=event("c-1")) == 401


async def test_a_signature_is_of_this_body_by_this_secret_and_of_now(here: Served) -> None:
    good = signed(changed("1"))
    wrong = [
        {**good, "data": good["data"].replace(b'"1"', b'"2"')},
        {**good, "headers": {**good["headers"], "X-Erp-Signature": "sha256="}},
        {**good, "headers": {"X-Erp-Signature": good["headers"]["X-Erp-Signature"]}},
        {"data": good["data"]},
        signed(changed("1"), secret=ERP_TOKEN + "x"),
        signed(changed("1"), at_s=time.time() - 400),
        signed(changed("1"), at_s=time.time() + 400),
    ]
    assert [await here.post("/hooks/erp", **options) for options in wrong] == [401] * len(wrong)
    assert here.marked("contact") == set()
    assert await here.post("/hooks/erp", **good) == 200


async def test_what_is_not_there_is_not_found_whoever_asks(here: Served) -> None:
    for path in ("/hooks/left", "/hooks/erp2", "/hooks/", "/hooks", "/hooks/chargebee/..%2f"):
        assert await here.post(path, json={}, headers=AUTH) == 404
    async with here.client.get(f"{here.url}/hooks/chargebee", headers=AUTH) as answer:
        assert answer.status == 405


@pytest.mark.parametrize(
    ("left", "right", "names"),
    [
        (ChargebeeSystem, RestSystem, {"chargebee": Side.LEFT, "erp": Side.RIGHT}),
        (TrytonSystem, ChargebeeSystem, {"erp": Side.LEFT, "chargebee": Side.RIGHT}),
        (RestSystem, SqlSystem, {"left": Side.LEFT, "right": Side.RIGHT}),
        (ChargebeeSystem, ChargebeeSystem, {"left": Side.LEFT, "right": Side.RIGHT}),
    ],
)
def test_an_address_is_named_after_its_kind_of_system_or_its_side(
    left: type[System], right: type[System], names: dict[str, Side]
) -> None:
    kinds = Both(left, right).map(lambda kind: kind.model_construct(kind=kind.model_fields["kind"].default))
    assert places(kinds) == names


async def test_without_a_password_no_webhook_is_taken(site_files: Path) -> None:
    path = site_files / "instep.yaml"
    path.write_text("\n".join(line for line in path.read_text().splitlines() if "webhooks:" not in line))
    async with served(site_files) as running:
        assert await running.post("/hooks/chargebee", json=event("c-1"), headers=AUTH) == 404


async def test_events_that_do_not_matter_are_taken_and_counted(here: Served) -> None:
    for kind in ("subscription_created", "never_heard_of_it", "invoice_updated"):
        assert await here.post("/hooks/chargebee", json=event("c-1", kind), headers=AUTH) == 200
    assert await here.post("/hooks/erp", **signed(changed("1", "suppliers.change"))) == 200
    assert here.app.state.heard == {("chargebee", "unknown"): 3, ("erp", "unknown"): 1}
    assert here.marked("contact") == set()


async def test_an_event_of_what_is_known_as_new_is_no_news(here: Served) -> None:
    """The echo of our own write costs no reading; neither does an event that comes again, or after a later one."""
    engine = here.site.engine()
    known = Record("c-1", {"id": "c-1", "email": "a@example.test"}, version=7)
    await here.site.store.write(lambda tx: take_records(engine, tx, Side.LEFT, "customer", [known]))
    todo = here.site.store.read(lambda tx: tx.todo_after("contact", after=0, limit=9))
    await here.site.store.write(lambda tx: [tx.finish(each) for each in todo])
    for version in (7, 7, 3):
        body = event("c-1", resource_version=version)
        assert await here.post("/hooks/chargebee", json=body, headers=AUTH) == 200
        assert here.marked("contact") == set()
    assert here.app.state.heard == {("chargebee", "known"): 3}
    assert await here.post("/hooks/chargebee", json=event("c-1", resource_version=8), headers=AUTH) == 200
    assert here.marked("contact") == {"c-1"}


async def test_an_edit_that_a_listing_has_told_of_before_its_event_is_urgent_all_the_same(
    here: Served,
) -> None:
    engine, key = here.site.engine(), Key("contact", Side.LEFT, "c-1")
    known = Record("c-1", {"id": "c-1", "email": "a@example.test"}, version=7)
    await here.site.store.write(lambda tx: take_records(engine, tx, Side.LEFT, "customer", [known]))
    body = event("c-1", resource_version=7)
    assert await here.post("/hooks/chargebee", json=body, headers=AUTH) == 200
    found = here.site.store.read(lambda tx: tx.todo_of(key))
    assert found is not None
    assert found.urgent
    await here.site.store.write(lambda tx: tx.postpone(found, due_ms=1 << 60, attempts=3, reason="it failed"))
    assert await here.post("/hooks/chargebee", json=body, headers=AUTH) == 200
    after = here.site.store.read(lambda tx: tx.todo_of(key))
    assert after is not None
    assert (after.due_ms, after.attempts) == (1 << 60, 3), "nothing new was told: it waits for its next try"


async def test_repeated_and_disordered_events_are_one_reason_to_look(here: Served) -> None:
    for version in (5, 3, 5, 4):
        body = event("c-1", resource_version=version)
        assert await here.post("/hooks/chargebee", json=body, headers=AUTH) == 200
    assert here.marked("contact") == {"c-1"}


async def test_nothing_is_taken_from_an_event_but_its_id(here: Served) -> None:
    body = event("c-1", email="mallory@example.test", deleted=True, resource_version=99)
    assert await here.post("/hooks/chargebee", json=body, headers=AUTH) == 200
    seen = here.site.store.read(lambda tx: tx.sighting(Side.LEFT, "customer", "c-1"))
    assert seen is not None
    assert seen.unread and not seen.deleted and not seen.fields and seen.version is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"content":1}',
        b"[" * 500_000,
        b'{"a":' * 100_000,
        b"1" * 9_999,
    ],
    ids=lambda body: repr(body[:12]),
)
async def test_what_is_no_event_is_refused_and_the_next_one_is_taken(here: Served, body: bytes) -> None:
    assert await here.post("/hooks/chargebee", data=body, headers=AUTH) == 400
    assert await here.post("/hooks/chargebee", json=event("c-1"), headers=AUTH) == 200


async def test_a_body_that_is_too_large_is_refused(here: Served) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 65_536

    assert await here.post("/hooks/chargebee", data=b" " * (MOST_BYTES + 1), headers=AUTH) == 413
    with suppress(aiohttp.ClientError):  # the connection is closed while the rest is still being sent
        assert await here.post("/hooks/chargebee", data=endless(), headers=AUTH) == 413
    assert here.app.state.heard == {}


async def talk(here: Served, *parts: bytes, gap_s: float = 0.0) -> bytes:
    """What the server says to these bytes, up to its end of the connection."""
    address = urlsplit(here.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(gap_s)
    said = await reader.read()
    writer.close()
    return said


HEAD = b"POST /hooks/chargebee HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n" % AUTH["Authorization"].encode()


async def test_a_sender_that_is_too_slow_is_let_go(here: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    bounds = here.app.middleware_stack
    while not hasattr(bounds, "body_s"):
        bounds = bounds.app
    monkeypatch.setattr(bounds, "body_s", 0.1)
    said = await talk(here, HEAD + b"Content-Length: 100\r\n\r\n", b"{")
    assert said.startswith(b"HTTP/1.1 408 ")
    assert here.app.state.heard == {}


@pytest.mark.parametrize("head", [b"", HEAD, b"POST /hooks"])
async def test_a_head_that_does_not_come_closes_the_connection(
    here: Served, monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    monkeypatch.setattr(instep.serve.serving, "HEAD_S", 0.1)
    assert await asyncio.wait_for(talk(here, head), 5) == b""


async def test_a_second_head_that_does_not_come_closes_the_connection_too(
    here: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instep.serve.serving, "HEAD_S", 0.1)
    whole = HEAD + b"Content-Length: 2\r\n\r\n{}"
    said = await asyncio.wait_for(talk(here, whole, b"POST /ho"), 5)
    assert said.startswith(b"HTTP/1.1 400 ")


async def test_more_connections_than_there_may_be_are_told_to_come_later(
    here: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = urlsplit(here.url)
    idle = [await asyncio.open_connection(address.hostname, address.port) for _ in range(CONNECTIONS)]
    assert await here.post("/hooks/chargebee", json=event("c-1"), headers=AUTH) == 503
    for _, writer in idle:
        writer.close()
    while (status := await here.post("/hooks/chargebee", json=event("c-1"), headers=AUTH)) == 503:
        pass
    assert status == 200


async def test_an_endless_chunked_body_is_cut_off(here: Served) -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    said = await talk(here, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 17)
    assert said.startswith(b"HTTP/1.1 413 ")


async def test_who_hangs_up_in_the_middle_leaves_no_trace(
    here: Served, caplog: pytest.LogCaptureFixture
) -> None:
    address = urlsplit(here.url)
    for _ in range(5):
        _, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(HEAD + b"Content-Length: 100\r\n\r\n{")
        await writer.drain()
        writer.close()
    assert await here.post("/hooks/chargebee", json=event("c-1"), headers=AUTH) == 200
    await asyncio.sleep(0.05)
    assert caplog.records == []


async def test_when_the_store_can_not_take_it_the_sender_is_to_try_again(here: Served) -> None:
    await here.site.store.close()
    async with here.client.post(f"{here.url}/hooks/chargebee", json=event("c-1"), headers=AUTH) as answer:
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) > 0
    assert here.app.state.heard == {("chargebee", "failed"): 1}


async def test_a_nearly_right_password_takes_no_longer_to_refuse_than_a_wrong_one(here: Served) -> None:
    """Medians of many, interleaved; a comparison that stops at the first difference is not told apart over HTTP, so
    this finds what is coarser: a database that is asked, or a body that is read, for one of them alone."""
    proof = here.site.connectors.left.proof  # type: ignore[attr-defined]

    def took(tail: str) -> float:
        begun = time.perf_counter()
        assert not proof.holds(Call({}, tail), 0.0)
        return time.perf_counter() - begun

    near, far = PASSWORD[:-1] + "x", "x" * len(PASSWORD)
    pairs = [(took(near), took(far)) for _ in range(3000)]
    ratio = statistics.median(a for a, _ in pairs) / statistics.median(b for _, b in pairs)
    assert 0.5 < ratio < 2


async def test_a_hint_by_api_marks_records(here: Served) -> None:
    body = {"side": "right", "entity": "contact", "ids": ["1", "2"]}
    operator = {"Authorization": f"Bearer {TOKENS['operator']}"}
    async with here.client.post(f"{here.url}/api/v1/hints", json=body, headers=operator) as answer:
        assert (answer.status, await answer.json()) == (202, {"records": 2})
    assert here.marked("contact") == {"1", "2"}


@pytest.mark.parametrize(
    ("role", "body", "status"),
    [
        ("viewer", {"side": "right", "entity": "contact", "ids": ["1"]}, 403),
        ("", {"side": "right", "entity": "contact", "ids": ["1"]}, 401),
        ("operator", {"side": "right", "entity": "supplier", "ids": ["1"]}, 404),
        ("operator", {"side": "up", "entity": "contact", "ids": ["1"]}, 422),
        ("operator", {"side": "right", "entity": "contact", "ids": []}, 422),
        ("operator", {"side": "right", "entity": "contact", "ids": ["1"] * 1001}, 422),
        ("operator", {"side": "right", "entity": "contact", "ids": ["x" * 256]}, 422),
        ("operator", {"side": "right", "entity": "contact", "ids": ["1"], "fields": {}}, 422),
        ("operator", [], 422),
    ],
)
async def test_a_hint_by_api_that_is_wrong_is_refused(
    here: Served, role: str, body: Any, status: int
) -> None:
    headers = {"Authorization": f"Bearer {TOKENS.get(role, '')}"}
    assert await here.post("/api/v1/hints", json=body, headers=headers) == status
    assert here.marked("contact") == set()


@pytest.mark.slow
async def test_thousands_of_events_in_a_burst_are_all_heard(here: Served) -> None:
    """How many a second: python -m bench.webhooks."""
    total, lanes = 2_000, 64

    async def lane(first: int) -> None:
        for number in range(first, total, lanes):
            assert await here.post("/hooks/chargebee", json=event(f"c-{number}"), headers=AUTH) == 200

    await asyncio.gather(*(lane(first) for first in range(lanes)))
    assert len(here.marked("contact")) == total
