"""A first load that is killed again and again ends like one that nobody disturbed."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.badday.days import fill, in_step, instep, living, plain_words
from tests.cli.company import Company, company

KILLS = 20
LATER = (
    "import sys, instep.site as site; real = site.now_ms; ahead_ms = int(sys.argv.pop(1));"
    "site.now_ms = lambda: real() + ahead_ms; from instep.cli import main; main()"
)
"""The command on a clock that is so far ahead: a killed run keeps the store for a minute."""
PEOPLE = 25


def held_values(acme: Company) -> dict[str, list[tuple[Any, ...]]]:
    """What both systems hold, without what differs from run to run (ids that a server gave, times)."""
    return {
        "customers": sorted(
            (r["id"], r["first_name"], r["last_name"]) for r in living(acme, "chargebee", "customers")
        ),
        "contacts": sorted(
            (r["email"], r["given_name"], r["family_name"]) for r in living(acme, "erp", "contacts")
        ),
        "items": sorted((r["id"], r["name"]) for r in living(acme, "chargebee", "items")),
        "products": sorted((r["code"], str(r["prices"])) for r in living(acme, "erp", "products")),
        "item_prices": sorted((r["item_id"], r["price"]) for r in living(acme, "chargebee", "item_prices")),
        "orders": sorted((r["id"], len(r["order_line_items"])) for r in living(acme, "chargebee", "orders")),
        "erp orders": sorted((r["reference"], len(r["lines"])) for r in living(acme, "erp", "orders")),
    }


def requests(acme: Company) -> int:
    return sum(int(server.counters()["total"]) for server in (acme.chargebee, acme.erp))


@pytest.mark.slow
def test_a_first_load_killed_twenty_times_ends_like_an_undisturbed_one(tmp_path: Path) -> None:
    draw = random.Random(20)
    with company(tmp_path / "calm") as calm:
        fill(calm, PEOPLE)
        in_step(calm)
        wanted = held_values(calm)
    with company(tmp_path / "wild") as wild:
        fill(wild, PEOPLE)
        for server in (wild.chargebee, wild.erp):
            server.add_fault({"kind": "latency", "ms": 20})
        killed = 0
        for number in range(KILLS):
            after = requests(wild) + draw.randint(1, 14)
            process = subprocess.Popen(
                [sys.executable, "-c", LATER, str(number * 120_000), "-q", "sync"],
                cwd=wild.directory, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            while process.poll() is None and requests(wild) < after:
                pass
            process.kill()
            plain_words(process.communicate()[1])
            killed += process.returncode == -signal.SIGKILL
        assert killed >= KILLS / 2
        in_step(wild)
        assert held_values(wild) == wanted


@pytest.mark.slow
def test_of_two_syncs_at_once_one_works_and_the_other_says_who(acme: Company) -> None:
    fill(acme, 3)
    acme.erp.add_fault({"kind": "latency", "ms": 300})
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
        out, err = first.communicate(timeout=60)
    finally:
        first.kill()
        first.wait()
    assert first.returncode == 0, out + err
    assert second.returncode == 5, second.stderr
    plain_words(second.stdout + second.stderr)
    assert f"process {first.pid}" in second.stderr
    in_step(acme)
