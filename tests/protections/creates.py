"""First contact: that a partner is recognised, matched or asked for, and made once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from instep.connectors.contract import Page
from instep.core import match
from instep.core.model import SIDES, Both
from instep.core.verdict import Verdict
from instep.errors import Refused, RetryLater
from instep.runner import judge, observe, run, turn
from tests.runner.site import (
    LEFT,
    PROPERTIES,
    RIGHT,
    STRICT,
    Scripted,
    Site,
    company,
    pair,
    prop,
    raising,
)

from .checks import must, twice, unlike
from .journal import WITHOUT_UNIQUE_LINKS
from .notices import story, worlds
from .protection import Protection, both, put, wrap

# --- The switches


def _guess(scene: Any, key: Any, seen: Any, evidence: Any) -> Any:
    """The first that looks like a partner is one."""
    free = [other.id for other in evidence.others if not other.partner]
    ids = match._ids(key.side, seen.id, free[0]) if free else None
    return None if ids is None else Verdict(key, link=ids, how=f"match {evidence.name}")


def _old_enough(whole: Any) -> Any:
    return lambda *given: replace(whole(*given), settle_ms=0)


def _no_match(pair: Any, side: Any, fields: Any, lookup: Any) -> dict[int, str]:
    return {}


NOT_RECOGNISED = both(
    put(judge, "_claimed", lambda pair, scene, seen: []), put(observe, "match_values", _no_match)
)

# --- The stories


async def both_have_it() -> list[str]:
    site = Site()
    for side in SIDES:
        site.put(side, mail="a@x.example", **{"name" if side is LEFT else "title": "Ann"})
    await site.rest()
    return twice(site)


async def partner_that_comes_later() -> list[str]:
    """One side's record is known for a while before the other side has it too."""
    site = Site(pair(create=Both(False, False)))
    site.put(LEFT, name="Ann", mail="a@x.example")
    await site.rest()
    site.put(RIGHT, title="Ann", mail="a@x.example")
    await site.rest()
    return must("1", site.links(), "two records with one address have not found each other")


async def lost_store() -> list[str]:
    """The store is lost, and addresses have changed since: copies tell by their ids whose they are."""
    chosen = Both(replace(STRICT, chosen_id=True), replace(STRICT, chosen_id=True))
    before = Site(abilities=chosen)
    before.put(LEFT, name="Ann", mail="a@x.example")
    await before.rest()
    [link] = before.links()
    before.edit(LEFT, link.ids.left, mail="ann@x.example")
    after = Site(abilities=chosen)
    after.systems, after.now = before.systems, before.now
    for side in SIDES:
        after.connectors[side].inner.system = before.systems[side]
    await after.rest()
    counts = [len(system.ids("company")) for system in after.systems]
    return must("7", counts == [1, 1], f"one company is there {counts[0]} times and {counts[1]} times")


async def several_look_alike() -> list[str]:
    """Two records with one address on the left, and one on the right."""
    site = Site()
    first, second = (site.put(LEFT, name=name, mail="a@x.example") for name in ("Ann", "Ann B."))
    site.put(RIGHT, title="Ann", mail="a@x.example")
    await site.run()
    guessed = [link.ids.left for link in site.links()]
    return must("guesses", not guessed, f"{guessed} was linked, and {first} and {second} look alike")


class Ending(Scripted):
    """A listing that ends after its first page, as if there were no more."""

    async def list(self, entity: str, cursor: str | None) -> AsyncIterator[Page]:
        async for page in super().list(entity, cursor):
            yield page
            return


async def listing_that_ends_early() -> list[str]:
    """The list of the right side ends without its last page, and without an error."""
    site = Site(page_size=1)
    site.put(LEFT, name="Bob", mail="b@x.example")
    for name in ("Ann", "Bob"):
        site.put(RIGHT, title=name, mail=f"{name[0]}@x.example")
    whole = site.connectors.right
    site.connectors = site.connectors.replace(RIGHT, Ending(whole.inner, whole.name))
    site.new_runner()
    await site.run()
    site.connectors = site.connectors.replace(RIGHT, whole)
    site.new_runner()
    await site.rest()
    return twice(site)


