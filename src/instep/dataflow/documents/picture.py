"""The pairs of a dataflow as a picture: the records of either system, and what joins them."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from instep.core.dataflow import Dataflow, Pair
from instep.core.model import SIDES, Both, Side
from instep.dataflow.documents.page import one_line

WIDTH: Final = 760
BOX: Final = 220
HEIGHT: Final = 44
STEP: Final = 72
TOP: Final = 64
MOST_LETTERS: Final = 26

STYLE: Final = (
    "text{font:14px system-ui,sans-serif;fill:#1f2933}.system{font-weight:600}.small{font-size:12px;fill:#52606d}"
    "rect{fill:#f5f7fa;stroke:#7b8794}.join{stroke:#2b6cb0;stroke-width:2;fill:none}.head{fill:#2b6cb0}"
    "@media (prefers-color-scheme:dark){text{fill:#e4e7eb}.small{fill:#9aa5b1}rect{fill:#1f2933;stroke:#7b8794}"
    ".join{stroke:#63b3ed}.head{fill:#63b3ed}}"
)


def picture(dataflow: Dataflow, systems: Both[str], *, to: Side | None = None) -> str:
    """An SVG that needs nothing else; an arrow leads to where Instep writes."""
    entities = Both.of(lambda side: list(dict.fromkeys(pair.entity[side] for pair in dataflow.pairs)))
    rows = max(len(entities.left), len(entities.right), 1)
    height = TOP + rows * STEP
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img">',
        f"<title>{escape(described(dataflow, systems, to=to))}</title>",
        f"<style>{STYLE}</style>",
        '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
        'orient="auto-start-reverse"><path class="head" d="M0 0L10 5L0 10z"/></marker></defs>',
    ]
    for pair in dataflow.pairs:
        lines += _join(pair, entities, to)
    for side in SIDES:
        lines += _column(side, entities[side], systems[side])
    return "\n".join([*lines, "</svg>"]) + "\n"


def described(dataflow: Dataflow, systems: Both[str], *, to: Side | None = None) -> str:
    """The same in words, for those who don't see it."""
    joins = [f"{one_line(pair.entity.left)} with {one_line(pair.entity.right)}" for pair in dataflow.pairs]
    way = f" to {systems[to]}" if to else ""
    return f"What is kept in step between {systems.left} and {systems.right}{way}: {', '.join(joins)}"


def _column(side: Side, entities: list[str], system: str) -> Iterator[str]:
    x = _x(side)
    yield f'<text class="system" x="{x + BOX // 2}" y="32" text-anchor="middle">{_short(system)}</text>'
    for place, entity in enumerate(entities):
        y = TOP + place * STEP
        yield f'<rect x="{x}" y="{y}" width="{BOX}" height="{HEIGHT}" rx="6"/>'
        yield f'<text x="{x + BOX // 2}" y="{y + 27}" text-anchor="middle">{_short(entity)}</text>'


def _join(pair: Pair, entities: Both[list[str]], to: Side | None) -> Iterator[str]:
    left, right = (TOP + entities[side].index(pair.entity[side]) * STEP + HEIGHT // 2 for side in SIDES)
    begin, end = _x(Side.LEFT) + BOX, _x(Side.RIGHT)
    heads = [
        f' marker-{"start" if side is Side.LEFT else "end"}="url(#head)"'
        for side in SIDES
        if to in (None, side) and (pair.create[side] or any(p.may_flow(side) for p in pair.properties))
    ]
    middle = (begin + end) // 2
    curve = f"M{begin} {left}C{middle} {left} {middle} {right} {end} {right}"
    yield f'<path class="join" d="{curve}"{"".join(heads)}/>'
    shown = sum(to is None or prop.may_flow(to) for prop in pair.properties)
    label = f"{one_line(pair.name)}: {shown}"
    yield (
        f'<text class="small" x="{middle}" y="{(left + right) // 2 - 6}" text-anchor="middle">{_short(label)}</text>'
    )


def _x(side: Side) -> int:
    return 16 if side is Side.LEFT else WIDTH - BOX - 16


def _short(words: str) -> str:
    words = one_line(words)
    return escape(words if len(words) <= MOST_LETTERS else words[: MOST_LETTERS - 1] + "…")
