"""What is measured: runs on a stage, one after the other, and what each may cost in requests.

A case is data: what the servers hold at first, and phases, each a run with what people did before it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.stage import (
    DEFAULT_LAG_S,
    SECRETS,
    Load,
    Requests,
    Stage,
    chargebee_id,
    contacts_in_both,
    contacts_in_chargebee,
    contacts_in_erp,
    items_in_both,
    items_in_chargebee,
    items_in_erp,
    number_of,
    pages,
)

ROOT: Final = Path(__file__).parents[1]
FEW: Final = 14
"""List requests of a run that finds nothing: one or two for each entity of each side, and Chargebee's events."""

EDITED: Final = 100
"""One record in so many is edited, on each side."""


@dataclass(frozen=True)
class Budget:
    """The most requests that a phase may make, of both systems together."""

    lists: int
    reads: int = 0
    writes: int = 0


@dataclass(frozen=True)
class Phase:
    """One run. `prepare`: what people do before it. `budget` is given the number of records of the case."""

    name: str
    budget: Callable[[int], Budget]
    prepare: Callable[[Stage, int], None] = lambda _stage, _count: None
    list_lag_s: int = DEFAULT_LAG_S


@dataclass(frozen=True)
class Case:
    name: str
    load: Callable[[int], Load]
    phases: tuple[Phase, ...]


@dataclass(frozen=True)
class Measured:
    """One phase: requests that the servers counted, and what the process told of itself.

    `cpu_s` is user and system time of the run, without the start of the process; `peak_mib` of the process.
    """

    case: str
    phase: str
    count: int
    chargebee: Requests
    erp: Requests
    budget: Budget
    cpu_s: float
    wall_s: float
    peak_mib: float
    run: Mapping[str, Any] = field(repr=False, default_factory=dict)

    @property
    def lists(self) -> int:
        return self.chargebee.lists + self.erp.lists

    @property
    def reads(self) -> int:
        return self.chargebee.reads + self.erp.reads

    @property
    def writes(self) -> int:
        return self.chargebee.writes + self.erp.writes

    def faults(self) -> list[str]:
        """What is not as it has to be, in words; empty if all is well."""
        where = f"{self.case}, {self.phase} ({self.count:,})"
        found = []
        for kind in ("lists", "reads", "writes"):
            used, allowed = getattr(self, kind), getattr(self.budget, kind)
            if used > allowed:
                found.append(f"{where}: {used:,} {kind}, and {allowed:,} are enough")
        for name, value, wanted in (
            ("status", self.run["status"], "done"),
            ("failed records", self.run["failed"], 0),
            ("refused requests", self.chargebee.refused + self.erp.refused, 0),
        ):
            if value != wanted:
                found.append(f"{where}: {name}: {value!r}; {self.run['brakes']} {self.run['troubles']}")
        return found


def measure(case: Case, count: int, directory: Path, *, profile: bool = False) -> list[Measured]:
    """Run every phase of a case on a stage of its own. Raises RuntimeError if a run ends with an error."""
    found = []
    with Stage(directory) as stage:
        stage.fill(case.load(count))
        for phase in case.phases:
            stage.configure(phase.list_lag_s)
            phase.prepare(stage, count)
            stage.reset()
            told = _run(stage.site, profile)
            chargebee, erp = stage.counted()
            found.append(
                Measured(
                    case.name,
                    phase.name,
                    count,
                    chargebee,
                    erp,
                    phase.budget(count),
                    told["cpu_s"],
                    told["wall_s"],
                    told["peak_mib"],
                    told,
                )
            )
    return found


def _run(site: Path, profile: bool) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.worker", str(site), *(["--profile"] if profile else [])]
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environ = {**os.environ, **SECRETS, "PYTHONPATH": path}
    ended = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"the run of {site} ended with {ended.returncode}:\n{ended.stderr[-4000:]}")
    told: dict[str, Any] = json.loads(ended.stdout)
    return told


