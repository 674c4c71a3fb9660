"""`instep serve`: keep both systems in step day and night, and show it."""

from __future__ import annotations

import asyncio

import click

from instep.cli.going import Interrupt, arun
from instep.cli.terminal import Terminal
from instep.serve.access import access_of, configured
from instep.serve.app import build_app
from instep.serve.live import Live
from instep.serve.serving import listener, serving, url_of
from instep.site import opened

OWN = "instep.token"


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port", default=8480, show_default=True, type=click.IntRange(0, 65535), help="0: any free one."
)
@click.pass_obj
def command(terminal: Terminal, host: str, port: int) -> int:
    """Keep both systems in step until stopped, and serve the console and the API.

    Ctrl-C finishes the calls that are on their way; what was done is kept. A second one stops at once.
    """
    return arun(_serve(terminal, host, port))


async def _serve(terminal: Terminal, host: str, port: int) -> int:
    interrupt = Interrupt(terminal)
    async with opened(terminal.directory) as site:
        terminal.secrets |= site.secrets
        site.require_sound()
        settings, directory = site.file.settings.serve, site.file.directory
        tokens, own = configured(settings, directory, site.file.path(OWN))
        site.secrets.update(token for token, _, _ in tokens)
        terminal.secrets |= site.secrets
        live = Live(site)
        app = build_app(site, live, access_of(tokens))
        listening = listener(host, port)
        with interrupt.listening(), interrupt.stops(live.stop):
            going = asyncio.ensure_future(live.go_on())
            try:
                async with serving(app, listening):
                    known = (
                        f"the token is in {own}" if own is not None else "who may log in is in instep.yaml"
                    )
                    terminal.say(f"{url_of(listening)}: {known}")
                    await going
            finally:
                live.stop()
                await going
        return 0
