"""The loop between two running systems: hints, polls, what goes first, and what nobody has to restart it for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from instep.core.state import Key
from instep.site import Site, now_ms
from tests.cli.company import Company, company

from .living import LEFT, RIGHT, at_rest, living, readings, sent, until

PEOPLE = 12


@pytest.fixture(scope="module")
def crew(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A company with some people that are in step."""
    with company(tmp_path_factory.mktemp("crew")) as made:
        for number in range(PEOPLE):
            made.customer(f"c{number}", f"First{number}", "Berg", f"c{number}@example.test")
        assert made.run("sync").exit_code == 0
        yield made


def partner(crew: Company, number: int) -> str:
    """The id of the ERP's contact of one of them."""
    return str(crew.in_erp()[f"c{number}@example.test"]["id"])


def runs(site: Site) -> list[tuple[str, str]]:
    return [(run.kind, run.status) for run in site.store.read(lambda tx: tx.runs())]


async def test_a_hinted_edit_arrives_with_one_reading_and_no_listing(crew: Company) -> None:
    async with living(crew.directory) as (live, site):
        await at_rest(live)
        before = len(runs(site))
        crew.chargebee.reset_counters()
        crew.edit_chargebee("c0", first_name="Hinted")
        assert await live.hint(LEFT, "customer", ["c0"]) == 1
        await until(lambda: crew.in_erp()["c0@example.test"]["given_name"] == "Hinted")
        await at_rest(live)
        assert sent(crew) == {"GET customers/{id}": 1}
        entry = site.store.read(lambda tx: tx.journal(limit=1)[0])
        run = site.store.read(lambda tx: tx.run(entry.run))
        assert run is not None
        assert (run.kind, run.status) == ("live", "running")
        assert len(runs(site)) == before + 1
    ended = site  # the store is closed by now: a new one tells what became of the run
    async with living(crew.directory) as (_, site):
        assert ended is not site
        assert runs(site)[0] == ("live", "done")


async def test_hints_that_say_nothing_new_cost_nothing(crew: Company) -> None:
    async with living(crew.directory) as (live, site):
        await at_rest(live)
        seen = site.store.read(lambda tx: tx.sighting(LEFT, "customer", "c1"))
        assert seen is not None
        assert seen.version is not None
        crew.chargebee.reset_counters()
        assert await live.hint(LEFT, "customer", ["c1"], {"c1": seen.version}) == 0
        assert await live.hint(LEFT, "customer", ["c1"], {"c1": seen.version - 1}) == 0
        assert await live.hint(LEFT, "elsewhere", ["c1"]) == 0
        assert await live.hint(LEFT, "customer", []) == 0
        await at_rest(live)
        assert sent(crew) == {}


async def test_a_hint_of_what_is_not_there_is_found_out_by_reading(crew: Company) -> None:
    async with living(crew.directory) as (live, site):
        await at_rest(live)
        crew.chargebee.reset_counters()
        assert await live.hint(LEFT, "customer", ["nobody", "nobody"]) == 1
        await at_rest(live)
        assert sum(sent(crew).values()) <= 5
        assert site.store.read(lambda tx: tx.holds_of(Key("contact", LEFT, "nobody"))) == []
        assert "nobody@example.test" not in crew.in_erp()


async def test_with_every_webhook_lost_an_edit_arrives_within_two_polls(crew: Company) -> None:
    """It may have missed the poll that is going on; the next one brings it."""
    async with living(crew.directory, slow_ms=700, busy_ms=700) as (live, _):
        await at_rest(live)
        news = readings(live, LEFT, "customer")
        crew.edit_chargebee("c2", first_name="Polled")
        await until(lambda: crew.in_erp()["c2@example.test"]["given_name"] == "Polled")
        assert 1 in news[:2]
        news = readings(live, RIGHT, "contact")
        crew.edit_erp(partner(crew, 2), family_name="Polled")
        await until(lambda: crew.in_chargebee("c2")["last_name"] == "Polled")
        assert 1 in news[:2]


async def test_whoever_asks_for_it_has_everything_read_now(crew: Company) -> None:
    async with living(crew.directory) as (live, _):
        await at_rest(live)
        crew.edit_chargebee("c3", first_name="Asked")
        live.read_now()
        await until(lambda: crew.in_erp()["c3@example.test"]["given_name"] == "Asked")


async def test_a_clock_that_is_set_back_puts_no_poll_off(crew: Company) -> None:
    async with living(crew.directory, slow_ms=700, busy_ms=700) as (live, _):
        await at_rest(live)
        crew.edit_chargebee("c4", first_name="Before")
        await until(lambda: crew.in_erp()["c4@example.test"]["given_name"] == "Before")
        live._runner.engine.now_ms = lambda: now_ms() - 3_600_000
        crew.edit_chargebee("c4", first_name="Earlier")
        await until(lambda: crew.in_erp()["c4@example.test"]["given_name"] == "Earlier")
