"""What must hold in a world that has come to rest. Each law names the promise, and the invariant, that it checks.

The laws that can be told at the moment of a write are with the witness; its findings are part of the answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial

from instep.core.model import Both, Side
from instep.core.state import Key
from instep.store.contract import Entry, Hold, Link, Tx
from instep.store.verify import verify

from .chosen import REMATCHING
from .systems import PERSON
from .witness import Edit, Place
from .world import KINDS, World

Holds = dict[tuple[str, Side, str], list[Hold]]


def broken_laws(world: World) -> list[str]:
    """Every law that this world breaks, in words; empty if all is well."""
    links = world.store.read(lambda tx: {kind: tx.links(kind, 0, 10_000) for kind in KINDS})
    holds = world.store.read(_all_holds)
    found = list(dict.fromkeys(world.witness.findings))
    found += _settled(world)
    found += _waiting(world, holds)
    found += _one_to_one(links)
    found += _partners(world, links, holds)
    found += _kept_apart(world, links)
    found += _converged(world, links, holds)
    found += _agreed(world, links)
    found += _never_twice(world)
    found += _no_silent_loss(world)
    found += _told_truly(world)
    found += _overwritten_is_held(world, links, holds)
    found += _resurrected(world)
    found += _left_alone(world)
    found += _no_echo(world)
    found += _journal(world)
    return found


def _all_holds(tx: Tx) -> Holds:
    found: Holds = {}
    for hold in tx.holds(limit=10_000):
        found.setdefault((hold.key.pair, hold.key.side, hold.key.id), []).append(hold)
    return found


def _settled(world: World) -> Iterator[str]:
    """I21: nobody starves."""
    for left in world.unfinished(held=False):
        yield f"I21 no starvation (promise 1): still to do: {left}"


def _link_of(tx: Tx, *, kind: str, side: Side, id: str) -> Link | None:
    return tx.link_of(kind, side, id)


def _waiting(world: World, holds: Holds) -> Iterator[str]:
    """A hold that waits for a record to be linked is over once that is."""
    for (kind, side, id), of_record in holds.items():
        for hold in of_record:
            if hold.waits_for is None:
                continue
            where, what, awaited = hold.waits_for
            link = world.store.read(partial(_link_of, kind=what, side=where, id=awaited))
            if link is not None and link.state == "live":
                yield f"a hold ends with its cause (law holds): {kind} {side} {id} waits for {what} {awaited}"


def _left_alone(world: World) -> Iterator[str]:
    """Promise 9; I11: a settled world is left alone, and an idle pass asks for no single record."""
    if world.final_writes:
        yield f"I11 a settled world is left alone (promise 9): another run wrote {world.final_writes} times"
    if world.idle_reads:
        yield f"I11 an idle pass is cheap (promise 9): it read {world.idle_reads} single records"


def _no_echo(world: World) -> Iterator[str]:
    """Promise 10; I12: where nothing goes wrong, every call has an effect, and no value is written there twice."""
    if not world.plan.spaced:
        return
    if world.calls != world.witness.effective:
        effective = world.witness.effective
        yield f"I12 echo freedom (promise 10): {world.calls} writes were sent, {effective} had an effect"
    written: Counter[tuple[object, ...]] = Counter(
        (side, write.entity, write.id, path, str(new))
        for side in Side
        for write in world.systems[side].writes
        if write.author != PERSON
        for path, (_, new) in write.changes.items()
        if new is not None and world.names_by_path[side].get(path) != world.one_way
    )
    for (side, kind, id, path, new), times in written.items():
        if times > 1:
            told = f"{path}={new} of {kind} {id} on the {side}"
            yield f"I12 echo freedom (promise 10): {told} was written {times} times"


def _one_to_one(links: dict[str, list[Link]]) -> Iterator[str]:
    """Promise 12; I7."""
    for kind, of_kind in links.items():
        for side in Side:
            counts = Counter(link.ids[side] for link in of_kind)
            for id, count in counts.items():
                if count > 1:
                    yield f"I7 links are one to one (promise 12): {kind} {side} {id} has {count} links"


def _partners(world: World, links: dict[str, list[Link]], holds: Holds) -> Iterator[str]:
    """I2: every record has its partner, a hold that says why not, or a person's word that it needs none."""
    apart = world.store.read(
        lambda tx: {
            (key_kind, side, id)
            for key_kind in KINDS
            for side in Side
            for id in world.systems[side].ids(key_kind)
            for release in tx.releases_of(Key(key_kind, side, id))
            if release.choice in ("apart", "ignore")
        }
    )
    for kind in KINDS:
        for side in Side:
            linked = {link.ids[side] for link in links[kind]}
            for id in world.systems[side].ids(kind):
                place = (kind, side, id)
                if id not in linked and not holds.get(place) and place not in apart:
                    yield f"I2 convergence (promise 1): {kind} {side} {id} has no partner, and no hold says why"


