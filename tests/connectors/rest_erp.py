"""The sample ERP on a socket, its shipped description with changes, and a connector over both."""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import aiohttp
from ruamel.yaml import YAML

from instep.connectors.rest import Description, RestConnector
from instep.sandbox.erp.server import DEFAULT_TOKEN, application
from instep.sandbox.kit import listening

SAMPLE: dict[str, Any] = YAML(typ="safe").load(
    files("instep.connectors.rest").joinpath("sample_erp.yaml").read_text("utf-8")
)
PATHS = {"customer": "customers", "contact": "contacts", "product": "products", "order": "orders"}
PAGINGS: dict[str, dict[str, Any]] = {
    "page": {"kind": "page", "next": "next_page", "total": "total"},
    "page counted": {"kind": "page", "total": "total"},
    "page bare": {"kind": "page"},
    "offset": {"kind": "offset", "next": "next_offset", "total": "total"},
    "offset bare": {"kind": "offset"},
    "cursor": {"kind": "cursor", "param": "cursor", "first": "", "next": "next_cursor"},
    "link": {"kind": "link"},
}


def described(**changes: Any) -> dict[str, Any]:
    """The shipped description; `list`, and other keys of an entity, are laid over every entity's."""
    description = copy.deepcopy(SAMPLE)
    for entity in description["entities"].values():
        for key, value in changes.items():
            if key == "list":
                entity["list"].update(copy.deepcopy(value))
            else:
                entity[key] = copy.deepcopy(value)
    return description


def paged(style: str, size: int = 2, **list_changes: Any) -> dict[str, Any]:
    """Every entity listed in this style of paging, `size` rows to a page."""
    paging = {**PAGINGS[style], "size_param": "page_size", "size": size}
    return described(list={"paging": paging, **list_changes})


async def no_sleep(seconds: float) -> None:
    """Back-off without waiting."""


def connect(url: str, description: Mapping[str, Any] | None = None, **options: Any) -> RestConnector:
    """A connector to the ERP at `url`; its only secret is the ERP's own token."""
    merged = {**(description or SAMPLE), "base_url": f"{url}/api/v1"}
    options = {"sleep": no_sleep, "random": lambda: 0.5, **options}
    return RestConnector(
        Description.model_validate(merged), lambda reference: DEFAULT_TOKEN, name="Custom ERP", **options
    )


@dataclass
class Erp:
    """The ERP seen by a person: its console."""

    url: str
    client: aiohttp.ClientSession

    async def console(self, method: str, path: str, body: Any = None) -> Any:
        extra = {} if body is None else {"data": json.dumps(body, default=str)}
        async with self.client.request(method, f"{self.url}/_console/{path}", **extra) as answer:
            content = await answer.json()
            assert answer.status < 300, content
            return content

    async def make(self, entity: str, fields: Mapping[str, Any]) -> str:
        made = await self.console("POST", PATHS[entity], dict(fields))
        return str(made["id"])

    async def edit(self, entity: str, id: str, fields: Mapping[str, Any]) -> None:
        await self.console("PATCH", f"{PATHS[entity]}/{id}", dict(fields))

    async def remove(self, entity: str, id: str) -> None:
        await self.console("DELETE", f"{PATHS[entity]}/{id}")

    async def count(self, entity: str) -> int:
        records = (await self.console("GET", f"records/{PATHS[entity]}"))["records"]
        return sum(1 for record in records if not record.get("deleted"))

    async def fault(self, kind: str, *, match: Mapping[str, str] | None = None, **rule: Any) -> None:
        """Make requests go wrong; `times` defaults to once, the rest is the effect's."""
        times = rule.pop("times", 1)
        after = rule.pop("after", 0)
        effect = {"kind": kind, **rule}
        body = {"match": dict(match or {}), "times": times, "after": after, "effect": effect}
        await self.console("POST", "faults", body)


@asynccontextmanager
async def erp(**settings: Any) -> AsyncIterator[Erp]:
    """A fresh ERP in this event loop, on a port of its own."""
    async with (
        listening(application(":memory:", settings=settings)) as url,
        aiohttp.ClientSession() as client,
    ):
        yield Erp(url, client)
