"""What must hold in a world that has come to rest. Each law names the promise that it checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from instep.core.model import Side
from instep.runner.run import Wish
from instep.store.contract import Entry, Hold, Link, Tx
from instep.store.verify import verify

from .world import PERSON, PROPERTIES, Edit, World


def broken_laws(world: World) -> list[str]:
    """Every law that this world breaks, in words; empty if all is well."""
    found = list(_settled(world))
    links = _all_links(world)
    holds = _all_holds(world)
    found += _one_to_one(world, links)
    found += _partners(world, links, holds)
    found += _converged(world, links, holds)
    found += _never_twice(world)
    found += _nobody_twice(world)
    found += _never_lost(world, links, holds)
    found += _left_alone(world)
    found += _deletes(world)
    found += _journal(world)
    return found


def _settled(world: World) -> Iterator[str]:
    for left in world.unfinished():
        yield f"settled: still to do: {left}"


def _left_alone(world: World) -> Iterator[str]:
    """Promise 9: a settled world is left alone."""
    if world.final_writes:
        yield f"left alone: another run wrote {world.final_writes} times"


def _all_links(world: World) -> dict[str, list[Link]]:
    return world.store.read(
        lambda tx: {pair.name: tx.links(pair.name, 0, 10_000) for pair in world.dataflow.pairs}
    )


def _all_holds(world: World) -> dict[tuple[str, Side, str], list[Hold]]:
    def read(tx: Tx) -> dict[tuple[str, Side, str], list[Hold]]:
        found: dict[tuple[str, Side, str], list[Hold]] = {}
        for hold in tx.holds(limit=10_000):
            found.setdefault((hold.key.pair, hold.key.side, hold.key.id), []).append(hold)
        return found

    return world.store.read(read)


def _one_to_one(world: World, links: dict[str, list[Link]]) -> Iterator[str]:
    """Promise 12."""
    for pair, of_pair in links.items():
        for side in Side:
            counts = Counter(link.ids[side] for link in of_pair)
            for id, count in counts.items():
                if count > 1:
                    yield f"one to one: {pair} {side} {id} has {count} links"


def _partners(
    world: World, links: dict[str, list[Link]], holds: dict[tuple[str, Side, str], list[Hold]]
) -> Iterator[str]:
    """Every record has its partner, or a hold that says why not."""
    for pair in world.dataflow.pairs:
        for side in Side:
            linked = {link.ids[side] for link in links[pair.name]}
            for id in world.systems[side].ids(pair.entity[side]):
                if id not in linked and not holds.get((pair.name, side, id)):
                    yield f"partners: {pair.name} {side} {id} has none, and no hold says why"


def _converged(
    world: World, links: dict[str, list[Link]], holds: dict[tuple[str, Side, str], list[Hold]]
) -> Iterator[str]:
    """Linked records say the same, property by property, unless a hold says why not."""
    for pair in world.dataflow.pairs:
        for link in links[pair.name]:
            held = {hold.property for hold in holds.get((pair.name, Side.LEFT, link.ids.left), [])}
            if link.state != "live" or "" in held:
                continue
            alive = [link.ids[side] in world.systems[side].ids(pair.entity[side]) for side in Side]
            if not all(alive):
                yield f"converged: {pair.name} {link.ids.left}={link.ids.right} is live, its records are not"
                continue
            left = world.systems.left.fields(pair.name, link.ids.left)
            right = world.systems.right.fields(pair.name, link.ids.right)
            for name in PROPERTIES:
                a, b = left.get(f"l_{name}"), right.get(f"r_{name}")
                if (a or None) != (b or None) and f"l_{name}" not in held:
                    yield f"converged: {pair.name} {link.ids.left}={link.ids.right} {name}: {a} is not {b}"


def _never_twice(world: World) -> Iterator[str]:
    """Promise 7: per record that a person made, at most one live copy; and no copy of a copy."""
    for side in Side:
        for kind in ("company", "person"):
            made = [
                write
                for write in world.systems[side].writes
                if write.operation == "create" and write.entity == kind
            ]
            by_name: dict[str, list[str]] = {}
            prefix = "l_" if side is Side.LEFT else "r_"
            for write in made:
                token = str(write.changes.get(f"{prefix}name", ("", ""))[1])
                if write.author != PERSON:
                    by_name.setdefault(token, []).append(write.id)
                    if any(
                        str(w.changes.get(f"{prefix}name", ("", ""))[1]) == token and w.author == PERSON
                        for w in made
                    ):
                        yield f"never twice: {kind} {side} {write.id} is the copy of a copy"
            for token, ids in by_name.items():
                if len(ids) > 1 and len([i for i in ids if i in world.systems[side].ids(kind)]) > 1:
                    yield f"never twice: {kind} with {token} was made as {ids} on the {side}"


def _nobody_twice(world: World) -> Iterator[str]:
    """Promise 7: nobody is on a side more often than people put them there, but for one copy of ours."""
    for side in Side:
        for kind in ("company", "person"):
            made: Counter[str] = Counter()
            live: Counter[str] = Counter()
            there = set(world.systems[side].ids(kind))
            for write in world.systems[side].writes:
                if write.operation == "create" and write.entity == kind:
                    who = str(write.changes["mail"][1]).lower()
                    made[who] += write.author == PERSON
                    live[who] += write.id in there
            for who, count in live.items():
                if count > max(made[who], 1):
                    yield f"nobody twice: {kind} {who} is there {count} times on the {side}"


def _journal_entries(world: World) -> list[Entry]:
    return world.store.read(lambda tx: tx.journal(limit=100_000))


def _never_lost(
    world: World, links: dict[str, list[Link]], holds: dict[tuple[str, Side, str], list[Hold]]
) -> Iterator[str]:
    """Promises 1 to 3: the last value is one that nobody has seen and replaced; others are in the journal."""
    traces = {
        str(value)
        for entry in _journal_entries(world)
        for change in entry.changes
        for values in (change.get("old"), change.get("new"))
        if isinstance(values, list)
        for value in values
    }
    for pair in world.dataflow.pairs:
        for link in links[pair.name]:
            if link.state != "live" or holds.get((pair.name, Side.LEFT, link.ids.left)):
                continue
            try:
                fields = world.systems.left.fields(pair.name, link.ids.left)
            except Exception:  # noqa: BLE001 - gone: other laws speak of it
                continue
            who = str(fields.get("mail")).lower()
            if any((side, pair.name, who) in world.deleted for side in Side):
                continue  # edits of a copy that a person deleted before the engine ever saw it died with it
            for name in PROPERTIES:
                final = fields.get(f"l_{name}")
                edits = world.edits[f"{pair.name} {who}", name]
                if final is not None and any(edit.saw == final for edit in edits):
                    later = next(edit.token for edit in edits if edit.saw == final)
                    if not _cleared(world, pair.name, name, later):
                        yield f"never lost: {pair.name} {who} {name} is {final}, which {later} had replaced"
                seen = {edit.saw for edit in edits}
                for edit in edits:
                    if edit.token in seen or edit.token == final or edit.token in traces:
                        continue
                    if _cleared(world, pair.name, name, edit.token):
                        continue
                    if not _in_the_open_window(world, pair.name, name, edit):
                        yield f"never lost: {pair.name} {who} {name}: {edit.token} left no trace"


def _in_the_open_window(world: World, kind: str, name: str, edit: Edit) -> bool:
    """Whether an edit was overwritten on a side without conditional writes, between the look before a write
    and the moment in which it was applied: the one window that no engine can close there."""
    system = world.systems[edit.side]
    if system.entities[kind].abilities.conditional:
        return False
    path = f"{'l_' if edit.side is Side.LEFT else 'r_'}{name}"
    window_ms = world.faults.late_apply_ms + 3_000
    made = next((w.at_ms for w in system.writes if w.changes.get(path, ("", ""))[1] == edit.token), 0)
    return any(
        w.author != PERSON and w.changes.get(path, ("", ""))[0] == edit.token and w.at_ms - made < window_ms
        for w in system.writes
        if w.entity == kind
    )


def _cleared(world: World, kind: str, name: str, token: str) -> bool:
    """Whether a person emptied the field while it showed that token: then it may be gone."""
    for side in Side:
        prefix = "l_" if side is Side.LEFT else "r_"
        for write in world.systems[side].writes:
            change = write.changes.get(f"{prefix}{name}")
            if write.entity == kind and change is not None and change[0] == token and not change[1]:
                return True
    return False


def _deletes(world: World) -> Iterator[str]:
    """Promises 6 and 11: the engine takes a record away only if a person deleted its partner."""
    for side in Side:
        for write in world.systems[side].writes:
            if write.operation == "delete" and write.author != PERSON:
                who = str(write.changes.get("mail", ("", None))[0]).lower()
                if (side.other, write.entity, who) not in world.deleted:
                    yield f"phantom delete: {write.entity} {side} {write.id} ({who})"


def _journal(world: World) -> Iterator[str]:
    """Promise 13: every value that the engine wrote is in the journal, and the journal is as it was written."""
    if trouble := world.store.read(verify).trouble:
        yield f"journal: it does not verify: {trouble}"
    entries = _journal_entries(world)
    told = {str(v) for e in entries for c in e.changes for v in (c.get("new") or [])}  # type: ignore[union-attr]
    for side in Side:
        for write in world.systems[side].writes:
            if write.author == PERSON or write.operation == "delete":
                continue
            for path, (_, new) in write.changes.items():
                if path.startswith(("l_", "r_")) and new is not None and str(new) not in told:
                    yield f"journal: {write.operation} of {path}={new} on the {side} is not in it"


__all__ = ["Wish", "broken_laws"]
