"""`instep document`: the dataflow as a document for people, made from the files alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from instep.cli.files import require_form, write_text
from instep.cli.terminal import Terminal
from instep.core.model import Side
from instep.dataflow.documents.formats import WRITERS, differing, files_of
from instep.dataflow.documents.writing import page_of
from instep.site import load_site

USUAL: Final = "dataflow.rst"
OUT_OF_DATE: Final = 3


@click.command()
@click.argument("files", nargs=-1, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--to",
    type=click.Choice([side.value for side in Side]),
    help="Only what is written to this side, as documents of one direction have it.",
)
@click.option("--check", is_flag=True, help="Write nothing; fail if a file is not what it would be now.")
@click.pass_obj
def command(terminal: Terminal, files: Sequence[Path], to: str | None, check: bool) -> int:
    """Write what is kept in step as a document: rules, properties with examples, and a checklist.

    FILES end in .rst, .md or .html; dataflow.rst beside instep.yaml, if none is given. No system is asked and no
    secret read: the same files make the same document. What was written as .rst can be read again: instep init --from
    """
    files = files or (terminal.directory / USUAL,)
    require_form(files, WRITERS, "document")
    site = load_site(terminal.directory, offline=True)
    entities = site.connectors.map(lambda connector: connector.entities())
    page = page_of(site.dataflow, entities, site.systems, to=Side(to) if to else None)
    wanted = {Path(name): text for path in files for name, text in files_of(page, str(path)).items()}
    if check:
        return _check(terminal, wanted)
    for path, text in wanted.items():
        write_text(path, text)
        terminal.say(f"wrote {path}")
    return 0


def _check(terminal: Terminal, wanted: dict[Path, str]) -> int:
    code = 0
    for path, text in wanted.items():
        try:
            found = path.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n")
        except OSError as error:
            terminal.say(f"{path} can't be read: {error.strerror}")
            code = OUT_OF_DATE
            continue
        if found != text:
            code = OUT_OF_DATE
            terminal.say(f"{path} is out of date:")
            for line in differing(path.name, text, found):
                terminal.say(f"  {line}")
    names = " ".join(str(path) for path in wanted if path.suffix in WRITERS)
    terminal.note(f"\nWrite it anew: instep document {names}" if code else "every file is up to date")
    return code
