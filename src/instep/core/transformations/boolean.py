"""The transformation `boolean`: yes and no, in each system's words."""

from __future__ import annotations

from decimal import Decimal

from instep.core.model import Both, Side
from instep.core.transformations.arguments import Given
from instep.core.transformations.contract import Arguments, Canon, Maker, Scalar, Transformation, Unfit
from instep.core.transformations.lens import Junk, one, shown
from instep.core.transformations.numbers import plain
from instep.core.values import Absent, Json

_words = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0"), False),
}
_couples = (("true", "false"), ("yes", "no"), ("y", "n"), ("t", "f"), ("on", "off"), ("1", "0"))


def _spelling(name: str, value: Scalar) -> tuple[Json, Json]:
    """What a side writes for yes and for no: "Y/N" -> ("Y", "N"); "1/0" -> (1, 0)."""
    if value is None:
        return True, False
    yes, slash, no = str(value).partition("/")
    if not slash or not yes.strip() or not no.strip() or yes.strip().casefold() == no.strip().casefold():
        raise ValueError(f'boolean: {name} must be two words with a slash between, "Y/N" say, not "{value}"')
    words: list[Json] = [int(word) if word in ("0", "1") else word for word in (yes.strip(), no.strip())]
    return words[0], words[1]


def _build(arguments: Arguments) -> Transformation:
    given = Given("boolean", arguments)
    negated = given.flag("not")
    spelling = Both(_spelling("left", given.named("left")), _spelling("right", given.named("right")))
    given.done()
    known = spelling.map(
        lambda pair: {**_words, **{str(word).casefold(): i == 0 for i, word in enumerate(pair)}},
    )

    def turned(side: Side, value: bool) -> bool:
        return value is not (negated and side is Side.RIGHT)

    def read(side: Side, value: Json) -> Canon | Junk:
        if isinstance(value, bool):
            return turned(side, value)
        if isinstance(value, int | Decimal) and plain(value) in (0, 1):
            value = str(int(value))
        if isinstance(value, str) and not value.strip():
            return None
        found = known[side].get(value.strip().casefold()) if isinstance(value, str) else None
        return Junk(f"{shown(value)} is neither yes nor no") if found is None else turned(side, found)

    def write(side: Side, canon: Canon, old: Json | Absent) -> Json | Unfit:
        if not isinstance(canon, bool):
            return Unfit(f"{shown(canon)} is neither yes nor no")
        yes = turned(side, canon)
        if isinstance(old, str) and spelling[side] == (True, False):
            word = old.strip().casefold()
            for couple in _couples:
                if word in couple:
                    text = couple[0 if yes else 1]
                    return text.upper() if old.strip().isupper() else text
        return spelling[side][0 if yes else 1]

    return one(read, write)


MAKERS = (
    Maker(
        "boolean",
        "Yes or no: true and false, 1 and 0, or words.",
        _build,
        {
            "left=Y/N, right=Y/N": "the two words that a side writes; others that are known are read too",
            "not": "the right side says the opposite (active, archived)",
        },
        "auto_collection <-> direct_debit | boolean(left=on/off)",
        types=("boolean", "text", "integer"),
    ),
)
