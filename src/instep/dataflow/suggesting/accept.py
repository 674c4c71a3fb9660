"""Suggestions into a dataflow file, as lines of their own; nothing else of the file is touched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from instep.core.values import Json
from instep.dataflow import yaml
from instep.dataflow.suggesting.suggest import Suggestion
from instep.dataflow.yaml import quoted
from instep.errors import ConfigurationError, UsageError

_STEP: Final = 2


def accept(text: str, file: str, pair: str, accepted: Sequence[Suggestion], match: str = "") -> str:
    """The file's text with these properties at the end of the pair's, which may be empty or missing so far, and with
    a match key before them, unless it is "".

    Raises UsageError if the file is written in a way in which lines can't be put in between, ConfigurationError if it
    is not YAML.
    """
    document = yaml.read(text, file)
    lines = text.splitlines()
    of: yaml.Path = ("pairs", pair)
    where: yaml.Path = (*of, "properties")
    column = min(place[1] for path, place in document.keys.items() if path[:-1] == of) - 1
    key = " " * column + "properties:"
    if where not in document.keys:
        at = first = _last_line(document, of)
        new = [key, *_lines(accepted, column + _STEP)]
    elif not _properties(document.value, pair):
        at = first = document.keys[where][0] - 1
        del lines[at]
        new = [key, *_lines(accepted, column + _STEP)]
    else:
        first, at = document.keys[where][0] - 1, _last_line(document, where)
        item = lines[document.values[*where, 0][0] - 1]
        new = [*_lines(accepted, len(item) - len(item.lstrip()))]
    lines[at:at] = new
    if match:
        lines.insert(first, " " * column + f"match: [{match}]")
    made = "\n".join(lines) + "\n"
    _require_only(document, made, file, pair, accepted)
    return made


def _last_line(document: yaml.Document, path: yaml.Path) -> int:
    """The number of the last line of the value at a path."""
    return max(
        place[0]
        for places in (document.values, document.keys)
        for key, place in places.items()
        if key[: len(path)] == path
    )


def _lines(accepted: Sequence[Suggestion], indent: int) -> Iterator[str]:
    blanks = " " * indent
    for one in accepted:
        if not one.inner:
            yield f"{blanks}- {_spelled(one.line)}"
            continue
        yield f"{blanks}- map: {_spelled(one.line)}"
        yield f"{blanks}  as: lines"
        yield f"{blanks}  properties:"
        yield from _lines(one.inner, indent + 2 * _STEP)


def _spelled(line: str) -> str:
    """As a plain YAML text if it reads as one."""
    plain = ": " not in line and " #" not in line and line[:1].isalpha() and not line.endswith(":")
    return line if plain else quoted(line)


def _properties(value: Json, pair: str) -> list[Json]:
    properties = _pair(value, pair).get("properties")
    return properties if isinstance(properties, list) else []


def _pair(value: Json, pair: str) -> dict[str, Json]:
    pairs = value.get("pairs") if isinstance(value, dict) else None
    found = pairs.get(pair) if isinstance(pairs, dict) else None
    return found if isinstance(found, dict) else {}


def _require_only(
    before: yaml.Document, made: str, file: str, pair: str, accepted: Sequence[Suggestion]
) -> None:
    """The same file with so many properties more, and nothing else: some ways of writing YAML take no new line."""
    try:
        after = yaml.read(made, file).value
    except ConfigurationError:
        after = None
    old, new = _properties(before.value, pair), _properties(after, pair)
    if (
        len(new) == len(old) + len(accepted)
        and new[: len(old)] == old
        and _rest(after, pair) == _rest(before.value, pair)
    ):
        return
    raise UsageError(
        f"{file} is written in a way that takes no new line there",
        why="nothing was changed",
        fix="write one property a line, or copy the lines that are suggested",
    )


def _rest(value: Json, pair: str) -> Json:
    """Everything but the properties and the match keys of the pair."""
    if not isinstance(value, dict) or not isinstance(pairs := value.get("pairs"), dict):
        return value
    of = {name: part for name, part in _pair(value, pair).items() if name not in ("properties", "match")}
    return {**value, "pairs": {**pairs, pair: of}}
