"""The transformation `lookup`: a table of values, left = right, where several may mean one.

Values that the table connects form one class: with `14=net, 30=net` the left values 14 and 30 mean the same,
and a record keeps the one it has. What a class is written as is the value of it that the table names first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from instep.core.model import Both, Side
from instep.core.transformations.arguments import Given
from instep.core.transformations.contract import Arguments, Canon, Maker, Scalar, Transformation, Unfit
from instep.core.transformations.lens import Junk, one, shown
from instep.core.transformations.numbers import plain
from instep.core.transformations.text import read_text, write_text
from instep.core.values import Absent, Json

Key = tuple[str, Scalar]


@dataclass(slots=True)
class _Class:
    """Values that mean the same: per side, in the order of the table."""

    row: int
    members: Both[list[Scalar]] = field(default_factory=lambda: Both([], []))

    @property
    def canon(self) -> Canon:
        left, right = self.members
        return ("left", left[0]) if left else ("right", right[0])


@dataclass(frozen=True, slots=True)
class _Table:
    anycase: bool
    classes: Both[dict[Key, _Class]] = field(default_factory=lambda: Both({}, {}))

    def key(self, value: Scalar) -> Key:
        """Numbers, booleans and texts apart, since True is 1 in Python."""
        if isinstance(value, str):
            text = value.strip()
            return "text", text.casefold() if self.anycase else text
        return ("boolean" if isinstance(value, bool) else "number"), value

    def find(self, side: Side, value: Scalar) -> _Class | None:
        """By the value as it is; else text for a number and a number for text."""
        known = self.classes[side]
        found = known.get(self.key(value))
        if found is None and isinstance(value, str):
            text = value.strip()
            digits = text.removeprefix("-")
            if digits.isascii() and digits.isdigit() and len(digits) < 19 and str(int(text)) == text:
                return known.get(("number", int(text)))
        elif found is None and not isinstance(value, bool):
            return known.get(("text", str(value)))
        return found

    def connect(self, row: int, left: Scalar, right: Scalar) -> None:
        """Make one class of two; the earlier one goes first, so that its first value is the one written."""
        found = self._class(row, Side.LEFT, left), self._class(row, Side.RIGHT, right)
        one_class, other = sorted(found, key=lambda either: either.row)
        if other is one_class:
            return
        for side in Side:
            for value in other.members[side]:
                one_class.members[side].append(value)
                self.classes[side][self.key(value)] = one_class

    def _class(self, row: int, side: Side, value: Scalar) -> _Class:
        if value is None or (isinstance(value, str) and not value.strip()):
            raise ValueError("lookup: an empty value always stands for an empty one; see default")
        key = self.key(value)
        if key not in self.classes[side]:
            self.classes[side][key] = _Class(row)
            self.classes[side][key].members[side].append(value)
        return self.classes[side][key]

    def known(self, side: Side) -> str:
        names = [str(value) for _, value in self.classes[side]]
        return ", ".join(names[:12]) + (", …" if len(names) > 12 else "")


def _build(arguments: Arguments) -> Transformation:
    given = Given("lookup", arguments)
    table = _Table(anycase=given.flag("anycase"))
    beyond: Both[Scalar] = Both(given.named("else"), given.named("else_left"))
    pairs = given.rest()
    given.done()
    if not pairs:
        raise ValueError("lookup: the table is empty; write lookup(0=immediate, 30=net30)")
    for row, (left, right) in enumerate(pairs):
        table.connect(row, left, right)
    keep = beyond.left == "keep"
    catch_all: Both[_Class | None] = Both(
        None if keep or beyond.left is None else _member(table, Side.RIGHT, beyond.left),
        None if beyond.right is None else _member(table, Side.LEFT, beyond.right),
    )

    def read(side: Side, value: Json) -> Canon | Junk:
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            value = plain(value)
        if value is None or isinstance(value, list | dict):
            return Junk(f"{shown(value)} is not a value of a table")
        if isinstance(value, str) and not value.strip():
            return None
        found = table.find(side, value) or catch_all[side]
        if found is not None:
            return found.canon
        text = read_text(value)
        if keep and not isinstance(text, Junk):
            return "other", text.strip()
        return Junk(f"{shown(value)} is not in the lookup, whose {side.value} values are {table.known(side)}")

    def write(side: Side, canon: Canon, old: Json | Absent) -> Json | Unfit:
        assert isinstance(canon, tuple)
        kind, value = canon
        if kind == "other":
            written = write_text(value, old)
            if read(side, written) == canon:
                return written
            return Unfit(
                f"{shown(value)} means something else on the {side.value} side, as the lookup says",
                f"add what {shown(value)} of the {side.other.value} side stands for to the lookup",
            )
        members = table.classes[Side(kind)][table.key(value)].members[side]
        if members:
            return members[0]
        return Unfit(
            f"the lookup has no {side.value} value for {shown(str(value))}",
            f"add one to the lookup: {'?=' + str(value) if side is Side.LEFT else str(value) + '=?'}",
        )

    return one(read, write)


def _member(table: _Table, side: Side, value: Scalar) -> _Class:
    """The class that the unlisted values of the other side belong to."""
    found = table.find(side, value)
    if found is None:
        raise ValueError(f"lookup: {shown(str(value))} is none of the {side.value} values of the table")
    return found


MAKERS = (
    Maker(
        "lookup",
        "A table of values, left=right. Several values of one side may mean one of the other.",
        _build,
        {
            "LEFT=RIGHT": "a row of the table; of several values that mean the same, the first is written",
            "file=TABLE.csv": "rows from a file beside the dataflow: two columns, left and right, under a heading",
            "else=keep": "a value that is not listed goes across as it is; otherwise it is held",
            "else=RIGHT": "every left value that is not listed means this right value",
            "else_left=LEFT": "every right value that is not listed means this left value",
            "anycase": "texts are compared without regard to case",
        },
        "net_term_days <-> payment_terms | lookup(0=immediate, 14=net14, 30=net30)",
        loses="which of several values of one meaning it was; each side keeps its own",
    ),
)
