"""Bring a store's file to the schema of this release: numbered files in `sql/`, forward only, never edited.

`application_id` says that a file is ours, `user_version` which number it has reached. To change the schema, add
the next number, and a test that upgrades a file of the release before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, cast

import apsw

from instep.core.terms import terms
from instep.core.values import Json, decode
from instep.errors import StoreError
from instep.store.chain import SEALED, Anchor, new_salt, resealed

APPLICATION_ID = 0x496E7374
"""The letters "Inst" in the file's header."""

SEALING = 2
"""The number with which the journal became a chain."""

FINDING = 5
"""The number with which records are found by words."""

_PAGE = 1000
_UNSEALED = """
select seq, at_ms, run, pair, side, record_id, partner_id, link_id, operation, outcome, request, reason, changes
from journal where seq > ? order by seq limit ?
"""
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
                if number == SEALING:
                    _seal_all(connection)
                if number == FINDING:
                    _find_all(connection)
                connection.execute(f"pragma application_id = {APPLICATION_ID}")
                connection.execute(f"pragma user_version = {number}")
        except BaseException:
            connection.execute("rollback")
            raise
        connection.execute("commit")


def _seal_all(connection: apsw.Connection) -> None:
    """Make a chain of the entries that were written before there was one. The statements are here, so that they
    go with the schema of that number whatever becomes of the journal later."""
    head = Anchor()
    while page := connection.execute(_UNSEALED, (head.seq, _PAGE)).fetchall():
        for found in page:
            row: dict[str, Any] = dict(zip((*SEALED, "reason", "changes"), found, strict=True))
            row |= {"salt": new_salt(), "commitment": None}
            seal = resealed(head.seal, row)
            given = (row["salt"], seal, row["seq"])
            connection.execute("update journal set salt = ?, seal = ? where seq = ?", given)
            head = Anchor(row["seq"], seal, head.count + 1, row["at_ms"])
    connection.execute(
        "update journal_chain set head_seq = ?, head_seal = ?, head_count = ?, head_ms = ?",
        (head.seq, head.seal, head.count, head.at_ms),
    )


def _find_all(connection: apsw.Connection) -> None:
    """Let the records that were read before be found by words."""
    for found in connection.execute("select side, entity, id, fields from sightings"):
        side, entity, id, fields = cast(tuple[str, str, str, str], found)
        connection.executemany(
            "insert into terms (term, side, entity, id) values (?, ?, ?, ?)",
            [(term, side, entity, id) for term in terms(id, cast(dict[str, Json], decode(fields)))],
        )


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
