"""What is left to a person in a pair, and what can't be ruled out: from what the two systems' APIs can do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from instep.core.dataflow import Dataflow, Pair
from instep.core.model import SIDES, Abilities, Both, Side
from instep.dataflow.check import check
from instep.dataflow.documents.page import Code, Text, one_line
from instep.dataflow.documents.types import Entities


def for_people(dataflow: Dataflow, entities: Entities, systems: Both[str]) -> Mapping[str, Sequence[Text]]:
    """Pair -> what a person has to do or to decide there, each in a sentence."""
    found: dict[str, dict[Text, None]] = {
        pair.name: dict.fromkeys(_decisions(pair)) for pair in dataflow.pairs
    }
    known = [
        pair.name for pair in dataflow.pairs if all(pair.entity[side] in entities[side] for side in SIDES)
    ]
    for problem in check(dataflow, entities, systems):
        name = next((name for name in known if f"{problem.where}.".startswith(f"{name}.")), None)
        if name is not None:
            why = f": {problem.why}" if problem.why else ""
            found[name][one_line(f"{_capital(problem.what)}{why}."),] = None
    return {name: list(texts) for name, texts in found.items()}


def _decisions(pair: Pair) -> Iterator[Text]:
    if pair.match:
        yield ("A record with more than one possible partner is held: a person says which one it is.",)
    policies = {pair.policy, *(prop.policy or pair.policy for prop in pair.properties)}
    if "hold" in policies:
        yield ("A conflict that ", Code("hold"), " decides is a person's to decide.")
    if "newest" in policies:
        yield ("A conflict of edits whose order can't be proved is a person's to decide.",)
    if pair.on_delete == "hold":
        yield ("What becomes of the partner of a record that was deleted is a person's to decide.",)


def windows(pair: Pair, entities: Entities, systems: Both[str], to: Side | None) -> Iterator[Text]:
    """What can't be ruled out, however careful a program is, with the records of a pair."""
    for side in SIDES:
        entity = entities[side].get(pair.entity[side])
        if entity is None:
            continue
        written = to in (None, side) and any(prop.may_flow(side) for prop in pair.properties)
        yield from _windows(entity.abilities, systems[side], pair.entity[side], writes=written)
        if to in (None, side) and pair.create[side] and entity.abilities.create:
            yield from _creating(entity.abilities, systems[side], pair.entity[side])


def _windows(abilities: Abilities, system: str, entity: str, *, writes: bool) -> Iterator[Text]:
    if writes and abilities.update and not abilities.conditional:
        yield (
            f"{system} writes without looking whether a record has changed meanwhile: an edit of the very same field "
            "of a record ",
            Code(entity),
            " that arrives between the last reading and the write, which is about the time of one request, is "
            "overwritten.",
        )
    if not abilities.tombstones:
        yield (
            f"No listing of {system} names deleted records ",
            Code(entity),
            ": a delete is known after a complete reading, and not before.",
        )
    if abilities.resolution_ms >= 1_000:
        yield (
            f"{system} tells the time of a change of ",
            Code(entity),
            f" to {abilities.resolution_ms / 1_000:g} s: edits of both sides that are closer together have no order "
            "that can be proved.",
        )
    if abilities.list_lag_ms >= 60_000:
        yield (
            "A listing of records ",
            Code(entity),
            f" of {system} may trail behind by {abilities.list_lag_ms / 1_000:g} s: so long an edit may stay unseen.",
        )


def _creating(abilities: Abilities, system: str, entity: str) -> Iterator[Text]:
    if abilities.chosen_id or abilities.marker:
        return
    if abilities.key_window_ms:
        minutes = abilities.key_window_ms / 60_000
        yield (
            f"{system} remembers for {minutes:g} min that it has made a record ",
            Code(entity),
            ": a create whose answer was lost, and that is tried again later, is held for a person.",
        )
        return
    yield (
        f"{system} can't be asked whether it has made a record ",
        Code(entity),
        " of ours: a create whose answer is lost is held for a person.",
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
