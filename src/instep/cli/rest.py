"""`instep rest`: one call of a described API, to see whether the description is right."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import asdict, replace
from itertools import islice
from typing import Any, Final

import click
import msgspec

from instep.cli.asking import declined
from instep.cli.terminal import Terminal
from instep.connectors.contract import CreateKey
from instep.connectors.exchange import Traffic, redact
from instep.connectors.rest import RestConnector
from instep.core.model import Entity, Record, Side
from instep.core.values import Json, decode, set_path
from instep.dataflow.spelling import did_you_mean
from instep.errors import OutcomeError, UsageError
from instep.site import Site, opened

WRITES: Final = ("create", "update", "retire")
LONGEST: Final = 4_000
"""Characters of a body that are shown."""

Operation = Callable[[RestConnector, str, Sequence[str]], Awaitable[Sequence[Record]]]


@click.group(name="rest")
def command() -> None:
    """Try the description of an ERP's API, call by call."""


@command.command(name="try")
@click.argument("entity")
@click.argument("operation", type=click.Choice(["list", "read", "find", *WRITES]))
@click.argument("words", nargs=-1, metavar="[ID|VALUE] [FIELD=VALUE]...")
@click.option(
    "--side",
    type=click.Choice([side.value for side in Side]),
    help="The side to try, if both are described APIs.",
)
@click.option(
    "--limit", default=3, show_default=True, type=click.IntRange(0), help="Records to show of a list."
)
@click.option("--yes", is_flag=True, help="Write without asking.")
@click.option("--json", "as_json", is_flag=True, help="Print requests, answers and records as JSON.")
@click.pass_obj
def try_(
    terminal: Terminal,
    entity: str,
    operation: str,
    words: Sequence[str],
    side: str | None,
    limit: int,
    yes: bool,
    as_json: bool,
) -> int:
    """Make one call of the description: show the request, the answer, and what was made of it.

    \b
    instep rest try contact list
    instep rest try contact read 1001
    instep rest try contact find erp-1001
    instep rest try contact create family_name=Lovelace address.country=GB
    instep rest try contact update 1001 phone='"+47 22 33 44 55"'
    instep rest try contact retire 1001

    A value is JSON if it can be read as such, else text. Only the first page of a list is asked for. The store
    has no part in it, and no secret is shown; what is written in the system stays there.
    """
    return asyncio.run(_try(terminal, entity, operation, words, side, limit, yes, as_json))


async def _try(
    terminal: Terminal,
    entity: str,
    operation: str,
    words: Sequence[str],
    side: str | None,
    limit: int,
    yes: bool,
    as_json: bool,
) -> int:
    async with opened(terminal.directory) as site:
        terminal.secrets |= site.secrets
        connector = _connector(site, side)
        known = connector.entities()
        if entity not in known:
            raise UsageError(f'the description has no "{entity}"', fix=did_you_mean(entity, known))
        if operation in WRITES and not yes:
            question = f"{operation} a {entity} in {connector.name}?"
            if (code := declined(terminal, question, "nothing was sent")) is not None:
                return code
        traffic: list[Traffic] = []
        connector.listen(traffic.append)
        records: Sequence[Record] = ()
        trouble: OutcomeError | None = None
        try:
            records = await OPERATIONS[operation](connector, entity, words)
        except OutcomeError as error:
            trouble = error
        shown = list(islice(records, limit))
        if as_json:
            terminal.json(
                {
                    "traffic": [_hidden(terminal, each) for each in traffic],
                    "records": [msgspec.to_builtins(asdict(record)) for record in shown],
                    "count": len(records),
                    "outcome": type(trouble).__name__ if trouble else "done",
                    "why": terminal.without_secrets(str(trouble)) if trouble else "",
                }
            )
        else:
            for each in traffic:
                _say_traffic(terminal, _hidden(terminal, each))
            _say_records(terminal, known[entity], records, shown)
            if trouble is not None:
                terminal.warn(f"outcome: {type(trouble).__name__}\n{trouble}")
    return trouble.exit_code if trouble is not None else 0


def _connector(site: Site, side: str | None) -> RestConnector:
    found = {each: c for each in Side if isinstance(c := site.connectors[each], RestConnector)}
    if side is not None:
        found = {each: c for each, c in found.items() if each == side}
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        raise UsageError("both sides are described APIs", fix="choose one: --side left, or --side right")
    where = "neither side" if side is None else f"the {side} side"
    raise UsageError(
        f"{where} of this site is a described API"
        if side is None
        else f"{where} of this site is no described API",
        why="only systems of kind rest have a description that can be tried",
        fix="see docs/guide/rest.md",
    )


# Operations. Each makes the call that the engine would make.


async def _list(connector: RestConnector, entity: str, words: Sequence[str]) -> Sequence[Record]:
    _no_more(words, 0)
    async with aclosing(connector.list(entity, None)) as pages:
        async for page in pages:
            return page.records
    return ()


