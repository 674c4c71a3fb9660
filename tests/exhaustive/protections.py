"""The engine's protections, each with a switch that removes it, here and not in the product, and what notices.

`docs/protections.md` is this table; `test_protections.py` removes each and wants a law to be broken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from instep.core import decide
from instep.core.diff import diff
from instep.core.model import Both
from instep.runner import look, observe, outcome, run, send, settle, turn

from .crash_points import SCENARIOS, live, wrong
from .little_world import Budget
from .scope import explore

Remove = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True, slots=True)
class Protection:
    """`where`: module and name. `without`: what breaks. `notices`: the laws broken by a world shaped for it."""

    name: str
    where: str
    without: str
    remove: Remove
    notices: Callable[[], Sequence[str]]


def scope(profile: str, *budget: int, policy: Any = "left") -> Callable[[], Sequence[str]]:
    """Every way within a budget, to the first broken law."""
    return lambda: [law for law, _ in explore(Both(profile, profile), Budget(*budget), policy).broken]


def scenario(name: str, profile: str) -> Callable[[], Sequence[str]]:
    """A scripted scenario without a death."""
    return lambda: wrong(profile, end := live(SCENARIOS[name], profile), end)


def _no_order(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(observe, "_newer", lambda before, record: True)


def _no_wait(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(observe, "unsettled_ms", lambda engine, seen: 0)
    patch.setattr(turn, "unsettled_ms", lambda engine, seen: 0)


def _no_definite_outcome(patch: pytest.MonkeyPatch) -> None:
    whole = send.send

    async def forgetful(running: Any, intent: Any, seen: Any) -> Any:
        sent = await whole(running, intent, seen)
        if not sent.doubt:
            return sent
        return send.Sent(lambda tx: outcome.not_applied(running, tx, intent, "no answer"))

    patch.setattr(look, "send", forgetful)


def _no_horizon(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(settle, "horizon_ms", lambda engine, intent, abilities: intent.sent_ms)


def _no_base(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(decide, "diff", lambda prop, raw, base, lookup: diff(prop, raw, None, lookup))


def _no_recovery(patch: pytest.MonkeyPatch) -> None:
    def forget(engine: Any, tx: Any) -> None:
        for intent in tx.intents():
            tx.close_intent(intent.id)

    patch.setattr(run, "_recover", forget)


def _no_answer(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(outcome, "_written", lambda engine, tx, intent, record: tx.close_intent(intent.id))


def _no_adoption(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        outcome, "adopt", lambda engine, tx, intent, record: outcome.not_applied(engine, tx, intent, "read")
    )


def _no_match(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(observe, "match_values", lambda pair, side, fields, lookup: {})


def _no_claims(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(observe, "index", lambda *given: None)


def _no_cursor(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(observe, "mark", lambda *given, **more: None)


def _no_token(patch: pytest.MonkeyPatch) -> None:
    whole = turn.as_record
    patch.setattr(turn, "as_record", lambda seen: replace(whole(seen), token=None))


PROTECTIONS = (
    Protection(
        "order of readings",
        "`runner/observe.py`: `_newer`",
        "a replica that lags brings back what was replaced",
        _no_order,
        scope("chosen id", 1, 1, 2, 0),
    ),
    Protection(
        "waiting where readings can't be ordered",
        "`runner/observe.py`: `unsettled_ms`",
        "an edit that was listed is hidden by a replica that lags",
        _no_wait,
        scope("times", 1, 1, 1, 0),
    ),
    Protection(
        "definite outcomes",
        "`runner/send.py`: `send`",
        "a write that had no answer counts as not made, and is taken for a person's edit",
        _no_definite_outcome,
        scope("none", 1, 1, 1, 0),
    ),
    Protection(
        "the wait until a write can't be applied any more",
        "`runner/settle.py`: `horizon_ms`",
        "a late write overwrites what came after it",
        _no_horizon,
        scope("none", 1, 1, 1, 0),
    ),
    Protection(
        "a base per side",
        "`core/diff.py`: `diff`",
        "an edit is taken for a conflict, and the configured side wins over the newer value",
        _no_base,
        scope("conditional", 0, 1, 0, 0),
    ),
    Protection(
        "intents that outlive the process",
        "`runner/run.py`: `_recover`",
        "after a crash our own write counts as a person's edit",
        _no_recovery,
        scope("none", 1, 1, 0, 1),
    ),
    Protection(
        "the answer to a write moves the base",
        "`runner/outcome.py`: `_written`",
        "our own write comes back as an edit of the other side",
        _no_answer,
        scope("conditional", 1, 1, 0, 0),
    ),
    Protection(
        "a write in doubt is found out by reading",
        "`runner/outcome.py`: `adopt`",
        "our own write, found made, counts as a person's edit",
        _no_adoption,
        scope("none", 1, 1, 1, 0),
    ),
    Protection(
        "match before create",
        "`core/match.py`: `match_values`",
        "what both sides have is created twice",
        _no_match,
        scenario("first load", "none"),
    ),
    Protection(
        "the match index is kept true",
        "`runner/observe.py`: `index`",
        "partners are not found, and are created twice",
        _no_claims,
        scenario("first load", "marker"),
    ),
    Protection(
        "changes are marked with the cursor",
        "`runner/observe.py`: `mark`",
        "an edit that was listed is never looked at",
        _no_cursor,
        scope("conditional", 1, 0, 0, 0),
    ),
    Protection(
        "the token of a conditional write",
        "`runner/turn.py`: `as_record`",
        "an edit made just before our write is overwritten",
        _no_token,
        scope("conditional", 1, 1, 0, 0),
    ),
)


def page() -> str:
    """The page that lists them."""
    lines = [
        "# Protections",
        "",
        "What keeps the two systems right when requests get lost, answers come late and processes die.",
        "Each is taken out by a test, which wants one of the laws to be broken by then.",
        "The table is made from `tests/exhaustive/protections.py`.",
        "",
        "| protection | where in `src/instep/` | without it |",
        "|---|---|---|",
        *(f"| {each.name} | {each.where} | {each.without} |" for each in PROTECTIONS),
        "",
        "More are taken out by `tests/simulation/test_seeded_faults.py` and `tests/store/test_seeded_faults.py`.",
    ]
    return "\n".join(lines) + "\n"
