"""The sandbox of a directory: two servers that outlive the command, and the file that says where they are.

Under `.instep-sandbox/`: the servers' files and logs, a key each, and `state.json` (see `instep.cli.init`).
Only processes that were started here are ended: one is known by its id *and* the moment at which it started,
since an id is given again once its process is gone.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from instep.cli.files import replace_text
from instep.cli.init import SANDBOX
from instep.errors import UsageError
from instep.processes import moment_of_start
from instep.sandbox import launch, tryton
from instep.sandbox.launch import SandboxError
from instep.sandbox.tryton import Tryton
from instep.sandbox.tryton.install import InstallError, usual_cache
from instep.sandbox.world import build_world

SYSTEMS: Final = ("chargebee", "erp")
SYNC_KEY: Final = "sync_key"
TOKEN_ENV: Final = "INSTEP_SANDBOX_ERP_TOKEN"  # noqa: S105 - the name of a variable


@dataclass(frozen=True)
class Server:
    """One server as `state.json` has it. `started`: when its process did, as the system tells it."""

    system: str
    url: str
    pid: int
    started: str
    key_file: str

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def alive(self) -> bool:
        """Whether the process that was started here still runs."""
        return bool(self.started) and moment_of_start(self.pid) == self.started

    def console(self, method: str, path: str, body: Any = None) -> Any:
        """One console request. Raises UsageError with what the server said."""
        try:
            return launch.console(self.url, method, path, body)
        except SandboxError as error:
            raise _usage(error) from None


@dataclass(frozen=True)
class Place:
    """Where a directory's sandbox keeps its files."""

    directory: Path

    @property
    def root(self) -> Path:
        return self.directory / SANDBOX

    @property
    def state(self) -> Path:
        return self.root / "state.json"

    def servers(self) -> dict[str, Server]:
        """What was started last, whether it still runs or not; {} if nothing ever was."""
        try:
            found = json.loads(self.state.read_text("utf-8"))
            return {
                name: Server(name, of["url"], of["pid"], of["started"], of["key_file"])
                for name, of in found.items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def running(self) -> dict[str, Server]:
        """Those that run now."""
        return {name: server for name, server in self.servers().items() if server.alive()}

    def server(self, system: str) -> Server:
        """Raises UsageError if it does not run."""
        found = self.running().get(system)
        if found is None:
            raise UsageError(
                f"the {system} sandbox of {self.directory.absolute()} does not run",
                why="it was never started, or has been stopped" if not self.servers() else "it has ended",
                fix="start it: instep sandbox start",
            )
        return found


def start(place: Place, *, fresh: bool = False, systems: Sequence[str] = SYSTEMS) -> dict[str, Server]:
    """Start what does not run yet of the systems, on the ports and files of the last time; `fresh` forgets all
    records.

    Raises UsageError if a server does not start, or if `fresh` is asked for while one runs.
    """
    there = place.running()
    if fresh and there:
        raise UsageError(
            "the records of a running sandbox can't be thrown away",
            why=f"{' and '.join(there)} run",
            fix="stop it first: instep sandbox stop",
        )
    if fresh and place.root.exists():
        shutil.rmtree(place.root)
    place.root.mkdir(parents=True, exist_ok=True)
    (place.root / ".gitignore").write_text("*\n", encoding="utf-8")
    before = place.servers()
    servers = {}
    try:
        for system in systems:
            servers[system] = there.get(system) or _start(place, system, before.get(system))
    finally:
        _save(place, {**before, **servers})
    return servers


def start_tryton(place: Place, say: Callable[[str], None]) -> Tryton:
    """A real Tryton beside them, installed first if need be. Raises UsageError."""
    try:
        running = tryton.start(tryton.install(usual_cache(), say), place.root / "tryton", detached=True)
    except (SandboxError, InstallError) as error:
        raise _usage(error) from None
    key_file = "tryton.key"
    with os.fdopen(os.open(place.root / key_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(running.installation.password("sync") + "\n")
    server = Server("tryton", running.url, running.pid, moment_of_start(running.pid), key_file)
    _save(place, {**place.servers(), "tryton": server})
    return running


def _start(place: Place, system: str, before: Server | None) -> Server:
    key_file = f"{system}.key"
    key = _key(place.root / key_file)
    options, env = _options(system, key)
    ports = [before.port, 0] if before is not None else [0]
    for port in ports:
        try:
            found = launch.start(
                system, place.root / f"{system}.db", port=port, options=options, env=env, detached=True
            )
        except SandboxError as error:
            if port == ports[-1]:
                raise _usage(error) from None
            continue
        return Server(system, found.url, found.pid, moment_of_start(found.pid), key_file)
    raise AssertionError("the last port either serves or raises")


def _options(system: str, key: str) -> tuple[list[str], Mapping[str, str]]:
    if system == "erp":
        return ["--token-env", TOKEN_ENV], {TOKEN_ENV: key}
    return ["--site", "acme-test", "--key", f"{key}:{SYNC_KEY}", "--switch", "rate_limit_per_min=0"], {}


def _key(path: Path) -> str:
    """The key in the file, made the first time; for its owner's eyes alone."""
    try:
        return path.read_text("utf-8").strip()
    except FileNotFoundError:
        key = f"test_{secrets.token_hex(16)}"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(key + "\n")
        return key


def _save(place: Place, servers: Mapping[str, Server]) -> None:
    state = {
        name: {"url": s.url, "pid": s.pid, "started": s.started, "key_file": s.key_file}
        for name, s in servers.items()
    }
    replace_text(place.state, json.dumps(state, indent=2) + "\n")


def stop(place: Place) -> list[str]:
    """End the processes that `start` started and that still run; their names."""
    ended = []
    for name, server in place.running().items():
        launch.stop(server.pid)
        ended.append(name)
    return ended


def fill(servers: Mapping[str, Server], *, seed: int = 1, scale: float = 1.0) -> int:
    """Load the made-up company into both systems; how many records it has. Raises UsageError."""
    world = build_world(seed, scale)
    count = 0
    for system, records in (("chargebee", world.chargebee), ("erp", world.erp)):
        for entity, rows in records.items():
            servers[system].console("POST", "load", {entity: rows})
            count += len(rows)
    return count


def _usage(error: SandboxError | InstallError) -> UsageError:
    what, _, rest = str(error).partition("\n")
    why, fix = "", ""
    for line in rest.splitlines():
        name, _, said = line.strip().partition(": ")
        why, fix = (said, fix) if name == "why" else (why, said) if name == "fix" else (why, fix)
    return UsageError(what, why=why, fix=fix)
