"""`instep init`: the files of a new site."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Final

import click

from instep.cli.terminal import Terminal
from instep.dataflow.documents.conversion import Conversion, convert
from instep.dataflow.documents.merging import strangers
from instep.dataflow.documents.own_reader import convert_own, is_own
from instep.dataflow.documents.reader import read_documents
from instep.dataflow.files import read_text
from instep.dataflow.scaffold import (
    CURRENCIES,
    Choices,
    TrytonChoice,
    currencies_of,
    default_dataflow,
    scaffold,
)
from instep.dataflow.systems import HTTP_URL
from instep.errors import UsageError
from instep.sandbox.launch import SandboxError, console

SANDBOX: Final = ".instep-sandbox"
"""Directory, in that of the site, where the sandbox keeps what it needs; `state.json` there says what runs:
{"chargebee": {"url": ..., "key_file": ...}, "erp": {"url": ..., "key_file": ...}}, files seen from there."""

EXAMPLES: Final = ("erpnext", "woocommerce")
"""The public APIs whose descriptions are shipped: files of `instep.connectors.rest.examples`."""

KEY_IN_SITE: Final = "{env: CHARGEBEE_API_KEY}"
KEY_IN_DESCRIPTION: Final = "env:ERP_TOKEN"
MOST_TOLD: Final = 20
"""Lines of a document that is refused of which it is told why."""


@dataclass(frozen=True)
class Sandbox:
    """Where a running sandbox answers, and the files that hold its keys, seen from the site's directory."""

    chargebee_url: str
    erp_url: str
    chargebee_key: str
    erp_key: str
    tryton: bool = False


@dataclass(frozen=True)
class ProposedSite:
    """What a system says of itself (the tables of a database, the document of an API): its description, a dataflow
    with Chargebee, and what a person should see."""

    description: str
    dataflow: str
    notes: Sequence[str]


@click.command()
@click.option("--site", help="Name of the Chargebee site: acme-test of acme-test.chargebee.com.")
@click.option("--erp-name", help="What people call the ERP.")
@click.option("--currency", "currencies", multiple=True, help="A currency of item prices; may be repeated.")
@click.option(
    "--from",
    "documents",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Take the pairs from this dataflow document; twice for a document of each direction.",
)
@click.option(
    "--companies",
    is_flag=True,
    help="For a site without business entities: customers that name a company are the ERP's customers.",
)
@click.option("--sql", "sql_url", help="The ERP is this database: propose what its tables say.")
@click.option("--sql-password", help="Where its password is: env:NAME or file:PATH.")
@click.option("--sql-schema", default="", help="The schema that its tables are in, if not the usual one.")
@click.option(
    "--openapi",
    metavar="FILE_OR_URL",
    help="The ERP has this OpenAPI document: propose a description of its API.",
)
@click.option(
    "--example",
    type=click.Choice(EXAMPLES),
    help="The ERP is this one: take the description of its API that is shipped, and propose a dataflow.",
)
@click.option("--tryton", metavar="URL", help="The ERP is a Tryton: https://HOST/DATABASE.")
@click.option("--sandbox", is_flag=True, help="Connect to the sandbox that runs for this directory.")
@click.option("--force", is_flag=True, help="Replace files that are there.")
@click.pass_obj
def command(
    terminal: Terminal,
    site: str | None,
    erp_name: str | None,
    currencies: Sequence[str],
    documents: Sequence[Path],
    companies: bool,
    sql_url: str | None,
    sql_password: str | None,
    sql_schema: str,
    openapi: str | None,
    example: str | None,
    tryton: str | None,
    sandbox: bool,
    force: bool,
) -> None:
    """Write instep.yaml, dataflow.yaml and erp.yaml (none for Tryton), which everything else begins with.

    What is not given is asked for at a terminal. No secret is asked for: the files say where to find them.
    """
    running = running_sandbox(terminal.directory) if sandbox else None
    asking = sys.stdin.isatty() and running is None
    if site is None:
        site = click.prompt("Name of the Chargebee site", default="acme-test") if asking else "acme-test"
    chosen = _tryton(tryton)
    if erp_name is None and chosen is None:
        erp_name = click.prompt("What people call the ERP", default="Custom ERP") if asking else "Custom ERP"
    choices = Choices(
        site=site,
        erp_name=erp_name or "Custom ERP",
        currencies=tuple(currencies) or (() if sql_url or openapi or example else CURRENCIES),
        companies=companies,
        database=sql_url is not None,
        tryton=chosen,
    )
    stated = _stated(documents, choices) if documents else None
    if stated is not None and stated.whole:
        choices = replace(choices, currencies=currencies_of(stated.text))
    proposed = None
    currency = currencies[0] if len(currencies) == 1 else ""
    if sql_url is not None:
        proposed = _proposed(terminal, sql_url, sql_password or "", sql_schema, currency)
    elif openapi is not None or example is not None:
        proposed = _described(openapi, example, currency)
    written = write_site(
        terminal.directory,
        choices,
        stated=stated,
        sandbox=running,
        force=force,
        proposed=proposed,
    )
    for path in written:
        terminal.say(f"wrote {path}")
    if stated is not None:
        terminal.say()
        for line in stated.account.report():
            terminal.say(line)
    if proposed is not None:
        _tell_proposed(terminal, proposed)
    elif running is None and chosen is not None:
        terminal.note(
            "\nNow give Instep its keys, where instep.yaml says, and make its user in Tryton as written there:\n"
            "  export CHARGEBEE_API_KEY=... TRYTON_PASSWORD=..."
        )
    elif running is None:
        terminal.note(
            "\nNow give Instep its keys, where instep.yaml and erp.yaml say, and make erp.yaml your ERP's:\n"
            "  export CHARGEBEE_API_KEY=... ERP_TOKEN=..."
        )
    where = "" if terminal.directory == Path() else f" -C {terminal.directory}"
    terminal.note(
        f"\nThen:\n  instep{where} check   is everything right?\n  instep{where} plan    what would be done?"
    )


