"""What the loop does when a system is down, slow, or of another mind about the key: it waits, tells, and heals."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.cli.company import Company, company
from tests.serve.living import LEFT, RIGHT, at_rest, living, sent, until

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
        await asyncio.sleep(0.5)
        assert crew.erp.counters()["total"] <= 8  # it is asked ever so rarely
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


async def test_a_system_that_is_down_is_asked_ever_more_rarely_and_the_other_goes_on(crew: Company) -> None:
    async with living(crew.directory, **{**OFTEN, "stopped_ms": 2_000}) as (live, _):
        await at_rest(live)
        crew.erp.add_fault({"kind": "status", "status": 429, "headers": {"Retry-After": "1"}})
        await until(lambda: "right:contact" in live.now.troubles)
        crew.erp.reset_counters()
        crew.chargebee.reset_counters()
        await asyncio.sleep(0.8)
        assert crew.erp.counters()["total"] <= 1  # it said when it wants to be asked again
        assert sent(crew).get("GET customers", 0) >= 2
        crew.edit_chargebee("c1", first_name="Down")
        crew.erp.clear_faults()
        await until(lambda: first_name(crew, 1) == "Down")
        await until(lambda: not live.now.troubles)


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
        await asyncio.sleep(0.5)
        before = site.store.read(lambda tx: tx.runs(1)[0].id)
        crew.chargebee.reset_counters()
        await asyncio.sleep(1)
        counted = sent(crew)
        assert 1 <= counted["GET customers"] <= 5
        assert sum(counted.values()) <= 6 * (counted["GET customers"] + 1)
        assert not [route for route in counted if "{id}" in route or "GET" not in route]
        assert site.store.read(lambda tx: tx.runs(1)[0].id) == before
        assert live.now.state in ("idle", "running")
