"""For every law, a transformation that is broken on purpose, and that the law catches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instep.core.model import Both, Side
from instep.core.transformations.contract import Canon, Linked, Lookup, Opaque, Spelled, Unfit, Unlinked
from instep.core.transformations.lens import Lens
from instep.core.transformations.numbers import rounded
from instep.core.values import ABSENT, Raw
from tests.core import laws

ONE = Both(1, 1)
QUICK = settings(max_examples=200, derandomize=True, database=None, deadline=None, report_multiple_bugs=False)
texts = st.text(max_size=12).map(lambda text: (text,))
junk = laws.anything.map(lambda value: (value,))


@dataclass(frozen=True)
class Broken:
    """A transformation from two functions, without the frame that makes the shipped ones lawful."""

    read: Callable[[Side, Raw], Canon]
    write: Callable[[Side, Canon, Raw], Raw | Unfit]
    cut: Callable[[Side, Raw], Raw] = lambda side, raw: raw

    def trim(self, side: Side, raw: Raw) -> Raw:
        return self.cut(side, raw)

    def canon(self, side: Side, raw: Raw, lookup: Lookup) -> Canon:
        return self.read(side, raw)

    def put(self, side: Side, canon: Canon, old: Raw, lookup: Lookup) -> Raw | Unfit:
        return self.write(side, canon, old)


def caught(law: Callable[[Raw], object], values: st.SearchStrategy[Raw]) -> None:
    """The law fails for some of the values."""

    @QUICK
    @given(values)
    def attempt(raw: Raw) -> None:
        law(raw)

    with pytest.raises((AssertionError, TypeError, ValueError)):
        attempt()


def holds(law: Callable[[Raw], object], values: st.SearchStrategy[Raw]) -> None:
    @QUICK
    @given(values)
    def attempt(raw: Raw) -> None:
        law(raw)

    attempt()


def same(side: Side, canon: Canon, old: Raw) -> Raw:
    return (canon,)  # type: ignore[return-value]


def test_totality_catches_a_reader_that_raises_on_junk() -> None:
    subject = Broken(lambda side, raw: int(raw[0] or 0), same)  # type: ignore[arg-type]
    caught(lambda raw: laws.totality(subject, Side.LEFT, raw), junk)


def test_totality_catches_a_canonical_value_that_can_not_be_hashed() -> None:
    subject = Broken(lambda side, raw: raw[0], same)
    caught(lambda raw: laws.totality(subject, Side.LEFT, raw), junk)


def test_totality_catches_a_reader_that_remembers() -> None:
    seen: list[Raw] = []

    def read(side: Side, raw: Raw) -> Canon:
        seen.append(raw)
        return len(seen)

    caught(lambda raw: laws.totality(Broken(read, same), Side.LEFT, raw), texts)


def test_get_put_catches_a_writer_that_tidies_up_what_nobody_changed() -> None:
    subject = Broken(lambda side, raw: str(raw[0]).strip(), same)
    caught(lambda raw: laws.get_put(subject, Side.LEFT, raw, 1), texts)


def test_get_put_holds_for_the_same_reader_and_writer_within_the_frame() -> None:
    def read(side: Side, raw: Raw, lookup: Lookup) -> Canon:
        return str(raw[0]).strip()

    subject = Lens(ONE, read, lambda side, canon, old, lookup: same(side, canon, old))
    holds(lambda raw: laws.get_put(subject, Side.LEFT, raw, 1), texts)


def test_put_get_catches_a_writer_that_cuts_what_the_reader_counts() -> None:
    subject = Broken(lambda side, raw: raw[0], lambda side, canon, old: (str(canon)[:3],))  # type: ignore[arg-type,return-value]
    caught(lambda raw: laws.put_get(subject, Side.LEFT, raw, Side.RIGHT, (ABSENT,), 1), texts)


def test_put_get_catches_cents_that_are_lost_on_the_way() -> None:
    subject = Broken(
        lambda side, raw: raw[0],  # type: ignore[arg-type,return-value]
        lambda side, canon, old: (rounded(canon, 0),),  # type: ignore[arg-type]
    )
    amounts = st.decimals(-100, 100, places=2).map(lambda amount: (amount,))
    caught(lambda raw: laws.put_get(subject, Side.LEFT, raw, Side.RIGHT, (ABSENT,), 1), amounts)


def test_put_get_catches_a_key_that_does_not_go_with_equality() -> None:
    @dataclass(frozen=True, eq=False)
    class Loose:
        text: str

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Loose) and self.text.lower() == other.text.lower()

        def __hash__(self) -> int:
            return hash(self.text.lower())

    subject = Broken(lambda side, raw: Loose(str(raw[0])), lambda side, canon, old: (canon.text.lower(),))  # type: ignore[attr-defined]
    upper = st.text("ABC", min_size=1).map(lambda text: (text,))
    caught(lambda raw: laws.put_get(subject, Side.LEFT, raw, Side.RIGHT, (ABSENT,), 1), upper)


def test_put_get_catches_an_unfit_that_does_not_say_why() -> None:
    subject = Broken(lambda side, raw: raw[0], lambda side, canon, old: Unfit(""))  # type: ignore[arg-type,return-value]
    caught(lambda raw: laws.put_get(subject, Side.LEFT, raw, Side.RIGHT, (ABSENT,), 1), texts)


def test_stability_catches_two_sides_that_keep_correcting_each_other() -> None:
    def read(side: Side, raw: Raw) -> Canon:
        return str(raw[0]).rstrip("!") + "!"

    def write(side: Side, canon: Canon, old: Raw) -> Raw:
        return (str(canon) + ("?" if side is Side.RIGHT else ""),)

    subject = Broken(read, write)
    caught(lambda raw: laws.stable(subject, Side.LEFT, raw, Side.RIGHT, (ABSENT,), ONE), texts)


def test_trim_catches_the_loss_of_what_counts() -> None:
    subject = Broken(lambda side, raw: raw[0], same, lambda side, raw: (str(raw[0])[:3],))  # type: ignore[arg-type,return-value]
    caught(lambda raw: laws.trim(subject, Side.LEFT, raw), texts)


def test_fits_catches_a_transformation_that_refuses_everything() -> None:
    subject = Broken(lambda side, raw: raw[0], lambda side, canon, old: Unfit("no"))  # type: ignore[arg-type,return-value]
    caught(lambda raw: laws.fits(subject, Side.LEFT, raw, Side.RIGHT, (ABSENT,)), texts)


def test_fits_catches_a_transformation_that_understands_nothing() -> None:
    subject = Broken(lambda side, raw: ("object", Opaque("", "no")), same)
    caught(lambda raw: laws.fits(subject, Side.LEFT, raw, Side.RIGHT, (ABSENT,)), texts)


def test_what_is_spelled_differently_is_still_equal() -> None:
    assert Spelled("a", "A") == Spelled("a", "a")
    assert hash(Spelled("a", "A")) == hash(Spelled("a", "a"))


def test_the_links_of_these_tests_answer_as_a_lookup_does() -> None:
    assert laws.LINKS.link_of(Side.LEFT, "customer", "cb-1", "contact") == Linked(1)
    assert laws.LINKS.link_of(Side.RIGHT, "contact", "cb-1", "customer") == Unlinked(
        Side.RIGHT, "contact", "cb-1"
    )
    assert laws.LINKS.id_of(1, Side.RIGHT) == "1001"
    assert laws.LINKS.id_of(99, Side.RIGHT) is None
