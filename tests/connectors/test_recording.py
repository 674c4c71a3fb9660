"""Recorded traffic: what is recorded is what is replayed, and a replay notices what is not as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from instep.testing.recording import recording, replaying

ASK = {"method": "GET", "path": "/things", "query": ["a=1", "b=2"], "body": None}
MAKE = {"method": "POST", "path": "/things", "query": [], "body": {"name": "Åse"}}
RECORDED: list[dict[str, Any]] = [
    {"request": ASK, "response": {"status": 200, "headers": {"x-left": "7"}, "body": {"items": []}}},
    {"request": MAKE, "response": {"status": 201, "headers": {"location": "/things/1"}, "body": {"id": 1}}},
]


async def ask(session: aiohttp.ClientSession, url: str) -> tuple[int, Any, Any]:
    secret = {"Authorization": "Bearer secret", "Cookie": "session=1"}
    async with session.get(f"{url}/things?b=2&a=1", headers=secret) as got:
        return got.status, got.headers.get("x-left"), json.loads(await got.text() or "null")


async def make(session: aiohttp.ClientSession, url: str, name: str = "Åse") -> int:
    async with session.post(f"{url}/things", json={"name": name}) as got:
        return got.status


async def test_what_went_by_is_recorded_without_secrets_and_replayed(tmp_path: Path) -> None:
    out = tmp_path / "recorded.json"
    async with aiohttp.ClientSession() as session, replaying(RECORDED) as system:
        async with recording(system.url, out) as url:
            assert await ask(session, url) == (200, "7", {"items": []})
            assert await make(session, url) == 201
        system.check()
    text = out.read_text("utf-8")
    assert "secret" not in text and "session" not in text
    kept = json.loads(text)
    assert [exchange["request"] for exchange in kept] == [ASK, MAKE]
    async with aiohttp.ClientSession() as session, replaying(out) as again:
        assert await ask(session, again.url) == (200, "7", {"items": []})
        assert await make(session, again.url) == 201
        again.check()


async def test_another_request_than_the_recorded_one_is_noticed() -> None:
    async with aiohttp.ClientSession() as session, replaying(RECORDED) as system:
        await ask(session, system.url)
        assert await make(session, system.url, "Bob") == 599
        with pytest.raises(AssertionError, match=r'asked POST /things \{"name": "Bob"\}, recorded'):
            system.check()


async def test_a_request_too_few_or_too_many_is_noticed() -> None:
    async with aiohttp.ClientSession() as session, replaying(RECORDED[:1]) as system:
        with pytest.raises(AssertionError, match="never asked: GET /things"):
            system.check()
        await ask(session, system.url)
        system.check()
        assert (await ask(session, system.url))[0] == 599
        with pytest.raises(AssertionError, match="asked after the end"):
            system.check()
