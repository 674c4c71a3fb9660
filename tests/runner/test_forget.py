"""Forgetting a person: every value goes that nothing needs any more, and the rest goes on as before."""

from __future__ import annotations

import pytest

from instep.core.dataflow import Limit
from instep.core.match import is_apart
from instep.core.model import SIDES, Both, Side
from instep.core.release import kept_apart
from instep.core.state import Intent, Key
from instep.core.values import digest, encode
from instep.errors import UsageError
from instep.runner.brakes import CAUSE, release_brake
from instep.runner.forget import Forgotten, forget, places_of, to_forget
from instep.runner.undo import Scope, ways_back
from instep.store.verify import verify

from .site import LEFT, RIGHT, Site, lost, only, pair


async def forgotten(site: Site, side: Side, id: str, *, only: bool = False) -> Forgotten:
    engine = site.runner.engine
    found = engine.dataflow.pairs[0]

    def look(tx):  # type: ignore[no-untyped-def]
        return to_forget(tx, places_of(engine, tx, found, side, id, only=only))

    would = site.store.read(look)
    site.now += 1_000
    done = await site.store.write(
        lambda tx: forget(engine, tx, places_of(engine, tx, found, side, id, only=only))
    )
    assert would == done, "what was shown is what is done"
    return done


def stands(site: Site, value: str) -> bool:
    """Whether the store holds a value anywhere, whatever tables it comes to have."""
    execute = site.store._reader.execute  # type: ignore[attr-defined]
    wanted = encode(value).decode().strip('"')
    tables = [row[0] for row in execute("select name from sqlite_schema where type = 'table'")]
    return any(
        wanted in str(cell) for table in tables for row in execute(f'select * from "{table}"') for cell in row
    )


async def settled(site: Site) -> None:
    site.forget_requests()
    await site.run(full=True)
    assert site.sent("create", "update", "retire") == []
    assert site.store.read(verify).trouble == ""


async def another(site: Site) -> None:
    """A second company, by which a delete of the first can be believed."""
    site.put(LEFT, name="Bob", mail="bob@x.example")
    await site.run()


async def test_the_journal_of_a_living_record_loses_its_values_and_the_record_goes_on() -> None:
    site = Site()
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="tel. 0815")
    await site.run()
    site.edit(RIGHT, right, phone="tel. 4711")
    await site.run()
    written = len(site.journal())
    found = await forgotten(site, RIGHT, right)
    assert (found.entries, found.readings, found.agreed, found.waiting) == (written, 0, 0, 0)
    assert found.kept == ((RIGHT, "company", right), (LEFT, "company", left))
    assert not stands(site, "tel. 0815")
    assert stands(site, "tel. 4711"), "it is what both systems hold"
    entries = site.journal()
    assert entries[0].operation == "forget" and entries[0].changes == ()
    assert all(
        e.forgotten and not e.reason and all(set(c) == {"property"} for c in e.changes) for e in entries[1:]
    )
    await settled(site)
    site.edit(LEFT, left, phone="5")
    await site.run()
    assert site.fields(RIGHT, right)["phone"] == "5"


async def test_of_a_record_that_is_gone_on_both_sides_nothing_is_left() -> None:
    site = Site()
    await another(site)
    left, right = await site.linked_company(name="Ada", mail="ada@x.example", phone="tel. 0815", city="Kiel")
    for side, id in ((LEFT, left), (RIGHT, right)):
        site.systems[side].remove("company", id)
    await site.run(full=True)
    found = await forgotten(site, LEFT, left)
    assert (found.readings, found.agreed, found.kept) == (2, 1, ())
    assert not any(stands(site, value) for value in ("Ada", "ada@x.example", "tel. 0815", "Kiel"))
    assert stands(site, "bob@x.example")
    await settled(site)
    assert len(site.links()) == 2, "the link stays, so that neither comes back"


async def test_a_delete_that_waits_for_a_person_keeps_what_the_choice_needs() -> None:
    site = Site()
    await another(site)
    left, right = await site.linked_company(name="Ada", mail="ada@x.example")
    site.systems[LEFT].remove("company", left)
    await site.run(full=True)
    assert [hold.cause for hold in site.holds()] == ["deleted"]
    found = await forgotten(site, LEFT, left)
    assert len(found.kept) == 2
    assert [hold.cause for hold in site.holds()] == ["deleted"]
    site.edit(RIGHT, right, phone="9")
    await site.run()
    assert "edit outlives" in site.holds()[0].why


