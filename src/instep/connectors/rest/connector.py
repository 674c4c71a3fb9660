"""The connector for any ERP whose JSON API is described in YAML: each call of the contract is one of its own.

It knows no ERP. What is special about one belongs into its description; what no description can say yet
belongs into the models of `description`, and from there into here.
"""

from __future__ import annotations

import asyncio
import random as random_module
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing

from instep.connectors.clock import QuotaHeaders
from instep.connectors.contract import CreateKey, Health, Page
from instep.connectors.exchange import Traffic
from instep.connectors.http import Exchange, HttpClient, Limits, checked_origin
from instep.connectors.pace import Monotonic, Sleep
from instep.connectors.request_ids import USUAL_HEADERS, tells_requests
from instep.connectors.rest.auth import authorizer
from instep.connectors.rest.check import look
from instep.connectors.rest.description import Description
from instep.connectors.rest.entities import entity_of
from instep.connectors.rest.jobs import Jobs
from instep.connectors.rest.places import place_of
from instep.connectors.rest.reader import Reader
from instep.connectors.rest.sessions import Keep, Renewed, Secrets, resolved
from instep.connectors.rest.webhooks import hinted, proof_of
from instep.connectors.rest.writer import Writer
from instep.connectors.webhooks import Call, Hint
from instep.connectors.writing import require
from instep.core.model import Entity, Record
from instep.core.values import Json


class RestConnector:
    """Speaks to one described system.

    `secrets` turns a reference of the description ("env:ERP_TOKEN") into the secret; it is asked when the
    connector is made. `keep` replaces one that the system has renewed. `log` gets an Exchange per request. `sleep`,
    `random`, `monotonic` and `now_ms` exist for tests.
    """

    def __init__(
        self,
        description: Description,
        secrets: Secrets,
        *,
        name: str = "ERP",
        keep: Keep | None = None,
        log: Callable[[Exchange], None] | None = None,
        sleep: Sleep = asyncio.sleep,
        random: Callable[[], float] = random_module.random,
        monotonic: Monotonic = time.monotonic,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.name = name
        self.clock_skew_ms = self.clock_error_ms = self.requests = 0
        self._description, self._log, self._now_ms = description, log, now_ms
        base_url = description.base_url.rstrip("/")
        own = checked_origin(name, base_url)
        limits = Limits(
            total_s=description.timeout_s,
            max_reads=description.concurrency,
            max_writes=description.concurrency,
        )

        def client(origin: str) -> HttpClient:
            return HttpClient(
                name,
                origin or own,
                limits=limits,
                log=self._count,
                sleep=sleep,
                random=random,
                monotonic=monotonic,
                now_ms=now_ms,
            )

        definite = {s for s in _statuses(description) if s >= 500}
        self._auth = authorizer(
            description.auth, secrets, client, keep=keep, monotonic=monotonic, now_ms=now_ms
        )
        self._client = HttpClient(
            name,
            base_url,
            auth=self._auth,
            headers={name: resolved(text, secrets) for name, text in description.headers.items()},
            secret_query={name: resolved(text, secrets) for name, text in description.params.items()},
            quota=_quota(description),
            requests_per_minute=description.requests_per_minute,
            reserve=description.reserve,
            limits=limits,
            definite=definite,
            request_ids=[description.request_id_header.lower()]
            if description.request_id_header
            else USUAL_HEADERS,
            log=self._count,
            sleep=sleep,
            random=random,
            monotonic=monotonic,
            now_ms=now_ms,
        )
        self.proof = proof_of(description.webhooks, secrets)
        self._entities = {name: entity_of(name, e) for name, e in description.entities.items()}
        self._readers: dict[str, Reader] = {}
        jobs = Jobs(self._client, sleep=sleep, monotonic=monotonic)
        self._writers = {name: Writer(self._reader(name), jobs) for name in self._entities}

    def listen(self, tap: Callable[[Traffic], None]) -> None:
        """Let somebody see the whole of each request to the API and its answer; those for tokens are left out."""
        self._client.tap = tap

    @property
    def requests_per_minute(self) -> int | None:
        return self._client.pace.per_minute

    def entities(self) -> Mapping[str, Entity]:
        return self._entities

    async def check(self) -> Health:
        """Reads one page of each entity, compares it with what is described, and never writes."""
        found = [await look(self.name, self._readers[name]) for name in self._entities]
        return Health(
            problems=[problem for problems, _ in found for problem in problems],
            clock_skew_ms=self._client.skew.skew_ms,
            requests_per_minute=self._client.pace.per_minute,
            notes=[note for _, notes in found for note in notes],
        )

    async def list(self, entity: str, cursor: str | None) -> AsyncGenerator[Page, None]:
        require(self.name, self._entities[entity], "list")
        async with aclosing(self._readers[entity].pages(cursor)) as pages:
            async for page in pages:
                yield page

    async def read(self, entity: str, id: str) -> Record:
        require(self.name, self._entities[entity], "read")
        return await self._readers[entity].read(id)

    async def find(self, entity: str, path: str, value: str) -> Sequence[Record]:
        return await self._readers[entity].find(path, value)

    @tells_requests
    async def create(self, entity: str, fields: Mapping[str, Json], key: CreateKey) -> Record:
        return await self._writers[entity].create(fields, key)

    @tells_requests
    async def update(
        self, entity: str, id: str, changes: Mapping[str, Json], *, seen: Record, idempotency: str
    ) -> Record:
        return await self._writers[entity].update(id, changes, seen=seen, idempotency=idempotency)

    @tells_requests
    async def retire(self, entity: str, id: str, *, seen: Record, idempotency: str) -> Record:
        return await self._writers[entity].retire(id, seen=seen, idempotency=idempotency)

    def hinted(self, call: Call) -> Sequence[Hint]:
        return hinted(self._description, call)

    async def discard(self, entity: str, id: str) -> None:
        await self._writers[entity].discard(id)

    async def close(self) -> None:
        for writer in self._writers.values():
            await writer.close()
        if isinstance(self._auth, Renewed):
            await self._auth.close()
        await self._client.close()

    # --- inside ---

    def _reader(self, entity: str) -> Reader:
        """The reader of an entity; those of what it is under are made before."""
        if entity not in self._readers:
            described = self._description.entities[entity]
            parent = described.parent.entity if described.parent is not None else ""
            self._readers[entity] = Reader(
                self._client,
                self._entities[entity],
                place_of(self._description, entity),
                described.errors or self._description.errors,
                now_ms=self._now_ms,
                above=self._reader(parent) if parent else None,
            )
        return self._readers[entity]

    def _count(self, exchange: Exchange) -> None:
        self.requests += 1
        self.clock_skew_ms = self._client.skew.skew_ms or 0
        self.clock_error_ms = self._client.skew.error_ms
        if self._log is not None:
            self._log(exchange)


def _quota(description: Description) -> QuotaHeaders | None:
    told = description.quota
    return (
        QuotaHeaders(told.remaining.lower(), told.reset.lower(), told.pause_s) if told is not None else None
    )


def _statuses(description: Description) -> set[int]:
    own = [entity.errors for entity in description.entities.values() if entity.errors is not None]
    return {status for errors in (description.errors, *own) for status in errors.statuses}
