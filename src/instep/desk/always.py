"""What to change in `dataflow.yaml` so that conflicts of one property are always decided in the same way.

A proposal to copy, and nothing more: the text with one line more, if that text says what is meant and reads well.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Final

from instep.core.dataflow import Pair, Property
from instep.core.model import Side
from instep.dataflow.build import parse_dataflow
from instep.desk.records import pair_of
from instep.errors import ConfigurationError, NotThere, UsageError
from instep.site import Site

_ITEM: Final = re.compile(r"^(?P<indent>\s*)- (?P<rest>.*\S)\s*$")


def always(site: Site, pair_name: str, property_name: str, side: Side) -> str:
    """The change as a unified diff. Raises NotThere, or UsageError if it has to be made by hand."""
    pair = pair_of(site, pair_name)
    prop = next((p for p in pair.properties if property_name in (p.name, p.group)), None)
    if prop is None:
        raise NotThere(f"{pair.name} has no property {property_name}")
    path = site.file.path(site.file.settings.dataflow)
    try:
        before = path.read_text("utf-8").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path.name} can't be read", why=str(error)) from None
    after = _with_policy(before, prop, side)
    if after is None or not _says(site, "".join(after), pair, prop, side):
        raise _by_hand(path, pair, property_name, side)
    return "".join(difflib.unified_diff(before, after, path.name, path.name))


def _with_policy(lines: list[str], prop: Property, side: Side) -> list[str] | None:
    """The lines with the policy at the property, or at its group; None if it is not clear where that is."""
    number = prop.source[1] - 1
    if prop.group:
        wanted = re.compile(rf"^\s*- group:\s*['\"]?{re.escape(prop.group)}['\"]?\s*(#.*)?$")
        number = next((at for at in range(number, -1, -1) if wanted.match(lines[at])), -1)
    found = _ITEM.match(lines[number]) if 0 <= number < len(lines) else None
    if found is None:
        return None
    indent, rest = found["indent"], found["rest"]
    policy = f"{indent}  policy: {side.value}\n"
    if re.match(r"(map|left|right|name|group|as):(\s|$)", rest):
        return [*lines[: number + 1], policy, *lines[number + 1 :]]
    return [*lines[:number], f"{indent}- map: {rest}\n", policy, *lines[number + 1 :]]


def _says(site: Site, text: str, pair: Pair, prop: Property, side: Side) -> bool:
    try:
        changed = parse_dataflow(text, str(site.file.path(site.file.settings.dataflow)))
    except ConfigurationError:
        return False
    there = changed.pair(pair.name)
    found = there.property(prop.name) if there is not None else None
    return found is not None and found.policy == side.value


def _by_hand(path: Path, pair: Pair, name: str, side: Side) -> UsageError:
    return UsageError(
        f"the change to {path.name} has to be made by hand",
        why=f"{name} of {pair.name} has a policy already, or stands there in a form of its own",
        fix=f"let it say policy: {side.value}",
    )
