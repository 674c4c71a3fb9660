"""The benchmark of live edits, for a few seconds: all arrive, soon, and with no more requests than an edit needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.live import QUOTA, measure


@pytest.mark.slow
def test_edits_arrive_soon_and_each_costs_what_it_has_to(tmp_path: Path) -> None:
    found = measure(tmp_path / "site", 60, 5, 8, 4)
    assert len(found.took_s) == found.edits == 40
    assert found.share(0.5) < 2
    assert found.most <= QUOTA
    alone = {route: count for route, count in found.requests.items() if route.endswith("{id}")}
    # An edit of Chargebee's is read once; one of the ERP's reads its target and writes it. Echoes cost nothing.
    assert sum(alone.values()) <= 1.5 * found.edits + 4
