"""What must hold of the commands, besides what the witness and the oracle of the simulated world ask for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from instep.core.model import Both, Side
from instep.core.state import Key
from instep.store.contract import Tx
from instep.store.verify import verify
from tests.simulation.oracle import broken_laws
from tests.simulation.systems import PERSON, Write

from .office import KINDS, Answer, Office

Deed = tuple[Side, str, str, str, str, str | None]
"""Side, operation, entity, id ("" of a record that is made), property, token."""


@dataclass(frozen=True)
class Promised:
    """What a plan says. `braked`: some of it is stopped. `open`: of what nobody can say what becomes of it yet, as
    (entity, id on either side): it has to be read first, may be gone, or was put off."""

    deeds: frozenset[Deed]
    braked: bool
    open: frozenset[tuple[Side, str, str]]

    def exact(self, deeds: Iterable[Deed]) -> set[Deed]:
        """Those of the deeds that the plan is to be held to."""
        makes = {(side.other, entity) for side, entity, id in self.open if id}
        return {
            deed
            for deed in deeds
            if (deed[0], deed[2], deed[3]) not in self.open and (deed[3] or (deed[0], deed[2]) not in makes)
        }


def promised(office: Office, plan: Any) -> Promised:
    actions = plan["actions"]
    deeds = {deed for action in actions for deed in _of_action(office, action)}
    with office.reading():
        unsure = set(office.read(partial(_open, office)))
    unsure |= _freed(actions)
    for action in actions:  # those that are to be linked have no link yet that would tell that they are one
        both = {(side, action["pair"], action["ids"][side.value] or "") for side in Side}
        if both & unsure:
            unsure |= both
    return Promised(frozenset(deeds), bool(plan["brakes"]), frozenset(unsure))


def _freed(actions: Any) -> set[tuple[Side, str, str]]:
    """Records that are held since they look like another one, where a write of the plan may make the two unlike, or
    take the other one out of use."""
    writes = [write for action in actions for write in action["writes"]]
    renamed = any(c["property"] == "mail" and c["old"] for write in writes for c in write["changes"])
    if not renamed and all(write["operation"] != "retire" for write in writes):
        return set()
    return {
        (Side(action["key"]["side"]), action["pair"], action["key"]["id"])
        for action in actions
        if any(hold["cause"] in ("duplicate", "ambiguous") for hold in action.get("holds", ()))
    }


def in_doubt(office: Office) -> set[tuple[Side, str, str]]:
    """Targets of writes that are on their way: a run settles them first, by sending them again where that is safe."""
    return {
        (intent.side, intent.key.pair, intent.record_id) for intent in office.read(lambda tx: tx.intents())
    }


def _open(office: Office, tx: Tx) -> list[tuple[Side, str, str]]:
    return list(_all_open(office, tx))


def _all_open(office: Office, tx: Tx) -> Iterator[tuple[Side, str, str]]:
    now_ms = office.clock.now_ms()
    for kind in KINDS:
        for side in Side:
            gone = office.systems[side].deleted_ids(kind)
            for id in (*office.systems[side].ids(kind), *gone):
                seen = tx.sighting(side, kind, id)
                if seen is not None and (seen.unread or (id in gone and not seen.deleted)):
                    yield from _both(tx, kind, side, id)
        for todo in tx.todo_after(kind, after=0, limit=1000):
            if todo.due_ms > now_ms:
                yield from _both(tx, kind, todo.key.side, todo.key.id)
    for intent in tx.intents():
        yield from _both(tx, intent.key.pair, intent.key.side, intent.key.id)


def _both(tx: Tx, kind: str, side: Side, id: str) -> Iterator[tuple[Side, str, str]]:
    yield side, kind, id
    link = tx.link_of(kind, side, id)
    if link is not None:
        yield side.other, kind, link.ids[side.other]


def _of_action(office: Office, action: Any) -> Iterator[Deed]:
    for write in action["writes"]:
        side, operation = Side(write["side"]), write["operation"]
        entity, id = action["pair"], write["record"] or ""
        if operation == "retire":
            yield side, "delete", entity, id, "", None
            continue
        if operation == "create":
            id = ""
        for change in write["changes"]:
            name = office.name_of(change["property"])
            if name not in office.lenses:
                continue
            (new,) = change["new"] or (None,)
            token = office.lenses[name].token(new)
            if token is not None or operation == "update":
                yield side, operation, entity, id, name, token


def done(office: Office, writes: Iterable[tuple[Side, Write]]) -> set[Deed]:
    """What was done to the systems, by anybody but people."""
    found: set[Deed] = set()
    for side, write in writes:
        if write.author == PERSON:
            continue
        if write.operation == "delete":
            found.add((side, "delete", write.entity, write.id, "", None))
            continue
        id = "" if write.operation == "create" else write.id
        for path, (_, new) in write.changes.items():
            name = office.names_by_path[side].get(path)
            if name is None:
                continue
            token = office.lenses[name].token(new)
            if token is not None or write.operation == "update":
                found.add((side, write.operation, write.entity, id, name, token))
    return found


def require_done(office: Office, said: Promised, before: Both[int]) -> None:
    """What was said is what was done since, as far as that could be known."""
    did = done(office, office.writes_since(before))
    more = said.exact(did - said.deeds)
    assert not more, f"not in the plan: {more}"
    less = (
        set()
        if said.braked or (said.open and _is_braked(office))
        else said.exact(said.deeds - did) - _turned_down(office, said)
    )
    assert not less, f"in the plan, and not done: {less}"


def _is_braked(office: Office) -> bool:
    """Whether what had to be read first has tripped a brake, which no plan can know."""
    return any(each["cause"] == "brake" for each in office.holds())


def _turned_down(office: Office, said: Promised) -> set[Deed]:
    """What a system did not take: no plan can know, and a hold tells."""
    with office.reading():
        held = office.read(
            lambda tx: [each.key for each in tx.holds(limit=1000) if each.cause in ("refused", "doubt")]
        )
        held += [
            todo.key
            for kind in KINDS
            for todo in office.read(lambda tx, kind=kind: tx.todo_after(kind, after=0, limit=1000))
            if todo.attempts
        ]
        places = {place for key in held for place in office.read(partial(_places, key=key))}
    makes = {(side.other, entity) for side, entity, _ in places}
    return {
        deed
        for deed in said.deeds
        if (deed[0], deed[2], deed[3]) in places or (not deed[3] and (deed[0], deed[2]) in makes)
    }


def _places(tx: Tx, *, key: Key) -> list[tuple[Side, str, str]]:
    return list(_both(tx, key.pair, key.side, key.id))


def json_file(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def require_right_code(answer: Answer) -> None:
    """0 and 3 of a sync: whether something waits for a person is what its own report says."""
    report = answer.json()
    held = sum(
        count
        for pair in report["pairs"].values()
        for cause, count in pair["held"].items()
        if cause != "reference"
    )
    failing = sum(pair["failing"] for pair in report["pairs"].values())
    waits = bool(held or failing or report["brakes"] or report["troubles"] or any(report["skipped"].values()))
    assert answer.code == (130 if report["status"] == "stopped" else 3 if waits else 0), answer


def require_journal(office: Office, anchors: list[str]) -> None:
    """The journal verifies, and nothing that was there before was written anew."""
    if not office.store_path.exists():
        return
    found = office.read(lambda tx: verify(tx, anchor=anchors[-1] if anchors else ""))
    assert not found.trouble, found.trouble
    if found.chain.head.count:
        anchors.append(str(found.chain.head))


def require_no_findings(office: Office) -> None:
    """Nobody's edit was overwritten, nothing was made twice, nothing deleted: as each write happened."""
    assert not office.witness.findings, office.witness.findings[0]


