"""`instep new-connector`: a package with a connector that works, to be made one's own."""

from __future__ import annotations

import keyword
import re
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

import click

from instep.cli.terminal import Terminal
from instep.errors import UsageError
from instep.site import kinds

KIT: Final = "instep.kit"
NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
RECORDING: Final = "recorded.json"


@click.command()
@click.argument("name")
@click.pass_obj
def command(terminal: Terminal, name: str) -> None:
    """Write the package instep-NAME: a connector of your own, with its tests, to be installed beside Instep.

    It works as it is, against a small system that comes with it; make both of them yours, piece by piece.
    """
    problem = _unfit(name)
    if problem:
        raise UsageError(
            f'"{name}" can\'t be the name of a connector',
            why=problem,
            fix="use small letters, digits and single hyphens, for instance: instep new-connector acme-books",
        )
    target = terminal.directory / f"instep-{name}"
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(
            f"nothing was written into {target.absolute()}",
            why="it is there already",
            fix="choose another name, or another directory with -C",
        )
    texts = package(name)
    try:
        for path, text in texts.items():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"the package could not be written into {target.absolute()}",
            why=f"{Path(error.filename or '').name}: {error.strerror}",
        ) from None
    for path in texts:
        terminal.say(f"wrote {target / path}")
    terminal.note(
        f"\nThen:\n  cd {target}\n  pip install -e '.[dev]'\n  pytest\n\nHow to go on: README.md there."
    )


def package(name: str) -> dict[str, str]:
    """Path below the package's directory -> text."""
    module = name.replace("-", "_")
    words = {
        "@name@": name,
        "@module@": module,
        "@Class@": "".join(part.capitalize() for part in name.split("-")),
        "@Name@": " ".join(part.capitalize() for part in name.split("-")),
        "@NAME@": module.upper(),
    }
    places = {"package": f"src/instep_{module}", "gitignore.txt": ".gitignore.txt"}
    texts = {}
    for path, text in _templates(resources.files(KIT), ""):
        head, _, rest = path.partition("/")
        renamed = places.get(head, head) + (f"/{rest}" if rest else "")
        for word, meant in words.items():
            text = text.replace(word, meant)
        texts[renamed.removesuffix(".txt")] = text
    return texts


def _templates(folder: Traversable, below: str) -> list[tuple[str, str]]:
    found = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            found += _templates(entry, f"{below}{entry.name}/")
        elif entry.name.endswith(".txt") or entry.name == RECORDING:
            found.append((f"{below}{entry.name}", entry.read_text(encoding="utf-8")))
    return found


def _unfit(name: str) -> str:
    if not NAME.fullmatch(name) or len(name) > 40:
        return "it becomes the name of a package, and a word in files"
    if keyword.iskeyword(name):
        return "it is a word of Python's own"
    if name in kinds():
        return "a connector of that name is there already"
    return ""
