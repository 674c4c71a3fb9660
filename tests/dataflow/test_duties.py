"""What a document says is left to a person, and what can't be ruled out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from instep.core.dataflow import Pair
from instep.core.model import Abilities, Both, Entity, Field, Side
from instep.dataflow.build import parse_dataflow
from instep.dataflow.documents.duties import for_people, windows
from instep.dataflow.documents.page import Text
from instep.dataflow.documents.types import Entities, type_words
from tests.dataflow.stated import NO_ENTITIES
from tests.dataflow.texts import dataflow

SYSTEMS = Both("Left", "Right")
SURE = Abilities(conditional=True, tombstones=True, chosen_id=True)
FIELDS = (Field("a", "text"), Field("b", "text"))


def words(text: Text) -> str:
    return "".join(piece if isinstance(piece, str) else piece.text for piece in text)


def pair(properties: str = "a <-> b", more: str = "match: [a]") -> Pair:
    return parse_dataflow(dataflow(properties, pair=more)).pairs[0]


def entities(left: Abilities = SURE, right: Abilities = SURE) -> Entities:
    return Both({"customer": Entity("customer", FIELDS, left)}, {"contact": Entity("contact", FIELDS, right)})


def told(
    right: Abilities, to: Side | None = None, properties: str = "a <-> b", more: str = "match: [a]"
) -> str:
    return "\n".join(
        words(text) for text in windows(pair(properties, more), entities(SURE, right), SYSTEMS, to)
    )


def test_systems_that_can_do_all_leave_no_window() -> None:
    assert told(SURE) == ""
    assert list(windows(pair(), NO_ENTITIES, SYSTEMS, None)) == []


@pytest.mark.parametrize(
    ("abilities", "window"),
    [
        (
            replace(SURE, conditional=False),
            "Right writes without looking whether a record has changed meanwhile",
        ),
        (replace(SURE, tombstones=False), "No listing of Right names deleted records contact"),
        (replace(SURE, resolution_ms=1_000), "Right tells the time of a change of contact to 1 s"),
        (
            replace(SURE, list_lag_ms=300_000),
            "A listing of records contact of Right may trail behind by 300 s",
        ),
        (replace(SURE, chosen_id=False), "Right can't be asked whether it has made a record contact"),
        (
            replace(SURE, chosen_id=False, key_window_ms=1_800_000),
            "Right remembers for 30 min that it has made",
        ),
    ],
)
def test_what_a_system_can_not_do_is_a_window(abilities: Abilities, window: str) -> None:
    assert told(abilities).startswith(window)
    assert "\n" not in told(abilities)


def test_a_side_that_is_not_written_has_no_window_for_writes() -> None:
    blind = replace(SURE, conditional=False, chosen_id=False)
    assert told(blind, properties="a <- b", more="match: [a]\ncreate: left") == ""
    assert told(blind, to=Side.LEFT) == ""
    assert told(replace(blind, update=False), more="match: [a]\ncreate: left") == ""


def test_what_check_warns_of_is_left_to_a_person_in_its_own_words() -> None:
    can_not = replace(SURE, create=False, reasons={"create": "it has no call"})
    flow = parse_dataflow(dataflow("a <-> b", pair="match: [a]"))
    found = [words(text) for text in for_people(flow, entities(SURE, can_not), SYSTEMS)["contact"]]
    assert "Contact records can't be created in Right: it has no call." in found
    assert found[0] == "A record with more than one possible partner is held: a person says which one it is."


@pytest.mark.parametrize(
    ("more", "decisions"),
    [
        ("match: [a]", ["one possible partner", "can't be proved", "was deleted"]),
        ("policy: left\non_delete: ignore", []),
        ("policy: hold\non_delete: retire", ["A conflict that hold decides"]),
    ],
)
def test_what_a_pair_leaves_open_is_a_decision(more: str, decisions: list[str]) -> None:
    flow = parse_dataflow(dataflow("a <-> b", pair=more))
    found = [words(text) for text in for_people(flow, NO_ENTITIES, SYSTEMS)["contact"]]
    assert len(found) == len(decisions)
    assert all(part in text for part, text in zip(decisions, found, strict=True))


@pytest.mark.parametrize(
    ("field", "told"),
    [
        (Field("a", "text", max_length=60), "text, at most 60"),
        (Field("a", "text", choices=("x", "y")), "one of x, y"),
        (Field("a", "text", choices=tuple("abcdefghij")), "one of 10 words"),
        (Field("a", "text", reference="order"), "id of a record order"),
        (Field("a", "integer", update=False), "integer (when made only)"),
        (Field("a", "date", create=False, update=False), "date (read only)"),
        (Field("b", "text"), ""),
    ],
)
def test_a_type_is_told_in_words(field: Field, told: str) -> None:
    known = Both({"customer": Entity("customer", (field,), SURE)}, {})
    assert type_words(known, pair())(Side.LEFT, "a") == told


def test_a_field_within_an_object_may_hold_anything() -> None:
    known = Both({"customer": Entity("customer", (Field("a", "object", max_length=9),), SURE)}, {})
    assert type_words(known, pair())(Side.LEFT, "a.b") == "any"
