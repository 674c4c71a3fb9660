"""What a brake holds, as lines: an example of each record, and how many more there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from instep.core.model import Side
from instep.core.state import Hold
from instep.core.values import Json
from instep.desk import words
from instep.site import Site

DONE: Final = {"create": "created", "update": "changed", "retire": "taken out of use"}


def examples(site: Site, hold: Hold, most: int = 5) -> Iterator[str]:
    """What a brake would have let be done, record by record; nothing for a hold of another cause."""
    values = hold.values if hold.cause == "brake" and isinstance(hold.values, dict) else {}
    shown = values.get("examples")
    found = [example for example in shown if isinstance(example, dict)] if isinstance(shown, list) else []
    for example in found[:most]:
        yield _example(site, example)
    count = values.get("count")
    if isinstance(count, int) and found and count > len(found[:most]):
        yield f"... and {count - len(found[:most])} more"


def _example(site: Site, example: Mapping[str, Json]) -> str:
    ids = " = ".join(str(example.get(side) or "(new)") for side in ("left", "right"))
    system = site.systems[Side(str(example.get("side")))]
    done = DONE.get(str(example.get("operation")), "")
    changes = example.get("changes")
    told = [
        f"{change.get('property')}: {_change(change)}"
        for change in (changes if isinstance(changes, list) else [])
        if isinstance(change, dict)
    ]
    return f"{ids}   {done} in {system}{': ' if told else ''}{', '.join(told)}"


def _change(change: Mapping[str, Json]) -> str:
    new = words.values(change.get("new"))
    return new if change.get("old") is None else f"{words.values(change.get('old'))} -> {new}"
