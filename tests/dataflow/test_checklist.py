"""The checklist: a line for every rule and property, with what is to be found."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings

from docs.pages.systems import entities
from instep.core.dataflow import Dataflow
from instep.core.model import SIDES, Abilities, Both, Entity, Field, Side
from instep.dataflow.build import parse_dataflow
from instep.dataflow.documents.checklist import Line, checklist
from instep.dataflow.documents.examples import example_of
from instep.dataflow.documents.html import write_html
from instep.dataflow.documents.writing import page_of
from instep.dataflow.scaffold import default_dataflow
from tests.dataflow.stated import NO_ENTITIES, dataflows
from tests.dataflow.texts import dataflow

SYSTEMS = Both("Chargebee", "Custom ERP")


def lines(
    properties: str, pair: str = "", known: Both[Mapping[str, Entity]] = NO_ENTITIES
) -> dict[str, Line]:
    found = checklist(parse_dataflow(dataflow(properties, pair=pair)), known, SYSTEMS)
    return {line.id.removeprefix("contact/"): line for line in found}


def words(text: tuple[object, ...]) -> str:
    return "".join(piece if isinstance(piece, str) else f"<{piece.text}>" for piece in text)  # type: ignore[attr-defined]


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(dataflows())
def test_every_property_of_any_dataflow_has_lines_in_both_directions(flow: Dataflow) -> None:
    found = checklist(flow, NO_ENTITIES, SYSTEMS)
    assert len({line.id for line in found}) == len(found)
    about = {(line.pair, line.prop, line.at) for line in found}
    assert about >= {
        (pair.name, prop.name, side) for pair in flow.pairs for prop in pair.properties for side in SIDES
    }
    for pair in flow.pairs:
        mine = [line for line in found if line.pair == pair.name]
        assert {line.at for line in mine if line.kind == "create"} == set(SIDES)
        assert {line.keys for line in mine if line.kind == "match"} == {key.properties for key in pair.match}


def test_an_edit_is_written_cleared_or_put_back() -> None:
    found = lines("a <-> b\nc -> d")
    assert {id: line.finding for id, line in found.items() if line.prop} == {
        "a/edit/left": "written",
        "a/clear/left": "written",
        "a/conflict/left": "decided",
        "a/edit/right": "written",
        "a/clear/right": "written",
        "c/edit/left": "written",
        "c/clear/left": "written",
        "c/put back/right": "put back",
    }
    assert words(found["a/edit/right"].do) == "Edit <a> in Custom ERP."
    assert words(found["a/edit/right"].find) == "Chargebee has it, and Custom ERP is not written."


@pytest.mark.parametrize(
    ("create", "finding"),
    [
        ("both", "made"),
        ("left", "not made"),
        ("{right: referred}", "made later"),
        ("{right: {when: x}}", "made"),
    ],
)
def test_a_record_is_made_as_the_pair_says(create: str, finding: str) -> None:
    line = lines("a <-> b", f"create: {create}")["create/left"]
    assert line.finding == finding
    assert ("that meets <x>" in words(line.do)) == ("when" in create)


@pytest.mark.parametrize("on_delete", ["hold", "retire", "ignore"])
def test_a_delete_is_dealt_with_as_the_pair_says(on_delete: str) -> None:
    expected = {"hold": "held", "retire": "written", "ignore": "left alone"}[on_delete]
    assert lines("a <-> b", f"on_delete: {on_delete}")["delete/right"].finding == expected


@pytest.mark.parametrize(
    ("policy", "finding", "told"),
    [
        ("newest", "decided", "The later edit is on both sides"),
        ("hold", "held", "nothing is written"),
        ("right", "decided", "What Custom ERP had is on both sides."),
    ],
)
def test_a_conflict_ends_as_the_policy_of_the_property_says(policy: str, finding: str, told: str) -> None:
    line = lines(f"{{map: a <-> b, policy: {policy}, group: g}}", "policy: left")["a/conflict/left"]
    assert line.finding == finding
    assert told in words(line.find)
    assert words(line.find).endswith("The rest of the group <g> goes with it.")


def test_what_an_api_can_not_write_is_held() -> None:
    fields = (Field("a", "text", update=False), Field("c", "text"))
    can_not = Abilities(create=False, retire=False)
    known: Both[Mapping[str, Entity]] = Both({"customer": Entity("customer", fields, can_not)}, {})
    found = lines("a <-> b\nc <-> d", "on_delete: retire", known)
    assert {
        id: found[id].finding for id in ("create/right", "a/edit/right", "c/edit/right", "delete/right")
    } == {
        "create/right": "held",
        "a/edit/right": "held",
        "c/edit/right": "written",
        "delete/right": "held",
    }
    assert "a/clear/right" not in found


def test_what_has_to_have_a_value_is_not_emptied() -> None:
    fields = (
        Field("a", "text", required=True),
        Field("b", "boolean"),
        Field("c", "text", choices=("x", "y")),
    )
    known: Both[Mapping[str, Entity]] = Both({"customer": Entity("customer", fields, Abilities())}, {})
    assert not [id for id in lines("a <-> a\nb <-> b\nc <-> c", known=known) if "clear" in id]


@pytest.mark.parametrize("to", list(Side))
def test_one_direction_has_the_lines_of_what_is_written_there(to: Side) -> None:
    flow = parse_dataflow(dataflow("a <-> b\nc -> d", pair="match: [a]"))
    found = checklist(flow, NO_ENTITIES, SYSTEMS, to=to)
    assert {line.at for line in found if line.kind in ("create", "edit", "clear", "delete")} == {to.other}
    assert {line.prop for line in found if line.kind == "put back"} == ({"c"} if to is Side.RIGHT else set())


def test_the_document_shows_every_line() -> None:
    flow = parse_dataflow(default_dataflow())
    page = write_html(page_of(flow, entities(), SYSTEMS))
    found = checklist(flow, entities(), SYSTEMS)
    assert all(f"<td><code>{line.id}</code></td>" in page for line in found)
    assert len(found) > 200


@pytest.mark.parametrize("which", [{}, {"companies": True}])
def test_the_examples_are_what_the_transformations_make(which: dict[str, bool]) -> None:
    flow = parse_dataflow(default_dataflow(**which))
    without = set()
    for pair in flow.pairs:
        for prop in pair.properties:
            found = example_of(prop, pair, entities())
            if found is None:
                without.add(prop.as_written.partition("(")[0])
                continue
            assert len(found.source) == len(prop.parts[found.side].fields)
            assert len(found.target) == len(prop.parts[found.side.other].fields)
    assert without == {"reference", "lines"}


def test_an_example_of_a_field_with_few_words_is_one_of_them() -> None:
    flow = parse_dataflow(default_dataflow())
    pair = flow.pair("order")
    assert pair is not None
    prop = pair.property("status")
    assert prop is not None
    found = example_of(prop, pair, entities())
    assert found is not None
    assert (found.source, found.target) == (("queued",), ("draft",))


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(dataflows())
def test_no_dataflow_is_without_a_page(flow: Dataflow) -> None:
    assert page_of(flow, NO_ENTITIES, SYSTEMS).blocks
