"""The transformations `default` and `constant`: what an empty field means, what a new record gets."""

from __future__ import annotations

from instep.core.model import Both, Side
from instep.core.transformations.arguments import Given
from instep.core.transformations.contract import (
    Arguments,
    Canon,
    Lookup,
    Maker,
    Opaque,
    Scalar,
    Transformation,
    Unfit,
    Unlinked,
)
from instep.core.transformations.lens import Junk, Lens
from instep.core.transformations.no_links import NO_LINKS
from instep.core.transformations.same import same
from instep.core.values import Raw


def _values(given: Given) -> Both[Scalar]:
    """`(value)`, or `(left=..., right=...)`."""
    word = given.word()
    left, right = given.named("left"), given.named("right")
    values = Both(word if left is None else left, word if right is None else right)
    if values.left in (None, "") and values.right in (None, ""):
        raise ValueError(f"{given.of}: which value? Write {given.of}(0), or {given.of}(left=0, right=none)")
    return values


def _build_default(arguments: Arguments) -> Transformation:
    given = Given("default", arguments)
    values = _values(given)
    given.done()
    inner = arguments.inner or same
    meanings: set[Canon] = set()
    for side in Side:
        if values[side] is not None:
            raw: Raw = (values[side], *(None,) * arguments.contexts[side])
            meaning = inner.canon(side, raw, NO_LINKS)
            if meaning is None or isinstance(meaning, Opaque | Unlinked):
                why = meaning.why if isinstance(meaning, Opaque) else "it is empty, or a reference"
                raise ValueError(f"default: the value can't be read: {why}")
            meanings.add(meaning)
    meaning = meanings.pop()
    if meanings:
        raise ValueError("default: the values of the two sides don't mean the same")

    def reader(side: Side, raw: Raw, lookup: Lookup) -> Canon | Junk:
        canon = inner.canon(side, raw, lookup)
        return meaning if canon is None else canon

    def writer(side: Side, canon: Canon, old: Raw, lookup: Lookup) -> Raw | Unfit:
        return inner.put(side, canon, old, lookup)

    return Lens(arguments.fields, reader, writer, reads_empty=True, trimmer=inner.trim)


def _build_constant(arguments: Arguments) -> Transformation:
    given = Given("constant", arguments)
    values = _values(given)
    given.done()

    def reader(_side: Side, _raw: Raw, _lookup: Lookup) -> Canon | Junk:
        return None

    def writer(side: Side, _canon: Canon, _old: Raw, _lookup: Lookup) -> Raw | Unfit:
        return (values[side],)

    return Lens(arguments.fields, reader, writer, reads_empty=True)


MAKERS = (
    Maker(
        "default",
        "An empty field stands for a value: the two are the same, and a new record gets the value.",
        _build_default,
        {
            "VALUE": "what an empty field stands for, on both sides",
            "left=VALUE, right=VALUE": "the same where the two sides spell it differently",
            "as=TRANSFORMATION": "how values are read and written otherwise; same if not said",
        },
        "net_term_days <-> payment_terms_days | default(0, as=integer)",
        loses="whether the field was empty or held the value",
        contexts=-1,
        inner=True,
    ),
    Maker(
        "constant",
        "A new record gets this value; afterwards the field belongs to its own side and nothing travels.",
        _build_constant,
        {"VALUE": "for both sides", "left=VALUE, right=VALUE": "one for each side"},
        "channel <-> source | constant(left=web, right=billing)",
        loses="everything: nothing travels",
        contexts=-1,
    ),
)
