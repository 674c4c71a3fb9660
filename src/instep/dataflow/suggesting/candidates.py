"""The transformations worth trying between two fields, told from their types and from what their values look like."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import factorial
from typing import Final

from instep.core.model import Both, Side
from instep.core.transformations.arguments import parse
from instep.core.transformations.contract import Canon, Opaque, Transformation
from instep.core.transformations.no_links import NO_LINKS
from instep.core.transformations.registry import build
from instep.core.values import Json
from instep.dataflow.suggesting.columns import Column
from instep.dataflow.suggesting.names import words

MOST_WORDS: Final = 16
"""Different values of a field that a lookup is made for."""
UNLIKELY: Final = 1000


@dataclass(frozen=True)
class Candidate:
    """`spelled`: as a line of a dataflow has it, "" for the same value; `context`: the fields read along."""

    spelled: str
    context: Both[Column] | None = None

    def build(self) -> Transformation:
        name, arguments = parse(self.spelled or "same")
        contexts = Both(0, 0) if self.context is None else Both(1, 1)
        return build(name, arguments, contexts=contexts)


def candidates(columns: Both[Column], currencies: Both[Column | None]) -> Iterator[Candidate]:
    """The most telling first. `currencies`: the field of each side that says in which currency an amount is."""
    yield from _kinds(columns)
    yield from _times(columns)
    if all(column.is_truth for column in columns):
        yield Candidate("boolean")
        yield Candidate("boolean(not)")
    if all(column.is_number for column in columns):
        yield from _numbers(columns, currencies)
    elif all(column.is_text for column in columns):
        yield Candidate(_text(columns))


def by_type(columns: Both[Column]) -> Iterator[Candidate]:
    """What two empty fields of the same declared type may be; nothing where the type isn't known. Times are told by
    `candidates`."""
    left, right = (column.field.type for column in columns)
    if left == right == "text":
        said = set(words(columns.left.path)) & set(words(columns.right.path))
        kind = next(
            (name for name in ("email", "phone", "country", "currency", "language") if name in said), ""
        )
        yield Candidate(kind or _text(columns))
    elif left == right not in ("any", "timestamp", "datetime", "date"):
        yield Candidate("" if left in ("object", "list") else left)


def _text(columns: Both[Column]) -> str:
    lengths = [column.field.max_length for column in columns if column.field.max_length]
    return f"text(trim, max={min(lengths)})" if lengths else "text(trim)"


# Kinds of text


def _kinds(columns: Both[Column]) -> Iterator[Candidate]:
    if not all(column.is_text for column in columns):
        return
    if all(column.is_mail for column in columns):
        yield Candidate("email")
    said = Both(set(words(columns.left.path)), set(words(columns.right.path)))
    for name, names in (
        ("phone", {"phone", "mobile", "telephone", "tel", "fax"}),
        ("country", {"country"}),
        ("currency", {"currency"}),
        ("language", {"language", "lang", "locale"}),
    ):
        if names & (said.left | said.right) and _readable(name, columns):
            yield Candidate(_styled(name, columns))


def _readable(name: str, columns: Both[Column]) -> bool:
    transformation = build(name, parse(name)[1])

    def reads(side: Side, value: Json) -> bool:
        canon: Canon = transformation.canon(side, (value,), NO_LINKS)
        return canon is not None and not isinstance(canon, Opaque)

    return all(columns[side].mostly(partial(reads, side)) for side in Side)


def _styled(name: str, columns: Both[Column]) -> str:
    styles = columns.map(lambda column: _style(name, str(column.filled[0]) if column.filled else ""))
    usual = {"country": "alpha2", "language": "short"}.get(name, "")
    said = [f"{side}={styles[side]}" for side in Side if styles[side] not in ("", usual)]
    return f"{name}({', '.join(said)})" if said else name


def _style(name: str, value: str) -> str:
    if name == "language":
        return "tag" if "-" in value else "posix" if "_" in value else "short"
    if name == "country":
        return "numeric" if value.isdigit() else {2: "alpha2", 3: "alpha3"}.get(len(value), "name")
    return ""


# Times, truths, numbers


def _times(columns: Both[Column]) -> Iterator[Candidate]:
    kinds = columns.map(lambda column: column.time)
    if not all(kinds):
        return
    if kinds.left == kinds.right == "date":
        yield Candidate("date")
    elif kinds == Both("seconds", "date"):
        yield Candidate("timestamp(date)")
    elif kinds == Both("seconds", "iso"):
        yield Candidate("timestamp")
    else:
        yield Candidate(f"timestamp(left={kinds.left}, right={kinds.right})")


def _numbers(columns: Both[Column], currencies: Both[Column | None]) -> Iterator[Candidate]:
    whole = columns.map(lambda column: column.is_whole)
    spelled = columns.map(lambda column: column.is_text)
    text = "both" if all(spelled) else "left" if spelled.left else "right" if spelled.right else ""
    as_text = f"text={text}" if text else ""
    minor = "" if whole.left else "minor=right" if whole.right else "minor=none"
    said = [{word.upper() for word in words(column.path) if len(word) == 3} for column in columns]
    for code in sorted(said[0] & said[1]):
        if _is_currency(code):
            yield Candidate(_call("money", code, minor, as_text))
    yield Candidate(_call("integer" if all(whole) else "decimal", as_text))
    if whole.left != whole.right and currencies.left is not None and currencies.right is not None:
        yield Candidate(_call("money", minor, as_text), Both(currencies.left, currencies.right))


def _is_currency(code: str) -> bool:
    try:
        build("money", parse(f"money({code})")[1])
    except ValueError:
        return False
    return True


def _call(name: str, *arguments: str) -> str:
    said = ", ".join(argument for argument in arguments if argument)
    return f"{name}({said})" if said else name


# Tables of words


def table(columns: Both[Column]) -> str:
    """The lookup that the records tell, its rows by how often they occur; "" if they tell none that could not as well
    be chance. A table can be made of any two fields; so either half of the records has to tell one, or it has to be
    one to one in a way that is one of a thousand."""
    whole = range(len(columns.left.values))
    half = len(whole) // 2
    rows = _rows(columns, whole)
    least = max(2, sum(rows.values()) // 50)
    one_to_one = len({left for left, _ in rows}) == len({right for _, right in rows}) == len(rows)
    if one_to_one and _ways(list(rows.values())) >= UNLIKELY:
        told = [row for row, _ in rows.most_common()]
    elif all(_told(_rows(columns, part), least // 2) for part in (whole[:half], whole[half:])):
        told = _told(rows, least)
    else:
        return ""
    return f"lookup({', '.join(f'{left}={right}' for left, right in told)})"


def _rows(columns: Both[Column], positions: range) -> Counter[tuple[str, str]]:
    rows: Counter[tuple[str, str]] = Counter()
    for at in positions:
        left, right = columns.left.values[at], columns.right.values[at]
        if isinstance(left, str | bool) and isinstance(right, str | bool):
            rows[_word(left), _word(right)] += 1
    return rows


def _told(rows: Counter[tuple[str, str]], least: int) -> list[tuple[str, str]]:
    """Those that occur often enough; none if they tell no two values apart."""
    told = [row for row, count in rows.most_common() if count >= max(2, least)]
    return told if len({left for left, _ in told}) > 1 and len({right for _, right in told}) > 1 else []


def _ways(counts: Sequence[int]) -> int:
    """In how many ways the values of one side could be dealt out, of which one is as the other side's."""
    ways = factorial(sum(counts))
    for count in counts:
        ways //= factorial(count)
    return ways


def is_wordy(columns: Both[Column]) -> bool:
    """Whether both have few different values, as states and kinds do."""
    return all(
        column.holds(str, bool) and 2 <= column.distinct <= min(MOST_WORDS, max(2, len(column.filled) // 2))
        for column in columns
    )


def _word(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    plain = re.fullmatch(r"[A-Za-z_][\w .-]*", text) and text not in ("true", "false", "null")
    return text if plain else "'" + text.replace("'", "") + "'"
