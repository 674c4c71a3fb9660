"""Writing what was drafted, as a person would who tries another value where one is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final

from instep.core.model import Both, Side
from instep.core.values import Raw
from instep.dataflow.documents.checklist import Line
from instep.qa.trial import Trial
from instep.qa.values import Draft

MOST_TRIES: Final = 4
"""Values of a property that are tried before its line counts as not applicable."""


def tried(trial: Trial, lines: Sequence[Line], left_out: Mapping[str, str]) -> list[Line]:
    """The lines whose property was written; the others are done with, and why."""
    for line in lines:
        if line.prop in left_out:
            trial.not_applicable(line, left_out[line.prop])
    return [line for line in lines if line.prop not in left_out]


async def place(trial: Trial, ids: Both[str], side: Side, draft: Draft) -> dict[str, str]:
    """Write what was drafted, other values for those that are refused; `raws` has what was taken then. Gives the
    properties of which no value was, with the system's words."""
    refused = await trial.write(ids, side, draft.raws)
    for name in list(refused):
        again = await _another(trial, ids, side, name, draft)
        if again is None:
            del draft.raws[name]
        else:
            draft.raws[name] = again
            del refused[name]
    return refused


async def _another(trial: Trial, ids: Both[str], side: Side, name: str, draft: Draft) -> Raw | None:
    """The first other value of a property that the system does not refuse."""
    known = [*trial.last_known(name), trial.canon(name, side, draft.raws[name])]
    values = trial.values.all(draft, trial.pair, side, trial.property(name), known)
    for raw, _ in islice(values, MOST_TRIES):
        if not await trial.write(ids, side, {name: raw}):
            return raw
    return None
