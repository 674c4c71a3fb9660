"""Objects and lists of objects, mapped field by field."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest

from instep.core.model import Both, Side
from instep.core.transformations.arguments import parse
from instep.core.transformations.contract import Arguments, Opaque, SubProperty, Transformation, Unfit
from instep.core.transformations.objects import align
from instep.core.transformations.registry import build
from instep.core.values import ABSENT, Json, Raw
from tests.core.laws import LINKS

LEFT, RIGHT = Side


def sub(
    left: str, right: str, spelling: str = "same", contexts: Both[tuple[str | int, ...]] | None = None
) -> SubProperty:
    contexts = contexts or Both((), ())
    fields = Both(tuple(left.split(", ")), tuple(right.split(", ")))
    inner = build(*parse(spelling), fields.map(len), contexts.map(len))
    return SubProperty(right, fields, inner, contexts)


def make(spelling: str, *properties: SubProperty, contexts: Both[int] | None = None) -> Transformation:
    name, arguments = parse(spelling)
    return build(name, replace(arguments, properties=properties), Both(1, 1), contexts or Both(0, 0))


def to(side: Side, subject: Transformation, raw: Raw, old: Raw | None = None) -> Raw | Unfit:
    return subject.put(side, subject.canon(side.other, raw, LINKS), old or (ABSENT,), LINKS)


ADDRESS = make("nested", sub("line1", "street"), sub("country", "land", "country"), sub("geo.city", "city"))
REFERRING = sub("product", "item", "reference(item, product)")
LINES = make(
    "lines",
    sub("text", "text"),
    sub("unit_price", "price", "money", Both((0,), ())),
    contexts=Both(1, 0),
)


def test_an_object_is_mapped_field_by_field() -> None:
    left: Json = {"line1": "Main St 1", "country": "NO", "geo": {"city": "Oslo", "lat": 59}}
    assert to(RIGHT, ADDRESS, (left,)) == ({"street": "Main St 1", "land": "NO", "city": "Oslo"},)


def test_fields_that_none_maps_are_kept_and_the_old_object_is_not_changed() -> None:
    old: Json = {"line1": "Old", "country": "Norge", "geo": {"city": "Oslo", "lat": 59}, "id": 7}
    written = to(LEFT, ADDRESS, ({"street": "New", "land": "NO", "city": "Bergen"},), (old,))
    assert written == ({"line1": "New", "country": "Norge", "geo": {"city": "Bergen", "lat": 59}, "id": 7},)
    assert old == {"line1": "Old", "country": "Norge", "geo": {"city": "Oslo", "lat": 59}, "id": 7}


def test_an_empty_object_and_one_of_empty_fields_are_the_same() -> None:
    empty: list[Json] = [None, {}, {"street": "", "land": None}, {"unmapped": 5}]
    assert {ADDRESS.canon(RIGHT, (value,), LINKS) for value in empty} == {None}


def test_trimming_leaves_out_what_no_inner_property_maps() -> None:
    old: Json = {"line1": "x", "id": 7, "geo": {"city": "Oslo", "lat": 59}}
    trimmed = ADDRESS.trim(LEFT, (old,))
    assert trimmed == ADDRESS.trim(LEFT, ({**old, "id": 8, "geo": {"city": "Oslo"}},))  # type: ignore[dict-item]
    lines = LINES.trim(RIGHT, ([{"id": 1, "text": "a"}], "EUR"))
    assert lines == LINES.trim(RIGHT, ([{"id": 2, "text": "a"}], "EUR"))
    assert lines != LINES.trim(RIGHT, ([{"id": 1, "text": "b"}], "EUR"))


def test_trimming_keeps_what_an_inner_property_reads_as_context() -> None:
    subject = make("lines", sub("amount", "amount", "money", Both(("currency",), ())))
    raw: Raw = ([{"amount": 1234, "currency": "EUR", "id": 1}],)
    assert subject.trim(LEFT, raw) == ([{"amount": 1234, "currency": "EUR"}],)


def test_trimming_reaches_into_objects_within_objects() -> None:
    city = make("nested", sub("city", "city"))
    subject = make("nested", SubProperty("geo", Both(("geo",), ("place",)), city))
    assert subject.trim(LEFT, ({"geo": {"city": "Oslo", "lat": 59}, "id": 7},)) == (
        {"geo": {"city": "Oslo"}},
    )


def test_clearing_an_object_keeps_what_none_maps() -> None:
    assert to(RIGHT, ADDRESS, (None,), ({"street": "x", "id": 7},)) == ({"street": None, "id": 7},)
    assert to(RIGHT, ADDRESS, (None,), ({"street": "x"},)) == (None,)


def test_what_is_wrong_with_an_inner_field_is_told_with_its_name() -> None:
    canon = ADDRESS.canon(LEFT, ({"country": "Narnia"},), LINKS)
    assert isinstance(canon, tuple)
    written = ADDRESS.put(RIGHT, canon, ({},), LINKS)
    assert isinstance(written, Unfit)
    assert written.why.startswith("land: the other side's value can't be read")


@pytest.mark.parametrize("value", ["Main St 1", [1], 5, True])
def test_what_is_no_object_is_opaque(value: Json) -> None:
    assert isinstance(ADDRESS.canon(LEFT, (value,), LINKS), Opaque)


def test_a_field_of_the_object_may_be_context_and_is_written_first() -> None:
    subject = make(
        "nested",
        sub("amount", "amount", "money", Both(("currency",), ())),
        sub("currency", "currency", "currency"),
    )
    assert to(LEFT, subject, ({"amount": D("12.34"), "currency": "EUR"},)) == (
        {"currency": "EUR", "amount": 1234},
    )
    switched = to(LEFT, subject, ({"amount": 5, "currency": "JPY"},), ({"amount": 500, "currency": "EUR"},))
    assert switched == ({"amount": 5, "currency": "JPY"},)


def test_lines_use_the_currency_of_the_record() -> None:
    left: list[Json] = [{"text": "a", "unit_price": 1250}, {"text": "b", "unit_price": 5}]
    assert to(RIGHT, LINES, (left, "EUR")) == (
        [{"text": "a", "price": D("12.50")}, {"text": "b", "price": D("0.05")}],
    )


def test_a_changed_line_keeps_its_id_and_what_none_maps() -> None:
    old: Json = [{"id": 1, "text": "a", "price": D("1.00"), "note": "x"}, {"id": 2, "text": "b", "price": 2}]
    left: Json = [{"text": "a", "unit_price": 150}, {"text": "b", "unit_price": 200}]
    assert to(RIGHT, LINES, (left, "EUR"), (old,)) == (
        [{"id": 1, "text": "a", "price": D("1.50"), "note": "x"}, {"id": 2, "text": "b", "price": 2}],
    )


def test_a_removed_line_takes_its_own_id_with_it() -> None:
    old: Json = [{"id": 1, "text": "a"}, {"id": 2, "text": "b"}, {"id": 3, "text": "c"}]
    assert to(RIGHT, LINES, ([{"text": "a"}, {"text": "c"}], "EUR"), (old,)) == (
        [{"id": 1, "text": "a"}, {"id": 3, "text": "c"}],
    )


def test_an_inserted_line_is_new_and_the_others_keep_their_ids() -> None:
    old: Json = [{"id": 1, "text": "a"}, {"id": 2, "text": "b"}]
    left: Json = [{"text": "a"}, {"text": "new"}, {"text": "b"}]
    assert to(RIGHT, LINES, (left, "EUR"), (old,)) == (
        [{"id": 1, "text": "a"}, {"text": "new"}, {"id": 2, "text": "b"}],
    )


def test_all_lines_may_go() -> None:
    assert to(RIGHT, LINES, ([], "EUR"), ([{"id": 1, "text": "a"}],)) == ([],)
    assert to(RIGHT, LINES, (None, "EUR"), ([],)) == ([],)


def test_lines_over_junk_are_all_new() -> None:
    assert to(RIGHT, LINES, ([{"text": "a"}], "EUR"), ("junk",)) == ([{"text": "a"}],)
    assert to(RIGHT, LINES, ([{"text": "a"}], "EUR"), (["junk"],)) == ([{"text": "a"}],)


def test_order_counts_unless_the_dataflow_says_otherwise() -> None:
    left: Json = [{"text": "a"}, {"text": "b"}]
    right: Json = [{"text": "b", "id": 2}, {"text": "a", "id": 1}]
    ordered = make("lines", sub("text", "text"))
    assert to(RIGHT, ordered, (left,), (right,)) == ([{"text": "a", "id": 1}, {"text": "b", "id": 2}],)
    unordered = make("lines(anyorder)", sub("text", "text"))
    assert to(RIGHT, unordered, (left,), (right,)) == (right,)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("a line", '"a line" is not a list of lines'),
        ({"text": "a"}, '"dict" is not a list of lines'),
        ([{"text": "a"}, 5], 'line 2 is not an object but "5"'),
    ],
)
def test_what_is_no_list_of_objects_is_opaque(value: Json, why: str) -> None:
    canon = LINES.canon(LEFT, (value, "EUR"), LINKS)
    assert isinstance(canon, Opaque)
    assert canon.why == why


def test_a_line_that_refers_to_an_unlinked_record_waits_for_it() -> None:
    subject = make("lines", sub("text", "text"), REFERRING)
    written = to(RIGHT, subject, ([{"text": "a", "product": "cb-1"}, {"text": "b", "product": "cb-77"}],))
    assert isinstance(written, Unfit)
    assert written.why.startswith("line 2, item: item")
    assert written.waits_for is not None
    assert written.waits_for.id == "cb-77"


def test_a_line_of_several_fields_to_one() -> None:
    subject = make("lines", sub("given, family", "name", "names"))
    assert to(LEFT, subject, ([{"name": "Ada Lovelace"}],)) == ([{"given": "Ada", "family": "Lovelace"}],)


@pytest.mark.parametrize(
    ("wanted", "known", "origins"),
    [
        ("abc", "abc", [0, 1, 2]),
        ("ac", "abc", [0, 2]),
        ("cab", "abc", [2, 0, 1]),
        ("axc", "abc", [0, 1, 2]),
        ("xa", "ab", [1, 0]),
        ("aa", "ab", [0, 1]),
        ("baa", "aab", [2, 1, 0]),
        ("xyz", "a", [0, None, None]),
        ("", "abc", []),
    ],
)
def test_a_line_is_written_over_the_line_it_came_from(
    wanted: str, known: str, origins: list[int | None]
) -> None:
    assert align([(letter,) for letter in wanted], [(letter,) for letter in known]) == origins


def test_inner_properties_must_be_named_and_must_not_collide() -> None:
    with pytest.raises(ValueError, match="name its inner properties"):
        build("nested", Arguments())
    with pytest.raises(ValueError, match="city of the right side is mapped more than once"):
        make("nested", sub("a", "city"), sub("b", "city"))
    with pytest.raises(ValueError, match="price reads a context that the property lacks"):
        make("lines", sub("unit_price", "price", "money", Both((0,), ())))
