"""Start and stop sandbox servers as processes of their own: for the command line, tests and benchmarks.

    with start("erp", tmp_path / "erp.db", options=["--token", "t"]) as erp:
        erp.load(build_world().erp)

Not for serving inside the own event loop: that is `kit.listening`.
"""

from __future__ import annotations

import itertools
import json
import os
import select
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_S = 30.0
STOP_S = 10.0
_POLL_S = 0.02


class SandboxError(Exception):
    """A server did not start, or its console refused; the message says which and why."""


@dataclass(frozen=True)
class Running:
    """A server that answers. Leaving a `with` block stops it."""

    system: str
    url: str
    pid: int
    log: Path
    process: subprocess.Popen[str]

    def console(self, method: str, path: str, body: Any = None) -> Any:
        """One console request, `path` below `/_console/`; returns the JSON answer. Raises SandboxError."""
        return console(self.url, method, path, body)

    def load(self, records: Mapping[str, Iterable[Mapping[str, Any]]], *, at_once: int = 5000) -> int:
        """Put records into the server, entity by entity in the order given, so many in one request.

        The records may come from generators. Returns how many there were. Raises SandboxError; what was
        loaded before stays.
        """
        count = 0
        for name, rows in records.items():
            left = iter(rows)
            while chunk := list(itertools.islice(left, at_once)):
                self.console("POST", "load", {name: chunk})
                count += len(chunk)
        return count

    def counters(self) -> dict[str, Any]:
        counts: dict[str, Any] = self.console("GET", "counters")
        return counts

    def reset_counters(self) -> None:
        self.console("POST", "counters", {"reset": True})

    def add_fault(self, effect: Mapping[str, Any], **rule: Any) -> int:
        """Put a fault rule in force (see `kit.faults`); returns its number."""
        ids: list[int] = self.console("POST", "faults", {**rule, "effect": dict(effect)})["ids"]
        return ids[0]

    def clear_faults(self) -> None:
        self.console("DELETE", "faults")

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start(
    system: str,
    db: Path,
    *,
    port: int = 0,
    options: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    with_parent: bool = True,
    detached: bool = False,
) -> Running:
    """Start the server `system` ("chargebee" or "erp") on the file `db` and wait until it answers.

    What it prints goes to a `.log` file next to `db`. `env` is added to its environment (for secrets).
    `detached` keeps it alive after this process and out of its process group. Raises SandboxError.
    """
    log = db.with_suffix(".log")
    command = [sys.executable, "-m", "instep.sandbox", system, "--db", str(db), "--port", str(port)]
    if with_parent and not detached:
        command.append("--with-parent")
    with log.open("ab") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            [*command, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, **(env or {})},
            start_new_session=detached,
        )
    line = _ready_line(process)
    if not line:
        process.kill()
        process.wait()
        raise SandboxError(
            f"the {system} sandbox was not started\n  why: {_last_words(log)}\n  fix: read {log.name}"
        )
    ready = json.loads(line)
    return Running(system, ready["url"], ready["pid"], log, process)


def stop(pid: int) -> None:
    """Stop a server by its process id, whoever started it; one that is gone already is no error."""
    for number, wait_s in ((signal.SIGTERM, STOP_S), (signal.SIGKILL, STOP_S)):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + wait_s
        while time.monotonic() < deadline:
            if _gone(pid):
                return
            time.sleep(_POLL_S)


def console(url: str, method: str, path: str, body: Any = None) -> Any:
    """One request to the console of the server at `url`. Raises SandboxError with what it said."""
    request = urllib.request.Request(  # noqa: S310 - a loopback URL that a sandbox printed
        f"{url}/_console/{path}",
        data=None if body is None else json.dumps(body).encode(),
        method=method,
        headers={"content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310 - as above
            content = answer.read()
    except urllib.error.HTTPError as error:
        with error:
            said = error.read(2000).decode("utf-8", "replace")
        raise SandboxError(
            f"the sandbox console refused {method} {path}\n  why: {error.code}: {said}"
        ) from None
    except OSError as error:
        raise SandboxError(f"the sandbox console did not answer {method} {path}\n  why: {error}") from None
    return json.loads(content) if content else None


def _ready_line(process: subprocess.Popen[str]) -> str:
    """The first line, "" if the process ended or START_S passed without one."""
    if process.stdout is None:
        return ""
    readable, _, _ = select.select([process.stdout], [], [], START_S)
    return process.stdout.readline() if readable else ""


def _gone(pid: int) -> bool:
    try:
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return True
    except ChildProcessError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def _last_words(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    # A message has three lines: what, why and fix.
    return " / ".join(line.strip() for line in lines[-3:]) or "it ended without a word"