def edited(count: int) -> int:
    return max(1, count // EDITED)


def _edit(
    chargebee: str, change: Mapping[str, str], erp: str, key: str, other: Mapping[str, str]
) -> Callable[[Stage, int], None]:
    """People edit one record in a hundred on each side, never the same one. `key`: the field of the ERP's
    records that ends in their number."""

    def prepare(stage: Stage, count: int) -> None:
        step = max(2, count // edited(count))
        numbers = range(0, edited(count) * step, step)
        stage.edit("chargebee", chargebee, map(chargebee_id, numbers), change)
        wanted = {number + 1 for number in numbers}
        rows = stage.erp.console("GET", f"records/{erp}")["records"]
        stage.edit("erp", erp, [row["id"] for row in rows if number_of(row[key]) in wanted], other)

    return prepare


def _nothing(_count: int) -> Budget:
    return Budget(FEW)


def _echo(resources: int) -> Callable[[int], Budget]:
    """The run after a load lists once more what the load has written."""
    return lambda count: Budget(FEW + resources * pages(count))


def _few_edits(writes: int = 2) -> Callable[[int], Budget]:
    """`writes` per number of edits on one side. Chargebee has no conditional update: it is read before."""
    return lambda count: Budget(FEW + 4 * pages(edited(count)), edited(count), writes * edited(count))


def _item_edits(count: int) -> Budget:
    """An item is read with its price, and which prices it has is listed."""
    return Budget(FEW + 6 * pages(edited(count)) + edited(count), 2 * edited(count), 2 * edited(count))


EDIT_CONTACTS = _edit("customers", {"first_name": "Edda"}, "contacts", "email", {"family_name": "Holm"})
EDIT_ITEMS = _edit(
    "items", {"description": "of Chargebee"}, "products", "code", {"description": "of the ERP"}
)
IDLE = Phase("idle", _nothing)

CASES: Final[Mapping[str, Case]] = {
    case.name: case
    for case in (
        Case(
            "contacts to the ERP",
            contacts_in_chargebee,
            (
                Phase("first load", lambda count: Budget(FEW + pages(count), 0, count)),
                Phase("its echo", _echo(1)),
                IDLE,
                Phase("1% edited on each side", _few_edits(), EDIT_CONTACTS),
                Phase("its echo", lambda count: Budget(FEW + 2 * pages(edited(count)))),
                IDLE,
            ),
        ),
        Case(
            "contacts in both",
            contacts_in_both,
            (
                Phase("linked", lambda count: Budget(FEW + 2 * pages(count))),
                IDLE,
                Phase("1% edited on each side", _few_edits(), EDIT_CONTACTS),
            ),
        ),
        Case(
            "contacts to Chargebee",
            contacts_in_erp,
            (
                Phase("first load", lambda count: Budget(FEW + pages(count), 0, count)),
                Phase("its echo", _echo(1)),
                Phase(f"idle, lists trail {DEFAULT_LAG_S} s", _echo(1)),
                Phase("idle, last time that they trail", _echo(1), list_lag_s=0),
                Phase("idle, lists trail 0 s", _nothing, list_lag_s=0),
            ),
        ),
        Case(
            "items to the ERP",
            items_in_chargebee,
            (
                Phase("first load", lambda count: Budget(FEW + 3 * pages(count), 0, count)),
                Phase("its echo", _echo(1)),
                IDLE,
                Phase("1% edited on each side", _item_edits, EDIT_ITEMS),
            ),
        ),
        Case(
            "items to Chargebee",
            items_in_erp,
            (
                Phase("first load", lambda count: Budget(FEW + pages(count), 4 * count, 2 * count)),
                # Items, item prices, items of these prices, and the item prices of both.
                Phase("its echo", _echo(5)),
            ),
        ),
        Case(
            "items in both",
            items_in_both,
            (Phase("linked", lambda count: Budget(FEW + 3 * pages(count))), IDLE),
        ),
    )
}