async def _read(connector: RestConnector, entity: str, words: Sequence[str]) -> Sequence[Record]:
    _no_more(words, 1)
    return [await connector.read(entity, _first(words, "the id of the record"))]


async def _find(connector: RestConnector, entity: str, words: Sequence[str]) -> Sequence[Record]:
    _no_more(words, 1)
    marker = connector.entities()[entity].abilities.marker
    return await connector.find(entity, marker, _first(words, "the value of the marker"))


async def _create(connector: RestConnector, entity: str, words: Sequence[str]) -> Sequence[Record]:
    fields: dict[str, Json] = {}
    for path, value in _values(words).items():
        set_path(fields, path, value)
    name = f"try-{secrets.token_hex(4)}"
    return [await connector.create(entity, fields, CreateKey(name, name, f"instep-{name}"))]


async def _update(connector: RestConnector, entity: str, words: Sequence[str]) -> Sequence[Record]:
    id, changes = _first(words, "the id of the record"), _values(words[1:])
    if not changes:
        raise UsageError("nothing is to be written", fix="name fields and values: phone=22334455")
    seen = await connector.read(entity, id)
    return [await connector.update(entity, id, changes, seen=seen, idempotency=_key())]


async def _retire(connector: RestConnector, entity: str, words: Sequence[str]) -> Sequence[Record]:
    _no_more(words, 1)
    id = _first(words, "the id of the record")
    seen = await connector.read(entity, id)
    return [await connector.retire(entity, id, seen=seen, idempotency=_key())]


OPERATIONS: Final[dict[str, Operation]] = {
    "list": _list,
    "read": _read,
    "find": _find,
    "create": _create,
    "update": _update,
    "retire": _retire,
}


def _key() -> str:
    return f"instep-try-{secrets.token_hex(8)}"


def _first(words: Sequence[str], what: str) -> str:
    if not words:
        raise UsageError(f"{what} is missing", fix="see: instep rest try --help")
    return words[0]


def _no_more(words: Sequence[str], count: int) -> None:
    if len(words) > count:
        raise UsageError(f'"{words[count]}" is one word too many here', fix="see: instep rest try --help")


def _values(words: Sequence[str]) -> dict[str, Json]:
    values: dict[str, Json] = {}
    for word in words:
        path, equals, text = word.partition("=")
        if not equals or not path:
            raise UsageError(
                f'"{word}" names no field and value', fix="write FIELD=VALUE, such as phone=22334455"
            )
        try:
            values[path] = decode(text)
        except msgspec.DecodeError:
            values[path] = text
    return values


# What is shown


def _hidden(terminal: Terminal, traffic: Traffic) -> dict[str, Any]:
    """A request and its answer without secrets; bodies as JSON where they are."""

    def clean(text: str) -> str:
        return redact(terminal.without_secrets(text))

    return {
        "method": traffic.method,
        "url": terminal.without_secrets(traffic.url),
        "headers": {name: clean(value) for name, value in traffic.request_headers.items()},
        "body": _body(terminal, traffic.request_body),
        "status": traffic.status,
        "answer_headers": {
            name: clean(value) for name, value in traffic.answer_headers.items() if name != "set-cookie"
        },
        "answer": _body(terminal, traffic.answer_body),
    }


def _body(terminal: Terminal, data: bytes) -> Any:
    text = terminal.without_secrets(data.decode("utf-8", "replace"))
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def _say_traffic(terminal: Terminal, shown: dict[str, Any]) -> None:
    terminal.say(terminal.style(f"> {shown['method']} {shown['url']}", bold=True))
    for name, value in shown["headers"].items():
        terminal.say(terminal.style(f"> {name}: {value}", dim=True))
    _say_body(terminal, shown["body"])
    terminal.say(terminal.style(f"< {shown['status']}", bold=True))
    for name, value in shown["answer_headers"].items():
        terminal.say(terminal.style(f"< {name}: {value}", dim=True))
    _say_body(terminal, shown["answer"])


def _say_body(terminal: Terminal, body: Any) -> None:
    if body is None:
        return
    text = body if isinstance(body, str) else json.dumps(body, indent=2, ensure_ascii=False)
    cut = f"\n... {len(text) - LONGEST} more characters" if len(text) > LONGEST else ""
    terminal.say(text[:LONGEST] + cut)


def _say_records(
    terminal: Terminal, entity: Entity, records: Sequence[Record], shown: Sequence[Record]
) -> None:
    """What the engine gets to see, field by field."""
    if not records:
        return
    terminal.say(terminal.style(f"\n{len(records)} {entity.name} records were made of it", bold=True))
    for record in shown:
        told = replace(record, fields={})
        terminal.say(
            f"{record.id}   version {told.version}, changed {told.updated_ms}, token {told.token}"
            f"{', deleted' if told.deleted else ''}{'' if told.complete else ', a hint: it is read singly'}"
        )
        for name, value in record.fields.items():
            terminal.say(
                f"    {name}: {terminal.without_secrets(json.dumps(value, ensure_ascii=False, default=str))}"
            )
