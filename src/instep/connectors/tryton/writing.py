"""Creating and updating the records of one entity, many at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from instep.connectors.batches import Batches
from instep.connectors.tryton.reading import Reader
from instep.connectors.tryton.rpc import Rpc
from instep.connectors.tryton.shape import Row, Shape, Values, owner_of, record_of, timestamps, token_of
from instep.core.model import Record
from instep.core.values import Json
from instep.errors import BadAnswer, Gone, InDoubt, InstepError, Moved, Refused, RetryLater


@dataclass(frozen=True, slots=True)
class New:
    """A record to be made. `values` are in Tryton's terms."""

    values: Values


@dataclass(frozen=True, slots=True)
class Change:
    """Changes by path to the record `id`; `seen` is the reading that they were decided from."""

    id: int
    changes: Mapping[str, Json]
    seen: Record


Outcome = Record | InstepError


class Writer:
    """The writes of one entity of one Tryton. Raises as the connector's `create` and `update` do."""

    def __init__(
        self,
        rpc: Rpc,
        shape: Shape,
        reader: Reader,
        *,
        batch: int,
        calls: asyncio.Semaphore,
        patience_s: float,
    ) -> None:
        self._rpc, self._shape, self._reader = rpc, shape, reader
        self._news: Batches[New, Record] = Batches(
            self._create, most=batch, calls=calls, patience_s=patience_s
        )
        self._changes: Batches[Change, Record] = Batches(
            self._update, most=batch, calls=calls, patience_s=patience_s
        )

    async def create(self, values: Mapping[str, Json], marker: str) -> Record:
        """Tryton lets nobody write the fields of an inactive record, so that one is made active first."""
        active = {path: value for path, value in values.items() if path != "active"}
        try:
            made = await self._shape.created(active, marker)
        except BadAnswer as bad:
            raise RetryLater("the record was not sent", why=bad.what) from None
        record = await self._news.do(New(made))
        if values.get("active") is not False:
            return record
        try:
            return await self._changes.do(Change(int(record.id), {"active": False}, record))
        except (Refused, RetryLater, Moved):
            return record  # it is there, and active: to write the rest is another decision

    async def update(self, id: int, changes: Mapping[str, Json], seen: Record) -> Record:
        return await self._changes.do(Change(id, changes, seen))

    async def discard(self, id: int) -> None:
        """See `Discards.discard`. Tryton refuses it where the record was changed since it was read here."""
        rows = await self._reader.rows([id])
        if id not in rows:
            raise Gone(f"Tryton has no {self._shape.entity.name} {id}")
        model, number = self._shape.deleted(rows[id])
        conditions = {"_timestamp": timestamps(self._shape, rows[id])}
        await self._rpc.call(f"model.{model}.delete", [number], write=True, context=conditions)

    async def close(self) -> None:
        await self._news.close()
        await self._changes.close()

    async def _create(self, jobs: Sequence[New]) -> list[Outcome]:
        made = await self._call("create", [[job.values for job in jobs]], {})
        if not isinstance(made, list) or len(made) != len(jobs):
            raise InDoubt("Tryton did not say what it made", why="it answered with other numbers than asked")
        ids = [id for id in made if isinstance(id, int)]
        return await self._afterwards(self._shape.owner, ids)

    async def _update(self, jobs: Sequence[Change]) -> list[Outcome]:
        """Reads just before: a record that has moved since the decision is told without a write, and the numbers
        of inner records are those of now. The write itself is conditional, so that nothing can come between."""
        try:
            rows = await self._reader.rows([job.id for job in jobs])
        except BadAnswer as bad:
            raise RetryLater("the changes were not sent", why=bad.what) from None
        outcomes: dict[int, InstepError] = {}
        args: list[Json] = []
        conditions: dict[str, Json] = {}
        written: set[int] = set()
        for at, job in enumerate(jobs):
            row = rows.get(job.id)
            try:
                row = self.unmoved(job, row)
                owner = owner_of(self._shape, row)
                if owner in written:
                    raise RetryLater("the change was not sent", why="another one of the record was")
                values = await self._shape.updated(row, job.changes)
            except BadAnswer as bad:
                outcomes[at] = RetryLater("the change was not sent", why=bad.why or bad.what)
                continue
            except InstepError as error:
                outcomes[at] = error
                continue
            written.add(owner)
            args += [[owner], values]
            conditions |= timestamps(self._shape, row)
        if args:
            await self._call("write", args, {"_timestamp": conditions})
        done = [job.id for at, job in enumerate(jobs) if at not in outcomes]
        told = iter(await self._afterwards("id", done))
        return [outcomes[at] if at in outcomes else next(told) for at in range(len(jobs))]

    def unmoved(self, job: Change, row: Row | None) -> Row:
        """The row, if it is still as it was seen. Raises Gone, Moved, BadAnswer."""
        what = f"{self._shape.entity.name} {job.id}"
        if row is None:
            raise Gone(f"Tryton has no {what}", why="it was deleted, or is not one of them any more")
        if job.seen.token is not None:
            moved = token_of(self._shape, row) != job.seen.token
        else:
            now = self._shape.fields(row)
            moved = job.seen.complete and any(now.get(n) != value for n, value in job.seen.fields.items())
        if moved:
            raise Moved(f"{what} has changed", why="it is not as it was when this was decided")
        return row

    async def _call(self, method: str, args: list[Json], context: Mapping[str, Json]) -> Json:
        name = f"model.{self._shape.writes}.{method}"
        try:
            return await self._rpc.call(name, *args, write=True, context=context)
        except BadAnswer as bad:
            raise InDoubt(f"Tryton did not say what became of {name}", why=bad.why or bad.what) from None

    async def _afterwards(self, name: str, ids: Sequence[int]) -> list[Outcome]:
        """The records as the write left them. It has happened, so whatever is wrong from here is InDoubt."""
        try:
            rows = await self._reader.by(name, ids)
            return [
                record_of(self._shape, rows[id])
                if id in rows
                else InDoubt(
                    f"{self._shape.entity.name} {id} was written and can't be read", why="it is not there"
                )
                for id in ids
            ]
        except (BadAnswer, RetryLater, Refused) as error:
            raise InDoubt(
                f"{self._shape.entity.name} was written and can't be read", why=error.what
            ) from None
