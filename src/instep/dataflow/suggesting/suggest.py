"""Fields that most likely mean the same, with a score and what speaks for it.

The values of records that are the same thing are asked first: a field agrees with another as far as their meanings
do, beyond what chance would give (Cohen's kappa, from -1 to 1: two states that are nearly always "active" agree by
chance and get nothing for it). Names count less, and alone only where no value can tell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Final

from instep.core.model import Abilities, Both, Entity, Record, Side
from instep.core.transformations.contract import Linked, Lookup, Unlinked
from instep.core.transformations.no_links import NO_LINKS
from instep.core.values import Json
from instep.dataflow.suggesting.candidates import Candidate, by_type, candidates, is_wordy, table
from instep.dataflow.suggesting.columns import Column, columns_of
from instep.dataflow.suggesting.joined import joined
from instep.dataflow.suggesting.names import likeness

LEAST: Final = 0.6
"""Score below which nothing is suggested, if nobody says otherwise."""
_VALUES: Final = 0.7
_NAMES_ALONE: Final = 0.75
_CONSTANT: Final = 0.1
_FEWEST: Final = 3
_ABLE: Final = Abilities()


@dataclass(frozen=True)
class Suggestion:
    """A property that is not mapped yet. `name`: what it is accepted by. `score`: from 0 to 1. `compared`: records
    that have both fields, of which so many `agreed`. `alike`: how alike the names are, from 0 to 1. `example`: two
    values that mean the same, if any. `inner`: of a list, the properties of its lines."""

    line: str
    paths: Both[tuple[str, ...]]
    score: float
    agreed: int
    compared: int
    alike: float
    example: Both[Json] = Both(None, None)
    inner: tuple[Suggestion, ...] = ()

    @property
    def name(self) -> str:
        return ",".join(self.paths.left)


@dataclass
class Links:
    """What is known of other pairs' partners, for fields that hold their ids: (left entity, right entity) -> the id
    on the right by that on the left."""

    known: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)

    def link_of(self, side: Side, entity: str, id: str, other: str, /) -> Linked | Unlinked:
        of = (entity, other) if side is Side.LEFT else (other, entity)
        number = self._numbers(of).get((side, id))
        return Unlinked(side, entity, id) if number is None else Linked(number)

    def id_of(self, link_id: int, side: Side) -> str | None:
        del link_id, side
        return None

    def _numbers(self, of: tuple[str, str]) -> Mapping[tuple[Side, str], int]:
        if of not in self._made:
            self._made[of] = {
                (side, id): number
                for number, ids in enumerate(self.known.get(of, {}).items())
                for side, id in zip(Side, ids, strict=True)
            }
        return self._made[of]

    _made: dict[tuple[str, str], dict[tuple[Side, str], int]] = field(default_factory=dict, repr=False)


def suggest(
    entities: Both[Entity],
    partners: Sequence[Both[Record]],
    links: Links,
    mapped: Both[frozenset[str]] = Both(frozenset(), frozenset()),
    least: float = LEAST,
) -> list[Suggestion]:
    """The best first. `mapped`: the paths of each side that have a property already, as what is below them has.

    Each field is used once. The cost grows with the product of the numbers of fields.
    """
    samples = Both([each.left for each in partners], [each.right for each in partners])
    columns = Both.of(
        lambda side: [
            column
            for column in columns_of(entities[side], samples[side])
            if not any(column.path == path or column.path.startswith(f"{path}.") for path in mapped[side])
        ]
    )
    return _best(columns, links, least)


def _best(columns: Both[list[Column]], links: Links, least: float) -> list[Suggestion]:
    scorer = _Scorer(links, columns.map(_currency_of))
    plain = columns.map(lambda some: [column for column in some if not column.is_list])
    found = [one for each in product(*plain) if (one := scorer.score(Both(*each))) and one.score >= least]
    found += [one for each in joined(plain) if (one := _of_joined(*each)).score >= least]
    found += _lists(columns, links, scorer.currencies, least)
    found.sort(key=lambda one: (-one.score, one.paths.left, one.paths.right))
    used: Both[set[str]] = Both(set(), set())
    chosen: list[Suggestion] = []
    for one in found:
        if any(used[side] & set(one.paths[side]) for side in Side):
            continue
        for side in Side:
            used[side].update(one.paths[side])
        chosen.append(one)
    return chosen


@dataclass
class _Scorer:
    """Scores of pairs of fields; what a field's values mean under a transformation is worked out once."""

    links: Links
    currencies: Both[Column | None]
    _keys: dict[tuple[str, Side, str], list[str | None]] = field(default_factory=dict)

    def score(self, columns: Both[Column]) -> Suggestion | None:
        arrow = arrow_of(columns)
        if not arrow:
            return None
        alike = likeness(columns.left.path, columns.right.path)
        best: Suggestion | None = None
        for candidate, lookup in self._candidates(columns):
            keys = Both(
                self._keys_of(columns, Side.LEFT, candidate, lookup),
                self._keys_of(columns, Side.RIGHT, candidate, lookup),
            )
            one = judged(columns, line_of(columns, arrow, candidate), keys, alike)
            if best is None or one.score > best.score:
                best = one
        return best

    def _candidates(self, columns: Both[Column]) -> Iterator[tuple[Candidate, Lookup]]:
        if not any(column.filled for column in columns):
            yield from ((candidate, NO_LINKS) for candidate in by_type(columns))
        for candidate in candidates(columns, self.currencies):
            yield candidate, NO_LINKS
        for (left, right), ids in self.links.known.items() if _may_refer(columns) else ():
            if _mostly(columns.left, ids) and _mostly(columns.right, set(ids.values())):
                yield Candidate(f"reference({left}, {right})"), self.links
        if is_wordy(columns) and (spelled := table(columns)):
            yield Candidate(spelled), NO_LINKS

    def _keys_of(
        self, columns: Both[Column], side: Side, candidate: Candidate, lookup: Lookup
    ) -> list[str | None]:
        of = columns[side].path, side, candidate.spelled
        if of not in self._keys:
            context = None if candidate.context is None else candidate.context[side]
            self._keys[of] = columns[side].keys(candidate.build(), side, lookup, context)
        return self._keys[of]


