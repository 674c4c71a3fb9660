"""From YAML to a dataflow that the engine can use."""

from __future__ import annotations

from pathlib import Path

import pytest

from instep.core.dataflow import Brakes, Limit, MatchKey, Part
from instep.core.model import Both, Side
from instep.core.transformations.contract import Linked, Unlinked
from instep.core.transformations.registry import MAKERS
from instep.core.values import ABSENT
from instep.dataflow.build import load_dataflow, parse_dataflow
from tests.dataflow.texts import dataflow, problems, told


class NoLinks:
    def link_of(self, side: Side, entity: str, id: str, _: str) -> Linked | Unlinked:
        return Unlinked(side, entity, id)

    def id_of(self, link_id: int, side: Side) -> str | None:
        return None


def across(text: str, name: str, value: object, *context: object) -> object:
    """What a left value of a property is written as on the right, where there was none."""
    prop = parse_dataflow(text).pairs[0].property(name)
    assert prop is not None
    canon = prop.transformation.canon(Side.LEFT, (value, *context), NoLinks())  # type: ignore[arg-type]
    old = (ABSENT, *context)
    written = prop.transformation.put(Side.RIGHT, canon, old, NoLinks())  # type: ignore[arg-type]
    assert isinstance(written, tuple), written
    return written[0]


def test_a_pair_has_what_the_file_says() -> None:
    text = dataflow(
        "email <-> email | email\nfirst_name -> given_name",
        pair="""\
match: [email, [first_name, email]]
create: right
on_delete: retire
policy: hold
new_id: {left: "erp-{id}"}
constants: {left: {taxability: taxable}, right: {active: true}}
brakes: {change_share: 0.25, change_count: 7}
""",
    )
    (pair,) = parse_dataflow(text).pairs
    assert (pair.name, pair.entity) == ("contact", Both("customer", "contact"))
    assert pair.match == (MatchKey(("email",)), MatchKey(("first_name", "email")))
    assert pair.create == Both(False, True)
    assert (pair.on_delete, pair.policy) == ("retire", "hold")
    assert pair.id_template == Both("erp-{id}", "{id}")
    assert pair.constants == Both({"taxability": "taxable"}, {"active": True})
    assert pair.brakes == Brakes(change=Limit(7, 0.25))
    assert pair.source == ("dataflow.yaml", 3)


def test_least_is_the_count_of_every_brake_that_has_none_of_its_own() -> None:
    text = dataflow("email <-> email", pair="brakes: {least: 3, retire_count: 1}")
    (pair,) = parse_dataflow(text).pairs
    brakes = pair.brakes
    assert (brakes.create.count, brakes.same.count, brakes.empty.count, brakes.retire.count) == (3, 3, 3, 1)
    assert brakes.create.share == Brakes().create.share


def test_what_a_file_leaves_out_has_the_defaults_of_the_core() -> None:
    (pair,) = parse_dataflow(dataflow("email <-> email")).pairs
    assert (pair.match, pair.create, pair.on_delete) == ((), Both(True, True), "hold")
    assert (pair.policy, pair.brakes, pair.id_template) == ("newest", Brakes(), Both("{id}", "{id}"))


def test_the_policy_of_the_file_is_that_of_a_pair_which_says_none() -> None:
    text = dataflow("email <-> email").replace("version: 1\n", "version: 1\npolicy: hold\n")
    assert parse_dataflow(text).pairs[0].policy == "hold"


def test_a_line_is_a_property_with_its_place() -> None:
    (pair,) = parse_dataflow(
        dataflow("email <-> email | email\nvat with country -> tax | phone"), "d.yaml"
    ).pairs
    email, vat = pair.properties
    assert (email.name, email.flow, email.as_written, email.source) == (
        "email",
        "both",
        "email",
        ("d.yaml", 7),
    )
    assert (vat.parts.left, vat.flow) == (Part(("vat",), ("country",)), "to-right")


