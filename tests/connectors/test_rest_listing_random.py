"""Random edits, creates and deletes between the pages of a listing: nothing is lost, in any style of paging."""

from __future__ import annotations

from random import Random

import pytest

from instep.core.model import Record

from .rest_erp import Erp, connect, erp, paged

STYLES = ["page", "page counted", "page bare", "offset", "offset bare", "cursor", "link"]


async def disturb(here: Erp, live: list[str], random: Random) -> None:
    """One thing that a person does, sometimes in the same millisecond as the one before."""
    if random.random() < 0.5:
        await here.console("POST", "clock", {"advance_s": random.choice([0.001, 0.5, 3])})
    dice = random.random()
    if dice < 0.6 and live:
        await here.edit("contact", random.choice(live), {"notes": f"n{random.random()}"})
    elif dice < 0.8 and live:
        await here.remove("contact", live.pop(random.randrange(len(live))))
    else:
        live.append(await here.make("contact", {"family_name": "New"}))


async def walk(seed: int, style: str) -> None:
    random = Random(f"{seed} {style}")
    async with erp() as here:
        await here.console("POST", "clock", {"freeze_at": 1_790_000_000})
        live: list[str] = []
        for _ in range(random.randrange(1, 16)):
            live.append(await here.make("contact", {"family_name": "Old"}))
            await here.console("POST", "clock", {"advance_s": random.choice([0, 0, 0.001, 3])})
        connector = connect(here.url, paged(style, size=random.choice([2, 3, 5])))
        known: dict[str, Record] = {}
        cursor = None
        for _ in range(3):
            at_start = set(live)
            named: set[str] = set()
            async for page in connector.list("contact", cursor):
                known |= {record.id: record for record in page.records}
                named |= {record.id for record in page.records}
                for _ in range(random.choice([0, 0, 1, 2])):
                    if len(named) < 60:
                        await disturb(here, live, random)
                if random.random() < 0.1:
                    break  # a crash: the cursor of this page is where the next listing goes on
            else:
                if cursor is None:
                    assert at_start & set(live) <= named, "a full listing left a live record out"
            cursor = page.cursor
        await here.console("POST", "clock", {"advance_s": 30})
        async for page in connector.list("contact", cursor):
            known |= {record.id: record for record in page.records}
        truth = (await here.console("GET", "records/contacts"))["records"]
        for record in truth:
            assert known[record["id"]].version == record["version"], "a change was never listed"
        await connector.close()


@pytest.mark.parametrize("style", STYLES)
async def test_random_disturbance_loses_nothing(style: str) -> None:
    for seed in (*range(3), 115):
        await walk(seed, style)