def _kept_apart(world: World, links: dict[str, list[Link]]) -> Iterator[str]:
    """What a person keeps apart gets no partner until they choose otherwise."""
    for kind, side, id in world.witness.chosen.apart:
        partners = [
            link.ids[side.other] for link in links[kind] if link.ids[side] == id and link.state == "live"
        ]
        if partners and world.witness.chosen.stands_apart(kind, side, id):
            yield f"what is kept apart gets no partner (law choices): {kind} {side} {id} has {partners}"


def _converged(world: World, links: dict[str, list[Link]], holds: Holds) -> Iterator[str]:
    """I2, I19: linked records say the same, property by property, unless a hold says why not."""
    for kind in KINDS:
        for link in links[kind]:
            held = {hold.property for hold in holds.get((kind, Side.LEFT, link.ids.left), [])}
            if link.state != "live" or "" in held:
                continue
            told = f"{kind} {link.ids.left}={link.ids.right}"
            if not all(link.ids[side] in world.systems[side].ids(kind) for side in Side):
                yield f"I2 convergence (promise 1): {told} is live, its records are not"
                continue
            left = world.systems.left.fields(kind, link.ids.left)
            right = world.systems.right.fields(kind, link.ids.right)
            for name, lens in world.lenses.items():
                a, b = left.get(world.path.left[name]), right.get(world.path.right[name])
                owned = a if world.plan.flow == "to-right" else b
                if name == world.one_way and owned is None and world.path.left[name] not in link.base:
                    continue  # at first contact, what its owner has not filled in is no evidence of an edit
                if lens.token(a) != lens.token(b) and world.path.left[name] not in held:
                    yield f"I2 convergence (promise 1): {told} {name}: {a!r} is not {b!r}"
            if kind == "person" and "parent" not in held:
                yield from _parents(world, Both(left.get("parent"), right.get("parent")), links, told)


def _parents(world: World, parents: Both[object], links: dict[str, list[Link]], told: str) -> Iterator[str]:
    """References are translated through links; of companies that a person has parted, they stay as they are."""
    if parents == Both(None, None) or any(
        link.ids == parents or (link.state == "retired" and parents[side] == link.ids[side])
        for link in links["company"]
        for side in Side
    ):
        return
    for side in Side:
        dnas = world.people.dna_of(side, "company", str(parents[side]))
        if any(world.witness.chosen.anything("company", dna) for dna in dnas):
            return
    yield f"I19 references go through links (promise 1): {told} refers to {parents.left} and to {parents.right}"


def _agreed(world: World, links: dict[str, list[Link]]) -> Iterator[str]:
    """I1: the two bases of a property say the same, at rest as at any time."""
    for kind in KINDS:
        for link in links[kind]:
            for name, lens in world.lenses.items():
                base = link.base.get(world.path.left[name])
                if base is not None and lens.token(base.left[0]) != lens.token(base.right[0]):
                    yield f"I1 agreement (promise 1): {kind} {link.ids.left}={link.ids.right} {name}: base {base}"


def _never_twice(world: World) -> Iterator[str]:
    """Promise 7; I6: nothing is on a side more often than people put it there, but for one copy of ours."""
    for (side, kind, dna), made in world.witness.made.items():
        if world.witness.asked_for(kind, dna):
            continue
        alive = world.witness.standing_for(side, kind, dna)
        ours = [id for _, id, who in made if id in alive and who != PERSON]
        if len(ours) > 1 and (side, kind, dna) not in world.witness.told_apart:
            yield f"I6 nothing is created twice (promise 7): {kind} {dna} was made as {ours} on the {side}"


def _no_silent_loss(world: World) -> Iterator[str]:
    """Promise 3; I4: a value that nobody has replaced knowingly is still there, or in the journal."""
    replaced = {edit.value for later in world.witness.edits for edit in later.saw}
    living = {
        (kind, name, lens.token(fields.get(world.path[side][name])))
        for side in Side
        for kind in KINDS
        for each in world.systems[side].ids(kind)
        if (fields := world.systems[side].fields(kind, each)) is not None
        for name, lens in world.lenses.items()
    }
    in_window = {edit.value for edit in world.witness.windows}
    for edit in world.witness.edits:
        side, kind, of, name = edit.place
        if edit.token is None or not of or edit.value in replaced or edit.value in in_window:
            continue
        if world.restored_ms is not None and edit.at_ms <= world.restored_ms:
            continue  # what became of it may be what the store forgot
        if (kind, name, edit.token) in living or _in_the_journal(world, edit):
            continue
        deletes = [d for s in Side for d in world.witness.deletes.get((s, kind, edit.dna), ())]
        if any(edit.value in seen for _, seen in deletes):
            continue  # who deleted the record had it before their eyes
        yield f"I4 no silent loss (promise 3): {kind} {of} on the {side}: {name} {edit.raw!r} left no trace"


def _told_truly(world: World) -> Iterator[str]:
    """Promise 3: what is told as overwritten has been written over by Instep; or, once a write of ours was in doubt,
    by a person who gave the very value that it was to write, since no log tells the two apart."""
    for entry, name, token in overwritten(world):
        if entry.side is None:
            continue
        place = entry.side, entry.pair, entry.record_id, name
        if (place, token) not in world.witness.replaced and not _replaced_alike(world, entry, place, token):
            told = f"{entry.pair} {entry.record_id} on the {entry.side}: {name} {token}"
            yield f"nothing is told as overwritten that was not (promise 3): {told}"


