"""The list of records that checklists have made: on disk before the request goes out, until they are taken back.

One JSON object a line, only ever appended to, so that what a killed process had begun is known to the next one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from instep.core.model import Side
from instep.errors import StoreError

NEVER: Final = "never made"
"""Why nothing is left of a record that a system did not make."""


@dataclass(frozen=True, slots=True)
class Made:
    """A record that was made, or may have been. `mark`: the text that its fields bear. `id`: the one that it has or
    was to have, "" if the system gives it and has not answered; `marker`: what it can be found by then, if anything.
    `sure`: the system said that it was made. `over`: why nothing is left of it, "" while something may be."""

    number: int
    side: Side
    entity: str
    mark: str
    id: str = ""
    marker: str = ""
    sure: bool = False
    over: str = ""


class Ledger:
    """Opened with `Ledger(path)`, which reads what is there. Raises StoreError if the file can't be used."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._made: dict[int, Made] = {}
        try:
            text = path.read_text(encoding="utf-8") if path.exists() else ""
            lines = text.split("\n")
            for line in lines[:-1]:  # what is behind the last end of a line was being written at a kill
                self._take(json.loads(line))
            if lines[-1]:
                path.write_text("".join(f"{line}\n" for line in lines[:-1]), encoding="utf-8")
        except (OSError, ValueError, KeyError, TypeError) as error:
            fix = "look for the marked records in both systems, then move the file away"
            raise StoreError(
                f"{path}, the list of what checklists made, can't be used", why=str(error), fix=fix
            ) from None

    @property
    def made(self) -> Sequence[Made]:
        return tuple(self._made.values())

    @property
    def left(self) -> Sequence[Made]:
        """What is still to be taken back, the latest first, since it may refer to earlier ones."""
        return tuple(made for made in reversed(self.made) if not made.over)

    def is_ours(self, side: Side, entity: str, id: str) -> bool:
        return any(m.side is side and m.entity == entity and m.id == id and m.sure for m in self.made)

    def unsure(self, side: Side, entity: str, *, id: str, marker: str) -> int:
        """The number of an entry of which it is not known whether it was made, by this id or marker; 0 if none."""
        for m in self.made:
            same = (m.side, m.entity) == (side, entity) and (
                (id and m.id == id) or (marker and m.marker == marker)
            )
            if same and not m.sure and not m.over:
                return m.number
        return 0

    def making(self, side: Side, entity: str, mark: str, *, id: str, marker: str) -> int:
        """Note, before the request, that a record is going to be made; gives the number of the entry."""
        number = len(self._made) + 1
        self._append(
            number=number, side=side.value, entity=entity, mark=mark, id=id, marker=marker, sure=False
        )
        return number

    def was_made(self, number: int, id: str) -> None:
        self._append(number=number, id=id, sure=True)

    def is_over(self, number: int, how: str) -> None:
        self._append(number=number, over=how)

    def _append(self, **entry: Any) -> None:
        self._take(entry)
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StoreError(
                f"{self.path}, the list of what checklists made, can't be written", why=error.strerror or ""
            ) from None

    def _take(self, entry: dict[str, Any]) -> None:
        number = int(entry["number"])
        if number in self._made:
            self._made[number] = replace(
                self._made[number], **{k: v for k, v in entry.items() if k != "number"}
            )
        else:
            self._made[number] = Made(**{**entry, "side": Side(entry["side"])})