def test_the_long_form_says_what_a_line_can_not() -> None:
    text = """\
version: 1
pairs:
  contact:
    left: customer
    right: contact
    properties:
      - left: [first_name, last_name]
        right: Full Name
        as: names
        name: name
        policy: left
        required: true
        default: {right: Anonymous}
        group: person
      - left: amount
        right: total
        context: {left: currency_code, right: [currency]}
        as: {money: {text: right}}
        direction: to-right
"""
    name, amount = parse_dataflow(text).pairs[0].properties
    assert (name.name, name.policy, name.required, name.group) == ("name", "left", True, "person")
    assert name.parts == Both(Part(("first_name", "last_name")), Part(("Full Name",)))
    assert name.default == Both(None, "Anonymous")
    assert amount.parts == Both(Part(("amount",), ("currency_code",)), Part(("total",), ("currency",)))
    assert (amount.flow, amount.as_written) == ("to-right", "money(text=right)")
    assert across(text, "amount", 1999, "EUR") == "19.99"
    assert across(text, "amount", 1999, "JPY") == "1999"


def test_properties_of_a_group_belong_together() -> None:
    text = """\
version: 1
pairs:
  contact:
    left: customer
    right: contact
    properties:
      - email <-> email
      - group: address
        policy: left
        properties:
          - address.city <-> city
          - {map: address.zip <-> zip, policy: hold}
"""
    email, city, zip_code = parse_dataflow(text).pairs[0].properties
    assert (email.group, city.group, zip_code.group) == ("", "address", "address")
    assert (email.policy, city.policy, zip_code.policy) == (None, "left", "hold")


def test_a_lookup_may_be_a_mapping_with_several_values_for_one() -> None:
    text = """\
version: 1
pairs:
  contact:
    left: customer
    right: contact
    properties:
      - map: terms <-> payment
        as: {lookup: {0: [immediate, cash], 30: net30}}
      - map: country <-> land
        as: {lookup: {NO: Norge, "yes": ja}}
"""
    assert across(text, "terms", 0) == "immediate"
    assert across(text, "terms", 30) == "net30"
    assert across(text, "country", "NO") == "Norge"


def test_lines_have_properties_of_their_own() -> None:
    text = """\
version: 1
pairs:
  order:
    left: order
    right: order
    properties:
      - map: items with currency_code <-> lines with currency
        as: lines
        properties:
          - text <-> description
          - price with currency_code <-> unit_price with currency | money(text=right)
          - unit <-> unit
          - discount with unit <-> discount with unit | money(text=right)
"""
    lines = [{"text": "Sensor", "price": 4990, "discount": 100, "unit": "JPY"}]
    # A price is in the order's currency, a discount in its line's own.
    assert across(text, "items", lines, "EUR") == [
        {"description": "Sensor", "unit_price": "49.90", "unit": "JPY", "discount": "100"}
    ]


def test_what_holds_of_a_whole_can_not_be_said_of_a_part() -> None:
    text = """\
version: 1
pairs:
  order:
    left: order
    right: order
    properties:
      - map: items <-> lines
        as: lines
        properties:
          - text -> description
          - {map: a <-> b, required: true}
          - group: g
            properties: [c <-> d]
"""
    assert [(p.line, p.what) for p in problems(parse_dataflow, text)] == [
        (10, "direction can't be said of a property inside another"),
        (11, "required can't be said of a property inside another"),
        (13, "group can't be said of a property inside another"),
    ]


def test_pairs_that_are_referred_to_come_first() -> None:
    text = """\
version: 1
pairs:
  order:
    left: order
    right: order
    properties:
      - customer_id <-> contact_id | reference(customer, contact)
      - map: items <-> lines
        as: lines
        properties: ["item_id <-> product_id | reference(item, product)"]
  contact:
    left: customer
    right: contact
    properties:
      - entity <-> customer_id | reference(business_entity, customer)
      - parent <-> parent | reference(customer, contact)
  company: {left: business_entity, right: customer, properties: [name <-> name]}
  product: {left: item, right: product, properties: [name <-> name]}
"""
    dataflow = parse_dataflow(text)
    assert [pair.name for pair in dataflow.pairs] == ["company", "product", "contact", "order"]
    assert {pair.name: pair.after for pair in dataflow.pairs} == {
        "company": (),
        "product": (),
        "contact": ("company",),
        "order": ("contact", "product"),
    }


def test_references_in_a_circle_are_told() -> None:
    text = """\
version: 1
pairs:
  a: {left: x, right: y, properties: ["b <-> b | reference(v, w)"]}
  b: {left: v, right: w, properties: ["a <-> a | reference(x, y)"]}
"""
    (problem,) = problems(parse_dataflow, text)
    assert problem.what in (
        "pairs refer to each other in a circle: a -> b -> a",
        "pairs refer to each other in a circle: b -> a -> b",
    )


