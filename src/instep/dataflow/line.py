"""One property on one line: `first_name, last_name <-> name | names`.

    line  := side arrow side ["|" transformation]
    arrow := "<->" both ways, "->" to the right only, "<-" to the left only; blanks around it
    side  := path {"," path} ["with" path {"," path}]

The paths after `with` are context: read by the transformation (an amount's currency, say), never written.
A path is dotted and holds no comma, no bar, and no blank but single ones between words. What follows the bar is
for the registry of transformations.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from instep.core.dataflow import Part
from instep.core.model import Both
from instep.core.transformations.contract import Flow

SAME: Final = "same"

_ARROW: Final = re.compile(r"(?:^|(?<=\s))(<->|->|<-|<=>|=>|<=|→|←|↔|<-->|-->|<--)(?=\s|$)")
_FLOWS: Final[dict[str, Flow]] = {"<->": "both", "->": "to-right", "<-": "to-left"}
_PATH: Final = re.compile(r"[^\s,|.]+( [^\s,|.]+)*(\.[^\s,|.]+( [^\s,|.]+)*)*")


MOST_PATH = 200
"""Characters of a field's dotted path."""


class LineError(ValueError):
    """A line that can't be read: `str()` says what, `fix` how to write it."""

    def __init__(self, what: str, *, why: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what, self.why, self.fix = what, why, fix


@dataclass(frozen=True, slots=True)
class Line:
    """What one line says; `transformation` is as it was written, "same" if there was none."""

    parts: Both[Part]
    flow: Flow
    transformation: str


def parse(text: str) -> Line:
    """Read one line. Raises LineError."""
    arrow = _ARROW.search(text)
    if arrow is None:
        tight = re.search(r"<->|->|<-", text)
        raise LineError(
            f'"{_short(text)}" maps nothing',
            why="there is no arrow between a left and a right field"
            if tight is None
            else "the arrow needs blanks",
            fix="write it as: left_field <-> right_field",
        )
    flow = _FLOWS.get(arrow[1])
    if flow is None:
        raise LineError(
            f'"{arrow[1]}" is not an arrow',
            why="the arrows are <-> (both ways), -> (to the right only) and <- (to the left only)",
            fix="write it as: left_field <-> right_field",
        )
    right, bar, transformation = text[arrow.end() :].partition("|")
    if bar and not transformation.strip():
        raise LineError("nothing follows the |", fix="name a transformation after it, or remove it")
    parts = Both(_side(text[: arrow.start()], "left"), _side(right, "right"))
    return Line(parts, flow, transformation.strip() or SAME)


def _side(text: str, side: str) -> Part:
    if not text.strip():
        raise LineError(f"the {side} side is empty", fix="name a field there, or several with commas")
    fields, *context = re.split(r"\swith\s", text)
    if len(context) > 1:
        raise LineError(
            f'the {side} side has "with" twice', fix="put all context fields after one, with commas"
        )
    return Part(paths(fields, side), paths(context[0], side) if context else ())


def paths(text: str, side: str) -> tuple[str, ...]:
    """The dotted paths of a comma-separated list. Raises LineError."""
    found = tuple(part.strip() for part in text.split(","))
    for path in found:
        if len(path) > MOST_PATH:
            raise LineError(
                f'"{_short(path)}" is no field, on the {side} side',
                why=f"it has {len(path)} characters, and {MOST_PATH} is the most",
            )
        if not _PATH.fullmatch(path):
            raise LineError(
                f'"{_short(path)}" is not a field, on the {side} side',
                why="a field is a dotted path; several are separated by commas"
                if path
                else "a comma has nothing on one of its sides",
            )
    repeated = next((path for path in found if found.count(path) > 1), None)
    if repeated is not None:
        raise LineError(f'"{repeated}" is there twice, on the {side} side', fix="name it once")
    return found


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:59] + "…"
