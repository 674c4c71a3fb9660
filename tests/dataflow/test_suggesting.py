"""Fields that most likely mean the same: what speaks for them, and how they come into a dataflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from random import Random

import pytest

from instep.core.model import Abilities, Both, Entity, Field, Record
from instep.core.values import Json
from instep.dataflow.build import build
from instep.dataflow.files import parse_dataflow_file
from instep.dataflow.suggesting import Links, Suggestion, find_partners, suggest
from instep.dataflow.suggesting.accept import accept
from instep.dataflow.suggesting.names import likeness
from instep.errors import ConfigurationError, UsageError

WORDS = ("ash", "birch", "cedar", "elm", "fir", "hazel", "larch", "maple", "oak", "pine", "rowan", "willow")


def entity(*fields: Field) -> Entity:
    return Entity("thing", fields, Abilities())


def records(rows: Sequence[Mapping[str, Json]]) -> list[Record]:
    return [Record(str(number), dict(row)) for number, row in enumerate(rows)]


def found(
    left: Sequence[Mapping[str, Json]],
    right: Sequence[Mapping[str, Json]],
    entities: Both[Entity] | None = None,
    links: Links | None = None,
) -> dict[str, Suggestion]:
    """By line; the rows of the two sides are partners."""
    partners = [Both(*each) for each in zip(records(left), records(right), strict=True)]
    entities = entities or Both(entity(), entity())
    return {one.line: one for one in suggest(entities, partners, links or Links())}


def texts(seed: int, count: int = 30) -> list[str]:
    random = Random(seed)
    return [f"{random.choice(WORDS)} {random.choice(WORDS)} {number}" for number in range(count)]


def test_values_tell_where_names_do_not() -> None:
    some, others = texts(1), texts(2)
    left = [{"a1": a, "a2": b} for a, b in zip(some, others, strict=True)]
    right = [{"z1": f" {b} ", "z2": a.strip()} for a, b in zip(some, others, strict=True)]
    assert set(found(left, right)) == {"a1 <-> z2 | text(trim)", "a2 <-> z1 | text(trim)"}


def test_two_states_that_are_nearly_always_the_same_agree_by_chance_only() -> None:
    left = [{"p": number != 3} for number in range(100)]
    right = [{"q": number != 70} for number in range(100)]
    assert found(left, right) == {}


def test_a_table_is_read_off_the_records_and_not_off_their_accidents() -> None:
    random = Random(5)
    states = [random.choice(("queued", "sent", "lost")) for _ in range(60)]
    there = {"queued": "NEW", "sent": "DONE", "lost": "DONE"}
    told = found([{"p": state} for state in states], [{"q": there[state]} for state in states])
    (line,) = told
    assert line.startswith("p <-> q | lookup(")
    assert {"queued=NEW", "sent=DONE", "lost=DONE"} == set(line[len("p <-> q | lookup(") : -1].split(", "))
    by_chance = [{"q": random.choice(("NEW", "DONE", "OLD"))} for _ in states]
    assert found([{"p": state} for state in states], by_chance) == {}


def test_an_amount_is_told_by_its_scale_and_its_currency() -> None:
    cents = [100 * number + 99 for number in range(1, 30)]
    left = [{"price": {"EUR": cent}} for cent in cents]
    right = [{"list": {"EUR": str(Decimal(cent) / 100)}} for cent in cents]
    assert list(found(left, right)) == ["price.EUR <-> list.EUR | money(EUR, text=right)"]
    currencies = ["EUR" if number % 2 else "JPY" for number in range(len(cents))]
    left = [{"total": c, "currency_code": code} for c, code in zip(cents, currencies, strict=True)]
    right = [
        {"sum": str(c) if code == "JPY" else str(Decimal(c) / 100), "currency": code}
        for c, code in zip(cents, currencies, strict=True)
    ]
    told = found(left, right)
    assert "total with currency_code <-> sum with currency | money(text=right)" in told


def test_a_name_in_two_parts_is_found_in_one() -> None:
    some = texts(7)
    left = [
        {"first_name": text.split()[0].title(), "last_name": f"{text.split()[1]}{n}"}
        for n, text in enumerate(some)
    ]
    right = [{"full_name": f"{row['first_name']} {row['last_name']}"} for row in left]
    assert list(found(left, right)) == ["first_name, last_name <-> full_name | names"]


def test_an_id_of_another_record_is_told_by_the_links_of_its_pair() -> None:
    links = Links({("company", "firm"): {f"c{n}": str(900 + n) for n in range(8)}})
    left = [{"owner": f"c{n % 8}"} for n in range(40)]
    right = [{"held_by": str(900 + n % 8)} for n in range(40)]
    assert list(found(left, right, links=links)) == ["owner <-> held_by | reference(company, firm)"]


def test_the_lines_of_a_list_are_mapped_one_by_one() -> None:
    random = Random(3)

    def lines() -> list[tuple[str, int]]:
        return [(random.choice(WORDS), random.randrange(1, 50)) for _ in range(random.randrange(1, 4))]

    orders = [lines() for _ in range(30)]
    left = [{"items": [{"what": w, "many": n} for w, n in order]} for order in orders]
    right = [{"rows": [{"text": w, "count": str(n)} for w, n in order]} for order in orders]
    (one,) = found(left, right).values()
    assert one.line == "items <-> rows"
    assert {inner.line for inner in one.inner} == {
        "what <-> text | text(trim)",
        "many <-> count | integer(text=right)",
    }


def test_a_field_that_nobody_can_write_is_only_read_and_two_of_them_are_nothing() -> None:
    fixed, free = Field("a", "text", create=False, update=False), Field("b", "text")
    some = texts(9)
    left, right = [{"a": text} for text in some], [{"b": text} for text in some]
    assert list(found(left, right, Both(entity(fixed), entity(free)))) == ["a -> b | text(trim)"]
    both = Both(entity(fixed), entity(Field("b", "text", create=False, update=False)))
    assert found(left, right, both) == {}


def test_without_records_names_and_types_are_all_there_is() -> None:
    left = entity(
        Field("last_name", "text", max_length=40), Field("order_date", "timestamp"), Field("id", "text")
    )
    right = entity(Field("family_name", "text"), Field("order_date", "date"), Field("id", "text"))
    assert set(found([], [], Both(left, right))) == {
        "last_name <-> family_name | text(trim, max=40)",
        "order_date <-> order_date | timestamp(date)",
    }


def test_each_field_is_used_once() -> None:
    some = texts(4)
    told = found([{"city": text} for text in some], [{"city": text, "town": text} for text in some])
    assert list(told) == ["city <-> city | text(trim)"]


def test_names_are_alike_by_word_by_meaning_and_by_letters() -> None:
    assert likeness("email", "email") == 1.0
    assert likeness("billing_address.city", "address.city") > 0.85
    assert likeness("last_name", "familyName") == 0.9
    assert likeness("note", "stocked") < 0.3


def test_partners_are_those_that_share_a_value_of_their_own() -> None:
    left = records([{"code": f"A-{n}", "label": WORDS[n % 12]} for n in range(20)])
    right = records([{"sku": f"a-{n}", "text": WORDS[n % 12]} for n in range(19, 4, -1)])
    partners = find_partners(Both(entity(), entity()), Both(left, right))
    assert partners.key == Both("code", "sku")
    assert {
        (left[each.left].fields["code"], right[each.right].fields["sku"]) for each in partners.positions
    } == {(f"A-{n}", f"a-{n}") for n in range(5, 20)}


def test_numbers_that_are_counted_up_on_both_sides_make_no_partners() -> None:
    left = records([{"x": text} for text in texts(1)])
    right = records([{"y": text} for text in texts(2)])
    assert find_partners(Both(entity(), entity()), Both(left, right)).positions == ()


# Into a file


def lines(*spelled: str) -> list[Suggestion]:
    return [Suggestion(line, Both(("a",), ("b",)), 1.0, 0, 0, 1.0) for line in spelled]


FILE = """\
version: 1
pairs:
  contact:
    left: customer
    right: contact
    properties:   # what is kept in step
      - email <-> email | email
      - group: address
        properties:
          - billing_address.city <-> address.city
      # the last word
  product:
    left: item
    right: product
    properties: []
  order: {left: order, right: order, properties: []}
