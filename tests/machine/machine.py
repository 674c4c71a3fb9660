"""People at work in two systems and at the command line, in any order; after each step the laws must hold."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

from hypothesis import HealthCheck, note, seed, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture.providers import HypothesisProvider
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from instep.core.model import Both, Side
from tests.simulation.plan import PROFILES, Step
from tests.simulation.world import _line

from . import choices, laws, runs
from .choices import Picks
from .line import OF_PAGES, OF_READS, OF_WRITES
from .office import KINDS, Office, Setting
from .terms import Terms

IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""A directory in which syncing a file costs nothing, where there is one."""

SIDES = st.sampled_from(list(Side))
PICK = st.integers(0, 99).map(lambda number: number / 100)
PICKS = st.tuples(PICK, PICK, PICK, PICK)
LENS = st.sampled_from(["plain", "case", "cut", "rounded"])
TERMS = st.builds(
    Terms,
    policy=st.sampled_from(["newest", "hold", "left", "right"]),
    on_delete=st.sampled_from(["hold", "retire", "ignore"]),
    phone=st.sampled_from(["both", "both", "to-right", "to-left"]),
    cities=st.sampled_from([True, True, False]),
    braked=st.sampled_from([False, False, True]),
).map(lambda terms: replace(terms, cities=terms.cities or terms.on_delete == "retire"))
"""Where a delete is followed, every field is mapped: no engine knows of edits of the others."""
SETTINGS = st.builds(
    Setting,
    profiles=st.builds(Both, st.sampled_from(sorted(PROFILES)), st.sampled_from(sorted(PROFILES))),
    lenses=st.tuples(LENS, LENS),
    tombstones=st.booleans(),
    fixed=st.sampled_from([None, None, None, *Side]),
)
ACTS = ("edit", "edit", "clash", "clash", "create", "twin", "rename", "delete", "reuse", "merge")
Deed = tuple[str, Side, str, Picks]
DEEDS = st.tuples(st.sampled_from(ACTS), SIDES, st.sampled_from(KINDS), PICKS)
"""What a person does: the deed, the side, the kind of record, and what chooses among what is there."""
SCRIPTS = st.lists(
    st.one_of(
        st.tuples(SIDES, st.sampled_from(["create", "update", "retire"]), st.sampled_from(OF_WRITES)),
        st.tuples(SIDES, st.sampled_from(["read", "find"]), st.sampled_from(OF_READS)),
        st.tuples(SIDES, st.just("list"), st.sampled_from(OF_PAGES)),
    ),
    min_size=1,
    max_size=4,
)
Which = tuple[str, ...]
WHICH = st.sampled_from([(), (), ("--full",), ("--pair", "company"), ("--pair", "person")])


