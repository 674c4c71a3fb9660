"""`instep notify`: whether those who are to be told can be told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import click

from instep.cli.going import arun
from instep.cli.terminal import Terminal
from instep.errors import UsageError
from instep.serve.notify_channels import Message, NotSent
from instep.serve.notify_states import Change
from instep.serve.telling import channels_of
from instep.site import opened

NEEDS_PERSON: Final = 3


@click.group(name="notify")
def command() -> None:
    """Who is told when something needs a person, by mail or webhook (serve.notify)."""


@command.command()
@click.pass_obj
def test(terminal: Terminal) -> int:
    """Send everybody who is to be told a message that says that it is a test; exit code 3 if one did not go out."""
    return arun(_test(terminal))


async def _test(terminal: Terminal) -> int:
    async with opened(terminal.directory) as site:
        channels = channels_of(site)
        terminal.secrets |= site.secrets
        if not channels:
            raise UsageError(
                "nobody is to be told",
                why="instep.yaml has no serve.notify",
                fix="name a mail server or a webhook there: docs/guide/live.md",
            )
        change = Change("test", True, "a test: who reads this is told when something needs a person")
        at = datetime.now(UTC).isoformat(timespec="seconds")
        message = Message(at, site.file.settings.serve.url or "", [change])
        failed = 0
        for channel in channels:
            try:
                await channel.send(message)
            except NotSent as error:
                failed += 1
                terminal.say(f"{channel.name}: not sent: {error}")
            else:
                terminal.say(f"{channel.name}: sent")
    return NEEDS_PERSON if failed else 0
