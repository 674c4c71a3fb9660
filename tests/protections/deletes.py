"""Deletes: that none is guessed, that an edit outlives one, and that what is gone stays gone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from instep.core import gone
from instep.core.dataflow import Limit
from instep.core.model import Both
from instep.errors import Gone
from instep.runner import absence, gate, look, missing, observe, outcome, work
from instep.store.transaction import SqliteTx
from tests.runner.site import LEFT, RIGHT, STRICT, Site, after, only, pair, raising
from tests.simulation.faults import Faults

from .checks import must, retired
from .notices import story, worlds
from .protection import Protection, both, put, wrap
from .shapes import shaped

SILENT = replace(STRICT, tombstones=False)
RETIRE = pair(on_delete="retire")


async def companies(site: Site, count: int) -> list[tuple[str, str]]:
    """So many linked companies."""
    for n in range(count):
        site.put(LEFT, name=f"N{n}", mail=f"{n}@x.example", phone=f"{n}")
    await site.rest()
    site.forget_requests()
    return [(link.ids.left, link.ids.right) for link in site.links()]


def _believed(whole: Any) -> Any:
    async def confirm(engine: Any, side: Any, entity: Any, id: str, *, believed: bool = False) -> bool:
        return bool(await whole(engine, side, entity, id, believed=True))

    return confirm


NO_CANARIES = both(
    put(absence, "_others", lambda *given, **more: ([], [])),
    wrap(look, "confirm_gone", _believed),
    wrap(missing, "confirm_gone", _believed),
)


async def _gone_again(*given: Any) -> Any:
    raise Gone("once is enough")


def _credulous(whole: Any) -> Any:
    async def finish(engine: Any, side: Any, entity: str, listing: int, begun: str) -> int:
        """What a list leaves out is gone."""

        def bury(tx: Any) -> None:
            for id in tx.unlisted(side, entity, listing, "", 500):
                absence._gone(engine, tx, side, entity, id)

        await engine.store.write(bury)
        return int(await whole(engine, side, entity, listing, begun))

    return finish


async def system_that_shows_nothing() -> list[str]:
    """A system has lost everything for a while: its lists are empty, and no record can be read."""
    site = Site(RETIRE, abilities=Both(SILENT, SILENT))
    linked = await companies(site, 4)
    left = site.connectors.left
    left.unlisted = {id for id, _ in linked}
    left.next("read", *(raising(Gone("no such company")) for _ in range(200)))
    for _ in range(3):
        await site.run(full=True, released=frozenset({"company:empty"}))
    out = [id for _, id in linked if retired(site, RIGHT, id)]
    return must("11", not out, f"{out} were taken out of use, and nobody has deleted their partners")


async def one_wrong_answer() -> list[str]:
    """A list leaves a record out, and one reading says that there is none."""
    site = Site(RETIRE, abilities=Both(SILENT, SILENT))
    (id, other), *_ = await companies(site, 3)
    site.connectors.left.unlisted = {id}
    site.connectors.left.next("read", raising(Gone("no such company")))
    await site.run(full=True)
    return must("11", not retired(site, RIGHT, other), "one wrong answer took a record out of use")


async def list_that_leaves_one_out() -> list[str]:
    site = Site(RETIRE, abilities=Both(SILENT, SILENT))
    (id, other), *_ = await companies(site, 3)
    site.connectors.left.unlisted = {id}
    await site.run(full=True)
    return must("11", not retired(site, RIGHT, other), "a row that was left out took a record out of use")


async def taken_and_not_shown() -> list[str]:
    """A system shows nothing of what it held, takes a write of it all the same, and shows what is entered anew."""
    sure = replace(SILENT, conditional=True)
    site = Site(RETIRE, abilities=Both(sure, SILENT))
    left, right = await site.linked_company()
    site.put(LEFT, name="Other", mail="o@x.example")
    site.edit(RIGHT, right, phone="2")
    site.connectors.left.unlisted = {left}
    await site.run(5_000)
    site.systems.left.remove("company", left)
    for _ in range(3):
        await site.run(later_ms=5_000, full=True, released=frozenset({"company:empty"}))
    return must("11", not retired(site, RIGHT, right), "a record that came later vouched for a delete")


def _showing(whole: Any) -> Any:
    def see(engine: Any, tx: Any, intent: Any, record: Any) -> Any:
        seen = replace(whole(engine, tx, intent, record), shown_ms=engine.now_ms())
        tx.save_sightings([seen])
        return seen

    return see


async def side_that_is_empty() -> list[str]:
    """The left side is another tenant's by mistake: it lists nothing, and takes what it is given."""
    emptied = only(empty=Limit(0, 0.5))
    site = Site(pair(brakes=emptied, on_delete="retire"), abilities=Both(SILENT, SILENT))
    linked = await companies(site, 4)
    site.connectors.left.unlisted = {id for id, _ in linked}
    site.put(RIGHT, title="New", mail="new@x.example")
    await site.run(full=True)
    written = site.written(LEFT)
    return must(
        "brakes", not written, f"{len(written)} records were written to a side that is suddenly empty"
    )


async def delete_of_an_edited_record() -> list[str]:
    site = Site(RETIRE)
    left, right = await site.linked_company()
    site.edit(RIGHT, right, phone="9")
    site.systems.left.remove("company", left)
    await site.rest()
    return must("6", not retired(site, RIGHT, right), "an edited record was taken out of use")


async def deleted_and_left_alone() -> list[str]:
    """A record is deleted, its partner is left as it is, and edited later."""
    site = Site(pair(on_delete="ignore"))
    left, right = await site.linked_company()
    site.systems.left.remove("company", left)
    await site.rest()
    site.edit(RIGHT, right, title="Bea")
    await site.rest()
    return must("deletes", not site.systems.left.ids("company"), "a deleted record was made again")


