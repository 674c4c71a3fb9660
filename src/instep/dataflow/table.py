"""The table of a `lookup(file=...)`: a CSV file beside the dataflow, read while that is built."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from instep.core.transformations.arguments import scalar
from instep.core.transformations.contract import Arguments, Scalar

MOST_BYTES: Final = 5_000_000


def with_table(arguments: Arguments, folder: Path) -> Arguments:
    """A lookup's arguments with the rows of the file that they name, if they do, before those spelled out.

    A path is relative to `folder`, and may not leave it. Raises ValueError with a sentence and, after ". ", how to
    mend it.
    """
    files = [value for key, value in arguments.named if key == "file"]
    if not files:
        return arguments
    others = tuple(pair for pair in arguments.named if pair[0] != "file")
    if len(files) > 1:
        raise ValueError("lookup: file is given more than once. Name one file")
    return replace(arguments, named=(*_rows(folder, str(files[0])), *others))


def _rows(folder: Path, name: str) -> Iterator[tuple[Scalar, Scalar]]:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(f'lookup: "{name}" is outside of the folder of the dataflow. Put the file beside it')
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(
                f'lookup: "{name}" is larger than 5 MB. A table of that size belongs into a system'
            )
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ValueError(f'lookup: there is no file "{name}" beside the dataflow. Make it') from None
    except UnicodeDecodeError:
        raise ValueError(f'lookup: "{name}" is not a text in UTF-8. Save it as CSV UTF-8') from None
    except OSError as error:
        raise ValueError(
            f'lookup: "{name}" can\'t be read: {error.strerror}. See to its permissions'
        ) from None
    lines = text.splitlines()
    heading = lines[0] if lines else ""
    separator = ";" if heading.count(";") > heading.count(",") else ","
    table = csv.reader(lines, delimiter=separator)
    try:
        for row in table:
            yield from _row(row, table.line_num, name)
    except csv.Error as error:
        raise ValueError(
            f'lookup: line {table.line_num} of "{name}" is not CSV: {error}. Mend the line'
        ) from None


def _row(row: list[str], number: int, name: str) -> Iterator[tuple[Scalar, Scalar]]:
    cells = [cell.strip() for cell in row]
    if number == 1:
        if [cell.casefold() for cell in cells[:2]] != ["left", "right"]:
            raise ValueError(f'lookup: "{name}" has no heading. Let its first line be: left,right')
    elif any(cells):
        if len(cells) < 2 or not cells[0] or not cells[1] or any(cells[2:]):
            raise ValueError(
                f'lookup: line {number} of "{name}" has not two values. Write: left value,right value'
            )
        yield scalar(cells[0]), scalar(cells[1])
