"""What the demonstration stands on: real commands with their real output, the systems' own APIs and counters."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import instep.cli
from instep.cli import STOPPED
from instep.cli.servers import Place, Server
from instep.cli.terminal import Terminal

DONE: Final = (0, 3)
"""Exit codes of a command that did its work: nothing, or something, waits for a person."""


@dataclass
class Stage:
    """One demonstration: its directory, its servers, and what was expected in vain."""

    terminal: Terminal
    directory: Path
    servers: Mapping[str, Server] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    heading: int = 0

    def title(self, text: str) -> None:
        """The heading of the next act."""
        self.heading += 1
        self.terminal.say()
        self.terminal.say(self.terminal.style(f"{self.heading}. {text}", bold=True))

    def tell(self, text: str) -> None:
        self.terminal.say(text)

    def command(self, *words: str, last: int | None = None) -> int:
        """Run an instep command in the directory, output and all (or its `last` lines); its exit code."""
        self.terminal.say(self.terminal.style(f"$ instep {' '.join(words)}", fg="cyan"))
        if last is None:
            return self._noted(_run(self.directory, words), words)
        code, said = _heard(self.directory, ("--quiet", *words))
        lines = said.splitlines()
        if len(lines) > last:
            self.terminal.say(f"... {len(lines) - last} lines")
        for line in lines[-last:]:
            self.terminal.say(line)
        return self._noted(code, words)

    def _noted(self, code: int, words: Sequence[str]) -> int:
        """A command that could not do its work is a claim that did not hold; Ctrl-C in one ends the story."""
        if code == STOPPED:
            raise KeyboardInterrupt
        if code not in DONE:
            self.failures.append(f"instep {' '.join(words)} ended with {code}")
        return code

    def ask(self, *words: str) -> str:
        """What an instep command prints, without printing it. AssertionError if it fails."""
        code, said = _heard(self.directory, ("--quiet", *words))
        if code not in DONE:
            raise AssertionError(f"instep {' '.join(words)} ended with {code}")
        return said

    def ask_lines(self, *words: str) -> list[dict[str, Any]]:
        """The objects that a command prints, one a line."""
        return [json.loads(line) for line in self.ask(*words, "--json").splitlines()]

    def ask_holds(self) -> list[dict[str, Any]]:
        """Everything that is held now."""
        found: list[dict[str, Any]] = json.loads(self.ask("holds", "list", "--json"))
        return found

    def expect(self, fact: bool, sentence: str) -> None:
        """Say what has to be true now, and remember it if it is not."""
        sign = self.terminal.style("✓", fg="green") if fact else self.terminal.style("✗", fg="red", bold=True)
        self.terminal.say(f"{sign} {sentence}{'' if fact else '   NOT SO'}")
        if not fact:
            self.failures.append(sentence)

    # The two systems, as a person at their screens and as any client sees them

    def edit(self, system: str, entity: str, id: str, who: str, **fields: Any) -> None:
        """A person changes a record at that system's own screen."""
        shown = ", ".join(
            f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items()
        )
        self.terminal.say(f"  {who}: {entity} {id}: {shown}")
        self.servers[system].console("PATCH", f"{_plural(entity)}/{id}", fields)

    def new(self, system: str, entity: str, **fields: Any) -> str:
        """A person makes a record; its id."""
        return str(self.servers[system].console("POST", _plural(entity), fields)["id"])

    def records(self, system: str, entity: str) -> dict[str, dict[str, Any]]:
        """Every record as that system's own API lists it, by id; deleted ones left out."""
        rows = self._chargebee(entity) if system == "chargebee" else self._erp(entity)
        return {str(row["id"]): row for row in rows if not row.get("deleted")}

    def record(self, system: str, entity: str, id: str) -> dict[str, Any]:
        """One record as that system's own API shows it."""
        path = f"api/v2/{_plural(entity)}/{id}" if system == "chargebee" else f"api/v1/{_plural(entity)}/{id}"
        found: dict[str, Any] = self._get(system, path)
        return dict(found[entity]) if system == "chargebee" else found

    def _chargebee(self, entity: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        offset: dict[str, str] = {}
        while True:
            page = self._get("chargebee", f"api/v2/{_plural(entity)}", limit="100", **offset)
            rows += [entry[entity] for entry in page["list"]]
            if "next_offset" not in page:
                return rows
            offset = {"offset": page["next_offset"]}

    def _erp(self, entity: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            page = self._get("erp", f"api/v1/{_plural(entity)}", cursor=cursor, page_size="200")
            rows += page["items"]
            cursor = page.get("next_cursor")
        return rows

    def _get(self, system: str, path: str, **params: str) -> Any:
        server = self.servers[system]
        key = (Place(self.directory).root / server.key_file).read_text("utf-8").strip()
        basic = base64.b64encode(f"{key}:".encode()).decode()
        request = urllib.request.Request(  # noqa: S310 - a loopback URL of our own server
            f"{server.url}/{path}?{urllib.parse.urlencode(params)}",
            headers={"Authorization": f"Basic {basic}" if system == "chargebee" else f"Bearer {key}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
            return json.load(answer)

    def counters(self) -> dict[str, dict[str, Any]]:
        """What each server counted itself: reads, writes, refused, and `by` route."""
        return {name: server.console("GET", "counters") for name, server in self.servers.items()}

    def reset_counters(self) -> None:
        for server in self.servers.values():
            server.console("POST", "counters", {"reset": True})

    def pause(self, seconds: float) -> None:
        """Let the systems' clocks, which count in whole seconds, move on."""
        time.sleep(seconds)


def _heard(directory: Path, words: tuple[str, ...]) -> tuple[int, str]:
    """The exit code of a command, and what it printed."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with contextlib.redirect_stdout(out):
        code = _run(directory, words)
    out.seek(0)
    return code, out.read()


def _run(directory: Path, words: tuple[str, ...]) -> int:
    try:
        instep.cli.instep.main(["-C", str(directory), *words], prog_name="instep", obj=Terminal())
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


def _plural(entity: str) -> str:
    return f"{entity[:-1]}ies" if entity.endswith("y") else f"{entity}s"