def test_a_reference_names_the_entities_of_a_pair() -> None:
    text = dataflow("parent <-> parent | reference(customer, contacts)")
    (problem,) = problems(parse_dataflow, text)
    assert problem.what == 'no pair has "customer" on the left and "contacts" on the right'
    assert problem.fix == 'did you mean "reference(customer, contact)"?'


def test_every_mistake_of_a_dataflow_is_told_at_once() -> None:
    text = dataflow(
        """\
email <-> email | emial
name -> full_name
phone->tel
name <- nick
amount <-> total | money
"note <-> note | text(max=1"
age <-> age | integer(places=2)
list <-> list | lines
""",
        pair='match: [emial, [email, nam]]\nnew_id: {left: "erp-{ids}"}',
        more="  other: {left: customer, right: contact}\n",
    )
    assert [(p.line, p.column, p.what.partition(":")[0]) for p in problems(parse_dataflow, text)] == [
        (6, 13, '"emial" is no property of this pair'),
        (6, 28, '"nam" is no property of this pair'),
        (7, 20, '"erp-{ids}" can\'t make ids'),
        (9, 9, "there is no transformation emial"),
        (11, 9, '"phone->tel" maps nothing'),
        (12, 9, 'two properties are called "name"'),
        (13, 9, "money"),
        (14, 9, '"text(max=1" lacks its closing bracket'),
        (15, 9, 'integer takes no "places"'),
        (16, 9, "lines"),
        (17, 3, '"other" pairs the same entities as "contact"'),
    ]


def test_a_mistake_is_told_with_why_and_a_way_out() -> None:
    text = dataflow("email <-> email | emial\nname -> full_name\nname <- nick", pair="match: [emial]")
    assert told(parse_dataflow, text) == (
        'dataflow.yaml:6:13: error: "emial" is no property of this pair\n'
        "  why: a match key names properties, which are called after their left field\n"
        '  fix: did you mean "email"?\n'
        "dataflow.yaml:8:9: error: there is no transformation emial\n"
        "  fix: did you mean email?\n"
        'dataflow.yaml:10:9: error: two properties are called "name"\n'
        "  why: the other is in line 9\n"
        "  fix: give one of them a name of its own: {map: ..., name: ...}"
    )


def test_two_properties_that_would_overwrite_each_other_are_told() -> None:
    (problem,) = problems(parse_dataflow, dataflow("a <-> x\nb <-> x"))
    assert problem.what == 'two properties write "x" on the right side'
    assert parse_dataflow(dataflow("a <-> x\nb <- x")).pairs[0].properties[1].flow == "to-left"


def test_only_nested_and_lines_have_properties_inside() -> None:
    (problem,) = problems(parse_dataflow, dataflow("{map: a <-> b, as: text, properties: [c <-> d]}"))
    assert problem.what == "text takes no properties"


def test_a_transformation_of_ones_own_is_named_by_its_module() -> None:
    text = dataflow(
        'age <-> age | tests.dataflow.own:Shifted(2)\nsize <-> size | "tests.dataflow.own:Shifted"'
    )
    text = text.replace(
        '- size <-> size | "tests.dataflow.own:Shifted"', "- size <-> size | tests.dataflow.own:Shifted"
    )
    assert across(text, "age", 40) == 42
    assert across(text, "size", 40) == 41


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("no_such_module:f", "no_such_module can't be imported"),
        ("tests.dataflow.own:missing", "tests.dataflow.own has no missing"),
        (
            "tests.dataflow.own:not_a_transformation",
            "not_a_transformation is neither an object with canon and put",
        ),
    ],
)
def test_a_transformation_of_ones_own_that_is_not_there_is_told(name: str, what: str) -> None:
    assert what in told(parse_dataflow, dataflow(f"a <-> b | {name}"))


def test_a_dataflow_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "dataflow.yaml").write_text(dataflow("navn <-> navn"), encoding="utf-8")
    assert load_dataflow(tmp_path / "dataflow.yaml").pairs[0].properties[0].name == "navn"


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_the_example_of_every_transformation_is_a_property(name: str) -> None:
    # The pair and the reference that some examples name are there.
    text = dataflow(MAKERS[name].example, more="  item: {left: item, right: product}\n")
    (prop,) = parse_dataflow(text).pairs[0].properties
    assert prop.as_written.startswith(name)
