"""List calls: filters, order and pages by key, never by counting rows.

A page costs the same wherever it is, and an edit between two pages moves the edited record and no other.
`next_offset` is the key of the last row, in the form that Chargebee shows: a JSON array of two strings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from .errors import wrong_value
from .forms import Tree, text_list
from .store import Scalar, Store, sql
from .switches import Switches

LIMIT = 100
DEFAULT_LIMIT = 10


@dataclass(frozen=True, slots=True)
class Filter:
    """`sql` is the expression that is compared; kinds are text, word, flag, number, moment and id (exact
    text)."""

    kind: str
    sql: str


def attribute(kind: str, name: str) -> Filter:
    """A filter on an attribute of the stored document."""
    return Filter(kind, f"json_extract(doc, '$.{name}')")


ID = Filter("id", "id")
NAME = Filter("text", "name")
CREATED = Filter("moment", "created_at")
UPDATED = Filter("moment", "nullif(upd, 0)")

# Sort attribute -> column.
SORTS = {
    "created_at": "created_at",
    "updated_at": "upd",
    "id": "id",
    "name": "name",
    "occurred_at": "occurred_at",
}


@dataclass(frozen=True, slots=True)
class Listing:
    """One list call: which filters it knows, which `sort_by`, and its order when none is given."""

    filters: Mapping[str, Filter]
    sorts: tuple[str, ...] = ()
    natural: str = "created_at"
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """`texts` are JSON documents; `next_offset` is there only if there is more."""

    rows: list[tuple[Scalar, ...]]
    next_offset: str | None


@dataclass(slots=True)
class Where:
    """Conditions and their values, in order."""

    parts: list[str]
    values: list[Scalar]

    def add(self, condition: str, *values: Scalar) -> None:
        self.parts.append(condition)
        self.values.extend(values)


def conditions(tree: Tree, listing: Listing, switches: Switches) -> Where:
    """The filters of a list call as SQL; raises ApiError (400) for an unknown operator or a bad value.

    An attribute that is no filter of this list is passed over, as Chargebee's servers seem to do.
    """
    where = Where([], [])
    for name, operators in tree.items():
        known = listing.filters.get(name)
        if known is None:
            continue
        if not isinstance(operators, dict):
            raise wrong_value(name, "needs an operator, e.g. " + name + "[is]")
        for operator, value in operators.items():
            spelled = f"{name}[{operator}]"
            if isinstance(value, dict):
                raise wrong_value(spelled, "is a value, not an object")
            _condition(where, known, operator, value, spelled, switches)
    return where


def page(
    store: Store,
    table: str,
    columns: str,
    tree: Tree,
    listing: Listing,
    where: Where,
    switches: Switches,
    now_ms: int,
) -> Page:
    """One page; raises ApiError (400) for a bad limit, offset or sort_by."""
    limit = _limit(tree, switches)
    column, descending = _order(tree, listing, switches)
    compare, direction = ("<", "DESC") if descending else (">", "ASC")
    where = Where(list(where.parts), list(where.values))
    offset = tree.get("offset")
    if isinstance(offset, str) and offset:
        key, seq = _read_offset(offset, column)
        where.add(f"({column}, seq) {compare} (?, ?)", key, seq)
    order = f"ORDER BY {column} {direction}, seq {direction} LIMIT {limit + 1}"
    wanted = f"{column}, seq, {columns}"
    lagging = table.startswith("r_") and _lagging(store, table, now_ms)
    if lagging:
        where.add("visible_at <= ?", now_ms)
    rows = store.run(sql("SELECT", wanted, "FROM", table, _clause(where), order), where.values)
    if lagging:
        where.add("resource = ? AND until > ?", table[2:], now_ms)
        past = store.run(sql("SELECT", wanted, "FROM past", _clause(where), order), where.values)
        rows = sorted([*rows, *past], key=lambda row: (row[0], row[1]), reverse=descending)
    more = len(rows) > limit
    rows = rows[:limit]
    return Page([row[2:] for row in rows], _offset(rows[-1], column) if more else None)


def _clause(where: Where) -> str:
    return "WHERE " + " AND ".join(where.parts) if where.parts else ""


def _lagging(store: Store, table: str, now_ms: int) -> bool:
    # Without a lag nothing is visible later than now, and the plain query is the whole truth.
    return store.lagging_until.get(table, 0) > now_ms


def _limit(tree: Tree, switches: Switches) -> int:
    given = tree.get("limit", "")
    if given == "":
        return DEFAULT_LIMIT
    if not isinstance(given, str) or re.fullmatch(r"-?\d{1,9}", given) is None:
        raise wrong_value("limit", "should be a whole number between 1 and 100")
    limit = int(given)
    if 1 <= limit <= LIMIT:
        return limit
    if switches.choice("limit_out_of_range") == "clamp":
        return min(max(limit, 1), LIMIT)
    raise wrong_value("limit", "should be between 1 and 100")


def _order(tree: Tree, listing: Listing, switches: Switches) -> tuple[str, bool]:
    given = tree.get("sort_by")
    if isinstance(given, dict) and listing.sorts:
        for direction, name in given.items():
            if direction not in ("asc", "desc"):
                raise wrong_value(f"sort_by[{direction}]", "should be asc or desc")
            if name not in listing.sorts:
                raise wrong_value(f"sort_by[{direction}]", f"should be one of {', '.join(listing.sorts)}")
            return SORTS[str(name)], direction == "desc"
    how = switches.choice("default_order")
    return SORTS[listing.natural], listing.descending if how == "documented" else how == "desc"


def _offset(row: tuple[Scalar, ...], column: str) -> str:
    key, seq = row[0], row[1]
    shown = str(int(str(key)) * 1000) if column not in ("id", "name") else str(key)
    return msgspec.json.encode([shown, str(seq)]).decode("utf-8")


def _read_offset(offset: str, column: str) -> tuple[Scalar, int]:
    try:
        key, seq = msgspec.json.decode(offset, type=tuple[str, str])
        return (key if column in ("id", "name") else int(key) // 1000), int(seq)
    except (msgspec.DecodeError, ValueError):
        raise wrong_value("offset", "is not an offset that a list returned") from None


def _condition(
    where: Where, known: Filter, operator: str, value: str, spelled: str, switches: Switches
) -> None:
    sql = known.sql
    if operator == "is_present":
        if value not in ("true", "false"):
            raise wrong_value(spelled, "should be true or false")
        where.add(f"{sql} IS {'NOT ' if value == 'true' else ''}NULL")
    elif known.kind == "moment":
        _moment(where, sql, operator, value, spelled, switches)
    elif known.kind == "number":
        _number(where, sql, operator, value, spelled)
    elif known.kind == "flag":
        if operator != "is" or value not in ("true", "false"):
            raise wrong_value(spelled, "should be true or false")
        where.add(f"coalesce({sql}, 0) = ?", int(value == "true"))
    else:
        fold = known.kind == "text" and switches.choice("text_filters") == "ignore_case"
        _text(where, sql + (" COLLATE NOCASE" if fold else ""), operator, value, spelled)


def _text(where: Where, sql: str, operator: str, value: str, spelled: str) -> None:
    if operator == "is":
        where.add(f"{sql} = ?", value)
    elif operator == "is_not":
        where.add(f"({sql} <> ? OR {sql} IS NULL)", value)
    elif operator == "starts_with":
        collate = " COLLATE NOCASE" if sql.endswith("NOCASE") else ""
        where.add(f"substr({sql.removesuffix(' COLLATE NOCASE')}, 1, ?) = ?{collate}", len(value), value)
    elif operator in ("in", "not_in"):
        wanted = text_list(value)
        if not wanted:
            raise wrong_value(spelled, "should be a list like [a,b,c]")
        marks = ", ".join("?" * len(wanted))
        if operator == "in":
            where.add(f"{sql} IN ({marks})", *wanted)
        else:
            where.add(f"({sql} NOT IN ({marks}) OR {sql} IS NULL)", *wanted)
    else:
        raise wrong_value(spelled, "is not an operator of this filter")


def _number(where: Where, sql: str, operator: str, value: str, spelled: str) -> None:
    signs = {"is": "=", "is_not": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
    if operator == "between":
        low, high = _two(value, r"-?\d{1,18}", spelled)
        where.add(f"{sql} BETWEEN ? AND ?", low, high)
    elif operator in signs and re.fullmatch(r"-?\d{1,18}", value):
        where.add(f"{sql} {signs[operator]} ?", int(value))
    else:
        raise wrong_value(spelled, "should be a number, with one of the number operators")


def _moment(where: Where, sql: str, operator: str, value: str, spelled: str, switches: Switches) -> None:
    # An index is on the bare column; nullif(upd, 0) only keeps records without updated_at out.
    bare = "upd" if "upd" in sql else sql
    present = " AND upd > 0" if bare == "upd" else ""
    inclusive = "=" if switches.choice("after_before") == "inclusive" else ""
    if operator == "between":
        low, high = _two(value, r"\d{10}", spelled)
        where.add(f"{bare} BETWEEN ? AND ?{present}", low, high)
        return
    # Zero is the one value of fewer digits that clients are known to send ("from the beginning").
    if re.fullmatch(r"\d{10}|0", value) is None:
        raise wrong_value(spelled, "should be a UTC timestamp in seconds (10 digits)")
    second = int(value)
    if operator == "after":
        where.add(f"{bare} >{inclusive} ?{present}", second)
    elif operator == "before":
        where.add(f"{bare} <{inclusive} ?{present}", second)
    elif operator == "on":
        day = switches.choice("on_means") == "day"
        start = second - second % 86_400 if day else second
        where.add(f"{bare} BETWEEN ? AND ?", start, start + (86_399 if day else 0))
    else:
        raise wrong_value(spelled, "is not an operator of a timestamp")


def _two(value: str, shape: str, spelled: str) -> tuple[int, int]:
    ends = text_list(value)
    if len(ends) != 2 or not all(re.fullmatch(shape, end) for end in ends):
        raise wrong_value(spelled, "should be two values like [1,2]")
    return int(ends[0]), int(ends[1])