def _proposed(terminal: Terminal, url: str, password: str, schema: str, currency: str) -> ProposedSite:
    """Look at a database's tables, and at no row. Raises Stop, RetryLater, UsageError."""
    from instep.cli.sql_proposal import look

    return look(terminal.directory, url, password, schema, currency)


def _described(openapi: str | None, example: str | None, currency: str) -> ProposedSite:
    """What an OpenAPI document says, or a shipped example. Raises UsageError."""
    from instep.cli import openapi_proposal

    if example is not None:
        return openapi_proposal.example(example, currency)
    return openapi_proposal.look(openapi or "", currency)


def _tell_proposed(terminal: Terminal, proposed: ProposedSite) -> None:
    if proposed.notes:
        terminal.say("\nTo look at:")
    for note in proposed.notes:
        terminal.say(f"  {note}")


def _tryton(url: str | None) -> TrytonChoice | None:
    """From https://HOST/DATABASE. Raises UsageError."""
    if url is None:
        return None
    address, _, database = url.rstrip("/").rpartition("/")
    if not re.fullmatch(HTTP_URL, address) or not database:
        raise UsageError(
            f"{url} is no address of a Tryton's database",
            why="the server and the name of the database are needed, and no user or password",
            fix="write it as https://HOST/DATABASE",
        )
    return TrytonChoice(address, database)


def _stated(documents: Sequence[Path], choices: Choices) -> Conversion:
    """The dataflow that documents state. Raises UsageError if they state no pair, or are about several dataflows."""
    short = {path.name for path in documents}
    called = [path.name if len(short) == len(documents) else str(path) for path in documents]
    texts = [read_text(path, what="dataflow document") for path in documents]
    own = [is_own(text) for text in texts]
    if all(own):
        return convert_own(list(zip(texts, called, strict=True)))
    if any(own):
        raise UsageError(
            "the documents are of two forms, and nothing was written",
            why=f"{called[own.index(True)]} was written by Instep, and {called[own.index(False)]} was not",
            fix="give those of one form",
        )
    read = read_documents(list(zip(texts, called, strict=True)))
    if not any(document.sections for document in read):
        notes = ((document.file, note) for document in read for note in document.all_notes)
        told = [f"{file}:{note.line}: {note.text}" for file, note in notes]
        more = [f"and {len(told) - MOST_TOLD} more"] if len(told) > MOST_TOLD else []
        raise UsageError(
            "the document states no pair of records, and nothing was written",
            why="; ".join(told[:MOST_TOLD] + more) or f"{read[0].file} has no section",
            fix="see docs/guide/dataflow.md for the form; without --from, init writes the shipped dataflow",
        )
    others = strangers(read)
    if others:
        raise UsageError(
            f"{others[0].file} is about other systems than {read[0].file}, and nothing was written",
            why=f"one has {others[0].left} and {others[0].right}, the other {read[0].left} and {read[0].right}",
            fix="give the documents of one pair of systems: one for each direction",
        )
    return convert(read, default_dataflow(companies=choices.companies, tryton=choices.tryton is not None))


