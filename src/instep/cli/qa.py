"""`instep qa`: the checklist of the document, run against the live systems with marked records of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click

from instep.cli.document import USUAL
from instep.cli.files import require_form, write_text
from instep.cli.going import arun, require_pairs
from instep.cli.progress import shown
from instep.cli.terminal import Terminal
from instep.core.dataflow import Dataflow
from instep.core.model import SIDES
from instep.dataflow.build import parse_dataflow
from instep.dataflow.documents.own_reader import convert_own, is_own
from instep.dataflow.files import read_text
from instep.dataflow.systems import ChargebeeSystem
from instep.errors import UsageError
from instep.qa.cleaning import Left, clean
from instep.qa.ledger import NEVER, Ledger
from instep.qa.reports import FORMS, report_files
from instep.qa.results import Outcome
from instep.qa.run import Wanted, new_mark, run_checklist
from instep.qa.telling import as_json, in_words, taken_back
from instep.runner.run import Progress
from instep.site import Site, now_ms, opened
from instep.store.sqlite import open_store

STORE: Final = "instep-qa.sqlite"
LEDGER: Final = "instep-qa.ledger"
PERSON: Final = 3


@dataclass(frozen=True)
class Asked:
    """The options of the command."""

    pairs: tuple[str, ...]
    document: Path | None
    only_clean: bool
    live: str | None
    reports: tuple[Path, ...]
    as_json: bool


@click.command()
@click.argument("pairs", metavar="[PAIR]...", nargs=-1)
@click.option(
    "--document",
    type=click.Path(dir_okay=False, path_type=Path),
    help="What is expected; dataflow.rst beside instep.yaml if it is there, else the dataflow itself.",
)
@click.option("--clean", "only_clean", is_flag=True, help="Only take back what a stopped checklist left.")
@click.option(
    "--on-live-site", "live", metavar="NAME", help="Run on this Chargebee site, which is no test site."
)
@click.option(
    "--report",
    "reports",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the results to a file: .html, .rst or .md is the document with them, .xml is JUnit's, .json.",
)
@click.option("--json", "json_wanted", is_flag=True, help="Print the results as JSON.")
@click.pass_obj
def command(
    terminal: Terminal,
    pairs: Sequence[str],
    document: Path | None,
    only_clean: bool,
    live: str | None,
    reports: tuple[Path, ...],
    json_wanted: bool,
) -> int:
    """Run the checklist of the document, or of some PAIRs, against the live systems.

    For every rule and property, records with a mark are made and edited on one side, synchronised, and looked for on
    the other. No other record is read or written, and nothing enters the site's store. In the end all that was made
    is taken back, and read again to see that it was; if that was prevented: instep qa --clean

    Only on test sites of Chargebee, unless the site is named with --on-live-site.
    """
    require_form(reports, FORMS, "report")
    asked = Asked(tuple(pairs), document, only_clean, live, reports, json_wanted)
    return arun(_qa(terminal, asked))


async def _qa(terminal: Terminal, asked: Asked) -> int:
    async with opened(terminal.directory) as site:
        terminal.secrets |= site.secrets
        _require_test_site(site, asked.live)
        stated, source = _expected(site, asked.document)
        require_pairs(stated, asked.pairs)
        ledger = Ledger(site.file.path(LEDGER))
        async with site.at_rest():
            left = await _clean(terminal, site, ledger)
            if asked.only_clean:
                return _say_cleaned(terminal, site, ledger, left)
            outcome = await _run(terminal, site, ledger, Wanted(stated, asked.pairs), source)
        for path in asked.reports:
            _write_report(terminal, site, stated, outcome, path)
        if asked.as_json:
            terminal.json(as_json(outcome))
        else:
            _say(terminal, outcome)
        return PERSON if outcome.counts["failed"] or outcome.left else 0


def _write_report(terminal: Terminal, site: Site, stated: Dataflow, outcome: Outcome, path: Path) -> None:
    entities = site.connectors.map(lambda connector: connector.entities())
    files = report_files(outcome, str(path), path.suffix, stated, entities, site.systems)
    for name, text in files.items():
        write_text(Path(name), text)
        terminal.note(f"wrote {name}")


async def _run(terminal: Terminal, site: Site, ledger: Ledger, wanted: Wanted, source: str) -> Outcome:
    """The lines, and in any case the cleaning after them."""
    path = site.file.path(STORE)
    for old in path.parent.glob(f"{path.name}*"):  # of an earlier checklist, whose records are taken back
        old.unlink()
    store = open_store(path)
    before, began_ms = len(ledger.made), now_ms()
    versions = {"instep": version("instep")}
    outcome = Outcome(new_mark(), began_ms, versions, _systems(site), source)
    try:
        with shown(terminal) as on_progress:

            def ended(count: int, total: int) -> None:
                on_progress(
                    Progress("qa", "the checklist", count, total, sum(c.requests for c in site.connectors))
                )

            outcome.results = await run_checklist(
                wanted,
                site.dataflow,
                site.connectors,
                store,
                ledger,
                outcome.mark,
                now_ms,
                site.random,
                ended,
            )
    finally:
        await store.close()
        left = await _clean(terminal, site, ledger)
        outcome.left = [_left_words(site, each) for each in left]
        made = [made for made in ledger.made[before:] if made.over != NEVER]
        outcome.made = len(made)
        outcome.taken_back = Counter(made.over for made in made if made.over)
        outcome.took_ms = now_ms() - began_ms
    return outcome


async def _clean(terminal: Terminal, site: Site, ledger: Ledger) -> Sequence[Left]:
    with shown(terminal) as on_progress:
        return await clean(
            ledger,
            site.connectors,
            lambda count, total: on_progress(Progress("clean", "what was made", count, total)),
        )


def _expected(site: Site, document: Path | None) -> tuple[Dataflow, str]:
    """The dataflow that is expected to be true, and the name of the file that states it."""
    usual = site.file.path(USUAL)
    if document is None and not usual.exists():
        return site.dataflow, site.file.settings.dataflow
    path = document or usual
    text = read_text(path, what="dataflow document")
    if not is_own(text):
        raise UsageError(
            f"{path} is no document that Instep wrote",
            why="only such a one states everything that its lines are about",
            fix="write one: instep document",
        )
    return parse_dataflow(convert_own([(text, path.name)]).text, path.name), path.name


def _require_test_site(site: Site, live: str | None) -> None:
    """Refuse every Chargebee site that real customers are billed from, unless it is named."""
    for side in SIDES:
        system = site.file.systems[side]
        if not isinstance(system, ChargebeeSystem) or system.site == live:
            continue
        if not (system.site.endswith("-test") or _is_here(system.base_url)):
            raise UsageError(
                f"{system.site} is no test site, and nothing was done",
                why="a checklist makes records, edits them and takes them back",
                fix=f"connect a test site, or if you mean it: instep qa --on-live-site {system.site}",
            )


def _is_here(url: str | None) -> bool:
    host = urlsplit(url or "").hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _systems(site: Site) -> dict[str, str]:
    return {site.connectors[side].name: site.file.systems[side].kind for side in SIDES}


def _left_words(site: Site, left: Left) -> str:
    made = left.made
    return f"{made.entity} {made.id or made.marker} of {site.connectors[made.side].name}: {left.why}"


def _say_cleaned(terminal: Terminal, site: Site, ledger: Ledger, left: Sequence[Left]) -> int:
    terminal.say(f"records that checklists made: {len(ledger.made)}; not taken back: {len(left)}")
    for each in left:
        terminal.say(f"  {_left_words(site, each)}")
    return PERSON if left else 0


def _say(terminal: Terminal, outcome: Outcome) -> None:
    for result in outcome.results:
        if result.status == "failed":
            for line in in_words(result):
                terminal.say(line)
    counts = outcome.counts
    terminal.say(
        f"{counts['passed']} passed, {counts['failed']} failed, {counts['not applicable']} not applicable; "
        f"expected is what {outcome.expected_from} states"
    )
    terminal.say(taken_back(outcome))
    for each in outcome.left:
        terminal.say(f"  {each}")
