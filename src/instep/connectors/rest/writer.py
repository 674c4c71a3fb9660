"""Writing the records of one described entity: what is to be sent for each, and whether with others."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial

from instep.connectors.batches import Batches
from instep.connectors.contract import CreateKey
from instep.connectors.request_ids import note_request
from instep.connectors.rest.description_calls import BulkCall, EndCall
from instep.connectors.rest.jobs import Jobs
from instep.connectors.rest.outcomes import CREATE, DELETE, RETIRE, UPDATE, refusal, says_no
from instep.connectors.rest.places import usable_id
from instep.connectors.rest.pointers import at, put
from instep.connectors.rest.reader import Reader
from instep.connectors.rest.rows import (
    create_body,
    full_layout,
    needs_a_row,
    partial_layout,
    record_of,
    wrapped,
)
from instep.connectors.rest.sender import Sender, Sending, Told
from instep.connectors.rest.words import Words, filled_body, filled_texts
from instep.connectors.writing import fault, missing, require, require_creatable, require_updatable
from instep.core.model import Record
from instep.core.values import Absent, Json, decode, get_path
from instep.errors import Moved, OutcomeError, Refused, Unable


class Writer:
    """Raises as the connector's `create`, `update` and `retire` do."""

    def __init__(self, reader: Reader, jobs: Jobs) -> None:
        self._reader, self._sender = reader, Sender(reader, jobs)
        self._client, self._entity, self._place = reader.client, reader.entity, reader.place
        self._described, self._name = reader.place.described, reader.entity.name
        self._creates = self._batches(self._described.bulk_create)
        self._updates = self._batches(self._described.bulk_update)

    async def create(self, fields: Mapping[str, Json], key: CreateKey) -> Record:
        return await self._sent(self._creation(fields, key), self._creates)

    async def update(self, id: str, changes: Mapping[str, Json], *, seen: Record, idempotency: str) -> Record:
        sending = await self._change(id, changes, seen, idempotency)
        return await self._sent(sending, self._updates if sending.call is self._described.update else None)

    async def close(self) -> None:
        """What waits to be sent with others is given up."""
        for batches in (self._creates, self._updates):
            if batches is not None:
                await batches.close()

    async def retire(self, id: str, *, seen: Record, idempotency: str) -> Record:
        described = self._described
        require(self._client.system, self._entity, "retire")
        call = described.retire
        assert call is not None
        if call.by == "field" and described.retired is not None:
            change: dict[str, Json] = {described.retired.field: described.retired.value}
            return await self.update(id, change, seen=seen, idempotency=idempotency)
        await self._end(call, "DELETE" if call.by == "delete" else "POST", RETIRE, id, seen, idempotency)
        if call.by == "delete" and described.retired is None:
            return Record(id, deleted=True)
        return await self._sender.after(id)

    async def discard(self, id: str) -> None:
        """See `Discards.discard`."""
        call = self._described.delete
        if call is None:
            why = f"no call that deletes {self._name} records is described"
            raise Unable(f"{self._name} {id} was not deleted in {self._client.system}", why=why)
        await self._end(call, "DELETE", DELETE, id, await self._reader.read(id), "")

    async def _end(
        self, call: EndCall, method: str, operation: str, id: str, seen: Record, idempotency: str
    ) -> None:
        """Send the request that takes a record out of use or deletes it."""
        words = self._words(id, seen)
        answer = await self._client.request(
            call.method or method,
            self._path(call.path, words, id),
            query=list(filled_texts(call.params, words).items()),
            body=filled_body(call.body, words),
            headers=self._headers(idempotency, seen.token),
            route=self._described.path + "/{id}",
        )
        if says_no(self._reader.errors, answer):
            raise refusal(self._client.system, f"{self._name} {id}", operation, answer, self._reader.errors)

    def _batches(self, bulk: BulkCall | None) -> Batches[Sending, Told] | None:
        if bulk is None:
            return None
        return Batches(
            partial(self._sender.many, bulk),
            most=bulk.most,
            calls=asyncio.Semaphore(bulk.calls),
            patience_s=self._client.limits.total_s / 2,
        )

    async def _sent(self, sending: Sending, batches: Batches[Sending, Told] | None) -> Record:
        """The outcome of a write that is sent alone, or together with others."""
        if batches is None:
            return await self._sender.one(sending)
        told = await batches.do(sending)
        for id in told.requests:
            note_request(id)
        if isinstance(told.outcome, OutcomeError):
            raise told.outcome
        return told.outcome

    # --- what is sent ---

    def _creation(self, fields: Mapping[str, Json], key: CreateKey) -> Sending:
        entity, described = self._entity, self._described
        values = require_creatable(self._client.system, entity, fields)
        self._permit(values, missing(entity, values))
        if described.marker is not None and key.marker:
            values[described.marker.field] = key.marker
        call, chosen = described.create, described.chosen_id
        assert call is not None
        id = key.id if chosen is not None else ""
        if len(id) > entity.abilities.max_id_length:
            limit = entity.abilities.max_id_length
            why = f"{len(id)} characters, the limit is {limit}"
            raise Refused(f"{self._name} {id} was not created", field="id", code="too_long", why=why)
        parent = self._parent(values)
        words: dict[str, Json] = {**self._place.under(parent), **values}
        if described.parent is not None and not described.parent.in_body:
            values.pop(described.parent.field, None)
        headers = self._headers(key.idempotency, None)
        by_path = chosen is not None and chosen.by == "path"
        if chosen is not None:
            words["id"] = id
        if by_path:
            headers["If-None-Match"] = "*"  # or a PUT would replace the record that has the id
            path = self._path(call.path, words, id)
        else:
            path = self._path(call.path or described.path, words, id)
        method = call.method or ("PUT" if by_path else "POST")
        body = create_body(self._place, call, values, words)
        bulk = described.bulk_create
        entry = create_body(self._place, bulk, values, words) if bulk is not None else None
        return Sending(
            CREATE,
            call,
            method,
            path,
            body,
            headers,
            filled_texts(call.params, words),
            id=id,
            parent=parent,
            entry=entry,
            marker=key.marker,
        )

    async def _change(self, id: str, changes: Mapping[str, Json], seen: Record, idempotency: str) -> Sending:
        """A body that is full is made from a reading just before."""
        entity, described = self._entity, self._described
        written = require_updatable(self._client.system, entity, changes)
        self._permit(changes, "")
        group = written[0].group if written else ""
        call = described.groups[group] if group else described.update
        if call is None:
            why = "no update call is described for fields without a group"
            raise Unable(
                f"{self._name}: {', '.join(changes)} can't be written in {self._client.system}", why=why
            )
        token = seen.token
        words = self._words(id, seen)
        if call.body == "full":
            row, etag = await self._reader.row(id)
            now = record_of(entity, self._place, row, parent=self._place.parent_of(id), etag=etag)
            if seen.complete and self._apart(now) != self._apart(seen):
                raise Moved(f"{self._name} {id} has changed", why="a reading just before the write differs")
            layout, token = full_layout(entity, described, call, row, changes), now.token
        else:
            held: Json | Absent = None
            if needs_a_row(described, call, changes, seen):
                held = at((await self._reader.row(id))[0], described.fields_at)
            layout = partial_layout(described, call, changes, seen, held if isinstance(held, dict) else {})
        if described.version.token_at and token is not None:
            put(layout.fields, described.version.token_at, decode(token))
        method = call.method or ("PUT" if call.body == "full" else "PATCH")
        headers = self._headers(idempotency, token)
        path = self._path(call.path, words, id)
        bulk = described.bulk_update
        body, entry = wrapped(call, layout, call.id_at, words), None
        if bulk is not None and call is described.update:
            entry = wrapped(bulk, layout, bulk.id_at, words)
        parent = self._parent(seen.fields)
        params = filled_texts(call.params, words)
        return Sending(UPDATE, call, method, path, body, headers, params, id=id, parent=parent, entry=entry)

    def _apart(self, record: Record) -> dict[str, Json]:
        """The fields that a row has by itself."""
        return {name: value for name, value in record.fields.items() if name not in self._reader.parts.fields}

    def _words(self, id: str, seen: Record) -> Words:
        return {**seen.fields, **self._place.words(id, self._parent(seen.fields))}

    def _parent(self, fields: Mapping[str, Json]) -> str:
        """The id of what a record is under. Raises Refused if a new one has none."""
        parent = self._described.parent
        if parent is None:
            return ""
        id = usable_id(get_path(fields, parent.field))
        if not id and fields:
            why = f"{parent.field} is empty, and says what it is under"
            raise Refused(f"{self._name} has no place", field=parent.field, code="required", why=why)
        return id

    def _path(self, template: str, words: Words, id: str) -> str:
        own = self._place.path(template, words)
        if own is None:
            why = f"a word of {template or self._described.path} has no value"
            raise Refused(f"{self._name} {id} was not written".replace("  ", " "), code="required", why=why)
        return own

    def _headers(self, idempotency: str, token: str | None) -> dict[str, str]:
        name = self._described.idempotency_header
        headers = {name: idempotency} if name and idempotency else {}
        if token is not None and self._described.version.if_match and not self._described.version.token_at:
            headers["If-Match"] = token
        return headers

    def _permit(self, values: Mapping[str, Json], lacking: str) -> None:
        """Refuse here what the description rules out, since some systems cut a long text without a word."""
        if lacking:
            why = "it is required and was left empty"
            raise Refused(f"{self._name}: {lacking} was refused", field=lacking, code="required", why=why)
        for path, value in values.items():
            known = self._entity.field(path)
            why = fault(known, value) if known is not None and known.path == path else ""
            if why:
                raise Refused(f"{self._name}: {path} was refused", field=path, code="invalid", why=why)