def require_one_to_one(office: Office) -> None:
    """No record has two partners."""
    if not office.store_path.exists():
        return
    for kind in KINDS:
        links = office.read(lambda tx, kind=kind: tx.links(kind, 0, 10_000))
        for side in Side:
            taken = [link.ids[side] for link in links]
            assert len(set(taken)) == len(taken), f"one record, two links: {kind} {taken}"


def come_to_rest(office: Office) -> None:
    """Runs, until nothing is left that is not held: without faults, and with every brake let go."""
    for number in range(40):
        office.clock.wait(61 if number < 12 else 3_700)
        for hold in office.holds():
            if hold["cause"] == "brake":
                office.instep("holds", "release", str(hold["id"]), "--choose", "release")
        before = office.written()
        full = number % 2 == 0
        answer = office.instep("sync", *(["--full"] if full else []), "--json", codes=(0, 3))
        require_right_code(answer)
        if full and office.written() == before and not office.unfinished(held=number < 12):
            return
    raise AssertionError(f"no rest: {office.unfinished()}")


def _known(office: Office, drift: Any) -> bool:
    """What an audit may find in an office at rest: that people entered a thing twice, and references to companies
    that a person has parted, which stay as they are."""
    if drift["kind"] == "alike":
        return True
    differ = {each["name"] for example in drift["examples"] for each in example.get("differences", ())}
    return differ == {"parent"} and any(kind == "company" for kind, _ in office.witness.chosen.choices)


def require_rest(office: Office) -> None:
    """A settled office is left alone, nothing is unaccounted for, and an audit finds nothing."""
    before = office.written()
    office.instep("sync", "--full", "--json", codes=(0, 3))
    answer = office.instep("sync", "--json", codes=(0, 3))
    reads = sum(line.inner.counters.reads for line in office.running.connectors)
    office.final_writes, office.idle_reads = office.written() - before, reads
    require_right_code(answer)
    office.remember_journal()
    with office.reading():
        broken = broken_laws(office)  # type: ignore[arg-type]
    assert not broken, broken
    audit = office.instep("audit", "--json", codes=(0, 3)).json()
    drift = [found for found in audit["drift"] if not _known(office, found)]
    assert not drift, drift
    assert not office.instep("plan", "--json", codes=(0, 3)).json()["actions"] or office.holds()


__all__ = [
    "KINDS",
    "Both",
    "come_to_rest",
    "done",
    "in_doubt",
    "promised",
    "require_journal",
    "require_no_findings",
    "require_one_to_one",
    "require_rest",
    "require_right_code",
]
