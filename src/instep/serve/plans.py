"""Plans that are made here: of a sync, or of the way back from a run. Looked at, approved, and then done as they are.

A plan's actions are in a file of its own, readable for this process's owner alone, which goes with the process; of
each group of actions the places in that file are known, so that any page of it is read at once.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import tempfile
from array import array
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, Literal

from instep.core.phrases import counted
from instep.core.values import Json, decode, encode
from instep.desk.already import made_by_others, marks_of
from instep.desk.deciding import decided
from instep.desk.money import Money
from instep.desk.plan_file import action_json, brake_json, counts
from instep.desk.standing import standing
from instep.desk.undoing import way_back, wish_of
from instep.errors import InstepError, NotThere, UsageError
from instep.runner.planning import Action, actions
from instep.runner.run import Report, Wish
from instep.runner.undo import Scope, choose_ways_back
from instep.serve.live import Live
from instep.site import Site, now_ms

KEPT: Final = 10
"""Plans that are kept; the oldest that is not being worked on makes room."""

State = Literal["making", "ready", "failed", "running", "done"]
Group = tuple[str, str, str]
"""Pair, kind of action, and what it is about: a side, the cause of a hold, the reason of a wait."""


@dataclass
class Plan:
    """What would be done. `undoes`: the run that it takes back, 0 for a sync. `run`: the one that did it.
    `following`: by pair and side, how many writes come right after its creates."""

    number: int
    by: str
    made_ms: int
    pairs: tuple[str, ...] = ()
    full: bool = False
    undoes: int = 0
    state: State = "making"
    problem: str = ""
    counts: dict[str, Any] = field(default_factory=dict)
    brakes: list[dict[str, Json]] = field(default_factory=list)
    troubles: dict[str, str] = field(default_factory=dict)
    groups: dict[Group, array[int]] = field(default_factory=dict)
    money: Money = field(default_factory=Money)
    fingerprints: set[str] = field(default_factory=set)
    following: Counter[tuple[str, str]] = field(default_factory=Counter)
    note: str = ""
    approved_by: str = ""
    run: int = 0
    report: dict[str, Any] = field(default_factory=dict)
    scope: Scope | None = None
    digest: str = ""
    path: Path | None = None

    @property
    def writes(self) -> int:
        return len(self.fingerprints) + self.following.total()

    def count(self, group: Group) -> int:
        """How many actions a group has; of the kind "follow", how many writes."""
        pair, kind, about = group
        return self.following[pair, about] if kind == "follow" else len(self.groups[group])


def groups_of(action: Action) -> list[Group]:
    """Under which headings an action is told."""
    verdict, pair = action.verdict, action.key.pair
    found: list[Group] = [(pair, "link", "")] if verdict.link is not None else []
    found += dict.fromkeys((pair, write.operation, write.side.value) for write in verdict.writes)
    found += [(pair, "follow", write.side.value) for write in verdict.writes if write.following]
    found += dict.fromkeys((pair, "hold", hold.cause) for hold in verdict.holds)
    if verdict.unlink:
        found.append((pair, "unlink", ""))
    elif verdict.retired:
        found.append((pair, "rest", ""))
    elif not found:
        kind = "waiting" if verdict.wait_ms or verdict.note else "settle"
        found.append((pair, kind, verdict.note))
    return found


class Plans:
    """All plans of one process. Made and done by tasks of the loop's own; `close` removes what they keep."""

    def __init__(self, site: Site, live: Live) -> None:
        self.site, self.live = site, live
        self._known: dict[int, Plan] = {}
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()

    def all(self) -> list[Plan]:
        """Latest first."""
        return sorted(self._known.values(), key=lambda plan: -plan.number)

    def get(self, number: int) -> Plan:
        """Raises NotThere."""
        found = self._known.get(number)
        if found is None:
            raise NotThere(
                f"there is no plan {number}", why="plans go with the process, and older ones make room"
            )
        return found

    def make(self, pairs: tuple[str, ...], full: bool, who: str) -> Plan:
        """Begin to make one: both systems are read, and nothing is written."""
        plan = self._new(Plan(next(self._numbers), who, now_ms(), pairs, full))
        self._begin(plan, self._make)
        return plan

    def undo(self, scope: Scope, who: str) -> Plan:
        """Begin to make the plan of the way back from a run."""
        plan = Plan(next(self._numbers), who, now_ms(), (scope.pair,) if scope.pair else (), undoes=scope.run)
        plan.scope = scope
        self._begin(self._new(plan), self._make_undo)
        return plan

    async def approve(self, number: int, who: str) -> Plan:
        """Begin to do it: exactly its writes. Raises NotThere, or UsageError if that can't be."""
        plan = self.get(number)
        if plan.state != "ready":
            raise UsageError(f"plan {number} can't be approved", why=f"it is {plan.state}")
        if not plan.fingerprints and plan.scope is None:
            raise UsageError(f"plan {number} has nothing to approve", why="it has no write")
        plan.state, plan.approved_by = "running", who
        what = f"approved plan {number} ({counted(plan.writes, 'write')})"
        try:
            await decided(self.site, who, f"{what}, to undo run {plan.undoes}" if plan.undoes else what)
        except InstepError:  # who approved it could not be kept, so nobody has
            plan.state, plan.approved_by = "ready", ""
            raise
        self._begin(plan, self._do)
        return plan

    def page(self, plan: Plan, group: Group, after: int, limit: int) -> list[dict[str, Any]]:
        """Actions of a group from number `after` on."""
        places = plan.groups.get(group, array("Q"))[after : after + limit]
        if plan.path is None:
            return []
        found: list[dict[str, Any]] = []
        with plan.path.open("rb") as file:
            for place in places:
                file.seek(place)
                action = decode(file.readline())
                found += [action] if isinstance(action, dict) else []
        return found

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for plan in list(self._known.values()):
            self._drop(plan)

    def _new(self, plan: Plan) -> Plan:
        idle = [known for known in self._known.values() if known.state not in ("making", "running")]
        for old in sorted(idle, key=lambda known: known.number)[: max(0, len(self._known) - KEPT + 1)]:
            self._drop(old)
        self._known[plan.number] = plan
        return plan

    def _drop(self, plan: Plan) -> None:
        self._known.pop(plan.number, None)
        if plan.path is not None:
            plan.path.unlink(missing_ok=True)

    def _begin(self, plan: Plan, work: Callable[[Plan], Awaitable[None]]) -> None:
        async def watched() -> None:
            try:
                await work(plan)
            except InstepError as error:
                plan.state, plan.problem = "failed", str(error)
            except OSError as error:
                why = error.strerror or type(error).__name__
                plan.state, plan.problem = "failed", f"the plan's file can't be written\n  why: {why}"
            except asyncio.CancelledError:
                plan.state, plan.problem = "failed", "the process ended meanwhile"
                raise

        task = asyncio.create_task(watched())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read(self, plan: Plan) -> Report:
        report = await self.live.ask(Wish(act=False, full=plan.full, pairs=plan.pairs))
        plan.brakes = [brake_json(brake) for brake in report.brakes]
        plan.troubles = dict(report.troubles)
        plan.digest = self.site.digest
        return report

    async def _make(self, plan: Plan) -> None:
        report = await self._read(plan)
        plan.counts = {name: counts(tally) for name, tally in report.tallies.items()}
        with self._file(plan) as file:
            for pair in self.site.dataflow.pairs:
                if pair.name not in report.tallies:
                    continue
                for action in actions(self.site.engine(), pair):
                    self._add(plan, file, action)
                    await asyncio.sleep(0)
        plan.state = "ready"

    async def _make_undo(self, plan: Plan) -> None:
        if plan.scope is None:
            raise LookupError(plan.number)
        await self._read(plan)
        with self._file(plan) as file:
            way = await way_back(self.site, plan.scope, lambda action: self._add(plan, file, action))
        plan.pairs, plan.note = tuple(sorted(way.pairs)), way.pruned
        plan.counts = {"records": way.records, "kept": way.kept}
        plan.state = "ready" if way.records else "done"

    async def _do(self, plan: Plan) -> None:
        if plan.digest != self.site.digest:
            raise UsageError(
                f"plan {plan.number} is not one for the dataflow as it is now", fix="make a new one"
            )
        scope = plan.scope
        if scope is None:
            wish = Wish(approved=frozenset(plan.fingerprints), full=plan.full, pairs=plan.pairs)
            report = await self.live.ask(wish)
        else:
            wish = wish_of(scope, plan.fingerprints, plan.pairs, plan.counts["kept"])
            report = await self.live.ask(wish, lambda engine: choose_ways_back(engine, scope))
        plan.run, plan.state = report.run, "done"
        stands = standing(self.site)
        plan.report = {"status": report.status, "written": report.written, "took_ms": report.took_ms}
        plan.report["failed"] = sum(report.failed.values())
        plan.report["already"] = await self._made_by_others(plan) if report.written < plan.writes else {}
        plan.report["held"] = sum(stand.for_person for stand in stands.values())

    async def _made_by_others(self, plan: Plan) -> dict[str, int]:
        """How many of its writes other runs have made since it was begun, by run."""
        wanted = [marks for action in self._actions(plan) for marks in marks_of(action)]
        found = await made_by_others(self.site.store, wanted, plan.made_ms, plan.run)
        return {str(run): count for run, count in sorted(found.items())}

    def _actions(self, plan: Plan) -> Iterator[dict[str, Any]]:
        if plan.path is not None:
            with plan.path.open("rb") as lines:
                yield from (action for line in lines if isinstance(action := decode(line), dict))

    def _file(self, plan: Plan) -> IO[bytes]:
        handle, name = tempfile.mkstemp(prefix="instep-plan-")
        plan.path = Path(name)
        return os.fdopen(handle, "wb")

    def _add(self, plan: Plan, file: IO[bytes], action: Action) -> None:
        place = file.tell()
        file.write(encode(action_json(action, self.site.dataflow, self.site.systems)) + b"\n")
        plan.fingerprints.update(action.fingerprints)
        for write in action.verdict.writes:
            plan.following[action.key.pair, write.side.value] += len(write.following)
        pair = self.site.dataflow.pair(action.key.pair)
        if pair is not None:
            plan.money.add(pair, action.verdict.writes)
        for group in groups_of(action):
            plan.groups.setdefault(group, array("Q")).append(place)
