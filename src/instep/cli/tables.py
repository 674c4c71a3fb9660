"""Rows in aligned columns. A module of its own, since the library takes longer to load than most commands run."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from io import StringIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from instep.cli.terminal import Terminal

_PIPED_WIDTH = 500


def say_table(
    terminal: Terminal,
    rows: Iterable[Sequence[object]],
    *,
    head: Sequence[str] = (),
    right: Sequence[int] = (),
    indent: int = 0,
) -> None:
    """Print rows in aligned columns, without lines around them; columns numbered in `right` are set right.

    Long cells wrap on a terminal and are left whole elsewhere. Cells may hold `Terminal.style`d text.
    """
    cells = [[str(cell) for cell in row] for row in rows]
    on_terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if on_terminal else _PIPED_WIDTH
    table = Table(box=None, show_header=bool(head), pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for number in range(max((len(row) for row in (head, *cells)), default=0)):
        title = head[number] if number < len(head) else ""
        table.add_column(title, justify="right" if number in right else "left", overflow="fold")
    for row in cells:
        table.add_row(*(Text.from_ansi(cell) for cell in row))
    out = StringIO()
    colour = on_terminal and not os.environ.get("NO_COLOR")
    Console(file=out, width=width - indent, force_terminal=colour, highlight=False).print(table)
    for line in out.getvalue().splitlines():
        terminal.say(" " * indent + line.rstrip())
