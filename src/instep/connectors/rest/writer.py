"""Writing the records of one described entity: what is sent, and what an answer says has come of it.

A write has happened once it is answered with success, so whatever is wrong from there is InDoubt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from instep.connectors.contract import CreateKey
from instep.connectors.http import Answer
from instep.connectors.rest.description_calls import WriteCall
from instep.connectors.rest.jobs import Jobs
from instep.connectors.rest.outcomes import CREATE, RETIRE, UPDATE, refusal
from instep.connectors.rest.places import usable_id
from instep.connectors.rest.pointers import at
from instep.connectors.rest.reader import Reader
from instep.connectors.rest.rows import create_body, full_body, needs_whole_objects, partial_body, record_of
from instep.connectors.rest.words import Words
from instep.connectors.writing import fault, missing, require, require_creatable, require_updatable
from instep.core.model import Record
from instep.core.values import Absent, Json, encode, get_path
from instep.errors import BadAnswer, Gone, InDoubt, Moved, Refused, RetryLater, Unable


@dataclass(frozen=True, slots=True)
class Sending:
    """One write, ready to be sent. `id`: of the record, as far as it is known; `parent`: of what it is under."""

    operation: str
    call: WriteCall
    method: str
    path: str
    body: Json
    headers: Mapping[str, str]
    id: str = ""
    parent: str = ""


class Writer:
    """Raises as the connector's `create`, `update` and `retire` do."""

    def __init__(self, reader: Reader, jobs: Jobs) -> None:
        self._reader, self._jobs = reader, jobs
        self._client, self._entity, self._place = reader.client, reader.entity, reader.place
        self._described, self._name = reader.place.described, reader.entity.name

    async def create(self, fields: Mapping[str, Json], key: CreateKey) -> Record:
        return await self._sent(self._creation(fields, key))

    async def update(self, id: str, changes: Mapping[str, Json], *, seen: Record, idempotency: str) -> Record:
        return await self._sent(await self._change(id, changes, seen, idempotency))

    async def retire(self, id: str, *, seen: Record, idempotency: str) -> Record:
        described = self._described
        require(self._client.system, self._entity, "retire")
        call = described.retire
        assert call is not None
        if call.by == "field" and described.retired is not None:
            change: dict[str, Json] = {described.retired.field: described.retired.value}
            return await self.update(id, change, seen=seen, idempotency=idempotency)
        answer = await self._client.request(
            call.method or ("DELETE" if call.by == "delete" else "POST"),
            self._path(call.path, self._words(id, seen), id),
            headers=self._headers(idempotency, seen.token),
            route=described.path + "/{id}",
        )
        if answer.status >= 400:
            raise refusal(self._client.system, f"{self._name} {id}", RETIRE, answer, self._reader.errors)
        if call.by == "delete" and described.retired is None:
            return Record(id, deleted=True)
        return await self._after(id)

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
        return Sending(CREATE, call, method, path, body, headers, id, parent)

    async def _change(self, id: str, changes: Mapping[str, Json], seen: Record, idempotency: str) -> Sending:
        """A body that is full is made from a reading just before."""
        entity, described = self._entity, self._described
        fields = require_updatable(self._client.system, entity, changes)
        self._permit(changes, "")
        group = fields[0].group if fields else ""
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
            body, token = full_body(entity, self._place, call, row, changes, words), now.token
        else:
            if needs_whole_objects(call, changes, seen):
                seen = await self._reader.read(id)
            body = partial_body(call, changes, seen, words)
        method = call.method or ("PUT" if call.body == "full" else "PATCH")
        headers = self._headers(idempotency, token)
        path = self._path(call.path, words, id)
        return Sending(UPDATE, call, method, path, body, headers, id, self._parent(seen.fields))

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
        if token is not None and self._described.version.if_match:
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

    # --- what came of it ---

    async def _sent(self, sending: Sending) -> Record:
        what = f"{self._name} {sending.id}".rstrip()
        route = self._described.path + ("" if sending.operation == CREATE else "/{id}")
        answer = await self._client.request(
            sending.method, sending.path, body=encode(sending.body), headers=sending.headers, route=route
        )
        chosen = sending.id if sending.operation == CREATE else ""
        if answer.status >= 400:
            errors = self._reader.errors
            raise refusal(self._client.system, what, sending.operation, answer, errors, chosen_id=chosen)
        call, item, new_id = sending.call, sending.call.item, sending.call.new_id
        if call.job is not None and answer.status in call.job.statuses:
            answer = await self._jobs.ended(call.job, answer, what, sending.operation, self._reader.errors)
            item, new_id = call.job.item, call.job.new_id or None
        elif answer.status == 202:
            raise self._unsaid(what, "it was only noted down (202), and no job is described")
        return await self._written(sending, answer, item, new_id, what)

    async def _written(
        self, sending: Sending, answer: Answer, item: str, new_id: str | None, what: str
    ) -> Record:
        """The record that a write left."""
        row = at(answer.value, item)
        named = at(row, self._described.id) if new_id is None else at(answer.value, new_id)
        told = usable_id(named) if new_id is None else _last_step(named)
        own = sending.id
        if own and sending.operation != CREATE:
            own = str(self._place.words(own, sending.parent)["id"])
        if not told and sending.call.answers == "nothing":
            told = own or _last_step(answer.headers.get("location", ""))
        if not told or (own and told != own):
            raise self._unsaid(what, "the answer does not hold the record that was written")
        id = self._place.id_of(sending.parent, told)
        if sending.call.answers != "record" or new_id is not None:
            return await self._after(id)
        try:
            return await self._reader.whole(row, answer.headers.get("etag", ""), sending.parent)
        except (BadAnswer, Gone, RetryLater) as error:
            raise self._unsaid(f"{self._name} {id}", error.why) from None

    async def _after(self, id: str) -> Record:
        try:
            return await self._reader.read(id)
        except (BadAnswer, Gone, RetryLater) as error:
            raise InDoubt(f"{self._name} {id} was written and can't be read", why=error.why) from None

    def _unsaid(self, what: str, why: str) -> InDoubt:
        return InDoubt(f"{self._client.system} did not say what became of {what}", why=why)


def _last_step(value: Json | Absent) -> str:
    """An id, or the one that an address ends with."""
    text = usable_id(value)
    return usable_id(text.rstrip("/").rpartition("/")[2]) if "/" in text else text
