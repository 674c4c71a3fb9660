"""`instep sandbox`: two systems on this machine, filled with a made-up company, to try things with."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from instep.cli import servers
from instep.cli.servers import SYSTEMS, Place
from instep.cli.terminal import Terminal
from instep.core.values import Json, set_path
from instep.errors import UsageError
from instep.site import CONFIGURATION

FAULTS: Final[Mapping[str, tuple[Mapping[str, Any], str]]] = {
    "429": (
        {"kind": "status", "status": 429, "headers": {"Retry-After": "1"}},
        "too many requests; nothing is done",
    ),
    "503": ({"kind": "status", "status": 503}, "out of order; nothing is done"),
    "slow": ({"kind": "latency", "ms": 1000}, "every answer takes a second longer"),
    "500-after": (
        {"kind": "status_after_apply", "status": 500},
        "it is done, and the answer says that it failed",
    ),
    "hang": ({"kind": "hang_before"}, "no answer, and nothing is done"),
    "hang-after": ({"kind": "hang_after_apply"}, "it is done, and no answer comes"),
    "drop": ({"kind": "drop_before"}, "the connection breaks, and nothing is done"),
    "drop-after": ({"kind": "drop_after_apply"}, "it is done, and the connection breaks"),
    "html": ({"kind": "html", "status": 502}, "a proxy's error page"),
}
"""Kind -> the rule's effect (see `instep.sandbox.kit.faults`) and what the client sees."""

system_argument = click.argument("system", type=click.Choice(SYSTEMS))
_ASSIGNMENT: Final = re.compile(r"([A-Za-z_][\w.]*)(:?=)(.*)", re.DOTALL)


@click.group(name="sandbox")
def command() -> None:
    """A Chargebee emulator and a sample ERP, on this machine, to try things with.

    Their files are in .instep-sandbox of the directory. Nothing here reaches another machine.
    """


@command.command()
@click.option("--world", is_flag=True, help="Fill both with a made-up company.")
@click.option("--seed", default=1, show_default=True, help="Another company.")
@click.option("--scale", default=1.0, show_default=True, help="More people and orders, or fewer.")
@click.option("--fresh", is_flag=True, help="Throw away the records of the last time.")
@click.pass_obj
def start(terminal: Terminal, world: bool, seed: int, scale: float, fresh: bool) -> None:
    """Start both systems; they run until `instep sandbox stop`."""
    place = Place(terminal.directory)
    there = place.running()
    running = servers.start(place, fresh=fresh)
    for name, server in running.items():
        terminal.say(f"{name}: {server.url}{'' if name not in there else '   (ran already)'}")
    if world:
        if not running["chargebee"].console("GET", "records/customers")["records"]:
            count = servers.fill(running, seed=seed, scale=scale)
            terminal.say(f"{count} records of a made-up company are in both")
        else:
            terminal.note("the records of the last time are kept; begin anew with --fresh")
    has_site = (terminal.directory / CONFIGURATION).exists()
    terminal.note("next: instep plan" if has_site else "next: instep init --sandbox")


@command.command()
@click.pass_obj
def stop(terminal: Terminal) -> None:
    """End both systems. Their records stay for the next start."""
    ended = servers.stop(Place(terminal.directory))
    terminal.say(f"stopped {' and '.join(ended)}" if ended else "nothing runs")


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_obj
def status(terminal: Terminal, as_json: bool) -> None:
    """What runs where, what it was asked, and which faults are in force."""
    place = Place(terminal.directory)
    running = place.running()
    told: dict[str, Any] = {}
    for name in SYSTEMS:
        server = running.get(name)
        if server is None:
            told[name] = {"running": False}
            continue
        counts = server.console("GET", "counters")
        told[name] = {
            "running": True,
            "url": server.url,
            "pid": server.pid,
            "key_file": str(place.root / server.key_file),
            "reads": counts["reads"],
            "writes": counts["writes"],
            "refused": counts["refused"],
            "faults": server.console("GET", "faults")["rules"],
        }
    if as_json:
        terminal.json(told)
        return
    for name, of in told.items():
        if not of["running"]:
            terminal.say(f"{name}: does not run")
            continue
        terminal.say(
            f"{name}: {of['url']}, process {of['pid']}; {of['reads']} reads, {of['writes']} writes,"
            f" {of['refused']} refused; key in {of['key_file']}"
        )
        for rule in of["faults"]:
            terminal.say(f"  fault {rule}")


