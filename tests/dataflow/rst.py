"""Writes documents of the grammar for the tests, of invented systems."""

from __future__ import annotations

from collections.abc import Sequence

Rows = Sequence[tuple[str, ...]]


def table(*columns: str, rows: Rows = ()) -> str:
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in [columns, *rows]:
        lines += [f"   {'* ' if place == 0 else '  '}- {cell}".rstrip() for place, cell in enumerate(row)]
    return "\n".join(lines) + "\n"


def section(x: str, y: str, shape: str = "S1", rows: Rows = (), match: Rows = (), **said: str) -> str:
    """A section of a shape; `said` may give `parents`, `condition`, and the right `system` if it has several words.

    A kind of record with a blank in front has a system without a name.
    """
    b = said.get("system", y.split(" ")[0])
    heading = f"{x} to {y}"
    every = f"Every {x} will be synchronized with a {y}.\n\n"
    before = (
        f"Before any synchronization can take place, a link between a {x} and a {y} must be established.\n\n"
    )
    referred = (
        f"A new {y} will be created from a {x} if it is connected to a {said.get('parents', 'Order')} that is "
        f"synchronized into {b}.\n\n"
    )
    merges = (
        f"A {x} will merge with a {y} if one of the following property combinations match:\n\n"
        + table(f"{x} Property", f"{y} Property", rows=match)
        + "\n"
    )
    exists = f"If a matching {y} already exists, the {x} will be merged with the existing one.\n\n"
    new = f"If no matching {y} is found, a new {y} will be created.\n\n"
    when = f"{said.get('condition', 'When it rains')}, it  will be synchronized with a {y}.\n\n"
    rule = {
        "S1": every,
        "S2": every + exists + new + merges,
        "S3": before + merges,
        "S4": before + referred,
        "S5": before + referred + merges,
        "S6": when,
        "S7": when + exists + new + merges,
    }[shape]
    return (
        f"{heading}\n{'-' * len(heading)}\n{rule}"
        f"Once a link between a {x} and a {y} is established, it will keep in sync between the two systems, "
        "regardless of where it is edited.\n\n"
        f"The following properties are synchronized between a {x} and a {y}:\n\n"
        + table(f"{x} Property", f"{y} Property", f"{b} Data Type", rows=rows)
    )


def document(*sections: str, left: str = "Chargebee", right: str = "Customerp") -> str:
    title = f"{left} to {right} Dataflow"
    rule = "=" * len(title)
    head = f"{rule}\n{title}\n{rule}\n\nGenerated: 2024-09-10 15:43:43\n\nIntroduction\n------------\n\nWords.\n\n"
    return head + "\n\n".join(sections)
