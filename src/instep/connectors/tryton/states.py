"""Writing orders: a sale is made as a draft, then led to its state step by step."""

from __future__ import annotations

from collections.abc import Mapping

from instep.connectors.tryton.sale import STEPS
from instep.connectors.tryton.shape import record_of, timestamps
from instep.connectors.tryton.writing import Change, Writer
from instep.core.model import Record
from instep.core.values import Json
from instep.errors import BadAnswer, InDoubt, Moved, Refused, RetryLater


class SaleWriter(Writer):
    """As Writer, but for the field `state`. Each step is a transaction of its own, and the first is conditional."""

    async def create(self, values: Mapping[str, Json], marker: str) -> Record:
        """A sale that can't be led to its state is there as a draft, and told as that: writing its state is then
        refused with the reason."""
        made = await super().create(values, marker)
        state = values.get("state")
        if state is None or state == made.fields["state"]:
            return made
        try:
            return await self.update(int(made.id), {"state": state}, made)
        except (Refused, RetryLater, Moved):
            return made

    async def update(self, id: int, changes: Mapping[str, Json], seen: Record) -> Record:
        if "state" not in changes:
            return await super().update(id, changes, seen)
        try:
            rows = await self._reader.rows([id])
            row = self.unmoved(Change(id, changes, seen), rows.get(id))
        except BadAnswer as bad:
            raise RetryLater(f"order {id} was not written", why=bad.why or bad.what) from None
        now, wanted = str(row.get("state")), str(changes["state"])
        if now == wanted:
            return record_of(self._shape, row)
        steps = STEPS.get((now, wanted))
        if steps is None:
            raise Refused(
                f"order {id} can't go from {now} to {wanted}",
                field="state",
                code="state",
                why="Tryton has no way there: what a sale has brought about, its invoices and shipments, is there",
                fix="let a person settle it in Tryton",
            )
        condition: Mapping[str, Json] = {"_timestamp": timestamps(self._shape, row)}
        for done, step in enumerate(steps):
            try:
                await self._call(step, [[id]], condition if done == 0 else {})
            except (Refused, RetryLater, Moved) as error:
                if done == 0:
                    raise
                return await self._reached(id, error)
        return await self._reached(id, None)

    async def discard(self, id: int) -> None:
        """Tryton deletes a sale once it is cancelled."""
        seen = (await self._reader.rows([id])).get(id)
        if seen is not None:
            await self.update(id, {"state": "cancelled"}, record_of(self._shape, seen))
        await super().discard(id)

    async def _reached(self, id: int, stopped: Refused | RetryLater | Moved | None) -> Record:
        """The sale as the steps left it. Some have happened, so whatever is wrong from here is InDoubt."""
        try:
            row = (await self._reader.rows([id])).get(id)
        except (BadAnswer, RetryLater) as error:
            raise InDoubt(f"order {id} was written and can't be read", why=error.what) from None
        if row is None:
            why = stopped.why if stopped is not None else "it is not there"
            raise InDoubt(f"order {id} was written and can't be read", why=why)
        return record_of(self._shape, row)