async def listing_that_fails() -> list[str]:
    """The right side can't be listed for now, and has got the record that the left side has got."""
    site = Site()
    await site.linked_company()
    site.put(LEFT, name="Bob", mail="b@x.example")
    site.put(RIGHT, title="Bob", mail="b@x.example")

    def fails(entity: str, page: int) -> None:
        raise RetryLater("closed for an hour")

    site.connectors.right.page_fault = fails
    await site.run()
    site.connectors.right.page_fault = lambda entity, page: None
    await site.rest()
    return twice(site)


async def listing_that_lags() -> list[str]:
    """A person enters the same on both sides; the right side's list trails behind."""
    lags = replace(STRICT, list_lag_ms=120_000)
    site = Site(abilities=Both(lags, lags))
    site.put(LEFT, name="Ann", mail="a@x.example")
    hidden = site.put(RIGHT, title="Ann", mail="a@x.example")
    right = site.connectors.right
    right.unlisted = {hidden}
    await site.run()
    right.unlisted = set()
    site.edit(RIGHT, hidden, phone="2")
    await site.run(later_ms=lags.list_lag_ms)
    await site.rest()
    return twice(site)


async def records_known_by_their_ids() -> list[str]:
    """A list of the right side names ids alone; which of them is the partner is known once it was read."""
    site = Site()
    site.connectors.right.hints = True
    for n in range(8):
        site.put(LEFT, name="Ann", mail=f"{n}@x.example")
        site.put(RIGHT, title="Ann", mail=f"{n}@x.example")
    await site.rest()
    return twice(site)


async def partners_that_are_gone() -> list[str]:
    """Records can't be read for now, since they were deleted, as it turns out; meanwhile others look like them."""
    silent = replace(STRICT, tombstones=False)
    site = Site(pair(create=Both(False, True)), abilities=Both(silent, silent))
    gone = [site.put(RIGHT, title=f"Old {n}", mail=f"{n}@x.example") for n in range(6)]
    for n in range(30):
        site.put(RIGHT, title=f"Other {n}", mail=f"o{n}@x.example")
    await site.rest()
    for n, id in enumerate(gone):
        site.systems.right.remove("company", id)
        site.put(LEFT, name=f"New {n}", mail=f"{n}@x.example")
    site.connectors.right.next("read", *(raising(RetryLater("busy")) for _ in gone))
    await site.run(full=True)
    await site.rest()
    made = [title for title in site.titles(RIGHT) if str(title).startswith("New")]
    return must("1", len(made) == len(gone), f"of six new records {len(made)} reached the right")


async def chosen_twice() -> list[str]:
    """A person links a record to one that has a partner already."""
    site = Site(pair(match=()))
    _, right = await site.linked_company()
    other = site.put(LEFT, name="Bob", mail="b@x.example")
    site.connectors.right.next("create", raising(Refused("no")))
    await site.run()
    await site.release(site.holds()[0], "link", right)
    await site.run()
    partners = [link.ids.left for link in site.links() if link.ids.right == right]
    return must("12", other not in partners, f"{right} has the partners {partners}")


async def partner_that_a_list_told_of() -> list[str]:
    """A list shows a record with another address; read, it can't be for now, and somebody enters that address."""
    site = Site(abilities=Both(STRICT, replace(STRICT, versions="none")))
    await site.linked_company()
    [right] = site.systems.right.ids("company")
    site.edit(RIGHT, right, mail="new@x.example")
    site.put(LEFT, name="Ann too", mail="new@x.example")
    site.connectors.right.next("read", *(raising(RetryLater("not now")) for _ in range(3)))
    await site.run(later_ms=30_000)
    await site.rest()
    return twice(site)


