"""Amounts in what would be written: what each write makes of money, by currency.

An amount is a property, or one of an order's lines, whose transformation is `money`; a line's counts as often as the
line's quantity says. Amounts of a currency that isn't known are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, TypeAlias

from instep.core.dataflow import Pair, Property
from instep.core.model import Side
from instep.core.transformations.arguments import parse
from instep.core.transformations.contract import SubProperty, Transformation
from instep.core.transformations.no_links import NO_LINKS
from instep.core.values import Absent, Json, Raw, get_path
from instep.core.verdict import Change, Write

MONEY: Final = "money"
QUANTITY: Final = "quantity"

Amount: TypeAlias = tuple[str, Decimal]
"""Currency and amount."""


@dataclass
class Sum:
    """Amounts of one kind of write: of how many records, what they were before and what they become."""

    records: int = 0
    before: Decimal = Decimal()
    after: Decimal = Decimal()


@dataclass
class Money:
    """Sums by (pair, operation, side, currency)."""

    sums: dict[tuple[str, str, Side, str], Sum] = field(default_factory=dict)

    def add(self, pair: Pair, writes: Iterable[Write]) -> None:
        for write in writes:
            told: dict[str, Sum] = {}
            for change in write.changes:
                for currency, was, becomes in _amounts(pair, write.side, change):
                    here = told.setdefault(currency, Sum(1))
                    here.before += was
                    here.after += becomes
            for currency, here in told.items():
                total = self.sums.setdefault((pair.name, write.operation, write.side, currency), Sum())
                total.records += 1
                total.before += here.before
                total.after += here.after

    def told(self) -> list[dict[str, Any]]:
        return [
            {
                "pair": pair,
                "operation": operation,
                "side": side.value,
                "currency": currency,
                "records": total.records,
                "before": str(total.before),
                "after": str(total.after),
            }
            for (pair, operation, side, currency), total in self.sums.items()
        ]


def _amounts(pair: Pair, side: Side, change: Change) -> Iterator[tuple[str, Decimal, Decimal]]:
    """(currency, before, after) of what a change makes of money."""
    prop = pair.property(change.property)
    if prop is None or not _has_money(prop):
        return
    before, after = _totals(prop, side, change.old), _totals(prop, side.other, change.source)
    for currency in {**before, **after}:
        yield currency, before.get(currency, Decimal()), after.get(currency, Decimal())


def _has_money(prop: Property) -> bool:
    return any(map(_is_money, (prop.as_written, *(inner.as_written for inner in prop.inside))))


def _totals(prop: Property, side: Side, raw: Raw | None) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = {}
    for currency, amount in _read(prop, side, raw) if raw is not None else ():
        totals[currency] = totals.get(currency, Decimal()) + amount
    return totals


def _read(prop: Property, side: Side, raw: Raw) -> Iterator[Amount]:
    if _is_money(prop.as_written):
        yield from _amount(prop.transformation, prop.as_written, side, raw)
        return
    lines = raw[0] if isinstance(raw[0], list) else [raw[0]]
    fields = len(prop.parts[side].fields)
    for line in lines:
        if isinstance(line, dict):
            yield from _of_line(prop.inside, side, line, raw[fields:])


def _of_line(
    inside: Iterable[SubProperty], side: Side, line: Mapping[str, Json], around: Raw
) -> Iterator[Amount]:
    inside = tuple(inside)
    count = Decimal(1)
    for inner in inside:
        if QUANTITY in inner.name:
            found = inner.transformation.canon(side, _raw(inner, side, line, around), NO_LINKS)
            count = Decimal(found) if isinstance(found, int | Decimal) else Decimal(1)
    for inner in inside:
        if _is_money(inner.as_written):
            raw = _raw(inner, side, line, around)
            for currency, amount in _amount(inner.transformation, inner.as_written, side, raw):
                yield currency, amount * count


def _raw(inner: SubProperty, side: Side, line: Mapping[str, Json], around: Raw) -> Raw:
    contexts = [
        _held(line, path) if isinstance(path, str) else around[path] if path < len(around) else None
        for path in inner.contexts[side]
    ]
    return (*(_held(line, path) for path in inner.paths[side]), *contexts)


def _held(line: Mapping[str, Json], path: str) -> Json:
    value = get_path(line, path)
    return None if isinstance(value, Absent) else value


def _amount(transformation: Transformation, as_written: str, side: Side, raw: Raw) -> Iterator[Amount]:
    amount = transformation.canon(side, raw, NO_LINKS)
    words = parse(as_written)[1].words
    context = raw[1] if len(raw) > 1 else None
    currency = context if isinstance(context, str) and context else words[0] if words else ""
    if isinstance(amount, int | Decimal) and not isinstance(amount, bool) and currency:
        yield str(currency).upper(), Decimal(amount)


def _is_money(as_written: str) -> bool:
    return as_written.partition("(")[0].strip() == MONEY
