"""`instep sql`: what a database needs for Instep: triggers that write down changes, and rights."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

import click

from instep.cli.terminal import Terminal
from instep.core.model import SIDES
from instep.dataflow.secrets import resolver
from instep.errors import UsageError
from instep.site import load_site

try:
    import sqlalchemy as sa

    from instep.connectors.sql import SqlConnector, preparing
    from instep.connectors.sql.grants import grants as least
except ImportError as error:
    raise UsageError(
        "databases need more than is installed",
        why=f"{error.name} is not there",
        fix="pip install 'instep[sql]'",
    ) from None


@click.group()
def command() -> None:
    """Set up, take back and describe what Instep needs in a database."""


_SIDE = click.option(
    "--side", type=click.Choice([side.value for side in SIDES]), help="Which system, if both are."
)
_PRINT = click.option("--print", "printed", is_flag=True, help="Show the statements, and run none.")
_URL = click.option("--url", help="Address for somebody with more rights: postgresql://admin@host/database.")
_PASSWORD = click.option("--password", help="Where that password is: env:NAME or file:PATH.")


@command.command()
@_SIDE
@_PRINT
@_URL
@_PASSWORD
@click.pass_obj
def prepare(
    terminal: Terminal, side: str | None, printed: bool, url: str | None, password: str | None
) -> None:
    """Write the triggers that tell what has changed.

    For the entities that say `changes: {by: triggers}`. Setting up twice does no harm.
    """
    _administer(terminal, side, printed, url, password, "prepare")


@command.command()
@_SIDE
@_PRINT
@_URL
@_PASSWORD
@click.pass_obj
def unprepare(
    terminal: Terminal, side: str | None, printed: bool, url: str | None, password: str | None
) -> None:
    """Remove the triggers and their log again."""
    _administer(terminal, side, printed, url, password, "unprepare")


@command.command()
@_SIDE
@click.option(
    "--user", default="instep", show_default=True, help="Name of Instep's own user in the database."
)
@click.pass_obj
def grants(terminal: Terminal, side: str | None, user: str) -> None:
    """Print the least rights that Instep's user needs, as GRANT statements."""
    connector = _connector(terminal, side)
    terminal.say("\n".join(least(connector.description, connector.dialect, user)))


def _administer(
    terminal: Terminal, side: str | None, printed: bool, url: str | None, password: str | None, what: str
) -> None:
    connector = _connector(terminal, side, offline=printed or url is not None)
    description = connector.description
    if not preparing.watched(description) and what == "prepare":
        raise UsageError(
            "no entity tells its changes by triggers",
            why=f"none of {', '.join(description.entities)} says so",
            fix="write changes: {by: triggers} for those that are to, then: instep sql prepare",
        )
    if printed:
        make = preparing.prepare if what == "prepare" else preparing.unprepare
        terminal.say("\n".join(f"{statement};" for statement in make(description, connector.dialect)))
        return
    secret = None
    if password is not None:
        secret = resolver(directory=terminal.directory, environ=os.environ)(password)

    def statements(connection: sa.Connection) -> Sequence[str]:
        if what == "prepare":
            return preparing.prepare(description, connector.dialect)
        return preparing.unprepare(description, connector.dialect, preparing.ours(connection))

    ran = asyncio.run(connector.administer(url, secret, statements))
    tables = len(preparing.watched(description))
    noun = "1 table" if tables == 1 else f"{tables} tables"
    told = (
        f"changes of {noun} are written down from now on"
        if what == "prepare"
        else "triggers and log are removed"
    )
    terminal.say(f"{connector.name}: {told} ({len(ran)} statements)")


def _connector(terminal: Terminal, side: str | None, *, offline: bool = True) -> SqlConnector:
    """The system of kind sql that is meant. Raises UsageError if there is none, or one has to be chosen."""
    connectors = load_site(terminal.directory, offline=offline).connectors
    found = {each.value: connectors[each] for each in SIDES if isinstance(connectors[each], SqlConnector)}
    if side is not None:
        found = {name: connector for name, connector in found.items() if name == side}
    if not found:
        what = f"the {side} system is no database" if side else "neither system is a database"
        raise UsageError(what, why="its kind is not sql", fix="see docs/guide/sql.md")
    if len(found) > 1:
        raise UsageError("both systems are databases", fix="say which: --side left, or --side right")
    (connector,) = found.values()
    assert isinstance(connector, SqlConnector)
    return connector
