"""Sending writes, alone or many at once, and what an answer says has come of each.

A write has happened once it is answered with success, so whatever is wrong from there is InDoubt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from instep.connectors.http import Answer
from instep.connectors.request_ids import noting
from instep.connectors.rest.bulk import Outcome, bulk_body, told_apart
from instep.connectors.rest.description_calls import BulkCall, WriteCall
from instep.connectors.rest.forms import form_of
from instep.connectors.rest.jobs import Jobs
from instep.connectors.rest.outcomes import CREATE, refusal, says_no
from instep.connectors.rest.places import usable_id
from instep.connectors.rest.pointers import at
from instep.connectors.rest.reader import Reader
from instep.core.model import Record
from instep.core.values import Absent, Json, encode, get_path
from instep.errors import BadAnswer, Gone, InDoubt, Moved, OutcomeError, Refused, RetryLater


@dataclass(frozen=True, slots=True)
class Sending:
    """One write, ready to be sent. `id`: of the record, as far as it is known; `parent`: of what it is under;
    `entry`: what is sent of it among others; `marker`: the value of the marker field of a new record."""

    operation: str
    call: WriteCall
    method: str
    path: str
    body: Json
    headers: Mapping[str, str]
    params: Mapping[str, str]
    id: str = ""
    parent: str = ""
    entry: Json = None
    marker: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What has come of a write that was one of many, and the system's ids of the requests for it."""

    outcome: Record | OutcomeError
    requests: Sequence[str]


class Sender:
    """The writes of one entity."""

    def __init__(self, reader: Reader, jobs: Jobs) -> None:
        self._reader, self._jobs = reader, jobs
        self._client, self._place = reader.client, reader.place
        self._described, self._name = reader.place.described, reader.entity.name

    async def one(self, sending: Sending) -> Record:
        """Raises every outcome."""
        what = self._what(sending)
        route = self._described.path + ("" if sending.operation == CREATE else "/{id}")
        as_form = sending.call.encoding == "form"
        answer = await self._client.request(
            sending.method,
            sending.path,
            query=list(sending.params.items()),
            body=form_of(sending.body) if as_form else encode(sending.body),
            content_type="application/x-www-form-urlencoded" if as_form else "application/json",
            headers=sending.headers,
            route=route,
        )
        chosen = sending.id if sending.operation == CREATE else ""
        errors = self._reader.errors
        if says_no(errors, answer):
            raise refusal(self._client.system, what, sending.operation, answer, errors, chosen_id=chosen)
        call = sending.call
        found = _Found(call.item, call.new_id, call.answers)
        if call.job is not None and answer.status in call.job.statuses:
            answer = await self._jobs.ended(call.job, answer, what, sending.operation, errors)
            found = _Found(call.job.item, call.job.new_id or None, call.answers)
        elif answer.status == 202:
            raise self._unsaid(what, "it was only noted down (202), and no job is described")
        return await self._written(sending, answer, found)

    async def many(self, bulk: BulkCall, sendings: Sequence[Sending]) -> Sequence[Told]:
        """One request for all. Raises Refused if all of it was, and nothing was done."""
        with noting() as noted:
            try:
                if len(sendings) == 1:
                    return [Told(await self.one(sendings[0]), noted)]
                return [Told(each, noted) for each in await self._many(bulk, sendings)]
            except OutcomeError as error:
                if len(sendings) > 1 and isinstance(error, Refused | Moved):
                    raise
                return [Told(error, noted) for _ in sendings]

    async def _many(self, bulk: BulkCall, sendings: Sequence[Sending]) -> Sequence[Record | OutcomeError]:
        system, errors = self._client.system, self._reader.errors
        body = bulk_body(bulk, [sending.entry for sending in sendings])
        answer = await self._client.request(bulk.method, bulk.path, body=encode(body), route=bulk.path)
        if says_no(errors, answer):
            # As a create, since a path that is not there says nothing of any record.
            raise refusal(system, f"{len(sendings)} {self._name} records", CREATE, answer, errors)
        own = [self._own(sending) for sending in sendings]
        apart = told_apart(bulk, answer, own, self._described.id, bulk.errors or errors)
        return await asyncio.gather(
            *(self._apart(bulk, sending, told) for sending, told in zip(sendings, apart, strict=True))
        )

    async def _apart(self, bulk: BulkCall, sending: Sending, told: Outcome | None) -> Record | OutcomeError:
        """What became of one of many."""
        what = self._what(sending)
        if told is None:
            return self._unsaid(what, "its outcome is not among those that were answered")
        if told.failed:
            return refusal(
                self._client.system, what, sending.operation, told.answer, bulk.errors or self._reader.errors
            )
        try:
            found = _Found(bulk.item, bulk.new_id, bulk.answers)
            record = await self._written(sending, told.answer, found)
        except OutcomeError as error:
            return error
        marker = self._described.marker
        if marker is not None and sending.marker and get_path(record.fields, marker.field) != sending.marker:
            return self._unsaid(what, "the outcome in its place is of another record")
        return record

    async def after(self, id: str) -> Record:
        """The record once it was written."""
        try:
            return await self._reader.read(id)
        except (BadAnswer, Gone, RetryLater) as error:
            raise InDoubt(f"{self._name} {id} was written and can't be read", why=error.why) from None

    async def _written(self, sending: Sending, answer: Answer, found: _Found) -> Record:
        """The record that a write left."""
        what = self._what(sending)
        row = at(answer.value, found.item)
        named = at(row, self._described.id) if found.new_id is None else at(answer.value, found.new_id)
        told = usable_id(named) if found.new_id is None else _last_step(named)
        own = self._own(sending)
        if not told and found.answers == "nothing":
            told = own or _last_step(answer.headers.get("location", ""))
        if not told or (own and told != own):
            raise self._unsaid(what, "the answer does not hold the record that was written")
        id = self._place.id_of(sending.parent, told)
        if found.answers != "record" or found.new_id is not None:
            return await self.after(id)
        try:
            return await self._reader.whole(row, answer.headers.get("etag", ""), sending.parent)
        except (BadAnswer, Gone, RetryLater) as error:
            raise self._unsaid(f"{self._name} {id}", error.why) from None

    def _own(self, sending: Sending) -> str:
        """The id of the record among those of its parent, "" if it is new and the system gives it."""
        if not sending.id or sending.operation == CREATE:
            return sending.id
        return str(self._place.words(sending.id, sending.parent)["id"])

    def _what(self, sending: Sending) -> str:
        return f"{self._name} {sending.id}".rstrip()

    def _unsaid(self, what: str, why: str) -> InDoubt:
        return InDoubt(f"{self._client.system} did not say what became of {what}", why=why)


@dataclass(frozen=True, slots=True)
class _Found:
    """Where in an answer the record, or its id, is."""

    item: str
    new_id: str | None
    answers: str


def _last_step(value: Json | Absent) -> str:
    """An id, or the one that an address ends with."""
    text = usable_id(value)
    return usable_id(text.rstrip("/").rpartition("/")[2]) if "/" in text else text
