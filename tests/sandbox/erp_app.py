"""The sample ERP on a socket, with a client that is known to it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from instep.sandbox.erp.server import DEFAULT_TOKEN, application
from instep.sandbox.kit import listening

BEARER = {"Authorization": f"Bearer {DEFAULT_TOKEN}"}


@dataclass
class Answer:
    status: int
    headers: Any
    body: Any

    def codes(self) -> dict[str, str]:
        """Field to code of a refusal."""
        return {error["field"]: error["code"] for error in self.body["errors"]}


@dataclass
class Erp:
    url: str
    client: aiohttp.ClientSession

    async def ask(self, method: str, path: str, body: Any = None, /, **options: Any) -> Answer:
        """One request below /api/v1; `headers` are added to the proof of identity."""
        headers = {**BEARER, **options.pop("headers", {})}
        return await self.raw(method, f"/api/v1/{path}", body, headers=headers, **options)

    async def raw(self, method: str, path: str, body: Any = None, /, **options: Any) -> Answer:
        extra = {"json": body} if body is not None else {}
        async with self.client.request(method, self.url + path, **extra, **options) as answer:
            content = await answer.read()
            is_json = answer.content_type == "application/json" and content
            return Answer(answer.status, answer.headers, await answer.json() if is_json else content)

    async def make(self, entity: str, **fields: Any) -> dict[str, Any]:
        """A record with what is required and these fields."""
        answer = await self.ask("POST", entity, {**LEAST[entity], **fields})
        assert answer.status == 201, answer.body
        made: dict[str, Any] = answer.body
        return made

    async def read(self, path: str, **params: str) -> Any:
        answer = await self.ask("GET", path, params=params)
        assert answer.status == 200, answer.body
        return answer.body

    async def console(self, method: str, path: str, body: Any = None, /, **options: Any) -> Any:
        answer = await self.raw(method, f"/_console/{path}", body, **options)
        assert answer.status < 300, answer.body
        return answer.body

    async def set(self, **settings: Any) -> None:
        await self.console("POST", "settings", settings)

    async def at(self, moment_s: float) -> None:
        """Stop the ERP's clock there."""
        await self.console("POST", "clock", {"freeze_at": moment_s})


LEAST: dict[str, dict[str, Any]] = {
    "customers": {"name": "Nordlys AS"},
    "contacts": {"family_name": "Kern"},
    "products": {"code": "S-1", "name": "Sensor"},
    "orders": {"order_date": "2026-02-03"},
}


@contextlib.asynccontextmanager
async def erp(db: Path | str = ":memory:", **settings: Any) -> AsyncIterator[Erp]:
    async with listening(application(db, settings=settings)) as url, aiohttp.ClientSession() as client:
        yield Erp(url, client)