def _replaced_alike(world: World, told: Entry, place: Place, token: str | None) -> bool:
    """Whether a person has replaced that token by what a write of ours in doubt was to replace it by."""
    by = {
        world.lenses[place[3]].token(new[0])
        for change in told.changes
        if isinstance(new := change["new"], list)
    }
    return any(
        edit.place == place and edit.token in by and any(saw.token == token for saw in edit.saw)
        for edit in world.witness.edits
    )


def _overwritten_is_held(world: World, links: dict[str, list[Link]], holds: Holds) -> Iterator[str]:
    """Promise 3: an overwritten edit is held for as long as neither record has changed since, unless a person has
    answered."""
    for entry, name, token in overwritten(world):
        link = next((one for one in links[entry.pair] if one.id == entry.link_id), None)
        if entry.side is None or link is None or link.state != "live" or world.restored_ms is not None:
            continue
        if any(
            link.ids[side] not in world.systems[side].ids(entry.pair)
            or world.systems[side].changed_at(entry.pair, link.ids[side]) > entry.at_ms
            or any(
                world.witness.chosen.anything(entry.pair, dna)
                for dna in world.people.dna_of(side, entry.pair, link.ids[side])
            )
            for side in Side
        ):
            continue
        now = world.systems[entry.side].fields(entry.pair, entry.record_id).get(world.path[entry.side][name])
        held = {hold.property for hold in holds.get((entry.pair, Side.LEFT, link.ids.left), [])}
        if world.lenses[name].token(now) != token and world.path.left[name] not in held:
            told = f"{entry.pair} {entry.record_id} on the {entry.side}: {name} {token}"
            yield f"an overwritten edit is held (promise 3): {told}"


def overwritten(world: World) -> list[tuple[Entry, str, str | None]]:
    """What the journal tells of overwritten edits: the entry, the property and the token that was lost."""
    found = []
    for entry in world.store.read(lambda tx: tx.journal(operation="overwritten", limit=10_000)):
        for change in entry.changes:
            name, old = world.name_of(str(change["property"])), change["old"]
            if name in world.lenses and isinstance(old, list):
                found.append((entry, name, world.lenses[name].token(old[0])))
    return found


def _in_the_journal(world: World, edit: Edit) -> bool:
    """Whether Instep has kept the value: in the journal, or with the last reading of a record that is gone."""
    side, kind, of, name = edit.place
    if (kind, name, edit.token) in world.traces:
        return True
    seen = world.store.read(lambda tx: tx.sighting(side, kind, of))
    kept = None if seen is None else seen.fields.get(world.path[side][name])
    return world.lenses[name].token(kept) == edit.token


def _resurrected(world: World) -> Iterator[str]:
    """I9: what a person deleted, and nobody edited meanwhile, stays dead."""
    for (side, kind, dna), deletes in world.witness.deletes.items():
        if world.witness.chosen.asked_ms(kind, dna, REMATCHING) or world.restored_ms is not None:
            continue
        if (side, kind, dna) in world.witness.unknown_deletes:
            continue  # it was deleted before Instep could know that it had been made
        last_ms = max(at_ms for at_ms, _ in deletes)
        alive = world.witness.standing_for(side, kind, dna)
        again = [
            id
            for at_ms, id, who in world.witness.made.get((side, kind, dna), ())
            if id in alive and who != PERSON and at_ms > last_ms + world.open_window_ms
        ]
        seen = set().union(*(seen for _, seen in deletes))
        edited = any(
            edit.dna == dna
            and edit.place[0] is side.other
            and edit.place[1] == kind
            and edit.value not in seen
            for edit in world.witness.edits
        )
        if again and not edited:
            told = f"{kind} {dna} was deleted on the {side} and is there again"
            yield f"I9 no resurrection (law deletes): {told}: {again}"


def _journal(world: World) -> Iterator[str]:
    """Promise 13; I20: every value that the engine wrote is in the journal, which is as it was written."""
    if trouble := world.store.read(verify).trouble:
        yield f"I20 the journal verifies (promise 13): {trouble}"
    for side in Side:
        for write in world.systems[side].writes:
            if write.author == PERSON:
                continue
            if world.restored_ms is not None and write.at_ms - world.skew[side] <= world.restored_ms:
                continue  # its outcome may have been open when the store was put back
            if id(write) in world.adrift:
                continue  # it was sent before the store was put back, and carried out after that
            if write.operation == "delete":
                if (write.entity, side, write.id) not in world.retired:
                    yield f"I20 every write is in the journal (promise 13): {write.entity} {write.id} was deleted"
                continue
            for path, (_, new) in write.changes.items():
                name = world.names_by_path[side].get(path)
                if name is None or new is None:
                    continue
                if (write.entity, name, world.lenses[name].token(new)) not in world.traces:
                    yield (
                        f"I20 every write is in the journal (promise 13): {write.operation} of"
                        f" {path}={new!r} on the {side} is not in it"
                    )


__all__ = ["broken_laws", "overwritten"]
