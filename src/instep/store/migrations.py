"""Bring a store's file to the schema of this release: numbered files in `sql/`, forward only, never edited.

`application_id` says that a file is ours, `user_version` which number it has reached. To change the schema, add
the next number, and a test that upgrades a file of the release before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

import apsw

from instep.errors import StoreError

APPLICATION_ID = 0x496E7374
"""The letters "Inst" in the file's header."""

_NUMBERED = re.compile(r"(\d{4})_\w+\.sql")


@cache
def scripts() -> Mapping[int, str]:
    """Number -> SQL, from 1 without a gap."""
    found: dict[int, str] = {}
    for file in resources.files("instep.store").joinpath("sql").iterdir():
        numbered = _NUMBERED.fullmatch(file.name)
        if numbered is not None:
            found[int(numbered[1])] = file.read_text("utf-8")
    if sorted(found) != list(range(1, len(found) + 1)):
        raise ValueError(f"the schema's numbers have a gap or a double: {sorted(found)}")
    return found


def migrate(connection: apsw.Connection, path: str) -> None:
    """Run what is missing, each number in a transaction of its own. Raises StoreError for a file that is not
    ours or comes from a newer release, before anything in it is touched."""
    latest = len(scripts())
    if _version(connection, path) == latest:
        return
    for number in range(1, latest + 1):
        connection.execute("begin immediate")
        try:
            # Another process may have been here since; what it has done is not done again.
            if _version(connection, path) < number:
                connection.execute(scripts()[number])
                connection.execute(f"pragma application_id = {APPLICATION_ID}")
                connection.execute(f"pragma user_version = {number}")
        except BaseException:
            connection.execute("rollback")
            raise
        connection.execute("commit")


def _version(connection: apsw.Connection, path: str) -> int:
    version = int(connection.pragma("user_version"))
    application_id = connection.pragma("application_id")
    tables = connection.execute("select count(*) from sqlite_schema").get
    if application_id != APPLICATION_ID and (application_id or version or tables):
        raise StoreError(
            f"the file is not an Instep store: {path}",
            why="it is an SQLite database that another program made",
            fix="name the right file, or move this one away to begin with an empty store",
        )
    if version > len(scripts()):
        raise StoreError(
            f"the store is from a newer release of Instep: {path}",
            why=f"its schema has number {version}; this release knows up to {len(scripts())}",
            fix="install the newer release again, or restore the backup from before the upgrade",
        )
    return version