async def record_not_readable_yet() -> list[str]:
    """A record was seen a moment ago; now a replica that lags says twice that there is none."""
    lags = replace(SILENT, read_lag_ms=8_000)
    site = Site(RETIRE, abilities=Both(lags, lags))
    linked = await companies(site, 3)
    left, right = linked[0]
    site.edit(LEFT, left, phone="8")
    site.edit(RIGHT, right, title="Bea")
    nothing, well = raising(Gone("no such company yet")), after(lambda: None)
    site.connectors.left.next("read", nothing, well, well, nothing)  # between them two others are read
    await site.run()
    seen = site.sighting(LEFT, left)
    return must("11", seen is not None and not seen.deleted, "a record that was just seen counts as deleted")


def _long_after(whole: Any) -> Any:
    async def confirm(engine: Any, side: Any, entity: Any, id: str, **more: Any) -> bool:
        return bool(await whole(replace(engine, now_ms=lambda: 4_000_000_000_000), side, entity, id, **more))

    return confirm


async def vouched_for_by_what_has_come_since() -> list[str]:
    """A system has lost a record, and got others since; these can be read."""
    site = Site(RETIRE, abilities=Both(SILENT, SILENT))
    left, right = await site.linked_company()
    site.systems.left.remove("company", left)
    for n in range(3):
        site.put(LEFT, name=f"N{n}", mail=f"{n}@x.example")
    for _ in range(3):
        await site.run(later_ms=5_000, full=True, released=frozenset({"company:empty"}))
    return must("11", not retired(site, RIGHT, right), "a new record vouched for the loss of an older one")


def _anybody(whole: Any) -> Any:
    def canaries(tx: Any, side: Any, entity: str, excluding: str, **limits: int) -> Any:
        return whole(tx, side, entity, excluding, **{**limits, "known_ms": 2**62, "created_ms": 2**62})

    return canaries


def _unlinked(tx_save: Any) -> Any:
    def save(tx: Any, link: Any) -> Any:
        if link.state != "retired":
            return tx_save(tx, link)
        tx.remove_link(link.id)
        return link

    return save


async def deletes_that_no_list_tells() -> list[str]:
    """More records than a brake allows are missing from a list that names no deleted ones."""
    stop = only(retire=Limit(2, 0.1))
    site = Site(pair(brakes=stop, on_delete="retire"), abilities=Both(SILENT, SILENT))
    linked = await companies(site, 10)
    for id, _ in linked[:3]:
        site.systems.left.remove("company", id)
    await site.run(full=True)
    out = [id for _, id in linked if retired(site, RIGHT, id)]
    return must(
        "brakes", not out, f"{len(out)} of 3 were taken out of use before it showed that there are too many"
    )


async def _read_nothing(engine: Any, pair: Any, stopping: Any) -> None:
    return None


PROTECTIONS = (
    Protection(
        "known records must be readable before a delete is believed",
        "runner/absence.py:_others",
        "a system that shows nothing for a while has its records taken out of use on the other side",
        "11",
        NO_CANARIES,
        story(system_that_shows_nothing),
    ),
    Protection(
        "who vouches for a delete was there before",
        "runner/absence.py:known_ms",
        "a system that lost what it held, and got new records, has the lost ones' partners taken out of use",
        "11",
        wrap(SqliteTx, "canaries", _anybody),
        story(vouched_for_by_what_has_come_since),
    ),
    Protection(
        "an answered write shows nothing",
        "runner/outcome.py:see",
        "a system that takes writes, and has lost what it shows, has the partners taken out of use",
        "11",
        wrap(outcome, "see", _showing),
        story(taken_and_not_shown),
    ),
    Protection(
        "what was just seen is not gone yet",
        "runner/absence.py:read_lag_ms",
        "a replica that has not heard of a record yet makes it count as deleted",
        "11",
        both(wrap(look, "confirm_gone", _long_after), wrap(missing, "confirm_gone", _long_after)),
        story(record_not_readable_yet),
    ),
    Protection(
        "a delete is read twice",
        "runner/absence.py:read_record",
        "one wrong answer takes a record out of use",
        "11",
        put(absence, "read_record", _gone_again),
        story(one_wrong_answer),
    ),
    Protection(
        "a missing row is no delete",
        "runner/observe.py:_finish_listing",
        "a row that a list left out takes a record out of use",
        "11",
        wrap(observe, "_finish_listing", _credulous),
        story(list_that_leaves_one_out),
        {"11": worlds(shaped(faults=Faults(partial_list=0.5), on_delete="retire", kinds_of_run=("full",)))},
    ),
    Protection(
        "a side that is suddenly empty is not written to",
        "runner/gate.py:empty_side",
        "another tenant gets what is meant for the one of yesterday",
        "brakes",
        put(gate, "empty_side", lambda engine, tx, pair: None),
        story(side_that_is_empty),
    ),
    Protection(
        "deletes are read before they are counted",
        "runner/missing.py:read_missing",
        "some records are out of use before it shows that too many would be",
        "brakes",
        put(work, "read_missing", _read_nothing),
        story(deletes_that_no_list_tells),
    ),
    Protection(
        "an edit outlives a delete",
        "core/gone.py:_edited_since",
        "what somebody has just edited is taken out of use",
        "6",
        put(gone, "_edited_since", lambda scene, link, seen, gone: {}),
        story(delete_of_an_edited_record),
        {"6": worlds(shaped(deletes=8, on_delete="retire", records=8))},
    ),
    Protection(
        "the links of deleted records are kept",
        "core/state.py:retired",
        "what was deleted is made again from the partner that is left",
        "deletes",
        wrap(SqliteTx, "save_link", _unlinked),
        story(deleted_and_left_alone),
    ),
)
