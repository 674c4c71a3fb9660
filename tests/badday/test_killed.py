"""Syncs that are killed again and again end like one that nobody disturbed; of two at once one works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from instep.sandbox.world import build_world
from tests.badday.days import fill, in_step, instep, plain_words
from tests.badday.kills import company, one_pass
from tests.badday.picture import differences, picture, twice
from tests.cli.company import Company

SCALE = 0.2


@pytest.mark.slow
def test_syncs_killed_ten_times_while_people_edit_end_like_undisturbed_ones(tmp_path: Path) -> None:
    """A sample of `make kill`, whose hundred kills take minutes."""
    found = one_pass(tmp_path, seed=11, scale=SCALE, rounds=1, kills=10)
    assert found.at_work >= 5, found
    assert found.edited >= 5, found


@pytest.mark.slow
def test_a_record_that_is_lost_changed_or_there_twice_is_seen(tmp_path: Path) -> None:
    with company(tmp_path / "company", build_world(11, SCALE)) as acme:
        before = picture(acme.stage, acme.began_s)
        assert differences(before, picture(acme.stage, acme.began_s)) == []
        contact = next(
            row for row in acme.world.erp["contacts"] if row["email"].lower() not in acme.world.ambiguous
        )
        acme.stage.servers["erp"].console("PATCH", f"contacts/{contact['id']}", {"family_name": "Changed"})
        changed = picture(acme.stage, acme.began_s)
        assert ["Changed" in line for line in differences(before, changed)] == [True]
        acme.stage.new("erp", "contact", given_name="Ida", family_name="Twice", email=contact["email"])
        again = set(twice(acme.stage)) - acme.twice_before
        assert again == {f"erp contact {contact['email'].lower()}"}
        assert ["too many" in line for line in differences(changed, picture(acme.stage, acme.began_s))] == [
            True
        ]
        assert ["lost" in line for line in differences(picture(acme.stage, acme.began_s), changed)] == [True]


@pytest.mark.slow
def test_of_two_syncs_at_once_one_works_and_the_other_says_who(acme: Company) -> None:
    fill(acme, 3)
    acme.erp.add_fault({"kind": "latency", "ms": 5000})
    first = subprocess.Popen(
        [sys.executable, "-m", "instep", "-q", "sync"],
        cwd=acme.directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while not acme.erp.counters()["total"]:
            assert first.poll() is None
        second = instep(acme.directory, "sync")
        acme.erp.clear_faults()
        out, err = first.communicate(timeout=60)
    finally:
        first.kill()
        first.wait()
    assert first.returncode == 0, out + err
    assert second.returncode == 5, second.stderr
    plain_words(second.stdout + second.stderr)
    assert f"process {first.pid}" in second.stderr
    in_step(acme)
