"""A Chargebee site as the engine sees it. It only hands each call to the entity it is for."""

from __future__ import annotations

import asyncio
import base64
import random as random_module
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence

from instep.connectors.chargebee.api import Api, locked
from instep.connectors.chargebee.business_entities import BusinessEntities
from instep.connectors.chargebee.checks import look
from instep.connectors.chargebee.customers import Customers
from instep.connectors.chargebee.endpoints import Endpoints
from instep.connectors.chargebee.events import Events
from instep.connectors.chargebee.hints import hinted
from instep.connectors.chargebee.items import Items
from instep.connectors.chargebee.orders import Orders
from instep.connectors.chargebee.resource import Resource
from instep.connectors.chargebee.settings import Settings
from instep.connectors.contract import CreateKey, Health, Page
from instep.connectors.http import Exchange, FixedHeaders, HttpClient, Limits
from instep.connectors.pace import Monotonic, Sleep
from instep.connectors.request_ids import tells_requests
from instep.connectors.webhooks import Call, Hint, Proof
from instep.core.model import Entity, Logged, Record
from instep.core.values import Json


class ChargebeeConnector:
    """Implements `Connector`, `ChangeLog` and `Hinting` for one site; make one per site, since its quota is the
    site's.

    `site` is its name ("acme-test"); `base_url` is for another address than https://SITE.chargebee.com.
    `requests_per_minute` is the plan's quota (150 for test sites and Starter) and `reserve` the share left to
    other tools. `proof`: what webhooks show. `log` gets an Exchange per request. The rest are for tests.
    """

    def __init__(
        self,
        site: str,
        api_key: str,
        settings: Settings | None = None,
        *,
        name: str = "Chargebee",
        base_url: str | None = None,
        requests_per_minute: int | None = 150,
        reserve: float = 0.1,
        limits: Limits | None = None,
        proof: Proof | None = None,
        log: Callable[[Exchange], None] | None = None,
        sleep: Sleep = asyncio.sleep,
        random: Callable[[], float] = random_module.random,
        monotonic: Monotonic = time.monotonic,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.name = name
        self.proof = proof
        self.settings = settings or Settings()
        credentials = base64.b64encode(f"{api_key}:".encode()).decode("ascii")
        self._http = HttpClient(
            name,
            (base_url or f"https://{site}.chargebee.com").rstrip("/").removesuffix("/api/v2") + "/api/v2",
            auth=FixedHeaders({"Authorization": f"Basic {credentials}"}),
            headers={"chargebee-request-origin-user": "instep"},
            requests_per_minute=requests_per_minute,
            reserve=reserve,
            # Chargebee: at most 50 GETs at once; POSTs 50 on a test site, 100 on a live one. Others need
            # some.
            limits=limits or Limits(max_reads=30, max_writes=30),
            record_locked=locked,
            log=log,
            sleep=sleep,
            random=random,
            monotonic=monotonic,
            now_ms=now_ms,
        )
        self.api = Api(self._http)
        self._business_entities = BusinessEntities(self.api, self.settings, now_ms)
        items = Items(self.api, self.settings, now_ms)
        resources: tuple[Resource, ...] = (
            self._business_entities,
            Customers(self.api, self.settings, now_ms),
            items,
            Orders(self.api, self.settings, now_ms, items.prices),
        )
        self._resources = {resource.name: resource for resource in resources}
        self._entities = {resource.name: resource.entity for resource in resources}
        shapes = {resource.name: resource.shape for resource in resources}
        self.endpoints = Endpoints(self.api)
        self._events = Events(self.api, shapes, items.prices, self.settings.page_size)

    @property
    def clock_skew_ms(self) -> int:
        return self._http.skew.skew_ms or 0

    @property
    def clock_error_ms(self) -> int:
        return self._http.skew.error_ms

    @property
    def requests(self) -> int:
        return self._http.requests

    @property
    def requests_per_minute(self) -> int | None:
        return self._http.pace.per_minute

    def entities(self) -> Mapping[str, Entity]:
        return self._entities

    async def check(self) -> Health:
        return await look(self.api, self.settings, self._entities)

    async def list(self, entity: str, cursor: str | None) -> AsyncIterator[Page]:
        async for page in self._resources[entity].pages(cursor):
            if entity == "customer":
                self._business_entities.met(page.records)
            yield page

    async def read(self, entity: str, id: str) -> Record:
        return await self._resources[entity].read(id)

    async def find(self, entity: str, path: str, value: str) -> Sequence[Record]:
        return await self._resources[entity].find(path, value)

    @tells_requests
    async def create(self, entity: str, fields: Mapping[str, Json], key: CreateKey) -> Record:
        return await self._resources[entity].create(fields, key)

    @tells_requests
    async def update(
        self, entity: str, id: str, changes: Mapping[str, Json], *, seen: Record, idempotency: str
    ) -> Record:
        return await self._resources[entity].update(id, changes, seen=seen, idempotency=idempotency)

    @tells_requests
    async def retire(self, entity: str, id: str, *, seen: Record, idempotency: str) -> Record:
        return await self._resources[entity].retire(id, seen=seen, idempotency=idempotency)

    async def discard(self, entity: str, id: str) -> None:
        await self._resources[entity].discard(id)

    async def changed(
        self, entities: Collection[str], since_ms: int, until_ms: int
    ) -> AsyncIterator[Sequence[Logged]]:
        async for page in self._events.changed(entities, since_ms, until_ms):
            yield page

    def hinted(self, call: Call) -> Sequence[Hint]:
        return hinted(call.body)

    async def close(self) -> None:
        await self._http.close()
