"""Whatever a system answers, a run ends: with what is right, or with an error of ours that names what is wrong.

The real engine runs the shipped dataflow between the emulator and the sample ERP over real HTTP. A server in
between spoils answers (`mutations.py`), in reading and in writing. No traceback, no hang, no request without end,
no value that can't be stored; and once the systems answer as they should, all is in step and nothing is there twice.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from instep.connectors.chargebee import ChargebeeConnector, PriceTerm, Settings
from instep.connectors.http import Limits
from instep.core.model import SIDES, Both
from instep.dataflow.build import parse_dataflow
from instep.dataflow.scaffold import default_dataflow
from instep.errors import InstepError
from instep.runner.engine import Engine
from instep.runner.planning import actions
from instep.runner.run import Report, Runner, Wish
from instep.store.sqlite import SqliteStore, open_store

from .chargebee_site import Site, chargebee_site
from .faulty_server import Clock
from .misbehaving import Misbehaving, misbehaving
from .mutations import MUTATIONS, Good
from .rest_erp import Erp, connect, erp

DATAFLOW = parse_dataflow(default_dataflow())
LIMITS = Limits(total_s=3.0, read_tries=2, write_tries=2)
LONGEST_S = 60.0
MOST_REQUESTS = 600
SPOILT_SHARES = (1.0, 0.5, 0.1)
DAY_MS = 86_400_000


@dataclass
class Bench:
    """Two systems behind servers that misbehave, and a runner over them on a clock that can be set forward."""

    left: Site
    right: Erp
    servers: Both[Misbehaving]
    connectors: Both[object]
    store: SqliteStore
    now_ms: int = 1_800_000_000_000
    errors: list[InstepError] = field(default_factory=list)

    def runner(self, seed: int) -> Runner:
        engine = Engine(DATAFLOW, self.connectors, self.store, lambda: self.now_ms, random.Random(seed))  # type: ignore[arg-type]
        return Runner(engine, "test")

    async def run(self, seed: int, **wish: bool) -> Report | None:
        """A run to its end; None if it stopped with an error of ours."""
        self.now_ms += 7 * 3_600_000
        try:
            return await asyncio.wait_for(self.runner(seed).run(Wish(**wish)), LONGEST_S)
        except InstepError as error:
            assert str(error).strip()
            self.errors.append(error)
            return None

    async def spoilt(self, seed: int) -> None:
        """A run, and all that would be planned after it, while answers are spoilt as the seed says."""
        chance = random.Random(seed)
        mutation, share = chance.choice(MUTATIONS), chance.choice(SPOILT_SHARES)
        side = chance.choice([*SIDES, None])
        writes = chance.random() < 0.4

        def spoil(what: str, good: Good) -> bytes:
            wanted = (not what.startswith("GET")) if writes else True
            return mutation(good, chance) if wanted and chance.random() < share else good.wire()

        for where in SIDES:
            self.servers[where].spoil = spoil if side in (where, None) else lambda _, good: good.wire()
            self.servers[where].count = 0
        report = await self.run(seed, full=chance.random() < 0.5)
        if report is not None:
            assert all(why.strip() for why in report.troubles.values())
        planned = [action for pair in DATAFLOW.pairs for action in actions(self.runner(seed).engine, pair)]
        assert len(planned) < 1000
        for server in self.servers:
            assert server.count < MOST_REQUESTS, (mutation.__name__, server.count)
            server.spoil = lambda _, good: good.wire()

    async def people(self) -> None:
        """Records on both sides, of every kind that Instep can make, and a first run that puts them in step."""
        for n in range(2):
            name = {"first_name": "Ida", "last_name": f"Vik {n}"}
            await self.left.put("customers", id=f"c-{n}", email=f"i{n}@x.example", **name)
        for n in range(2):
            name = {"given_name": "Ole", "family_name": f"Berg {n}"}
            contact = await self.right.make("contact", {"email": f"o{n}@x.example", **name})
        await self.left.an_item("probe")
        kind = {"unit": "pcs", "kind": "goods", "family": "erp-products"}
        prices = {"EUR": "49.00"}
        product = await self.right.make(
            "product", {"code": "cable", "name": "Cable", "prices": prices, **kind}
        )
        line = {
            "product_id": product,
            "description": "Cable",
            "quantity": "2",
            "unit_price": "49.00",
            "tax_rate": "25",
        }
        order = {"contact_id": contact, "currency": "EUR", "order_date": "2026-01-05", "reference": "E-1"}
        await self.right.make("order", {"lines": [line], **order})
        await self.run(0)
        links = self.store.read(lambda tx: [tx.count_links(pair.name) for pair in DATAFLOW.pairs])
        assert sum(links) == 7, links


@asynccontextmanager
async def bench() -> AsyncIterator[Bench]:
    clock = Clock()
    async with (
        chargebee_site() as left,
        erp() as right,
        misbehaving(left.url) as one,
        misbehaving(right.url) as other,
    ):
        settings = Settings(
            list_lag_s=0, prices=(PriceTerm("EUR"), PriceTerm("USD")), item_family="erp-products"
        )
        clocks = {"sleep": clock.sleep, "monotonic": clock.monotonic}
        chargebee = ChargebeeConnector(
            "acme-test",
            "test_key",
            settings,
            base_url=one.url,
            requests_per_minute=None,
            limits=LIMITS,
            **clocks,
        )
        connectors = Both(chargebee, connect(other.url, **clocks))
        store = open_store(":memory:", threaded=False)
        try:
            yield Bench(left, right, Both(one, other), connectors, store)
        finally:
            for connector in connectors:
                await connector.close()
            await store.close()


async def people_once(at: Bench) -> None:
    """Nobody and nothing is there twice."""
    customers = (await at.left.console("GET", "records/customers"))["records"]
    contacts = (await at.right.console("GET", "records/contacts"))["records"]
    for rows in (customers, contacts):
        emails = Counter(row.get("email") for row in rows if not row.get("deleted") and row.get("email"))
        assert set(emails.values()) <= {1}, emails


async def spoil_and_mend(seeds: range) -> None:
    async with bench() as at:
        await at.people()
        for seed in seeds:
            try:
                await at.spoilt(seed)
            except Exception as error:
                error.add_note(f"seed {seed}")
                raise
            await at.left.edit("customers", "c-0", {"last_name": f"Seed {seed}"})
        for number in range(5):
            with suppress(InstepError):
                await at.run(number, full=True)
        report = await at.run(9)
        assert report is not None and not report.troubles, report
        await people_once(at)


async def test_spoilt_answers_end_in_words_and_all_is_mended_afterwards() -> None:
    await spoil_and_mend(range(10))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 500, 40))
async def test_four_hundred_spoilt_runs_end_in_words_and_all_is_mended_afterwards(first: int) -> None:
    await spoil_and_mend(range(first, first + 40))
