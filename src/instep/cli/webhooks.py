"""`instep webhooks`: the endpoints by which Chargebee tells `instep serve` when a record changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final
from urllib.parse import urlsplit

import click

from instep.cli.going import arun
from instep.cli.tables import say_table
from instep.cli.terminal import Terminal
from instep.connectors.chargebee import ChargebeeConnector
from instep.connectors.chargebee.endpoints import MOST, Endpoint, NotTaken
from instep.connectors.chargebee.hints import events_for
from instep.connectors.http import LOOPBACK
from instep.connectors.webhooks import Password
from instep.core.model import SIDES, Side
from instep.core.phrases import counted, moment
from instep.errors import Problem, Refused, UsageError
from instep.runner.engine import entities_of
from instep.serve.hooks import PREFIX, places
from instep.site import Site, opened

NAME: Final = "Instep"
LATELY_S: Final = 86_400
"""Deliveries that failed longer ago than this say nothing of now."""


@dataclass(frozen=True)
class Ours:
    """The Chargebee site and the endpoint that it is to have. `address`: "" if nobody said where we are reached.
    `path`: what any address ends with at which instep serve takes them."""

    connector: ChargebeeConnector
    address: str
    path: str
    events: list[str]

    def needed(self, url: str = "", *, otherwise: str = "") -> str:
        """The address, or the one given in its place; `otherwise`: what else mends it if there is none. Raises
        UsageError."""
        address = url or self.address
        if not address:
            raise UsageError(
                "it is not known at which address Chargebee reaches instep serve",
                fix=f"write it into instep.yaml: serve: {{url: https://HOST}}{otherwise}",
            )
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"{address} is no address", fix=f"write it as https://HOST{self.path}")
        if not parts.path.endswith(self.path):
            raise UsageError(
                f"{address} is not where instep serve takes webhooks",
                why=f"they come in at {self.path}",
                fix=f"instep webhooks create --url {parts.scheme}://{parts.netloc}{self.path}",
            )
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise UsageError(
                f"{address} is not encrypted",
                why="the password would be sent in the clear",
                fix="put a proxy with a certificate in front, and write https://",
            )
        return address

    def has(self, endpoint: Endpoint) -> bool:
        """Whether it is that endpoint, be it with the password in its address."""
        return bool(self.address) and self.address in (endpoint.url, endpoint.url.rpartition("/")[0])

    @property
    def proof(self) -> Password:
        """Raises UsageError."""
        proof = self.connector.proof
        if not isinstance(proof, Password):
            raise UsageError(
                "there is no password by which a webhook of Chargebee would be known",
                fix="add to the Chargebee system in instep.yaml: webhooks: {password: {env: NAME}}",
            )
        return proof


def ours(site: Site) -> Ours:
    """Raises UsageError if no system is a Chargebee site."""
    for side in SIDES:
        connector = site.connectors[side]
        if isinstance(connector, ChargebeeConnector):
            path = f"{PREFIX}/{next(p for p, whose in places(site.file.systems).items() if whose is side)}"
            base = site.file.settings.serve.url
            return Ours(connector, f"{base.rstrip('/')}{path}" if base else "", path, _events(site, side))
    raise UsageError("none of the two systems is a Chargebee site", why="webhooks of others are set up there")


def _events(site: Site, side: Side) -> list[str]:
    return events_for(entity for where, entity in entities_of(site.dataflow) if where is side)


def problems(ours: Ours, endpoints: Sequence[Endpoint], not_taken: Sequence[NotTaken]) -> list[Problem]:
    """What keeps webhooks from coming, with what mends it."""
    mend = "instep webhooks create"
    here = [endpoint for endpoint in endpoints if ours.has(endpoint)]
    if not here:
        host = urlsplit(ours.address).hostname
        near = [f"{each.name} has {each.url}" for each in endpoints if urlsplit(each.url).hostname == host]
        why = "; ".join(near) or f"it has {counted(len(endpoints), 'endpoint')} of others"
        full = f"{mend}, after one of the {MOST} was removed in Chargebee: no site may have more"
        fix = full if len(endpoints) >= MOST and not near else mend
        return [_problem(f"no endpoint of the site has the address {ours.address}", why, fix)]
    found = []
    for endpoint in here:
        called = f"the endpoint {endpoint.name} ({endpoint.id})"
        if endpoint.disabled:
            found.append(_problem(f"{called} is disabled", "", mend))
        if lacking := endpoint.lacks(ours.events):
            found.append(_problem(f"{called} is not sent all that is needed", ", ".join(lacking), mend))
        if endpoint.api_version != "v2":
            found.append(_problem(f"{called} is sent events of API {endpoint.api_version}", "", mend))
        found += _undelivered(called, [each for each in not_taken if each.endpoint == endpoint.id], mend)
    if len(here) > 1:
        again = ", ".join(each.id for each in here[1:])
        found.append(_problem("each event is sent twice", again, f"instep webhooks remove {here[1].id}"))
    return found


def _undelivered(called: str, failed: Sequence[NotTaken], mend: str) -> list[Problem]:
    if not failed:
        return []
    last = max(each.occurred_s for each in failed)
    lost = sum(not each.again for each in failed)
    why = f"the latest at {moment(last * 1000)} UTC; {len(failed) - lost} are tried again, {lost} are not"
    fix = f"see that instep serve runs and is reached at that address; if the password was changed: {mend}"
    return [_problem(f"{counted(len(failed), 'delivery', 'deliveries')} to {called} failed", why, fix)]


def _problem(what: str, why: str, fix: str) -> Problem:
    return Problem("", 0, 0, what, why, fix)


@click.group(name="webhooks")
def command() -> None:
    """Let Chargebee tell by itself when a record changes, so that an edit arrives within a second or two.

    They are a reason to look sooner, no more: what is lost is found by the next reading.
    """


_Work = Callable[..., Coroutine[Any, Any, int]]


def _at_the_site(work: _Work) -> Callable[..., int]:
    """A command that is given the terminal, the open site and what it is to have, beside its own options."""

    @wraps(work)
    def run(terminal: Terminal, **options: Any) -> int:
        async def go() -> int:
            async with opened(terminal.directory) as site:
                terminal.secrets |= site.secrets
                return await work(terminal, ours(site), **options)

        return arun(go())

    return run


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@click.pass_obj
@_at_the_site
async def list_(terminal: Terminal, ours: Ours, as_json: bool) -> int:
    """All endpoints of the site, those of other tools too."""
    endpoints = await ours.connector.endpoints.all()
    if as_json:
        terminal.json([_json(terminal, ours, endpoint) for endpoint in endpoints])
    elif endpoints:
        rows = [
            [
                each.id,
                each.name,
                terminal.without_secrets(each.url),
                len(each.events) or "all",
                "disabled" if each.disabled else "ours" if ours.has(each) else "",
            ]
            for each in endpoints
        ]
        say_table(terminal, rows, head=["id", "name", "address", "events", ""], right=(3,))
    else:
        terminal.say("the site has no webhook endpoint")
        terminal.note("next: instep webhooks create")
    return 0


@command.command()
@click.option("--url", default="", help="The whole address, where it is not that of serve.url.")
@click.pass_obj
@_at_the_site
async def create(terminal: Terminal, ours: Ours, url: str) -> int:
    """Make the endpoint, or set right the one that has its address: events, password, not disabled."""
    address = ours.needed(url, otherwise=f", or give --url https://HOST{ours.path}")
    proof, endpoints = ours.proof, ours.connector.endpoints
    there = next((each for each in await endpoints.all() if each.url == address), None)
    name = there.name if there is not None else NAME
    try:
        saved = await endpoints.save(
            name, address, ours.events, proof.user, proof.password, there.id if there is not None else ""
        )
    except Refused as error:
        error.fix = (
            f"the address has to be of port 80, 443, 8080 or 8443, and a site has at most {MOST} endpoints"
        )
        raise
    terminal.say(
        f"{'set right' if there else 'made'}: {saved.id}, {counted(len(saved.events), 'event')} to {address}"
    )
    return 0


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print what is wrong as JSON.")
@click.pass_obj
@_at_the_site
async def check(terminal: Terminal, ours: Ours, as_json: bool) -> int:
    """What keeps webhooks from coming, and how to mend it. Exit code 3 if something does."""
    ours.needed()
    _ = ours.proof
    endpoints = await ours.connector.endpoints.all()
    not_taken = await ours.connector.endpoints.not_taken(int(time.time()) - LATELY_S)
    found = problems(ours, endpoints, not_taken)
    if as_json:
        terminal.json([{"what": each.what, "why": each.why, "fix": each.fix} for each in found])
    else:
        for problem in found:
            terminal.say(str(problem))
        if not found:
            terminal.say(f"{counted(len(ours.events), 'event')} are sent to {ours.address}, and are taken")
    return 3 if found else 0


@command.command()
@click.argument("named", metavar="[ID|NAME|URL]...", nargs=-1)
@click.pass_obj
@_at_the_site
async def remove(terminal: Terminal, ours: Ours, named: Sequence[str]) -> int:
    """Remove our endpoint, or those with these ids, names or addresses."""
    if not named:
        ours.needed(otherwise="; or name the endpoint, of those that instep webhooks list shows")
    endpoints = await ours.connector.endpoints.all()
    if named:
        ids = dict.fromkeys(_id_of(endpoints, name) for name in named)
    else:
        ids = dict.fromkeys(each.id for each in endpoints if ours.has(each))
    for id in ids:
        await ours.connector.endpoints.remove(id)
        terminal.say(f"removed: {id}")
    if not ids:
        terminal.say(f"no endpoint of the site has the address {ours.address}")
    return 0


def _id_of(endpoints: Sequence[Endpoint], name: str) -> str:
    """Raises UsageError if that names no endpoint, or more than one."""
    found = [each.id for each in endpoints if name in (each.id, each.url, each.name)]
    if not found:
        raise UsageError(f"the site has no endpoint {name}", fix="see which it has: instep webhooks list")
    if len(found) > 1:
        why = f"it is that of {', '.join(found)}"
        raise UsageError(
            f"{name} names no single endpoint", why=why, fix=f"instep webhooks remove {found[0]}"
        )
    return found[0]


def _json(terminal: Terminal, ours: Ours, endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": endpoint.id,
        "name": endpoint.name,
        "url": terminal.without_secrets(endpoint.url),
        "disabled": endpoint.disabled,
        "events": list(endpoint.events),
        "ours": ours.has(endpoint),
    }
