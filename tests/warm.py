"""Sandbox servers that start warm: a process that has imported all that they need is forked for each.

    with start("erp", tmp_path / "erp.db", options=["--token", "t"]) as erp: ...

It is `instep.sandbox.launch.start` without an interpreter and imports of its own, which are nine tenths of what a
start costs. Everything else is as there: a process per server, with its own file, port, log and end, killed as
one likes. For servers as such (`tests/sandbox`), and for ones that outlive their test, use `launch`.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from instep.sandbox.__main__ import main
from instep.sandbox.launch import START_S, Running, SandboxError

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.warm_imports"])


class _Process:
    """What `Running` asks of a `subprocess.Popen`."""

    stdout = None

    def __init__(self, process: Any) -> None:
        self._process = process

    @property
    def returncode(self) -> int | None:
        code: int | None = self._process.exitcode
        return code

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("a warm server", timeout or 0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self._process.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def start(system: str, db: Path, *, port: int = 0, options: Sequence[str] = ()) -> Running:
    """Start the server `system` on the file `db` and wait until it answers. Raises SandboxError."""
    log = db.with_suffix(".log")
    words = [system, "--db", str(db), "--port", str(port), *options]
    said, saying = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=_serve, args=(words, str(log), saying), daemon=True)
    process.start()
    saying.close()
    with said, open(said.fileno(), closefd=False) as lines:
        line = lines.readline() if said.poll(START_S) else ""
    if not line:
        process.kill()
        process.join()
        raise SandboxError(f"the {system} sandbox was not started: {log.read_text('utf-8', 'replace')}")
    ready = json.loads(line)
    running: Any = _Process(process)
    return Running(system, ready["url"], ready["pid"], log, running)


def _serve(words: list[str], log: str, saying: Any) -> None:
    """In the new process: what a server's command line does, to its end or to that of the test process."""
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), 2)
    os.dup2(saying.fileno(), 1)
    saying.close()
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - for as long as the process lives
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.exit(main(words))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