@command.command()
@system_argument
@click.argument("entity")
@click.argument("id", required=False)
@click.pass_obj
def show(terminal: Terminal, system: str, entity: str, id: str | None) -> None:
    """Print a record, or all of an entity one a line, as JSON."""
    server = Place(terminal.directory).server(system)
    rows = server.console("GET", f"records/{plural(entity)}")["records"]
    if id is None:
        for row in rows:
            terminal.json_line(row)
        return
    found = next((row for row in rows if row["id"] == id), None)
    if found is None:
        raise UsageError(f"{system} has no {entity} {id}", fix=f"instep sandbox show {system} {entity}")
    terminal.json(found)


@command.command()
@system_argument
@click.argument("entity")
@click.argument("id")
@click.argument("assignments", metavar="FIELD=VALUE...", nargs=-1, required=True)
@click.pass_obj
def edit(terminal: Terminal, system: str, entity: str, id: str, assignments: Sequence[str]) -> None:
    """Change a record as a person would at that system's own screen.

    FIELD=VALUE is a text, FIELD= empties, FIELD:=JSON is anything else; a dot leads into an object:
    billing_address.city=Oslo, payment_terms_days:=30.
    """
    server = Place(terminal.directory).server(system)
    body = fields_of(assignments)
    server.console("PATCH", f"{plural(entity)}/{id}", body)
    terminal.say(f"{system} {entity} {id}: {', '.join(assignments)}")


@command.command()
@system_argument
@click.argument("entity")
@click.argument("assignments", metavar="FIELD=VALUE...", nargs=-1, required=True)
@click.pass_obj
def new(terminal: Terminal, system: str, entity: str, assignments: Sequence[str]) -> None:
    """Make a record as a person would; values as in `edit`. Prints its id."""
    server = Place(terminal.directory).server(system)
    made = server.console("POST", plural(entity), fields_of(assignments))
    terminal.say(str(made["id"]))


@command.command()
@system_argument
@click.argument("entity")
@click.argument("id")
@click.pass_obj
def delete(terminal: Terminal, system: str, entity: str, id: str) -> None:
    """Delete a record as a person would."""
    Place(terminal.directory).server(system).console("DELETE", f"{plural(entity)}/{id}")
    terminal.say(f"{system} {entity} {id}: deleted")


@command.command(
    epilog="\b\nKinds:\n" + "\n".join(f"  {kind:10}  {said}" for kind, (_, said) in FAULTS.items())
)
@system_argument
@click.argument("kind", type=click.Choice([*FAULTS, "clear"]))
@click.option("--times", type=click.IntRange(1), default=3, show_default=True, help="How many requests.")
@click.option("--always", is_flag=True, help="Every request, until cleared.")
@click.option("--method", help="Only requests with this method.")
@click.option("--path", help="Only paths that this regular expression is found in.")
@click.option("--probability", type=click.FloatRange(0, 1), help="This share of them, drawn at random.")
@click.pass_obj
def fault(
    terminal: Terminal,
    system: str,
    kind: str,
    times: int,
    always: bool,
    method: str | None,
    path: str | None,
    probability: float | None,
) -> None:
    """Make a system misbehave; `clear` ends it."""
    server = Place(terminal.directory).server(system)
    if kind == "clear":
        server.console("DELETE", "faults")
        terminal.say(f"{system}: no faults")
        return
    effect, said = FAULTS[kind]
    rule: dict[str, Any] = {"effect": dict(effect)}
    match = {name: given for name, given in (("method", method), ("path", path)) if given}
    if match:
        rule["match"] = match
    if not always:
        rule["times"] = times
    if probability is not None:
        rule["probability"] = probability
    server.console("POST", "faults", rule)
    how_often = "until cleared" if always else f"{times} times"
    terminal.say(f"{system}: {said}, {how_often}")


def plural(entity: str) -> str:
    """An entity as the servers' consoles call it; both "customer" and "customers" are understood."""
    if entity.endswith("y"):
        return entity[:-1] + "ies"
    return entity if entity.endswith("s") else f"{entity}s"


def fields_of(assignments: Sequence[str]) -> dict[str, Json]:
    """The body that "a.b=text", "n:=1" and "x=" stand for. Raises UsageError."""
    body: dict[str, Json] = {}
    for text in assignments:
        found = _ASSIGNMENT.fullmatch(text)
        if found is None:
            raise UsageError(
                f"{text} is not FIELD=VALUE",
                fix="a text: city=Oslo; JSON: payment_terms_days:=30; empty: phone=",
            )
        path, operator, given = found.groups()
        value: Json = given or None
        if operator == ":=":
            try:
                value = json.loads(given)
            except ValueError:
                raise UsageError(f"{text}: {given} is not JSON", fix=f"for a text: {path}={given}") from None
        set_path(body, path, value)
    return body