def write_site(
    directory: Path,
    choices: Choices,
    *,
    stated: Conversion | None = None,
    sandbox: Sandbox | None = None,
    force: bool = False,
    proposed: ProposedSite | None = None,
) -> list[Path]:
    """Write the files of a site and return their paths, all or none of them.

    Raises UsageError if one is there and `force` is not given; a `.gitignore` that is there is left alone.
    """
    describe = resources.files("instep.connectors.rest").joinpath("sample_erp.yaml").read_text("utf-8")
    if sandbox is not None:
        choices = _with_sandbox(choices, sandbox)
    if proposed is not None:
        texts = scaffold(choices, proposed.description, proposed=proposed.dataflow)
    elif stated is not None and stated.whole:
        texts = scaffold(choices, describe, proposed=stated.text)
    else:
        texts = scaffold(choices, describe, stated=stated.text if stated is not None else "")
    if sandbox is not None:
        texts = _with_keys(texts, sandbox)
    paths = {name: directory / name for name in texts}
    if paths[".gitignore"].exists():
        del texts[".gitignore"]
    there = [name for name in texts if paths[name].exists() and not name.startswith(".")]
    if there and not force:
        raise UsageError(
            f"nothing was written into {directory.absolute()}",
            why=f"{', '.join(there)} {'is' if len(there) == 1 else 'are'} there already",
            fix="choose another directory with -C, or replace the files with --force",
        )
    try:
        for name, text in texts.items():
            paths[name].parent.mkdir(parents=True, exist_ok=True)
            paths[name].write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"the site could not be written into {directory.absolute()}",
            why=f"{Path(error.filename or '').name}: {error.strerror}",
        ) from None
    return [paths[name] for name in texts if not name.startswith(".")]


def running_sandbox(directory: Path) -> Sandbox:
    """The sandbox that runs for a directory. Raises UsageError if none does."""
    place = directory / SANDBOX / "state.json"
    try:
        state = json.loads(place.read_text("utf-8"))
        erp = "erp" if "erp" in state else "tryton"
        return Sandbox(
            state["chargebee"]["url"],
            state[erp]["url"],
            f"{SANDBOX}/{state['chargebee']['key_file']}",
            f"{SANDBOX}/{state[erp]['key_file']}",
            tryton=erp == "tryton",
        )
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(
            f"no sandbox runs for {directory.absolute()}",
            why=f"{place} is not there or says nothing",
            fix="start one: instep sandbox start",
        ) from None


def _with_sandbox(choices: Choices, sandbox: Sandbox) -> Choices:
    try:
        found = console(sandbox.chargebee_url, "GET", "records/business_entities")["records"]
    except SandboxError as error:
        what, _, why = str(error).partition("\n  why: ")
        raise UsageError(what, why=why, fix="start it: instep sandbox start") from None
    tryton = TrytonChoice(sandbox.erp_url, "tryton", "sync", f"{{file: {json.dumps(sandbox.erp_key)}}}")
    return replace(
        choices,
        chargebee_url=sandbox.chargebee_url,
        erp_url=f"{sandbox.erp_url}/api/v1",
        tryton=tryton if sandbox.tryton else None,
        business_entities=[(str(row["id"]), str(row["name"])) for row in found if not row.get("deleted")],
    )


def _with_keys(texts: Mapping[str, str], sandbox: Sandbox) -> dict[str, str]:
    site = texts["instep.yaml"].replace(KEY_IN_SITE, f"{{file: {json.dumps(sandbox.chargebee_key)}}}")
    site = site.replace("requests_per_minute: 150\n", "requests_per_minute: 6000\n")
    site = site.replace("list_lag_s: 300\n", "list_lag_s: 2\n")
    if sandbox.tryton:
        site = site.replace(
            "overlap_s: 300\n", "overlap_s: 5\n    write_calls: 1  # its database is SQLite\n"
        )
        return {**texts, "instep.yaml": site}
    erp = texts["erp.yaml"].replace(KEY_IN_DESCRIPTION, f"file:{sandbox.erp_key}")
    return {**texts, "instep.yaml": site, "erp.yaml": erp}
