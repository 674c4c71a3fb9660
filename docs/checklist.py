"""The checklists of the shipped dataflows, run: the pages `qa-*.rst` under `docs/document`.

`make qa` runs them anew and writes the pages; tests run them and compare what the pages state.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from docs.generate import DOCUMENT
from instep.cli import servers
from instep.cli.servers import Place

PAGES: Final = {"qa-sandbox.rst": "erp", "qa-tryton.rst": "tryton"}
"""Page -> the system beside Chargebee's emulator."""
DELETE_DELAY_S: Final = 1
"""How long the emulator takes to delete a customer; Chargebee takes minutes."""
WRITTEN: Final = (0, 3)


def run(page: str, directory: Path) -> dict[str, str]:
    """Start both systems, empty, in a directory, and run the whole checklist there; the page and its picture."""
    place = Place(directory)
    try:
        started = servers.start(place, systems=("chargebee",) if PAGES[page] == "tryton" else servers.SYSTEMS)
        if PAGES[page] == "tryton":
            servers.start_tryton(place, print)
        started["chargebee"].console("POST", "switches", {"customer_delete_delay_s": DELETE_DELAY_S})
        _instep(directory, "init", "--sandbox")
        _instep(directory, "qa", "--report", str(directory / page))
    finally:
        servers.stop(place)
    return {name: (directory / name).read_text("utf-8") for name in (page, _picture(page))}


def _instep(directory: Path, *words: str) -> None:
    command = [sys.executable, "-m", "instep", "-q", "-C", str(directory), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    if done.returncode not in WRITTEN:
        raise RuntimeError(f"instep {' '.join(words)} ended with {done.returncode}: {done.stderr}")


def _picture(page: str) -> str:
    return str(Path(page).with_suffix(".svg"))


def stated(text: str) -> str:
    """What a page states, without what differs from run to run: the time, the versions, the mark, the numbers of
    entries in the journal."""
    text = re.sub(r"^Run qa.* UTC with .*?: ", "Run: ", text, flags=re.MULTILINE)
    text = re.sub(r" *\(journal [0-9, ]+\)", "", text)
    return re.sub(r"qa(\\?)-[0-9a-f]{8}", r"qa\1-00000000", text)


def write() -> None:
    """Run every checklist and write its page."""
    for page in PAGES:
        with tempfile.TemporaryDirectory() as directory:
            for name, text in run(page, Path(directory)).items():
                (DOCUMENT / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
