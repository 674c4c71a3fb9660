"""What makes two places one must miss nothing that the engine remembers; what is left is gone on from once."""

from __future__ import annotations

from instep.core.model import Both

from .little_world import Budget
from .places import Place, Places
from .same import Names
from .scope import Stage, explore

COUNTS = {
    "cursors": "side entity position",
    "holds": "side property cause digest",
    "intents": "side payload properties idempotency seen_token made_ms sent_ms attempts",
    "journal": "operation side outcome changes",
    "links": "base",
    "sightings": "side fields version token seen_ms",
    "todo": "side due_ms attempts",
}
"""Columns that make a difference to one linked record with one property."""

LEFT_OUT = {
    "counters": "name value",
    "holds": "id pair record_id what why fix since_ms waits_side waits_entity waits_id vals",
    "intents": "id pair key_side key_id operation record_id source_id chosen_id marker link_id source_version"
    " seen_version generation run reason",
    "journal": "seq at_ms run pair record_id partner_id link_id reason request salt commitment seal",
    "journal_chain": "only start_seq start_seal start_count start_ms head_seq head_seal head_count head_ms",
    "lease": "only holder epoch until_ms",
    "links": "id pair left_id right_id state generation made_ms made_by",
    "match_values": "pair side id number value",
    "meta": "name value",
    "releases": "pair side record_id property choice digest value at_ms",
    "runs": "id kind started_ms finished_ms status summary undoes partly",
    "sightings": "entity id digest updated_ms created_ms deleted author listed_in edits shown_ms",
    "sqlite_sequence": "name seq",
    "terms": "term side entity id",
    "todo": "seq pair id bucket reason urgent",
}
"""Those that are the same everywhere in this world, follow from others, tell a story, or are about what it lacks:
deletes, creates, first contact, releases, other records, the policy `newest`."""


def test_every_column_of_the_store_is_accounted_for() -> None:
    stage = Stage(Both("none", "none"), "left")
    for table in stage.tables:
        known = f"{COUNTS.get(table, '')} {LEFT_OUT.get(table, '')}".split()
        assert sorted(known) == sorted(stage.columns(table)), table


def test_tokens_are_told_apart_and_nothing_else_of_them() -> None:
    one, other = Names(), Names()
    assert one(["l1 ", {"value": "r2"}, ["l1"]]) == other(["r1 ", {"value": "l2"}, ["r1"]])
    assert Names()(["l1", "l1"]) != Names()(["l1", "l2"])
    assert Names()(["l1 "]) != Names()(["l1"])
    assert one.known({"l1", "l7"}) == [0]


def test_settled_places_are_one_whatever_led_there() -> None:
    """Two edits, one after the other, are twice the same: what was agreed on before is of no account."""
    once = explore(Both("conditional", "conditional"), Budget(1, 0, 0, 0))
    twice = explore(Both("conditional", "conditional"), Budget(2, 0, 0, 0))
    assert once.places == twice.places


def test_a_place_is_gone_on_from_once_and_with_the_most_that_can_happen() -> None:
    world = Stage(Both("none", "none"), "left").world

    def place(whole: bytes, bare: bytes, *left: int) -> Place:
        return Place(repr((whole, left)).encode(), whole, bare, left, world, {}, None)  # type: ignore[arg-type]

    places = Places()
    for each in (
        place(b"a", b"x", 0, 1, 1, 0),
        place(b"a", b"x", 1, 1, 1, 0),
        place(b"a", b"x", 1, 0, 1, 0),  # no news: less is left than before
        place(b"b", b"x", 0, 1, 1, 0),  # something else may be shown by a replica
        place(b"c", b"x", 0, 1, 0, 0),  # no news: what a replica shows is of no account any more
        place(b"a", b"x", 0, 1, 0, 1),  # less of one, more of another
    ):
        places.add(each)
    found = []
    while places:
        found.append(places.pop())
    assert [(each.whole, each.left) for each in found] == [
        (b"a", (1, 1, 1, 0)),
        (b"a", (0, 1, 1, 0)),
        (b"b", (0, 1, 1, 0)),
        (b"a", (0, 1, 0, 1)),
    ]