"""


def properties(text: str, pair: str) -> list[str]:
    dataflow = build(*parse_dataflow_file(text, "dataflow.yaml"))
    of = dataflow.pair(pair)
    assert of is not None
    return [prop.name for prop in of.properties]


def test_lines_come_after_those_that_are_there() -> None:
    made = accept(FILE, "dataflow.yaml", "contact", lines("phone <-> phone | phone", "vat_number <-> vat"))
    assert properties(made, "contact") == ["email", "billing_address.city", "phone", "vat_number"]
    assert [line for line in made.splitlines() if line not in FILE.splitlines()] == [
        "      - phone <-> phone | phone",
        "      - vat_number <-> vat",
    ]


def test_an_empty_table_is_begun_and_told_what_to_match_by() -> None:
    made = accept(FILE, "dataflow.yaml", "product", lines("id <-> code"), match="id")
    assert properties(made, "product") == ["id"]
    assert "    match: [id]\n    properties:\n      - id <-> code\n" in made


def test_a_list_comes_with_its_lines() -> None:
    (inner,) = lines("what <-> text")
    one = Suggestion("items <-> rows", Both(("items",), ("rows",)), 1.0, 0, 0, 1.0, inner=(inner,))
    made = accept(FILE, "dataflow.yaml", "product", [one])
    assert properties(made, "product") == ["items"]


def test_a_file_written_otherwise_is_left_as_it_is() -> None:
    with pytest.raises(UsageError, match="takes no new line"):
        accept(FILE, "dataflow.yaml", "order", lines("id <-> code"))


def test_a_line_that_yaml_would_read_otherwise_is_quoted() -> None:
    made = accept(
        FILE, "dataflow.yaml", "product", lines("a <-> b | join(': ')".replace("join(': ')", "text(trim) # "))
    )
    assert '- "a <-> b' in made
    with pytest.raises(ConfigurationError):
        properties(made, "product")
