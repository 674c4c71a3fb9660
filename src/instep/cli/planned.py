"""A plan in words: actions grouped per pair and kind, each group counted and its first ones shown in full."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from instep.cli.terminal import Terminal
from instep.core.brakes import rest_of
from instep.core.dataflow import Dataflow, Pair
from instep.core.model import SIDES, Both, Side
from instep.core.state import Hold
from instep.core.values import Absent, Json, Raw, encode
from instep.core.verdict import Change, Overruled, Write
from instep.runner.brakes import EMPTY, Brake
from instep.runner.gate import Gate, stopped_by
from instep.runner.planning import Action
from instep.runner.run import Report

MOST_TEXT: Final = 60
ORDER: Final = ("link", "create", "update", "retire", "unlink", "rest", "hold", "waiting", "settle")
VERBS: Final = {"create": "create", "update": "change", "retire": "retire"}
"""Operation -> what would be done, as `summary.DONE` says that it was."""


@dataclass
class Group:
    """Actions of one kind in one pair: how many, and the lines of the first few."""

    heading: str
    count: int = 0
    shown: list[list[str]] = field(default_factory=list)


@dataclass
class Outline:
    """Collects actions one by one and keeps no more than it is going to show."""

    dataflow: Dataflow
    systems: Both[str]
    limit: int = 5
    groups: dict[str, dict[tuple[int, str], Group]] = field(default_factory=dict)
    held: bool = False
    stopped: int = 0
    """How many writes the brakes stop altogether."""

    def add(self, action: Action, gate: Gate | None = None) -> None:
        """`gate`: what the brakes of its pair let through."""
        pair = self.dataflow.pair(action.key.pair)
        if pair is None:
            raise LookupError(action.key.pair)
        groups = self.groups.setdefault(pair.name, {})
        for kind, heading, lines in self._entries(pair, action, gate):
            group = groups.setdefault((ORDER.index(kind), heading), Group(heading))
            group.count += 1
            if len(group.shown) < self.limit:
                group.shown.append(list(lines))
        for write in action.verdict.writes:
            if write.following:  # told in detail with the create that they follow
                heading = f"{VERBS['update']} in {self.systems[write.side]} right after the create"
                group = groups.setdefault((ORDER.index("update"), heading), Group(heading))
                group.count += len(write.following)
        if gate is not None:
            self.stopped += _stopped_writes(gate, action)
        self.held |= any(needs_person(hold) for hold in action.verdict.holds)

    def _entries(
        self, pair: Pair, action: Action, gate: Gate | None
    ) -> Iterator[tuple[str, str, Iterable[str]]]:
        verdict, names = action.verdict, both_ids(action.ids)
        stops = ", ".join(sorted(stopped_by(gate, action))) if gate is not None else ""
        if verdict.link is not None:
            yield "link", "link", [f"{names}   {verdict.how}"]
        for write in verdict.writes:
            if write is not next(w for w in verdict.writes if _call(w) == _call(write)):
                continue  # told with the first of the calls to that side
            calls = [w for w in verdict.writes if _call(w) == _call(write)]
            lines = [f"{names}   {write.why}" if write.operation == "retire" else names]
            lines += [
                "  " + described(pair, self.systems, call, change, verdict.overruled)
                for call in calls
                for change in call.changes
            ]
            lines += [
                f"  then, each in a call of its own: {', '.join(c.following)}" for c in calls if c.following
            ]
            stopped = f", stopped by a brake ({stops})" if stops else ""
            yield write.operation, f"{VERBS[write.operation]} in {self.systems[write.side]}{stopped}", lines
        for hold in verdict.holds:
            yield "hold", f"held: {hold.cause}", held_lines(names, hold)
        if verdict.unlink:
            yield "unlink", "unlink", [f"{names}   {verdict.note}"]
        elif verdict.retired:
            yield "rest", "put to rest", [f"{names}   {verdict.retired}"]
        elif verdict.link is None and (verdict.wait_ms or verdict.note):
            yield "waiting", f"waiting: {verdict.note or 'for the other side'}", [names]
        elif not verdict.writes and not verdict.holds and verdict.link is None:
            yield "settle", "agree already", [names]

    def say(self, terminal: Terminal, report: Report) -> None:
        """Print what was collected, with the brakes and troubles of the reading."""
        for pair in self.dataflow.pairs:
            groups = self.groups.get(pair.name)
            if not groups:
                continue
            entities = f"{self.systems.left} {pair.entity.left}, {self.systems.right} {pair.entity.right}"
            terminal.say(f"{terminal.style(pair.name, bold=True)}  ({entities})")
            for _, group in sorted(groups.items()):
                _say_group(terminal, group)
            terminal.say()
        for brake in report.brakes:
            terminal.say(braked(brake))
        for name, why in report.troubles.items():
            terminal.say(f"not worked on: {name}\n  why: {why}")


def _call(write: Write) -> tuple[str, Side]:
    return write.operation, write.side


def _stopped_writes(gate: Gate, action: Action) -> int:
    """How many writes of an action the brakes leave nothing of, with those that would follow them."""
    emptied = gate.emptied is not None and EMPTY not in gate.free
    found = 0
    for write in action.verdict.writes if emptied or gate.stopped else ():
        alone = replace(action, verdict=replace(action.verdict, writes=(write,)))
        prints = [about for each in stopped_by(gate, alone).values() for about in each]
        if emptied or rest_of(gate.pair, write, prints) is None:
            found += 1 + len(write.following)
    return found


def _say_group(terminal: Terminal, group: Group) -> None:
    colour = "yellow" if group.heading.startswith("held") else "cyan"
    terminal.say(f"  {terminal.style(group.heading, fg=colour)}: {group.count}")
    for first, *rest in group.shown:
        terminal.say(f"    {first}")
        for line in rest:
            terminal.say(f"    {line}")
    left = group.count - len(group.shown)
    if left and group.shown:
        terminal.say(f"    ... and {left} more")


def braked(brake: Brake) -> str:
    """A brake with the way to let it go."""
    if brake.kind == EMPTY:
        what, look = f"nothing of {brake.pair} is written", "look into that system"
    else:
        what, look = brake.what, f"look at them: instep plan --pair {brake.pair}"
    choices = "release" if brake.kind == EMPTY else "release, or drop"
    if brake.hold:
        fix = f"{look}; then: instep holds release {brake.hold} --choose {choices}"
    else:
        fix = f"{look}; if it is right: instep sync --release {brake.pair}:{brake.kind}"
    why = f"{brake.what}; {brake.why}" if brake.kind == EMPTY else brake.why
    return f"brake: {what}\n  why: {why}\n  fix: {fix}"


def needs_person(hold: Hold) -> bool:
    """Whether a hold waits for a person; a reference is released by itself."""
    return hold.cause != "reference"


def both_ids(ids: Both[str]) -> str:
    """How two records are named in one line, left first; one that is yet to be made is "(new)"."""
    return " = ".join(ids[side] or "(new)" for side in SIDES)


def held_lines(names: str, hold: Hold) -> list[str]:
    lines = [f"{names}   {hold.what}"]
    lines += [f"  why: {hold.why}"] if hold.why else []
    if isinstance(hold.values, Mapping):
        lines += [f"  {name}: {_sides(value)}" for name, value in hold.values.items() if value != []]
    lines += [f"  fix: {hold.fix}"] if hold.fix else []
    return lines


def _sides(value: Json) -> str:
    if isinstance(value, Mapping) and set(value) == {side.value for side in SIDES}:
        shown = [value[side.value] for side in SIDES]
        return " | ".join(", ".join(text(v) for v in (s if isinstance(s, list) else [s])) for s in shown)
    if isinstance(value, list):
        return ", ".join(text(item) for item in value)
    return text(value)


def described(
    pair: Pair, systems: Both[str], write: Write, change: Change, overruled: Iterable[Overruled] = ()
) -> str:
    """One property of a write: its fields, old -> new, where the new value comes from, and why."""
    prop = pair.property(change.property)
    if prop is None:
        return f"{change.property}: {values(change.new)}"
    target, source = prop.parts[write.side].fields, prop.parts[write.side.other].fields
    new, old = change.new or (), change.old
    if write.operation == "create" or old is None:
        told = ", ".join(
            f"{path}: {text(value)}" for path, value in zip(target, new, strict=False) if _given(value)
        )
    else:
        told = ", ".join(
            f"{path}: {text(was)} -> {text(value)}"
            for path, was, value in zip(target, old, new, strict=False)
            if _given(value) and value != was
        )
    if change.source is None:
        return f"{told or change.property}   ({change.why})"
    origin = f"{systems[write.side.other]} {', '.join(source)}"
    given = change.source[: len(source)]
    if [v for v in given if _given(v)] != [v for v in new[: len(target)] if _given(v)]:
        origin += f" {values(given)}"
    why = "" if write.operation == "create" else f"; {change.why}"
    lost = [o for o in overruled if o.property == change.property]
    lost_text = "".join(f"; {values(o.raw)} loses and is kept in the journal" for o in lost)
    return f"{told or change.property}   ({origin}{why}{lost_text})"


def _given(value: Json | Absent) -> bool:
    return not isinstance(value, Absent)


def values(raw: Raw | None) -> str:
    """The raw values of a property."""
    return ", ".join(text(value) for value in raw or () if _given(value))


def text(value: Json | Absent) -> str:
    """A value as a line can show it: quoted if it is a text, shortened, "(empty)" for none."""
    if value is None or isinstance(value, Absent):
        return "(empty)"
    shown = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else encode(value).decode()
    return shown if len(shown) <= MOST_TEXT else f"{shown[: MOST_TEXT - 1]}…"
