"""Made-up worlds in which one thing happens often: the rest of what may happen is left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from instep.core.model import Both
from tests.simulation.faults import Faults
from tests.simulation.plan import Plan

PLAIN = Both("none", "none")
"""Two systems that offer nothing but versions."""


def shaped(**more: Any) -> Callable[[int], Plan]:
    """Worlds of 20 edits on reliable systems, with `more` of something."""

    def drawn(seed: int) -> Plan:
        quiet: dict[str, Any] = {
            "profiles": Both("conditional", "conditional"),
            "records": 4,
            "edits": 20,
            "runs": 4,
            "kinds_of_run": ("sync",),
            "faults": Faults(),
            "flow": "both",
            "rival": False,
            **dict.fromkeys(("read_only_field", "read_only_entity")),
            **dict.fromkeys(("deletes", "creates", "twins", "renames", "reuses", "merges", "chooses"), 0),
            **dict.fromkeys(("wipes", "full_disks", "restores", "freezes"), 0),
        }
        return replace(Plan.basic(seed), **{**quiet, **more})

    return drawn
