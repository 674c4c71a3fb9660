"""What commands on stored records share: the site without its systems, what names a record, and who decides."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from getpass import getuser
from typing import Final

import click

from instep.cli.terminal import Terminal
from instep.core.model import SIDES
from instep.errors import UsageError
from instep.site import Site, opened

HOLD: Final = click.IntRange(1, 2**63 - 1)
"""The number of a hold; a larger one is in no store."""


def side_option(function: click.decorators.FC) -> click.decorators.FC:
    """`--side left|right`, for an id that may be in use on both."""
    option = click.option(
        "--side", type=click.Choice([s.value for s in SIDES]), help="The side that the id is of."
    )
    return option(function)


def who() -> str:
    """The name that the journal keeps of a decision at the command line."""
    try:
        return getuser()
    except (OSError, KeyError):
        return "command line"


@asynccontextmanager
async def known_site(terminal: Terminal) -> AsyncIterator[Site]:
    """The site and what it knows, with no system asked and no secret read.

    Raises UsageError if nothing was ever read, ConfigurationError as `load_site`.
    """
    async with opened(terminal.directory, offline=True) as site:
        if site.existing_store() is None:
            raise UsageError(
                "nothing is known yet",
                why=f"there is no store at {site.file.settings.store}",
                fix="read both systems first: instep plan",
            )
        yield site
