"""Start a Tryton server on a copy of the template, as a process of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from instep.sandbox.launch import STOP_S, SandboxError
from instep.sandbox.tryton.install import Installation, configured

DATABASE = "tryton"
START_S = 120.0
_POLL_S = 0.05
_SERVE = Path(__file__).with_name("serve.py")
_ANSWERS = re.compile(r"Running on (http://127\.0\.0\.1:[0-9]+)")


@dataclass(frozen=True)
class Tryton:
    """A server that answers at `url`. Leaving a `with` block stops it; `directory` has its database and log."""

    url: str
    pid: int
    directory: Path
    installation: Installation
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self) -> Tryton:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start(installation: Installation, directory: Path, *, detached: bool = False) -> Tryton:
    """Serve the database of a directory, a fresh copy of the template if there is none, and wait until it answers.

    `detached` keeps it alive after this process and out of its process group. Raises SandboxError.
    """
    directory.mkdir(parents=True, exist_ok=True)
    database = directory / f"{DATABASE}.sqlite"
    if not database.exists():
        copy = database.with_suffix(".new")
        shutil.copyfile(installation.template / database.name, copy)
        copy.replace(database)
    configuration = directory / "trytond.conf"
    configuration.write_text(configured(directory), encoding="utf-8")
    log = directory / "trytond.log"
    began = log.stat().st_size if log.exists() else 0
    program = installation.programs / "trytond"
    command = [str(installation.python), str(_SERVE), "0" if detached else str(os.getpid()), str(program)]
    with log.open("ab") as said:
        process = subprocess.Popen(  # noqa: S603 - the environment's own program, no shell
            [*command, "-c", str(configuration), "-d", DATABASE],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=detached,
        )
    url = _url(process, log, began)
    if not url:
        process.kill()
        process.wait()
        words = log.read_bytes()[began:].decode("utf-8", "replace").strip().splitlines()[-3:]
        why = " / ".join(words) or "it ended without a word"
        raise SandboxError(f"Tryton was not started\n  why: {why}\n  fix: read {log}")
    return Tryton(url, process.pid, directory, installation, process)


def _url(process: subprocess.Popen[bytes], log: Path, began: int) -> str:
    """Where it says that it answers; "" if it ended, or START_S passed without a word of it."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        found = _ANSWERS.search(log.read_bytes()[began:].decode("utf-8", "replace"))
        if found:
            return found[1]
        time.sleep(_POLL_S)
    return ""