async def field_that_only_a_create_takes() -> list[str]:
    """A date that the right side takes when a record is made, and never after; at first the left one has none."""
    made = Both.of(company)
    fields = tuple(replace(f, update=f.path != "phone") for f in made.right.fields)
    since = replace(pair(), properties=tuple(_date_of(each) for each in PROPERTIES))
    site = Site(since, entities=Both([made.left], [replace(made.right, fields=fields)]))
    left = site.put(LEFT, name="Ann", mail="a@x.example", phone="soon")
    await site.rest()
    site.edit(LEFT, left, phone="2026-01-31")
    await site.rest()
    return unlike(site, phone="2026-01-31")


def _date_of(each: Any) -> Any:
    return prop("phone", "phone", "date") if each.name == "phone" else each


PROTECTIONS = (
    Protection(
        "match before create",
        "core/match.py:match_values",
        "what both sides have is created twice",
        "7",
        put(observe, "match_values", _no_match),
        story(both_have_it),
        {"7": worlds()},
    ),
    Protection(
        "the match index is kept true",
        "runner/observe.py:index",
        "partners do not find each other",
        "7",
        put(observe, "index", lambda *given: None),
        story(both_have_it),
    ),
    Protection(
        "our own copies are recognised",
        "core/match.py:claimed_ids",
        "a copy that we made counts as somebody's new record, and is copied back",
        "7",
        NOT_RECOGNISED,
        worlds(),
    ),
    Protection(
        "copies tell whose they are when the store is lost",
        "core/identity.py:claimed_id",
        "after a lost store everything is there twice",
        "7",
        put(match, "claimed_id", lambda template, made: []),
        story(lost_store),
    ),
    Protection(
        "a partner is unique, or asked for",
        "core/match.py:_weigh",
        "of two records that look alike, the first one found is linked",
        "guesses",
        put(match, "_weigh", _guess),
        story(several_look_alike),
    ),
    Protection(
        "no create before both sides were listed to the end",
        "core/match.py:complete",
        "a partner that stands on a page not read yet is made again",
        "7",
        put(judge, "is_listed", lambda tx, side, entity: True),
        story(listing_that_ends_early),
    ),
    Protection(
        "no work on a pair whose other side can't be listed",
        "runner/run.py:_troubled",
        "what a person has just entered there is made again",
        "7",
        put(run.Runner, "_troubled", lambda runner, pair, report: False),
        story(listing_that_fails),
    ),
    Protection(
        "a young record waits for the lists",
        "core/match.py:settle_ms",
        "a partner that the list does not show yet is made again",
        "7",
        wrap(judge, "_contact", _old_enough),
        story(listing_that_lags),
    ),
    Protection(
        "a create waits for records that are yet to be read",
        "runner/judge.py:_unless_unread",
        "a partner of which only the id is known is made again",
        "7",
        put(judge, "_unless_unread", lambda tx, pair, scene, key, verdict: verdict),
        story(records_known_by_their_ids),
    ),
    Protection(
        "a create waits for what a list has told of",
        "core/match.py:told",
        "a partner that has just got its address is made again",
        "7",
        put(judge, "told", lambda number: -100 - number),
        story(partner_that_a_list_told_of),
    ),
    Protection(
        "a record is read before it is linked",
        "runner/turn.py:_suspect",
        "a new record is taken for the partner of one that is not there any more",
        "1",
        put(turn, "_suspect", lambda tx, case, ids: None),
        story(partners_that_are_gone),
    ),
    Protection(
        "a choice of partner must fit, and the store keeps links one to one",
        "runner/turn.py:_misfit",
        "a person's choice gives a record two partners",
        "12",
        both(put(turn, "_misfit", lambda *given: None), WITHOUT_UNIQUE_LINKS),
        story(chosen_twice),
    ),
    Protection(
        "what can be set at creation alone must be right by then",
        "core/match.py:blocking",
        "a record is made without a value that it can never be given any more",
        "1",
        put(match, "unwritable", lambda *given: None),
        story(field_that_only_a_create_takes),
    ),
)
