"""The connector for any ERP whose JSON API is described in YAML: each call of the contract is one of its own.

It knows no ERP. What is special about one belongs into its description; what no description can say yet
belongs into the models of `description`, and from there into here.
"""

from __future__ import annotations

import asyncio
import random as random_module
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from urllib.parse import urlsplit

from instep.connectors.contract import CreateKey, Health, Page
from instep.connectors.exchange import Traffic
from instep.connectors.http import Answer, Exchange, HttpClient, Limits
from instep.connectors.pace import Monotonic, Sleep
from instep.connectors.request_ids import USUAL_HEADERS, tells_requests
from instep.connectors.rest.auth import Keep, Secrets, Tokens, authorizer, resolved
from instep.connectors.rest.check import look
from instep.connectors.rest.description import Description, EntityDescription, Errors, WriteCall
from instep.connectors.rest.entities import entity_of
from instep.connectors.rest.listing import Listing
from instep.connectors.rest.outcomes import CREATE, READ, refusal
from instep.connectors.rest.pointers import at
from instep.connectors.rest.rows import (
    create_body,
    full_body,
    needs_whole_objects,
    partial_body,
    path_of,
    record_of,
    usable_id,
)
from instep.connectors.rest.searching import search
from instep.connectors.writing import fault, missing, require, require_creatable, require_updatable
from instep.core.model import Entity, Record
from instep.core.values import Json, encode
from instep.errors import BadAnswer, Gone, InDoubt, Moved, Refused, RetryLater, Unable


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
        limits = Limits(
            total_s=description.timeout_s,
            max_reads=description.concurrency,
            max_writes=description.concurrency,
        )

        def client(origin: str) -> HttpClient:
            own = urlsplit(base_url)
            return HttpClient(
                name,
                origin or f"{own.scheme}://{own.netloc}",
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
        self._entities = {name: entity_of(name, e) for name, e in description.entities.items()}

    def listen(self, tap: Callable[[Traffic], None]) -> None:
        """Let somebody see the whole of each request to the API and its answer; those for tokens are left out."""
        self._client.tap = tap

    def entities(self) -> Mapping[str, Entity]:
        return self._entities

    async def check(self) -> Health:
        """Reads one page of each entity, compares it with what is described, and never writes."""
        found = [
            await look(self.name, entity, self._description.entities[name], self._listing(name))
            for name, entity in self._entities.items()
        ]
        return Health(
            problems=[problem for problems, _ in found for problem in problems],
            clock_skew_ms=self._client.skew.skew_ms,
            requests_per_minute=self._client.pace.per_minute,
            notes=[note for _, notes in found for note in notes],
        )

    async def list(self, entity: str, cursor: str | None) -> AsyncIterator[Page]:
        require(self.name, self._entities[entity], "list")
        listing = self._listing(entity)
        assert listing is not None
        async for page in listing.pages(cursor):
            yield page

    async def read(self, entity: str, id: str) -> Record:
        require(self.name, self._entities[entity], "read")
        row, etag = await self._row(entity, id)
        return record_of(self._entities[entity], self._description.entities[entity], row, etag=etag)

    async def find(self, entity: str, path: str, value: str) -> Sequence[Record]:
        """By the marker's parameter; a server that ignores or loosens the filter is seen through, or refused
        with BadAnswer if its answer proves nothing."""
        described = self._description.entities[entity]
        listing = self._listing(entity)
        if described.marker is None or listing is None or path != described.marker.field:
            raise Unable(
                f"{entity}: {self.name} can't be searched by {path}", why="it is not the marker field"
            )
        found = await search(listing, described.marker, value)
        if described.list is not None and described.list.rows == "hint":
            read = [await self.read(entity, record.id) for record in found]
            return [record for record in read if at(dict(record.fields), path) == value]
        return found

    @tells_requests
    async def create(self, entity: str, fields: Mapping[str, Json], key: CreateKey) -> Record:
        declared, described = self._entities[entity], self._description.entities[entity]
        values = require_creatable(self.name, declared, fields)
        self._permit(declared, values, missing(declared, values))
        if described.marker is not None and key.marker:
            values[described.marker.field] = key.marker
        call = described.create
        assert call is not None
        id = key.id if described.chosen_id is not None else ""
        if len(id) > declared.abilities.max_id_length:
            limit = declared.abilities.max_id_length
            why = f"{len(id)} characters, the limit is {limit}"
            raise Refused(f"{entity} {id} was not created", field="id", code="too_long", why=why)
        by_path = described.chosen_id is not None and described.chosen_id.by == "path"
        path = path_of(described, call.path, id) if by_path else call.path or described.path
        headers = self._once(described, key.idempotency)
        if by_path:
            headers["If-None-Match"] = "*"  # or a PUT would replace the record that has the id
        answer = await self._client.request(
            call.method or ("PUT" if by_path else "POST"),
            path,
            body=encode(create_body(described, call, values, id)),
            headers=headers,
            route=described.path,
        )
        if answer.status >= 400:
            what = f"{entity} {id}".strip()
            raise refusal(self.name, what, CREATE, answer, self._errors(entity), chosen_id=id)
        return await self._written(entity, call, answer, id)

    @tells_requests
    async def update(
        self, entity: str, id: str, changes: Mapping[str, Json], *, seen: Record, idempotency: str
    ) -> Record:
        """One request where the body is partial; a full body is made from a reading just before."""
        declared, described = self._entities[entity], self._description.entities[entity]
        fields = require_updatable(self.name, declared, changes)
        self._permit(declared, changes, "")
        group = fields[0].group if fields else ""
        call = described.groups[group] if group else described.update
        if call is None:
            why = "no update call is described for fields without a group"
            raise Unable(f"{entity}: {', '.join(changes)} can't be written in {self.name}", why=why)
        token = seen.token
        if call.body == "full":
            row, etag = await self._row(entity, id)
            now = record_of(declared, described, row, etag=etag)
            if seen.complete and now.fields != seen.fields:
                raise Moved(f"{entity} {id} has changed", why="a reading just before the write differs")
            body, token = full_body(declared, described, call, row, changes), now.token
        else:
            if needs_whole_objects(call, changes, seen):
                seen = await self.read(entity, id)
            body = partial_body(call, id, changes, seen)
        headers = self._once(described, idempotency)
        if token is not None and described.version.if_match:
            headers["If-Match"] = token
        answer = await self._client.request(
            call.method or ("PUT" if call.body == "full" else "PATCH"),
            path_of(described, call.path, id),
            body=encode(body),
            headers=headers,
            route=described.path + "/{id}",
        )
        if answer.status >= 400:
            raise refusal(self.name, f"{entity} {id}", "update", answer, self._errors(entity))
        return await self._written(entity, call, answer, id)

    @tells_requests
    async def retire(self, entity: str, id: str, *, seen: Record, idempotency: str) -> Record:
        declared, described = self._entities[entity], self._description.entities[entity]
        require(self.name, declared, "retire")
        call = described.retire
        assert call is not None
        if call.by == "field" and described.retired is not None:
            change: dict[str, Json] = {described.retired.field: described.retired.value}
            return await self.update(entity, id, change, seen=seen, idempotency=idempotency)
        headers = self._once(described, idempotency)
        if seen.token is not None and described.version.if_match:
            headers["If-Match"] = seen.token
        answer = await self._client.request(
            call.method or ("DELETE" if call.by == "delete" else "POST"),
            path_of(described, call.path, id),
            headers=headers,
            route=described.path + "/{id}",
        )
        if answer.status >= 400:
            raise refusal(self.name, f"{entity} {id}", "retire", answer, self._errors(entity))
        if call.by == "delete" and described.retired is None:
            return Record(id, deleted=True)
        return await self._after(entity, id)

    async def close(self) -> None:
        if isinstance(self._auth, Tokens):
            await self._auth.close()
        await self._client.close()

    # --- inside ---

    async def _row(self, entity: str, id: str) -> tuple[Json, str]:
        """The record just as the system gives it, and its ETag."""
        described = self._description.entities[entity]
        if described.read is None:
            raise Unable(f"{entity}: reading one is not possible in {self.name}", why="no call is described")
        answer = await self._client.request(
            "GET", path_of(described, described.read.path, id), route=described.path + "/{id}"
        )
        if answer.status >= 400:
            raise refusal(self.name, f"{entity} {id}", READ, answer, self._errors(entity))
        row = at(answer.value, described.read.item)
        if not isinstance(row, dict):
            raise BadAnswer(
                f"{entity} {id} can't be read", why=f"there is no object at {described.read.item!r}"
            )
        if usable_id(at(row, described.id)) != id:
            raise BadAnswer(f"{entity} {id} can't be read", why="the answer is about another record")
        return row, answer.headers.get("etag", "")

    async def _written(self, entity: str, call: WriteCall, answer: Answer, id: str) -> Record:
        """The record that a write left. The write has happened, so whatever is wrong from here is InDoubt."""
        described = self._description.entities[entity]
        row = at(answer.value, call.item)
        told = usable_id(at(row, described.id))
        if call.answers == "nothing" and not told:
            told = id or usable_id(answer.headers.get("location", "").rstrip("/").rpartition("/")[2])
        if not told or answer.status == 202 or (id and told != id):
            why = "the answer does not hold the record that was written"
            raise InDoubt(f"{self.name} did not say what became of {entity} {id}".rstrip(), why=why)
        if call.answers != "record":
            return await self._after(entity, told)
        try:
            etag = answer.headers.get("etag", "")
            return record_of(self._entities[entity], described, row, etag=etag)
        except BadAnswer as bad:
            raise InDoubt(f"{self.name} did not say what became of {entity} {told}", why=bad.why) from None

    async def _after(self, entity: str, id: str) -> Record:
        try:
            return await self.read(entity, id)
        except (BadAnswer, Gone, RetryLater) as error:
            raise InDoubt(f"{entity} {id} was written and can't be read", why=error.why) from None

    def _permit(self, entity: Entity, values: Mapping[str, Json], lacking: str) -> None:
        """Refuse here what the description rules out, since some systems cut a long text without a word."""
        if lacking:
            why = "it is required and was left empty"
            raise Refused(f"{entity.name}: {lacking} was refused", field=lacking, code="required", why=why)
        for path, value in values.items():
            known = entity.field(path)
            why = fault(known, value) if known is not None and known.path == path else ""
            if why:
                raise Refused(f"{entity.name}: {path} was refused", field=path, code="invalid", why=why)

    def _listing(self, entity: str) -> Listing | None:
        described = self._description.entities[entity]
        if described.list is None:
            return None
        return Listing(
            self._client,
            self._entities[entity],
            described,
            described.list,
            self._errors(entity),
            now_ms=self._now_ms,
        )

    def _errors(self, entity: str) -> Errors:
        return self._description.entities[entity].errors or self._description.errors

    def _once(self, described: EntityDescription, idempotency: str) -> dict[str, str]:
        name = described.idempotency_header
        return {name: idempotency} if name and idempotency else {}

    def _count(self, exchange: Exchange) -> None:
        self.requests += 1
        self.clock_skew_ms = self._client.skew.skew_ms or 0
        self.clock_error_ms = self._client.skew.error_ms
        if self._log is not None:
            self._log(exchange)


def _statuses(description: Description) -> set[int]:
    own = [entity.errors for entity in description.entities.values() if entity.errors is not None]
    return {status for errors in (description.errors, *own) for status in errors.statuses}