class Machine(RuleBasedStateMachine):
    office: Office

    def __init__(self) -> None:
        super().__init__()
        self._directory = tempfile.TemporaryDirectory(prefix="instep-machine-", dir=IN_MEMORY)
        self.anchors: list[str] = []
        self.kept: Any = None
        self.opened = False

    @initialize(setting=SETTINGS, terms=TERMS, records=st.integers(0, 3), seed=st.integers(0, 99))
    def open(self, setting: Setting, terms: Terms, records: int, seed: int) -> None:
        self.office = Office(Path(self._directory.name), setting, terms)
        self.opened = True
        self.office.people.populate(records, Random(seed).random)
        self.office.clock.wait(3)

    def teardown(self) -> None:
        if not self.opened:
            self._directory.cleanup()
            return
        try:
            if not self.office.broken:
                self.rest()
        finally:
            for at_ms, *what in self.office.story:
                note(f"{at_ms % 10**8 / 1000:9.3f} {_line(*what)}")
            self.office.close()
            self._directory.cleanup()

    def begin(self) -> None:
        """Let a run be possible: a dead one's lease ends, and where none ever was, one is made first."""
        runs.wait_for_the_lease(self.office)
        if not self.office.store_path.exists():
            runs.plan_and_sync(self.office, ())

    def step(self, deed: Deed) -> None:
        act, side, kind, picks = deed
        if act == "clash":
            choices.clash(self.office, side, kind, picks)
        else:
            self.office.people.act(Step(0, act, side, kind, picks))

    # People

    @rule(deed=DEEDS, s=st.sampled_from([1, 30]), then=st.booleans())
    def work(self, deed: Deed, s: int, then: bool) -> None:
        self.step(deed)
        self.office.clock.wait(s)
        if then:
            self.begin()
            runs.plan_and_sync(self.office, ())

    @rule(s=st.sampled_from([5, 61, 4_000, 90_000]))
    def wait(self, s: int) -> None:
        self.office.clock.wait(s)

    # Runs

    @rule(which=WHICH)
    def sync(self, which: Which) -> None:
        self.begin()
        runs.plan_and_sync(self.office, which)

    @rule(script=SCRIPTS, which=WHICH, before=DEEDS, meanwhile=DEEDS)
    def sync_on_a_bad_day(self, script: runs.Script, which: Which, before: Deed, meanwhile: Deed) -> None:
        self.begin()
        self.step(before)
        self.office.clock.wait(1)
        runs.sync_on_a_bad_day(self.office, script, which, lambda: self.step(meanwhile))

    @rule(which=WHICH, before=DEEDS, meanwhile=st.none() | DEEDS, now=st.booleans())
    def approve(self, which: Which, before: Deed, meanwhile: Deed | None, now: bool) -> None:
        self.begin()
        self.step(before)
        self.office.clock.wait(1)
        self.kept = runs.keep_plan(self.office, which)
        if meanwhile is not None:
            self.step(meanwhile)
            self.office.clock.wait(1)
        if now:
            runs.do_kept(self.office, self.kept)

    @precondition(lambda self: self.kept is not None)
    @rule()
    def do_what_was_approved(self) -> None:
        self.begin()
        runs.do_kept(self.office, self.kept)

    @rule(picks=PICKS)
    def undo(self, picks: Picks) -> None:
        self.begin()
        runs.undo(self.office, runs.scope(self.office, picks))

    # Choices

    @rule(picks=PICKS)
    def release(self, picks: Picks) -> None:
        self.begin()
        choices.release(self.office, picks)

    @rule(picks=PICKS)
    def by_hand(self, picks: Picks) -> None:
        self.begin()
        (choices.unlink if picks[3] < 0.7 else choices.link)(self.office, picks)

    @rule(picks=PICKS)
    def forget(self, picks: Picks) -> None:
        self.begin()
        choices.forget(self.office, picks)

    @rule(terms=TERMS)
    def agree_on(self, terms: Terms) -> None:
        self.office.agree_on(terms)
        self.office.instep("check", "--offline")

    @rule(picks=PICKS, words=st.sampled_from(choices.WRONG))
    def look(self, picks: Picks, words: tuple[str, ...]) -> None:
        before = self.office.mark()
        self.office.instep(*words, codes=(2,))
        choices.look(self.office, picks)
        runs.wait_for_the_lease(self.office)
        repair = ["--repair"] if picks[3] < 0.5 else []
        self.office.instep("audit", *repair, "--json", codes=(0, 2, 3))
        assert self.office.mark() == before, "what only tells has written"

    # What must hold

    def rest(self) -> None:
        if not self.office.terms.cities:
            self.office.agree_on(replace(self.office.terms, cities=True))
        laws.come_to_rest(self.office)
        laws.require_rest(self.office)

    @invariant()
    def laws(self) -> None:
        if not self.opened:
            return
        try:
            laws.require_no_findings(self.office)
            laws.require_journal(self.office, self.anchors)
            laws.require_one_to_one(self.office)
        except AssertionError:
            self.office.broken = True
            raise


def lived(machine: type[Machine], offices: int, number: int = 1, **more: Any) -> None:
    """Let so many offices work, those of the seed `number`; raises what the first broken law raises, made small.

    Hypothesis likes to draw numbers that stand in the program's own modules: those that happen to be loaded by then,
    which depends on what ran before in the same process. Here it does not.
    """
    usual = {
        "max_examples": offices,
        "stateful_step_count": 30,
        "deadline": None,
        "database": None,
        "print_blob": False,
        "report_multiple_bugs": False,
        "suppress_health_check": list(HealthCheck),
    }
    with mock.patch.object(HypothesisProvider, "_maybe_draw_constant", lambda *given, **more: None):
        run_state_machine_as_test(seed(number)(machine), settings=settings(**{**usual, **more}))


__all__ = ["Machine", "lived"]
