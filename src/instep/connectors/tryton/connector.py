"""The connector for Tryton 8: each call of the contract in calls of its JSON-RPC.

It knows no entity; `party`, `product` and `sale` do.
"""

from __future__ import annotations

import asyncio
import random as random_module
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from instep.connectors.contract import CreateKey, Health, Page
from instep.connectors.exchange import Exchange
from instep.connectors.http import HttpClient, Limits
from instep.connectors.pace import Monotonic, Sleep
from instep.connectors.tryton.checks import look
from instep.connectors.tryton.party import Party
from instep.connectors.tryton.product import Product
from instep.connectors.tryton.reading import Reader
from instep.connectors.tryton.rpc import Rpc, Session
from instep.connectors.tryton.sale import Sale
from instep.connectors.tryton.settings import Settings
from instep.connectors.tryton.shape import Shape, record_of
from instep.connectors.tryton.states import SaleWriter
from instep.connectors.tryton.writing import Writer
from instep.connectors.writing import fault, missing, require, require_creatable, require_updatable
from instep.core.model import Entity, Record
from instep.core.values import Json, whole_number
from instep.errors import Gone, Refused, Unable


class TrytonConnector:
    """Speaks to one database of one Tryton server, as the user of the settings.

    `log` gets an Exchange per request. `sleep`, `random`, `monotonic` and `now_ms` exist for tests.
    """

    def __init__(
        self,
        settings: Settings,
        password: str,
        *,
        name: str = "Tryton",
        log: Callable[[Exchange], None] | None = None,
        sleep: Sleep = asyncio.sleep,
        random: Callable[[], float] = random_module.random,
        monotonic: Monotonic = time.monotonic,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.name, self.settings = name, settings
        self.requests = 0
        self._log, self._now_ms = log, now_ms
        limits = Limits(total_s=settings.timeout_s, max_reads=4, max_writes=settings.write_calls)
        login = HttpClient(
            name, settings.base_url, limits=limits, log=self._count, sleep=sleep, random=random,
            monotonic=monotonic, now_ms=now_ms,
        )  # fmt: skip
        self._session = Session(login, settings.database, settings.user, password, monotonic=monotonic)
        self._client = HttpClient(
            name, settings.base_url, auth=self._session, requests_per_minute=settings.requests_per_minute,
            limits=limits, log=self._count, sleep=sleep, random=random, monotonic=monotonic, now_ms=now_ms,
        )  # fmt: skip
        self._rpc = Rpc(self._client, settings.database)
        self._shapes: dict[str, Shape] = {
            shape.entity.name: shape
            for shape in (
                Party.of(self._rpc, settings, "customer"),
                Party.of(self._rpc, settings, "contact"),
                Product.of(self._rpc, settings),
                Sale.of(self._rpc),
            )
        }
        calls = asyncio.Semaphore(settings.write_calls)
        self._readers = {
            entity: Reader(
                self._rpc,
                shape,
                page_size=settings.page_size,
                overlap_s=settings.overlap_s,
                now_ms=self._server_ms,
            )
            for entity, shape in self._shapes.items()
        }
        self._writers = {
            entity: (SaleWriter if isinstance(shape, Sale) else Writer)(
                self._rpc,
                shape,
                self._readers[entity],
                batch=settings.batch,
                calls=calls,
                patience_s=settings.timeout_s / 2,
            )
            for entity, shape in self._shapes.items()
        }

    @property
    def clock_skew_ms(self) -> int:
        return self._client.skew.skew_ms or 0

    @property
    def clock_error_ms(self) -> int:
        return self._client.skew.error_ms

    @property
    def requests_per_minute(self) -> int | None:
        return self._client.pace.per_minute

    def entities(self) -> Mapping[str, Entity]:
        return {name: shape.entity for name, shape in self._shapes.items()}

    async def check(self) -> Health:
        """Logs in, reads a page of each entity and the names that are configured, and never writes."""
        problems, notes = await look(self.name, self._rpc, self.settings, self._readers)
        return Health(
            problems=problems,
            clock_skew_ms=self._client.skew.skew_ms,
            requests_per_minute=self._client.pace.per_minute,
            notes=notes,
        )

    async def list(self, entity: str, cursor: str | None) -> AsyncIterator[Page]:
        require(self.name, self._shapes[entity].entity, "list")
        async for page in self._readers[entity].pages(cursor):
            yield page

    async def read(self, entity: str, id: str) -> Record:
        shape = self._shapes[entity]
        require(self.name, shape.entity, "read")
        number = _number(id)
        rows = await self._readers[entity].rows([number]) if number is not None else {}
        if number is None or number not in rows:
            raise Gone(
                f"{self.name} has no {entity} {id}", why="it was deleted, or is not one of them any more"
            )
        return record_of(shape, rows[number])

    async def find(self, entity: str, path: str, value: str) -> Sequence[Record]:
        shape = self._shapes[entity]
        if path != shape.entity.abilities.marker:
            raise Unable(
                f"{entity}: {self.name} can't be searched by {path}", why="it is not the marker field"
            )
        found = await self._readers[entity].marked(value)
        return [record for record in found if record.fields.get(path) == value]

    async def create(self, entity: str, fields: Mapping[str, Json], key: CreateKey) -> Record:
        declared = self._shapes[entity].entity
        values = require_creatable(self.name, declared, fields)
        self._permit(declared, values, missing(declared, values))
        return await self._writers[entity].create(values, key.marker)

    async def update(
        self,
        entity: str,
        id: str,
        changes: Mapping[str, Json],
        *,
        seen: Record,
        idempotency: str,  # noqa: ARG002  (the protocol's names; a conditional write needs no key)
    ) -> Record:
        declared = self._shapes[entity].entity
        require_updatable(self.name, declared, changes)
        self._permit(declared, changes, next((p for p in changes if _emptied(declared, p, changes)), ""))
        number = _number(id)
        if number is None:
            raise Gone(f"{self.name} has no {entity} {id}", why="its ids are numbers")
        return await self._writers[entity].update(number, changes, seen)

    async def retire(self, entity: str, id: str, *, seen: Record, idempotency: str) -> Record:
        declared = self._shapes[entity].entity
        require(self.name, declared, "retire")
        assert declared.retired is not None
        path, value = declared.retired
        return await self.update(entity, id, {path: value}, seen=seen, idempotency=idempotency)

    async def discard(self, entity: str, id: str) -> None:
        """A sale that is being processed can't be: its invoices and shipments are there."""
        number = _number(id)
        if number is None:
            raise Gone(f"{self.name} has no {entity} {id}", why="its ids are numbers")
        await self._writers[entity].discard(number)

    async def close(self) -> None:
        for writer in self._writers.values():
            await writer.close()
        await self._session.close()
        await self._client.close()

    # --- inside ---

    def _permit(self, entity: Entity, values: Mapping[str, Json], lacking: str) -> None:
        """Refuse here what the declared fields rule out: Tryton's own errors name no field."""
        if lacking:
            why = "it is required and was left empty"
            raise Refused(f"{entity.name}: {lacking} was refused", field=lacking, code="required", why=why)
        for path, value in values.items():
            known = entity.field(path)
            why = fault(known, value) if known is not None and known.path == path else ""
            if why:
                raise Refused(f"{entity.name}: {path} was refused", field=path, code="invalid", why=why)

    def _server_ms(self) -> int:
        """The server's clock, rather too early than too late."""
        skew = self._client.skew
        return self._now_ms() + (skew.skew_ms or 0) - skew.error_ms

    def _count(self, exchange: Exchange) -> None:
        self.requests += 1
        if self._log is not None:
            self._log(exchange)


def _emptied(entity: Entity, path: str, changes: Mapping[str, Json]) -> bool:
    field = entity.field(path)
    return field is not None and field.required and changes[path] in (None, "")


def _number(id: str) -> int | None:
    """Ids are positive whole numbers of 63 bits."""
    number = whole_number(id)
    return None if number is None or number < 0 else number
