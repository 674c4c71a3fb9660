"""`instep serve`: keep both systems in step day and night, and show it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.metadata import version

import click
import structlog

from instep.cli.going import Interrupt, arun
from instep.cli.terminal import Terminal
from instep.serve import logs
from instep.serve.access import access_of, configured
from instep.serve.app import build_app
from instep.serve.health import is_alive
from instep.serve.live import Live
from instep.serve.metrics import Metrics
from instep.serve.observing import Observing
from instep.serve.serving import listener, serving, url_of
from instep.serve.supervisor import keep_alive, tell
from instep.serve.telling import notifier_of
from instep.serve.traces import Traces
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
    terminal.quiet = terminal.quiet or not terminal.interactive  # then every line there is one of the log
    interrupt, observing = Interrupt(terminal), Observing(Metrics())
    async with opened(terminal.directory, log=observing.exchanged) as site:
        terminal.secrets |= site.secrets
        site.require_sound()
        settings, directory = site.file.settings.serve, site.file.directory
        tokens, own = configured(settings, directory, site.file.path(OWN))
        site.secrets.update(token for token, _, _ in tokens)
        logs.configure(site.secrets)
        with traced(observing, settings.traces):
            site.spans = observing.spans
            live = Live(site)
            notifier = notifier_of(site, live, observing.metrics)
            terminal.secrets |= site.secrets
            app = build_app(site, live, access_of(tokens), observing.metrics)
            listening = listener(host, port)
            known = f"the token is in {own}" if own is not None else "who may log in is in instep.yaml"
            with interrupt.listening(), interrupt.stops(live.stop):
                going = asyncio.ensure_future(live.go_on())
                try:
                    async with (
                        serving(app, listening),
                        beside(notifier.go_on(), keep_alive(lambda: is_alive(live))),
                    ):
                        terminal.say(f"{url_of(listening)}: {known}")
                        tell("READY=1")
                        await going
                finally:
                    tell("STOPPING=1")
                    live.stop()
                    await going
    return 0


@contextmanager
def traced(observing: Observing, endpoint: str | None) -> Iterator[None]:
    """Traces go to that collector, if there is one, for as long as the block lasts."""
    if endpoint is None:
        yield
        return
    observing.traces = Traces(endpoint, version("instep"))
    try:
        yield
    finally:
        observing.traces.close()


@asynccontextmanager
async def beside(*works: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """These go on for as long as the block lasts; one that fails is logged, and ends nothing else."""
    tasks = [asyncio.ensure_future(work) for work in works]
    for task in tasks:
        task.add_done_callback(_tell)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _tell(task: asyncio.Future[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        structlog.get_logger().error("what goes on beside the loop has ended", exc_info=error)
