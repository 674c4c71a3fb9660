"""Why one record is or is not in step, from what is known of it: plain facts, said in sentences.

It looks at the same things as `decide`, and repeats what that decided; it decides nothing itself. Values stay
values, so that a caller can print them in its own way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from instep.core.conditions import unmet
from instep.core.dataflow import Property
from instep.core.diff import Delta, diff, raw_of
from instep.core.match import is_apart
from instep.core.model import SIDES, Both, Side
from instep.core.overwritten import CAUSE as OVERWRITTEN
from instep.core.state import Hold, Intent, Key, Link, Release, Sighting, Todo
from instep.core.transformations.contract import Opaque
from instep.core.values import Raw
from instep.core.verdict import Scene, Verdict

State = Literal["same", "differs", "conflict", "held", "unreadable", "not offered", "not for it"]
SETTLED: frozenset[State] = frozenset({"same", "not offered", "not for it"})
"""Of a property about which there is nothing to do."""
"""same: the sides agree; differs: one of them was edited and the other follows; conflict: both were, and the
policy decides; held: waits, `why` says for what; unreadable: the edited side holds junk; not offered: a reading
did not have the field."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One property of two linked records. `edited`: the sides that moved since the base; `base` None: they never
    agreed yet. `to`: the side that will be written. `why` and `fix` are sentences, "" if there is no more."""

    property: str
    state: State
    raw: Both[Raw | None]
    base: Both[Raw] | None
    edited: tuple[Side, ...] = ()
    to: Side | None = None
    why: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """All that is stored of one record: what `explain` is told. `todo` is set if it has to be looked at."""

    key: Key
    link: Link | None
    seen: Both[Sighting | None]
    holds: Sequence[Hold] = ()
    releases: Sequence[Release] = ()
    intents: Sequence[Intent] = ()
    todo: Todo | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """`in_step`: linked, nothing differs, nothing waits. `summary`: one sentence. `facts`: what is known, in
    sentences. `following`: what the next run will do. `fixes`: what a person can do."""

    in_step: bool
    summary: str
    facts: tuple[str, ...]
    properties: tuple[Standing, ...]
    following: tuple[str, ...]
    fixes: tuple[str, ...]


def explain(scene: Scene, known: Known) -> Explanation:
    """Say why a record is or is not in step."""
    if known.link is not None:
        return _linked(scene, known, known.link)
    return _unlinked(scene, known)


# Linked records


def _linked(scene: Scene, known: Known, link: Link) -> Explanation:
    left, right = known.seen.left, known.seen.right
    standings: list[Standing] = []
    if left is not None and right is not None and not left.deleted and not right.deleted:
        standings = [_standing(scene, prop, Both(left, right), link, known) for prop in scene.pair.properties]
    off = [standing for standing in standings if standing.state not in SETTLED]
    whole = [hold for hold in known.holds if hold.property == ""]
    facts = [
        f"{_called(scene, Side.LEFT, link.ids.left)} and {_called(scene, Side.RIGHT, link.ids.right)} are linked"
        f" ({link.made_by})"
    ]
    facts += _gone(scene, known)
    facts += [f"{hold.what}{_because(hold.why)}" for hold in whole]
    facts += _doubts(scene, known)
    gone = any(seen is not None and seen.deleted for seen in known.seen)
    if link.state == "retired":
        return Explanation(
            not whole, "out of use on both sides, and kept linked so that it stays so", tuple(facts), (), (),
            _fixes(known, off),
        )  # fmt: skip
    if left is None or right is None:
        summary = "not known yet: one of the two was never read"
    elif whole or gone:
        summary = "not in step: it is held" if known.holds else "not in step: one of the two is gone"
    elif off:
        names = ", ".join(standing.property for standing in off)
        summary = f"not in step: {len(off)} of {len(standings)} properties ({names})"
    elif known.intents:
        summary = "not known: a write is on its way"
    else:
        summary = f"in step: all {len(standings)} properties agree"
    in_step = summary.startswith("in step")
    return Explanation(
        in_step, summary, tuple(facts), tuple(standings), _following(scene, known), _fixes(known, off)
    )


def _standing(scene: Scene, prop: Property, seen: Both[Sighting], link: Link, known: Known) -> Standing:
    raw = Both.of(lambda side: raw_of(prop.parts[side], seen[side].fields))
    base = link.base.get(prop.name)
    left, right = raw.left, raw.right
    if left is None or right is None:
        missing = " and ".join(scene.systems[side] for side in SIDES if raw[side] is None)
        return Standing(prop.name, "not offered", raw, base, why=f"{missing} did not offer the field")
    for side in SIDES:
        missed = unmet(prop.when[side], seen[side].fields)
        if missed is not None:
            return Standing(prop.name, "not for it", raw, base, why=f"{scene.systems[side]}: {missed.missed}")
    delta = diff(prop, Both(left, right), base, scene.lookup)
    standing = Standing(prop.name, "same", raw, base, _edited(delta, base), delta.to)
    hold = next((h for h in known.holds if h.property in (prop.name, prop.group or prop.name)), None)
    settled = delta.kind in ("same", "drift", "agreed")
    if settled and (hold is None or hold.cause != OVERWRITTEN):
        return standing
    if hold is not None:
        chosen = next((r for r in known.releases if r.property == hold.property), None)
        why = hold.why
        if chosen is not None:
            why = f"{why}; a person chose {chosen.choice}, which the next run applies"
        return replace(standing, state="held", why=_sentence(hold.what, why), fix=_command(hold))
    if delta.kind == "unreadable":
        source = (delta.to or Side.RIGHT).other
        opaque = delta.canon[source]
        why = opaque.why if isinstance(opaque, Opaque) else ""
        return replace(
            standing, state="unreadable", why=why, fix=f"correct {prop.name} in {scene.systems[source]}"
        )
    if delta.kind == "conflict":
        policy = prop.policy or scene.pair.policy
        return replace(standing, state="conflict", why=f"both sides were edited; the policy is {policy}")
    to = delta.to or Side.RIGHT
    source_name = scene.systems[to.other]
    why = f"{source_name} was edited" if not delta.first else f"only {source_name} has a value"
    if prop.flow != "both":
        why = f"it goes one way: {source_name} owns it"
    return replace(standing, state="differs", why=why)


def _edited(delta: Delta, base: Both[Raw] | None) -> tuple[Side, ...]:
    if base is None:
        return ()
    return tuple(side for side in SIDES if delta.raw[side] != base[side])


def _gone(scene: Scene, known: Known) -> list[str]:
    return [
        f"{_called(scene, side, seen.id)} was deleted"
        for side in SIDES
        if (seen := known.seen[side]) is not None and seen.deleted
    ]


def _doubts(scene: Scene, known: Known) -> list[str]:
    return [
        f"it is not known yet whether {_an(intent.operation)} in {scene.systems[intent.side]} was applied"
        for intent in known.intents
    ]


def _an(operation: str) -> str:
    return f"an {operation}" if operation == "update" else f"a {operation}"


# Unlinked records


def _unlinked(scene: Scene, known: Known) -> Explanation:
    side, id = known.key.side, known.key.id
    seen, verdict = known.seen[side], known.verdict
    name = _called(scene, side, id)
    other = scene.systems[side.other]
    if seen is None:
        return Explanation(
            False, "not known: it was never read", (f"{name} was never read",), (),
            ("it is read first",) if known.todo else (), (),
        )  # fmt: skip
    if seen.deleted:
        return Explanation(
            False, f"nothing to keep in step: {name} was deleted before it had a partner", (), (), (), ()
        )
    facts = [f"{name} has no partner in {other}"]
    facts += [f"{hold.what}{_because(hold.why)}" for hold in known.holds]
    facts += _doubts(scene, known)
    if is_apart(known.releases):
        return Explanation(
            False, "left alone: a person chose that it has no partner", tuple(facts), (), (),
            (f"give it one: instep links add {scene.pair.name} LEFT RIGHT",),
        )  # fmt: skip
    if known.holds:
        causes = ", ".join(dict.fromkeys(hold.cause for hold in known.holds))
        summary = f"not in step: it is held ({causes})"
    elif verdict is not None and verdict.link is not None:
        summary = f"not linked yet: its partner was found by {verdict.how}"
    elif verdict is not None and verdict.writes:
        summary = f"not in step yet: it is new, and is to be created in {other}"
    elif verdict is not None and verdict.note:
        summary = f"not linked: {verdict.note}"
    else:
        summary = "not linked yet"
    return Explanation(False, summary, tuple(facts), (), _following(scene, known), _fixes(known, ()))


# What is to come


def _following(scene: Scene, known: Known) -> tuple[str, ...]:
    """What the next run does with it, as far as can be told from what is stored."""
    verdict = known.verdict
    lines: list[str] = []
    if known.intents:
        lines.append("the write that is on its way is settled first")
    if verdict is None:
        return tuple(lines)
    if verdict.link is not None:
        lines.append(f"links {verdict.link.left} and {verdict.link.right} ({verdict.how})")
    for write in verdict.writes:
        names = ", ".join(change.property for change in write.changes)
        about = f": {names}" if names and write.operation == "update" else ""
        lines.append(f"{write.operation}s the record in {scene.systems[write.side]}{about} ({write.why})")
    if verdict.unlink:
        lines.append("removes the link")
    if verdict.retired:
        lines.append(f"puts the link to rest: {verdict.retired}")
    if not lines and verdict.holds:
        lines.append("nothing, as long as it is held")
    if not lines and verdict.note:
        lines.append(verdict.note)
    if lines and known.todo is None and (verdict.writes or verdict.link is not None):
        lines.append("it is looked at when one of the two changes again")
    if known.todo is not None and known.todo.attempts:
        lines.append(
            f"it failed {known.todo.attempts} times in a row and is tried again: {known.todo.reason}"
        )
    return tuple(lines) or ("nothing",)


def _fixes(known: Known, off: Sequence[Standing]) -> tuple[str, ...]:
    fixes = [_command(hold) for hold in known.holds] + [standing.fix for standing in off]
    return tuple(dict.fromkeys(fix for fix in fixes if fix))


def _command(hold: Hold) -> str:
    return hold.fix.replace("release ID", f"release {hold.id}")


def _called(scene: Scene, side: Side, id: str) -> str:
    return f"{scene.pair.entity[side]} {id} in {scene.systems[side]}"


def _because(why: str) -> str:
    return f": {why}" if why else ""


def _sentence(what: str, why: str) -> str:
    return f"{what}: {why}" if why else what
