"""`instep status`: how far each pair is in step, from what is stored. Asks no system."""

from __future__ import annotations

from typing import Any

import click

from instep.cli.going import arun
from instep.cli.tables import say_table
from instep.cli.terminal import Terminal
from instep.core.phrases import span
from instep.core.state import Intent
from instep.desk.doubts import settled_at_ms, settling
from instep.desk.plan_file import iso
from instep.desk.runs import Told, told, untouched
from instep.desk.standing import Standing, known, lag_ms, standing, standing_json
from instep.runner.run import COMPLETE
from instep.site import Site, now_ms, opened


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_obj
def command(terminal: Terminal, as_json: bool) -> int:
    """How far each pair is in step: linked, to do, held and failing records, and when the last run was.

    Told from what is stored; no system is asked. Exit code 3 if something needs a person, or
    if the last run could not work on everything.
    """
    return arun(_status(terminal, as_json))


async def _status(terminal: Terminal, as_json: bool) -> int:
    async with opened(terminal.directory, offline=True) as site:
        if site.existing_store() is None:
            if as_json:
                terminal.json({"runs": [], "pairs": {}, "in_doubt": []})
            else:
                terminal.say("nothing is known yet: there has been no run")
                terminal.note("next: instep plan")
            return 0
        stands = standing(site)
        runs: list[Told] = site.store.read(lambda tx: [told(tx, run) for run in tx.runs(1)])
        doubts: list[Intent] = site.store.read(lambda tx: tx.intents())
        complete = site.store.read(lambda tx: tx.meta(COMPLETE))
        if as_json:
            terminal.json(_as_json(site, stands, runs, doubts, complete))
        else:
            _say(terminal, site, stands, runs, doubts, complete)
    waits = any(stand.for_person or stand.failing for stand in stands.values())
    return 3 if waits or any(run.troubles for run in runs) else 0


def _say(
    terminal: Terminal,
    site: Site,
    stands: dict[str, Standing],
    runs: list[Told],
    doubts: list[Intent],
    complete: str | None,
) -> None:
    rows = []
    for pair in site.dataflow.pairs:
        stand = stands[pair.name]
        causes = ", ".join(f"{count} {cause}" for cause, count in sorted(stand.held.items()))
        held = f"{sum(stand.held.values())} ({causes})" if causes else "0"
        lag = lag_ms(site, pair)
        behind = "" if lag is None else span(lag)
        rows.append([pair.name, *known(site, pair), stand.linked, stand.todo, behind, stand.failing, held])
    head = ["pair", *site.systems, "linked", "to do", "since", "failing", "held"]
    say_table(terminal, rows, head=head, right=(1, 2, 3, 4, 5, 6))
    terminal.say()
    now = now_ms()
    for run in runs:
        _say_run(terminal, site, run, now)
    if complete is not None:
        terminal.say(f"last complete reading of both systems: {span(now - int(complete))} ago")
    for intent in doubts:
        terminal.say(
            f"in doubt: {intent.operation} of {intent.record_id or intent.chosen_id or 'a new record'} in"
            f" {site.systems[intent.side]}, sent {span(now - intent.sent_ms)} ago; {settling(site, intent, now)}"
        )
    if any(stand.for_person for stand in stands.values()):
        terminal.note("next: instep holds list")


def _say_run(terminal: Terminal, site: Site, about: Told, now: int) -> None:
    run = about.run
    ended = "was broken off" if about.broken_off else "has not ended"
    if run.finished_ms is not None:
        ended = f"{run.status}, {span(now - run.finished_ms)} ago"
    troubled = untouched(about.troubles, site.systems)
    terminal.say(
        f"last run: {run.id} ({run.kind}) {ended}{f', but not worked on: {troubled}' if troubled else ''}"
    )
    for why in dict.fromkeys(why.splitlines()[0] for why in about.troubles.values() if why):
        terminal.say(f"  why: {why}")


def _as_json(
    site: Site,
    stands: dict[str, Standing],
    runs: list[Told],
    doubts: list[Intent],
    complete: str | None,
) -> dict[str, Any]:
    pairs = {}
    for pair in site.dataflow.pairs:
        counts, lag = known(site, pair), lag_ms(site, pair)
        pairs[pair.name] = {
            **standing_json(stands[pair.name]),
            "records": {"left": counts.left, "right": counts.right},
            "lag_ms": lag,
        }
    return {
        "pairs": pairs,
        "runs": [
            {
                "run": about.run.id,
                "kind": about.run.kind,
                "status": about.run.status,
                "broken_off": about.broken_off,
                "troubles": dict(about.troubles),
                "started": iso(about.run.started_ms),
                "finished": iso(about.run.finished_ms) if about.run.finished_ms else None,
            }
            for about in runs
        ],
        "complete_reading": iso(int(complete)) if complete else None,
        "in_doubt": [
            {
                "pair": intent.key.pair,
                "operation": intent.operation,
                "side": intent.side.value,
                "record": intent.record_id or intent.chosen_id or None,
                "sent": iso(intent.sent_ms),
                "settled_after": iso(at_ms) if (at_ms := settled_at_ms(site, intent, now_ms())) else None,
            }
            for intent in doubts
        ],
    }
