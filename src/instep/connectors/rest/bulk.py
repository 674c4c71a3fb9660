"""Many writes in one request, and which of its outcomes is whose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from instep.connectors.http import Answer
from instep.connectors.rest.description_calls import BulkCall, Errors
from instep.connectors.rest.outcomes import says_no
from instep.connectors.rest.pointers import at, put, text_at
from instep.core.values import Absent, Json, is_empty


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is said of one write, as an answer of its own."""

    answer: Answer
    failed: bool


def bulk_body(bulk: BulkCall, entries: Sequence[Json]) -> Json:
    """The body of a request with these entries."""
    if not bulk.entries:
        return list(entries)
    body: dict[str, Json] = {}
    for path, value in bulk.body.items():
        put(body, path, value)
    put(body, bulk.entries, list(entries))
    return body


def told_apart(
    bulk: BulkCall, answer: Answer, ids: Sequence[str], own_id: str, errors: Errors
) -> Sequence[Outcome | None]:
    """What is said of each write, in their order, None where it can't be told.

    `ids`: of the records, "" for new ones; `own_id`: pointer to the id within a record; `errors`: how an outcome says
    no.
    """
    rows = at(answer.value, bulk.results)
    if bulk.match == "order":
        if not isinstance(rows, list) or len(rows) != len(ids):
            return [None] * len(ids)
        return [_outcome(bulk, answer, row, errors) for row in rows]
    id_at = bulk.new_id if bulk.new_id is not None else f"{bulk.item}.{own_id}".strip(".")
    told = {id: _outcome(bulk, answer, row, errors) for id, row in _by_id(rows, id_at).items()}
    failures = at(answer.value, bulk.failures) if bulk.failures else rows
    for id, row in _by_id(failures, bulk.failure_id).items():
        if bulk.failures or id not in told:
            told[id] = replace(_outcome(bulk, answer, row, errors), failed=True)
    return [told.get(id) for id in ids]


def _outcome(bulk: BulkCall, answer: Answer, row: Json, errors: Errors) -> Outcome:
    error = at(row, bulk.error_at) if bulk.error_at else None
    if not isinstance(error, Absent) and not is_empty(error):
        return Outcome(replace(answer, value=error), True)
    alone = replace(answer, value=row)
    return Outcome(alone, says_no(errors, alone))


def _by_id(rows: object, pointer: str) -> Mapping[str, Json]:
    entries: Sequence[Json] = rows if isinstance(rows, list) else []
    return {id: row for row in entries if (id := text_at(row, pointer))}