async def test_the_holds_of_a_record_that_is_gone_go_with_it() -> None:
    site = Site(pair(create=Both(False, False)))
    await another(site)
    left = site.put(LEFT, name="Ada", mail="ada@x.example")
    for _ in range(2):
        site.put(RIGHT, title="Ada", mail="ada@x.example")
    await site.run()
    assert "ambiguous" in {hold.cause for hold in site.holds()}
    site.systems[LEFT].remove("company", left)
    await site.run(full=True)
    await forgotten(site, LEFT, left)
    assert Key("company", LEFT, left) not in {hold.key for hold in site.holds()}


async def test_one_record_alone_can_be_forgotten() -> None:
    site = Site()
    left, right = await site.linked_company()
    found = await forgotten(site, RIGHT, right, only=True)
    assert {place.id for place in found.places} == {right}
    (entry,) = [entry for entry in site.journal() if entry.operation == "forget"]
    assert (entry.side, entry.record_id, entry.partner_id) == (RIGHT, right, "")
    await settled(site)
    assert left in {link.ids.left for link in site.links()}


async def test_a_record_is_forgotten_in_every_pair_that_has_it() -> None:
    site = Site(pair(), pair("person"))
    found = await site.linked_company()
    person = site.put(LEFT, "person", name="Eva", mail="eva@x.example")
    await site.run()
    await forgotten(site, LEFT, found[0])
    assert {e.record_id for e in site.journal() if not e.forgotten and e.operation == "create"} != set()
    assert stands(site, "eva@x.example")
    assert person


async def test_what_is_in_doubt_is_settled_first() -> None:
    site = Site()
    left, right = await site.linked_company()
    key, link = Key("company", LEFT, left), site.links()[0].id
    update = Intent(key, RIGHT, "update", right, left, {"phone": "2"}, {}, "k", link_id=link)
    new = site.put(LEFT, name="Eva", mail="eva@x.example")
    site.connectors[RIGHT].next("create", lost())
    await site.run()
    await site.store.write(lambda tx: tx.save_intent(update))
    assert [intent.operation for intent in site.intents()] == ["create", "update"]
    for side, id in ((LEFT, left), (RIGHT, right), (LEFT, new)):
        with pytest.raises(UsageError, match="can't be forgotten now"):
            await forgotten(site, side, id)
    assert not any(entry.forgotten for entry in site.journal())


async def test_forgetting_twice_erases_nothing_more_and_verifies() -> None:
    site = Site()
    left, _ = await site.linked_company()
    await forgotten(site, LEFT, left)
    assert (await forgotten(site, LEFT, left)).entries == 0
    await settled(site)


async def test_undoing_says_that_what_it_needs_was_forgotten() -> None:
    site = Site()
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    report = await site.run()
    await forgotten(site, LEFT, left)
    (back,) = ways_back(site.runner.engine, Scope(report.run))
    (hold,) = back.action.verdict.holds
    assert (hold.cause, hold.why) == ("no way back", "its values were forgotten on request")
    assert back.releases == ()
    assert site.fields(RIGHT, right)["phone"] == "2"


@pytest.mark.parametrize("released", [False, True])
async def test_what_a_brake_has_counted_of_a_record_that_is_gone_is_forgotten(released: bool) -> None:
    site = Site(pair(brakes=only(change=Limit(2, 0.0))))
    lefts = [site.put(LEFT, name=name, phone="1", mail=f"{name}@x.example") for name in "abcde"]
    await site.run()
    for left in lefts[:4]:
        site.edit(LEFT, left, phone=f"tel. {left}")
    await site.run()
    (brake,) = [hold for hold in site.holds() if hold.cause == CAUSE]
    if released:
        await site.store.write(lambda tx: release_brake(tx, brake, site.now))
    about = digest(["phone", [[f"tel. {lefts[0]}"], ["1"]]])
    assert stands(site, about)
    [link] = [link for link in site.links() if link.ids.left == lefts[0]]
    for side in SIDES:
        site.systems[side].remove("company", link.ids[side])
    await site.run(act=False, full=True)
    await forgotten(site, LEFT, lefts[0])
    assert not stands(site, about)


async def test_who_is_kept_apart_stays_so_when_it_is_forgotten() -> None:
    site = Site()
    await another(site)
    left, right = await site.linked_company()
    [link] = [link for link in site.links() if link.ids.left == left]
    for release in kept_apart(link, site.now):
        await site.store.write(lambda tx, release=release: tx.save_release(release))
    await site.store.write(lambda tx: tx.remove_link(link.id))
    site.systems.right.remove("company", right)
    await site.run(full=True)
    await forgotten(site, RIGHT, right)
    assert is_apart(site.store.read(lambda tx: tx.releases_of(Key("company", RIGHT, right))))
