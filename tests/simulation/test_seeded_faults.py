"""What the oracle is worth: remove a protection, here and not in the product, and some world must break a law."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from instep.core import decide
from instep.core.dataflow import Property
from instep.core.diff import Delta, diff
from instep.core.model import Both, Side
from instep.errors import InDoubt
from instep.runner import judge, look, observe, outcome, send

from .faults import Faults
from .oracle import broken_laws
from .world import Plan, simulate

MOST_SEEDS = 150

Remove = Callable[[pytest.MonkeyPatch], None]


def _doubts_are_failures(patch: pytest.MonkeyPatch) -> None:
    whole = send.send

    async def forgetful(running: Any, intent: Any, seen: Any) -> Any:
        sent = await whole(running, intent, seen)
        if not sent.doubt:
            return sent
        return send.Sent(lambda tx: outcome.not_applied(running, tx, intent, "no answer"))

    patch.setattr(look, "send", forgetful)


def _stale_readings_count(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(observe, "_newer", lambda before, record: True)


def _own_records_are_not_recognised(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(judge, "_claimed", lambda pair, scene, seen: [])
    patch.setattr(observe, "match_values", lambda pair, side, fields, lookup: {})


def _records_are_not_matched(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(observe, "match_values", lambda pair, side, fields, lookup: {})


def _sides_are_compared_with_each_other(patch: pytest.MonkeyPatch) -> None:
    def naive(prop: Property, raw: Both[Any], base: Both[Any] | None, lookup: Any) -> Delta:
        return diff(prop, raw, None, lookup)

    patch.setattr(decide, "diff", naive)


def _the_base_moves_without_an_answer(patch: pytest.MonkeyPatch) -> None:
    whole = outcome.not_applied

    def hopeful(running: Any, tx: Any, intent: Any, why: str, request: str = "") -> None:
        link = tx.link(intent.link_id) if intent.link_id else None
        if link is not None:
            left = intent.side is Side.LEFT
            moved = {
                name: Both(meant, source) if left else Both(source, meant)
                for name, (source, _, meant) in intent.properties.items()
            }
            tx.save_link(replace(link, base={**link.base, **moved}))
        whole(running, tx, intent, why, request)

    patch.setattr(outcome, "not_applied", hopeful)


FAULTS: Mapping[str, Remove] = {
    "a write without an answer counts as not applied": _doubts_are_failures,
    "a reading that is older than what is known is believed": _stale_readings_count,
    "records that Instep made are not recognised": _own_records_are_not_recognised,
    "records are not matched before they are created": _records_are_not_matched,
    "the sides are compared with each other and not with their past": _sides_are_compared_with_each_other,
    "the base moves with a write that was not applied": _the_base_moves_without_an_answer,
}


def _stale(seed: int) -> Plan:
    """Many stale readings, on sides where each write needs one."""
    plan = Plan.draw(seed)
    return replace(
        plan,
        profiles=Both("chosen id", "key"),
        edits=25,
        runs=6,
        faults=Faults(stale=0.9, read_lag_ms=60_000),
    )


SHAPED: Mapping[str, Callable[[int], Plan]] = {
    "a reading that is older than what is known is believed": _stale,
}
"""Worlds in which a fault shows that most worlds have no occasion for."""


@pytest.mark.parametrize("name", FAULTS)
def test_without_a_protection_some_world_breaks_a_law(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    FAULTS[name](monkeypatch)
    for seed in range(MOST_SEEDS):
        try:
            if broken_laws(simulate(SHAPED.get(name, Plan.draw)(seed))):
                return
        except (AssertionError, RuntimeError, InDoubt):
            return  # the engine itself noticed
    pytest.fail(f"{MOST_SEEDS} worlds did not notice that {name}")
