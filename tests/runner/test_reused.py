"""An id that stands for another record: noticed by the time of creation, and held before values are mixed up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from instep.core.model import Both, Side
from instep.core.release import release_of

from .site import LEFT, RIGHT, STRICT, Site, another, pair
from .test_audit import audit, kinds

QUIET = Both(replace(STRICT, tombstones=False), replace(STRICT, tombstones=False))


async def choose(site: Site, choice: str) -> None:
    [hold] = site.holds()

    def save(tx) -> None:  # type: ignore[no-untyped-def]
        tx.save_release(release_of(hold, choice, at_ms=site.now))
        tx.mark([hold.key])

    await site.store.write(save)


@pytest.mark.parametrize("side", list(Side))
async def test_another_record_under_the_same_id_does_not_overwrite_the_partner(side: Side) -> None:
    site = Site(pair(on_delete="retire"), abilities=QUIET)
    left, right = await site.linked_company()
    another(site, side, left if side is LEFT else right, "Bob")
    await site.rest()
    assert site.written(side.other) == []
    [hold] = site.holds()
    assert (hold.cause, hold.property) == ("reused", "")
    assert "is another record" in hold.what


async def test_a_person_may_say_that_it_is_the_same_all_the_same() -> None:
    site = Site(abilities=QUIET)
    left, right = await site.linked_company()
    another(site, LEFT, left, "Bob")
    await site.rest()
    await choose(site, "retry")
    await site.rest()
    assert site.fields(RIGHT, right)["title"] == "Bob"
    assert site.holds() == []


async def test_unlinked_the_new_record_gets_a_partner_of_its_own() -> None:
    site = Site(abilities=QUIET)
    left, right = await site.linked_company()
    another(site, LEFT, left, "Bob")
    await site.rest()
    await choose(site, "unlink")
    await site.rest()
    assert sorted(site.titles(RIGHT)) == ["Ann", "Bob"]
    assert site.fields(RIGHT, right)["title"] == "Ann"


async def test_a_record_without_a_partner_is_simply_another_one() -> None:
    site = Site(abilities=QUIET)
    id = site.put(LEFT, name="Ann")
    await site.run(act=False)
    another(site, LEFT, id, "Bob")
    await site.rest()
    assert site.titles(RIGHT) == ["Bob"]


async def test_what_took_the_id_is_read_though_the_partner_seems_to_be_gone_too() -> None:
    untold = Both(QUIET.left, replace(QUIET.right, versions="none"))
    site = Site(abilities=untold)
    left, right = await site.linked_company()
    another(site, RIGHT, right, "Bob")
    site.systems.left.remove("company", left)  # no other was there by which that could be believed
    site.put(LEFT, name="Bob", mail="Bob@x.example")
    site.now += 60_000
    await site.run(full=True)
    await site.rest()
    assert site.todo() == []
    assert {hold.cause for hold in site.holds()} == {"reused", "duplicate"}
    assert kinds(await audit(site)) == {}
