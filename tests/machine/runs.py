"""Runs, and what each has to keep to: a plan says what a sync does, an approved one is all that is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from instep.core.model import Both, Side

from . import laws
from .choices import Picks, picked
from .line import fault_of, page_fault
from .office import KILLED, Faults, Office
from .terms import Terms

Script = Sequence[tuple[Side, str, str]]
"""What becomes of the next requests: side, operation, fault."""
DEATHS = {"kill", "kill after"}


@dataclass(frozen=True)
class Kept:
    """A plan in a file, approved by somebody."""

    path: Path
    terms: Terms
    deeds: frozenset[laws.Deed]


def wait_for_the_lease(office: Office) -> None:
    """As long as the lease of a process that was killed lasts, another one is refused, in words; afterwards it is
    not."""
    if office.clock.now_ms() < office.lease_until_ms:
        before = office.mark()
        for command in ("sync", "plan"):
            assert "has the lease" in office.instep(command, codes=(5,)).stderr
        assert office.mark() == before
        office.clock.wait((office.lease_until_ms - office.clock.now_ms()) / 1000 + 1)


def plan_and_sync(office: Office, which: Sequence[str]) -> None:
    """A sync does what the plan before it says, no more and no less."""
    before = office.mark()
    plan = office.instep("plan", *which, "--json", codes=(0, 3)).json()
    assert office.mark() == before, "a plan wrote"
    said = laws.promised(office, plan)
    laws.require_right_code(office.instep("sync", *which, "--json", codes=(0, 3)))
    laws.require_done(office, said, before)


def sync_on_a_bad_day(office: Office, script: Script, which: Sequence[str], work: Callable[[], None]) -> None:
    """Whatever becomes of its requests, a sync ends in words, with the exit code for it."""
    faults = Faults()
    for side, operation, name in script:
        if operation == "list":
            faults.pages[side].append(page_fault(name, office, work))
        else:
            faults.lines[side].append((operation, fault_of(name, office, work)))
    told = {name for _, _, name in script}
    codes = {0, 3} | ({4} if "stop" in told else set()) | ({130} if "ctrl-c" in told else set())
    if told & DEATHS:
        codes |= {KILLED}
    answer = office.instep("sync", *which, "--json", codes=tuple(codes), faults=faults)
    if answer.code in (0, 3, 130):
        laws.require_right_code(answer)
    office.clock.wait(5)


def keep_plan(office: Office, which: Sequence[str]) -> Kept:
    before, path = office.mark(), office.directory / "kept.json"
    office.instep("plan", *which, "--out", str(path), codes=(0, 3))
    assert office.mark() == before, "a plan wrote"
    said = laws.promised(office, laws.json_file(path))
    return Kept(path, office.terms, said.deeds)


def do_kept(office: Office, kept: Kept) -> None:
    """What was approved is done, and nothing besides; not at all after the dataflow was changed."""
    before = office.mark()
    doubted = laws.in_doubt(office)
    codes = (0, 3) if office.terms == kept.terms else (2,)
    answer = office.instep("sync", str(kept.path), "--json", codes=codes)
    if answer.code == 2:
        assert "is not a plan for this site as it is now" in answer.stderr
        assert office.mark() == before
        return
    laws.require_right_code(answer)
    more = laws.done(office, office.writes_since(before)) - kept.deeds
    more = {deed for deed in more if (deed[0], deed[2], deed[3]) not in doubted}
    assert not more, f"not in the approved plan: {more}"


def undo(office: Office, words: Sequence[str]) -> None:
    """The way back is shown, then gone; undoing the undoing is another one."""
    before = office.mark()
    shown = office.instep("undo", *words, "--json", codes=(0, 2))
    assert office.mark() == before, "it was not said that it is to be done"
    actions = shown.json()["actions"] if shown.stdout else []
    if shown.code == 0:
        assert not any(action["writes"] or "unlink" in action for action in actions), "nobody agreed to that"
    if not actions:
        return
    for action in actions:
        for write in action["writes"]:
            if write["operation"] == "retire":
                _let_unmapped_go(office, Side(write["side"]), action["pair"], write["record"])
        ids = Both(action["ids"]["left"] or "", action["ids"]["right"] or "")
        office.choose(action["pair"], ids, "undo")
    said = laws.promised(office, {"actions": actions, "brakes": []})
    answer = office.instep("undo", *words, "--yes", "--json", codes=(0, 3))
    assert answer.json()["actions"] == actions, "another way back than the one that was shown"
    laws.require_done(office, said, before)


def _let_unmapped_go(office: Office, side: Side, kind: str, id: str) -> None:
    """No engine knows of edits of fields that are not mapped: they go with the record."""
    for name in set(office.lenses) - set(office.terms.mapped()):
        edit = office.witness.now_at.get((side, kind, id, name))
        if edit is not None:
            office.witness.windows.append(edit)


def scope(office: Office, picks: Picks) -> list[str]:
    """All that a run wrote, or that of a pair, a record, a property."""
    run = picked(office.instep("history", "--runs", "--json").lines(), picks[0])
    words = ["last" if picks[1] < 0.5 or run is None else str(run["id"])]
    link = picked(office.links(), picks[2])
    if link is not None and picks[3] > 0.5:
        words += [link["pair"], link["left"], "--side", "left"]
        words += ["--property", "l_name"] if picks[3] > 0.75 else []
    return words


__all__ = [
    "Kept",
    "Script",
    "do_kept",
    "keep_plan",
    "plan_and_sync",
    "scope",
    "sync_on_a_bad_day",
    "undo",
    "wait_for_the_lease",
]