def judged(columns: Both[Column], line: str, keys: Both[list[str | None]], alike: float) -> Suggestion:
    """A suggestion with the score that the meanings of the values, and the names, give it."""
    both = [at for at, (a, b) in enumerate(zip(*keys, strict=True)) if a is not None and b is not None]
    agreeing = [at for at in both if keys.left[at] == keys.right[at]]
    filled = sum(a is not None and b is not None for a, b in zip(*(c.values for c in columns), strict=True))
    if any(column.path == "id" for column in columns):
        alike = 0.0  # every record has one, and its own system gives it
    score = _score(len(agreeing), filled, _by_chance(keys, both), alike)
    at = agreeing[0] if agreeing else None
    example: Both[Json] = Both(None, None) if at is None else columns.map(lambda column: column.values[at])
    return Suggestion(line, _paths(columns), score, len(agreeing), filled, alike, example)


def _paths(columns: Both[Column]) -> Both[tuple[str, ...]]:
    return columns.map(lambda column: (column.path,))


def _by_chance(keys: Both[list[str | None]], both: Sequence[int]) -> float:
    """The share of records that would agree if each side's values were dealt out anew."""
    if not both:
        return 0.0
    left, right = (Counter(some[at] for at in both) for some in keys)
    return sum(count * right[key] for key, count in left.items()) / len(both) ** 2


def _score(agreed: int, compared: int, chance: float, alike: float) -> float:
    if compared < _FEWEST:
        return _NAMES_ALONE * alike
    if chance >= 1.0:  # one and the same value everywhere tells little
        return _NAMES_ALONE * alike + _CONSTANT
    kappa = (agreed / compared - chance) / (1 - chance)
    return _VALUES * max(0.0, kappa) * compared / (compared + 2) + (1 - _VALUES) * alike


def _of_joined(
    side: Side, whole: Column, parts: tuple[Column, Column], spelled: str, agreed: int, compared: int
) -> Suggestion:
    both: tuple[str, ...] = (parts[0].path, parts[1].path)
    paths = _paths(Both(whole, whole)).replace(side.other, both)
    alike = max(
        likeness(*((whole.path, part.path) if side is Side.LEFT else (part.path, whole.path)))
        for part in parts
    )
    at = next(
        n for n, value in enumerate(whole.values) if value and parts[0].values[n] and parts[1].values[n]
    )
    of_parts = f"{parts[0].values[at]}, {parts[1].values[at]}"
    example = Both(whole.values[at], whole.values[at]).replace(side.other, of_parts)
    line = f"{', '.join(paths.left)} <-> {', '.join(paths.right)} | {spelled}"
    return Suggestion(line, paths, _score(agreed, compared, 0.0, alike), agreed, compared, alike, example)


