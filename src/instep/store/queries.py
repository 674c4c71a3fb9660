"""The statements of a store, read once from `sql/queries.sql`, where each has a name and a description.

Not for building SQL from pieces: the only variations are a list of values (`in (:ids)`) and lines that a
filter switches on (`-- if name`). To add a statement, write it there and use it by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources

from instep.core.model import SIDES

LIST_SIZES = (1, 10, 100)
"""A list is padded to one of these sizes, so that few statements have to be prepared; longer ones are cut."""

_SECTION = re.compile(r"^-- name: *(\S+)\n((?:-- .*\n)+)", re.MULTILINE)
_SWITCHED = re.compile(r" *-- if (\w+)$")


@cache
def queries() -> Mapping[str, str]:
    """Name -> statement. Raises ValueError if a name is there twice."""
    text = resources.files("instep.store").joinpath("sql/queries.sql").read_text("utf-8")
    _, *parts = _SECTION.split(text)
    found: dict[str, str] = {}
    for name, statement in zip(parts[0::3], parts[2::3], strict=True):
        for side in SIDES if "{side}" in name else SIDES[:1]:
            full = name.replace("{side}", side)
            if full in found:
                raise ValueError(f"the statement {full} is there twice")
            found[full] = statement.replace("{side}", side).strip()
    return found


@cache
def filtered(name: str, *filters: str) -> str:
    """The statement with only those switched lines whose filter is asked for."""
    lines = []
    for line in queries()[name].splitlines():
        switch = _SWITCHED.search(line)
        if switch is None:
            lines.append(line)
        elif switch[1] in filters:
            lines.append(line[: switch.start()])
    return "\n".join(lines)


@cache
def _for_list(name: str, size: int) -> str:
    names = ", ".join(f":id{index}" for index in range(size))
    return queries()[name].replace("(:ids)", f"({names})")


@cache
def _list_names(size: int) -> tuple[str, ...]:
    return tuple(f"id{index}" for index in range(size))


def in_lists(
    name: str, ids: Sequence[str], bindings: Mapping[str, object]
) -> Iterable[tuple[str, dict[str, object]]]:
    """The statement and its bindings for each part of a list of ids; an empty list gives nothing."""
    for start in range(0, len(ids), LIST_SIZES[-1]):
        part = list(ids[start : start + LIST_SIZES[-1]])
        size = next(size for size in LIST_SIZES if size >= len(part))
        part += part[-1:] * (size - len(part))
        yield _for_list(name, size), {**bindings, **dict(zip(_list_names(size), part, strict=True))}
