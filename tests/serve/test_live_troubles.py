"""What the loop does when a system is down, slow, or of another mind about the key: it waits, tells, and heals."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.cli.company import Company, company
from tests.serve.living import (
    LEFT,
    RIGHT,
    at_most,
    at_rest,
    living,
    nothing_is_watched,
    readings,
    sent,
    until,
)

OFTEN = {"slow_ms": 200, "busy_ms": 200, "failed_ms": 150, "stopped_ms": 600}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with company(tmp_path_factory.mktemp("troubles")) as made:
        for number in range(4):
            made.customer(f"c{number}", f"First{number}", "Berg", f"c{number}@example.test")
        assert made.run("sync").exit_code == 0
        yield made


@pytest.fixture
def crew(pair: Company) -> Iterator[Company]:
    yield pair
    pair.chargebee.clear_faults()
    pair.erp.clear_faults()


def first_name(crew: Company, number: int) -> str:
    return str(crew.in_erp()[f"c{number}@example.test"]["given_name"])


@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_that_is_mended_heals_without_a_restart(crew: Company, status: int) -> None:
    name = f"Key{status}"
    async with living(crew.directory, **OFTEN) as (live, site):
        await at_rest(live)
        refused = {"error": {"code": "unauthorized", "message": "no"}}
        crew.erp.add_fault({"kind": "status", "status": status, "body": refused})
        await until(lambda: "right:contact" in live.now.troubles)
        crew.edit_chargebee("c0", first_name=name)
        await live.hint(LEFT, "customer", ["c0"])
        await until(lambda: "contact" in live.now.troubles)
        crew.erp.reset_counters()
        since_s, polls = time.monotonic(), readings(live, LEFT, "customer")
        await until(lambda: len(polls) >= 3)
        # Each of its three entities is asked for ever so rarely.
        assert crew.erp.counters()["total"] <= 3 * at_most(since_s, OFTEN["stopped_ms"] / 1000)
        crew.erp.clear_faults()
        await until(lambda: first_name(crew, 0) == name)
        await until(lambda: not live.now.troubles)
        assert site.store.read(lambda tx: tx.holds()) == []


async def test_a_key_that_was_replaced_in_its_file_is_read_again(crew: Company) -> None:
    file = crew.directory / ".instep-sandbox" / "erp.key"
    good = file.read_text()
    file.write_text("an_old_token_that_is_good_for_nothing")
    try:
        async with living(crew.directory, **OFTEN) as (live, _):
            await until(lambda: "right:contact" in live.now.troubles)
            crew.edit_chargebee("c3", first_name="Renewed")
            file.write_text(good)
            await until(lambda: first_name(crew, 3) == "Renewed")
            await until(lambda: not live.now.troubles)
    finally:
        file.write_text(good)


async def test_a_system_that_is_down_is_asked_when_it_wants_to_be_and_the_other_goes_on(
    crew: Company,
) -> None:
    async with living(crew.directory, **{**OFTEN, "stopped_ms": 2_000}) as (live, _):
        await at_rest(live)
        crew.erp.add_fault({"kind": "status", "status": 429, "headers": {"Retry-After": "1"}})
        await until(lambda: "right:contact" in live.now.troubles)
        crew.edit_chargebee("c1", first_name="Down")
        crew.erp.clear_faults()
        await until(lambda: first_name(crew, 1) == "Down")
        await until(lambda: not live.now.troubles)
        crew.erp.add_fault({"kind": "status", "status": 429, "headers": {"Retry-After": "3600"}})
        await until(lambda: "right:contact" in live.now.troubles)
        crew.erp.reset_counters()
        polls = readings(live, LEFT, "customer")
        await until(lambda: len(polls) >= 3)
        assert crew.erp.counters()["total"] <= 1


async def test_a_listing_that_fails_keeps_hints_from_nothing(crew: Company) -> None:
    async with living(crew.directory, **OFTEN) as (live, _):
        await at_rest(live)
        crew.erp.add_fault({"kind": "status", "status": 500}, match={"path": "/contacts$", "method": "GET"})
        await until(lambda: "right:contact" in live.now.troubles)
        crew.edit_chargebee("c2", first_name="Hinted")
        await live.hint(LEFT, "customer", ["c2"])
        await until(lambda: first_name(crew, 2) == "Hinted")
        (id,) = [row["id"] for row in crew.in_erp().values() if row["given_name"] == "Hinted"]
        crew.edit_erp(id, given_name="Back")
        await live.hint(RIGHT, "contact", [id])
        await until(lambda: crew.in_chargebee("c2")["first_name"] == "Back")


async def test_an_idle_loop_costs_a_handful_of_requests_a_poll_and_no_run(crew: Company) -> None:
    async with living(crew.directory, slow_ms=250, busy_ms=250, log_ms=100) as (live, site):
        await at_rest(live)
        polls = readings(live, LEFT, "customer")
        await until(lambda: len(polls) >= 2)
        await until(lambda: nothing_is_watched(site))
        await at_rest(live)
        before = site.store.read(lambda tx: tx.runs(1)[0].id)
        crew.chargebee.reset_counters()
        since_s, polls = time.monotonic(), readings(live, LEFT, "customer")
        await until(lambda: len(polls) >= 3)
        counted = sent(crew)
        assert counted["GET customers"] >= 2
        assert len(counted) <= 6
        assert max(counted.values()) <= at_most(since_s, 0.25)
        assert not [route for route in counted if "{id}" in route or "GET" not in route]
        assert site.store.read(lambda tx: tx.runs(1)[0].id) == before
        assert live.now.state in ("idle", "running")
