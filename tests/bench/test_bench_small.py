"""The request budgets of the benchmark, on a few hundred records: they may not grow unnoticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cases import CASES, Budget, Measured, measure
from bench.run import ratio_faults
from bench.stage import Requests

COUNT = 300


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_every_run_keeps_within_its_budget_of_requests(name: str, tmp_path: Path) -> None:
    measured = measure(CASES[name], COUNT, tmp_path / "stage")
    assert [fault for one in measured for fault in one.faults()] == []
    assert sum(one.run["links"]["contact"] + one.run["links"]["product"] for one in measured) == COUNT * len(
        measured
    )


@pytest.mark.slow
def test_a_few_records_are_linked_edited_and_then_left_alone(tmp_path: Path) -> None:
    case = CASES["contacts to the ERP"]
    first, echo, idle, edited, *rest = measure(case, 20, tmp_path / "stage")
    assert [fault for one in (first, echo, idle, edited, *rest) for fault in one.faults()] == []
    assert (first.writes, echo.writes, idle.writes) == (20, 0, 0)
    assert (edited.chargebee.writes, edited.erp.writes) == (1, 1)
    assert [one.writes for one in rest] == [0, 0]


def test_what_grows_with_the_number_of_records_is_told() -> None:
    def measured(count: int, cpu_s: float, peak_mib: float) -> Measured:
        none = Requests(0, 0, 0, 0, {})
        return Measured("contacts", "idle", count, none, none, Budget(0), cpu_s, cpu_s, peak_mib)

    flat = [measured(10_000, 0.05, 60.0), measured(100_000, 0.06, 62.0)]
    grown = [measured(10_000, 0.05, 60.0), measured(100_000, 0.5, 90.0)]
    assert list(ratio_faults(flat)) == []
    assert len(list(ratio_faults(grown))) == 2