def arrow_of(columns: Both[Column]) -> str:
    """The directions in which a value can travel; "" if neither side can be written."""
    writable = columns.map(lambda column: column.writable)
    return {(True, True): "<->", (False, True): "->", (True, False): "<-"}.get((*writable,), "")


def line_of(columns: Both[Column], arrow: str, candidate: Candidate) -> str:
    """The line of a dataflow."""
    sides = columns.map(lambda column: column.path)
    if candidate.context is not None:
        along = candidate.context.map(lambda column: column.path)
        sides = Both(f"{sides.left} with {along.left}", f"{sides.right} with {along.right}")
    return f"{sides.left} {arrow} {sides.right}" + (f" | {candidate.spelled}" if candidate.spelled else "")


def _may_refer(columns: Both[Column]) -> bool:
    """Two ids of one record refer to nothing, though both are those of partners."""
    return not all(column.path == "id" for column in columns)


def _mostly(column: Column, ids: Mapping[str, str] | set[str]) -> bool:
    known = sum(str(value) in ids for value in column.filled)
    return column.holds(str, int) and 2 * known > len(column.filled)


def _currency_of(columns: Sequence[Column]) -> Column | None:
    """The field that says in which currency a record's amounts are: the one of the shortest path, if several do."""
    found = [c for c in columns if "currency" in c.path.lower() and c.holds(str) and "," not in c.path]
    return min(found, key=lambda column: (len(column.path), column.path), default=None)


# Lists of lines


def _lists(
    columns: Both[list[Column]], links: Links, currencies: Both[Column | None], least: float
) -> Iterator[Suggestion]:
    lists = columns.map(lambda some: [column for column in some if column.is_list])
    for left, right in product(*lists):
        pair = Both(left, right)
        arrow = arrow_of(pair)
        at = [
            (number, line)
            for number, (a, b) in enumerate(zip(left.values, right.values, strict=True))
            if isinstance(a, list) and isinstance(b, list) and len(a) == len(b)
            for line in range(len(a))
        ]
        lines = Both(_of_lines(left, at, currencies.left), _of_lines(right, at, currencies.right))
        inner = _best(lines, links, least)
        own = [
            one
            for one in inner
            if not any(one.paths[s] == (c.path,) for s in Side if (c := currencies[s]) is not None)
        ]
        if not arrow or len(own) < 2:
            continue
        yield _of_list(pair, arrow, own, currencies, compared=len(at))


def _of_list(
    pair: Both[Column],
    arrow: str,
    inner: Sequence[Suggestion],
    currencies: Both[Column | None],
    compared: int,
) -> Suggestion:
    sides = pair.map(lambda column: column.path)
    along = [s for s in Side if (c := currencies[s]) and any(f"with {c.path}" in one.line for one in inner)]
    for side in along:
        currency = currencies[side]
        assert currency is not None
        sides = sides.replace(side, f"{sides[side]} with {currency.path}")
    score = sum(one.score for one in inner) / (len(inner) + 1)  # the more of a line is explained, the better
    return Suggestion(
        f"{sides.left} {arrow} {sides.right}",
        _paths(pair),
        score,
        min(one.agreed for one in inner),
        compared,
        likeness(pair.left.path, pair.right.path),
        inner=tuple(inner),
    )


def _of_lines(column: Column, at: Sequence[tuple[int, int]], currency: Column | None) -> list[Column]:
    """The fields of the lines of a list, one value for each line; and the currency of their records, as a field to be
    read along."""
    entity = Entity("lines", (), _ABLE, open_prefixes=("",))
    lines = [_line(column.values[number], line) for number, line in at]
    found = [
        c
        for c in columns_of(entity, [Record("", fields) for fields in lines])
        if c.path != "id" or c.distinct > 1
    ]
    if currency is not None and not any(c.path == currency.path for c in found):
        found.append(replace(currency, values=tuple(currency.values[number] for number, _ in at)))
    return found


def _line(lines: Json, number: int) -> Mapping[str, Json]:
    line = lines[number] if isinstance(lines, list) else None
    return line if isinstance(line, dict) else {}
