"""`instep audit`: compare both systems fully with what is known, and tell what nobody knew of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from instep.cli.going import Interrupt, arun, require_pairs
from instep.cli.progress import shown
from instep.cli.terminal import Terminal
from instep.core.drift import KINDS, Difference, Drift
from instep.desk import words
from instep.desk.words import counted
from instep.errors import UsageError
from instep.runner.audit import Audit, never_listed
from instep.runner.audit_findings import Audited, Found
from instep.site import Site, opened


@click.command()
@click.option("--pair", "pairs", multiple=True, help="Only this pair; may be repeated.")
@click.option("--limit", default=5, show_default=True, type=click.IntRange(0), help="Examples of each kind.")
@click.option("--repair", "repairs", is_flag=True, help="Mark what is found, so that a sync looks at it.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_obj
def command(terminal: Terminal, pairs: Sequence[str], limit: int, repairs: bool, as_json: bool) -> int:
    """Compare both systems fully with what is known of them, and tell what nobody knew of.

    Every record of both is listed, and compared with what was last read; linked records are compared with each
    other. What waits to be looked at or is held is known, and counted apart. Nothing is written to either system.
    Exit code 3 if anything was found.

    With --repair, what is found is marked to be looked at. "instep plan --full" shows what comes of it, and the next
    sync does it, with every protection that a sync has. Exit code 3 then if something could not be marked.
    """
    return arun(_audit(terminal, tuple(pairs), limit, repairs, as_json))


async def _audit(terminal: Terminal, pairs: tuple[str, ...], limit: int, repairs: bool, as_json: bool) -> int:
    interrupt = Interrupt(terminal)
    async with opened(terminal.directory) as site:
        terminal.secrets |= site.secrets
        require_pairs(site.dataflow, pairs)
        site.require_sound()
        with interrupt.listening(), shown(terminal) as on_progress:
            audit = site.audit(pairs, examples=limit, repairs=repairs, on_progress=on_progress)
            _require_listed(site, audit)
            with interrupt.stops(audit.stop):
                audited = await audit.run()
        if as_json:
            terminal.json(_as_json(audit, audited))
        else:
            _say(terminal, site, audit, audited)
    left = audited.left if repairs else audited.drift
    return 130 if audited.status == "stopped" else 3 if left or audited.troubles else 0


def _require_listed(site: Site, audit: Audit) -> None:
    missing = never_listed(audit.findings.engine, audit.findings.pairs)
    if missing:
        places = ", ".join(f"{entity} of {site.systems[side]}" for side, entity in missing)
        raise UsageError(
            "there is nothing yet to compare both systems with",
            why=f"never read completely: {places}",
            fix="instep plan",
        )


def _say(terminal: Terminal, site: Site, audit: Audit, audited: Audited) -> None:
    last = ""
    for pair, kind, found in audited.in_order(audit.findings.pairs):
        if pair != last:
            terminal.say(pair)
            last = pair
        _say_kind(terminal, site, kind, found)
    for place, why in audited.troubles.items():
        terminal.say(f"not audited: {place}\n  why: {why}")
    known = ", ".join(f"{count} {why}" for why, count in sorted(_known(audited).items()))
    if known:
        terminal.say(f"differs, and is known to: {known}")
    told = f"{counted(audited.drift, 'finding')}" if audited.drift else "nothing was found that was not known"
    terminal.say(f"audit {audited.run} {audited.status}: {told}; {_cost(audited)}")
    if audited.drift > audited.left:
        terminal.note("next: instep plan --full")


def _say_kind(terminal: Terminal, site: Site, kind: str, found: Found) -> None:
    about = KINDS[kind]
    terminal.say(f"  {kind}: {counted(found.count, 'record')}")
    terminal.say(f"    each {about.means}")
    for drift in found.examples:
        terminal.say(f"    - {_named(site, drift)}")
        for difference in drift.differences:
            terminal.say(f"        {_difference(site, drift, difference)}")
    if found.count > len(found.examples) > 0:
        terminal.say(f"    - and {found.count - len(found.examples)} more")
    if found.marked:
        terminal.say(f"    marked: {found.marked}; {about.leads_to}")
    elif about.leads_to:
        terminal.say(f"    instep audit --repair: {about.leads_to}")
    if about.fix:
        terminal.say(f"    fix: {about.fix}")


def _named(site: Site, drift: Drift) -> str:
    pair = site.dataflow.pair(drift.pair)
    name = drift.id if pair is None else words.record(pair, site.systems, drift.side, drift.id)
    if not drift.others:
        return name
    if drift.kind == "alike":
        return f"{name}, and {words.few(drift.others)}"
    return f"{name}, with {drift.others[0]} in {site.systems[drift.side.other]}"


def _difference(site: Site, drift: Drift, difference: Difference) -> str:
    names = _columns(site, drift)
    told = (f"{name} {words.values(value)}" for name, value in zip(names, difference.values, strict=True))
    return f"{difference.name}: {', '.join(told)}"


def _columns(site: Site, drift: Drift) -> tuple[str, str]:
    columns = KINDS[drift.kind].columns
    return (site.systems.left, site.systems.right) if columns == ("left", "right") else columns


def _known(audited: Audited) -> dict[str, int]:
    """How many records differ and are known to, by why."""
    counts: dict[str, int] = {}
    for (_, why), count in audited.known.items():
        counts[why] = counts.get(why, 0) + count
    return counts


def _cost(audited: Audited) -> str:
    requests = ", ".join(f"{counted(n, 'request')} to {name}" for name, n in audited.requests.items())
    records = counted(audited.records.total(), "record")
    links = counted(audited.links.total(), "link")
    return f"{records} and {links} compared, {requests}, {audited.took_ms / 1000:.1f} s"


def _as_json(audit: Audit, audited: Audited) -> dict[str, Any]:
    pairs = audit.findings.pairs
    return {
        "run": audited.run,
        "status": audited.status,
        "took_ms": audited.took_ms,
        "requests": audited.requests,
        "readings_by_id": audited.readings,
        "records": {f"{side}:{entity}": count for (side, entity), count in audited.records.items()},
        "links": dict(audited.links),
        "known": {
            pair.name: {why: count for (name, why), count in audited.known.items() if name == pair.name}
            for pair in pairs
        },
        "drift": [
            {
                "pair": pair,
                "kind": kind,
                "means": KINDS[kind].means,
                "count": found.count,
                "marked": found.marked,
                "repair": KINDS[kind].leads_to or None,
                "examples": [_example(drift) for drift in found.examples],
            }
            for pair, kind, found in audited.in_order(pairs)
        ],
        "troubles": audited.troubles,
    }


def _example(drift: Drift) -> dict[str, Any]:
    columns = KINDS[drift.kind].columns
    return {
        "side": drift.side.value,
        "id": drift.id,
        "with": list(drift.others),
        "differences": [
            {"name": each.name, **dict(zip(columns, each.values, strict=True))} for each in drift.differences
        ],
    }
