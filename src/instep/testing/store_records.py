"""The part of the contract suite about what is known: sightings, links, match values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from operator import methodcaller
from pathlib import Path
from typing import Any

import pytest

from instep.core.model import Both, Side
from instep.core.terms import wanted
from instep.core.values import Json, Raw
from instep.store.contract import AlreadyLinked, Link, Sighting, Tx
from instep.testing.store_hooks import AWKWARD, AWKWARD_RAW, LEFT, RIGHT, StoreHooks, link, sighting


@pytest.mark.asyncio
class RecordsContract(StoreHooks):
    """Sightings, links, match values."""

    # --- sightings

    async def test_a_sighting_comes_back_as_it_was_saved(self, tmp_path: Path) -> None:
        full = Sighting(
            RIGHT,
            "contact",
            "42",
            AWKWARD,
            "digest",
            version=2**60,
            token='W/"7"',  # noqa: S106 - no password
            updated_ms=1,
            created_ms=2,
            deleted=True,
            author="ada",
            seen_ms=3,
            listed_in=4,
            edits={"name": (None, 5), "address.city": (6, 7)},
        )
        bare = Sighting(RIGHT, "contact", "43", {}, "")
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.save_sightings([full, bare]))
            assert store.read(lambda tx: tx.sighting(RIGHT, "contact", "42")) == full
            assert store.read(lambda tx: tx.sightings(RIGHT, "contact", ["43"])) == {"43": bare}

    async def test_a_sighting_belongs_to_its_side_and_entity(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.save_sightings([sighting("1")]))
            assert store.read(lambda tx: tx.sighting(RIGHT, "customer", "1")) is None
            assert store.read(lambda tx: tx.sighting(LEFT, "order", "1")) is None
            assert store.read(lambda tx: tx.sighting(LEFT, "customer", "1")) == sighting("1")

    async def test_a_new_sighting_takes_the_place_of_the_one_before(self, tmp_path: Path) -> None:
        newer = Sighting(
            LEFT,
            "customer",
            "1",
            {"other": 1},
            "other",
            2,
            "etag",
            3,
            4,
            True,
            "ada",
            5,
            6,
            {"other": (None, 7)},
        )
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.save_sightings([sighting("1"), newer]))
            assert store.read(lambda tx: tx.sighting(LEFT, "customer", "1")) == newer

    async def test_a_thousand_sightings_can_be_asked_for_at_once(self, tmp_path: Path) -> None:
        every = [sighting(f"c{number}") for number in range(1000)]
        ids = [one.id for one in every]
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.save_sightings(every))
            assert store.read(lambda tx: tx.sightings(LEFT, "customer", ids)) == {
                one.id: one for one in every
            }
            few = store.read(lambda tx: tx.sightings(LEFT, "customer", ["c5", "none", "c7"]))
            assert sorted(few) == ["c5", "c7"]
            assert store.read(lambda tx: tx.sightings(LEFT, "customer", [])) == {}

    async def test_a_record_is_unlisted_if_the_listing_did_not_name_it(self, tmp_path: Path) -> None:
        known = [sighting(id, listed_in=1) for id in ("a", "b", "c", "d")]
        gone = sighting("e", listed_in=1, deleted=True)
        new = sighting("f", listed_in=2)
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.save_sightings([*known, gone, new]))
            await store.write(lambda tx: tx.touch(LEFT, "customer", ["b", "unknown"], 2, 5))
            assert store.read(lambda tx: tx.unlisted(LEFT, "customer", 2, "", 10)) == ["a", "c", "d"]
            assert store.read(lambda tx: tx.unlisted(LEFT, "customer", 2, "a", 1)) == ["c"]
            assert store.read(lambda tx: tx.unlisted(LEFT, "customer", 1, "", 10)) == []
            assert store.read(lambda tx: tx.unlisted(RIGHT, "customer", 2, "", 10)) == []

    async def test_touching_changes_the_listing_and_nothing_else(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.save_sightings([sighting("a"), sighting("b")]))
            await store.write(lambda tx: tx.touch(LEFT, "customer", ["a"], 7, 5))
            assert store.read(lambda tx: tx.sighting(LEFT, "customer", "a")) == replace(
                sighting("a"), listed_in=7, shown_ms=5
            )
            assert store.read(lambda tx: tx.sighting(LEFT, "customer", "b")) == sighting("b")

    async def test_samples_are_the_others_seen_last_and_not_deleted(self, tmp_path: Path) -> None:
        known = [sighting("a", seen_ms=1), sighting("b", seen_ms=3), sighting("c", seen_ms=2)]
        gone = sighting("d", seen_ms=9, deleted=True)
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.save_sightings([*known, gone]))
            assert store.read(lambda tx: tx.sample_ids(LEFT, "customer", "x", 5)) == ["b", "c", "a"]
            assert store.read(lambda tx: tx.sample_ids(LEFT, "customer", "b", 1)) == ["c"]

    async def test_canaries_are_others_that_were_there(self, tmp_path: Path) -> None:
        known = [
            sighting("a", seen_ms=1),
            replace(sighting("b", seen_ms=4), created_ms=20),
            replace(sighting("c", seen_ms=5), created_ms=21),
            sighting("d", seen_ms=2, deleted=True),
            sighting("e", seen_ms=-2),
            sighting("f", seen_ms=3),
            replace(sighting("g", seen_ms=-5), digest=""),
        ]
        given = {"known_ms": 2, "created_ms": 20, "limit": 9}
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.save_sightings(known))
            assert store.read(lambda tx: tx.canaries(LEFT, "customer", "x", **given)) == ["b", "a", "e"]
            assert store.read(lambda tx: tx.canaries(LEFT, "customer", "b", **given)) == ["a", "e"]
            given["limit"] = 1
            assert store.read(lambda tx: tx.canaries(LEFT, "customer", "x", **given)) == ["b"]

    async def test_what_is_known_from_hints_alone_is_unread(self, tmp_path: Path) -> None:
        hint = replace(sighting("b", seen_ms=-5), digest="")
        known = [sighting("a", seen_ms=0), hint, replace(hint, id="c", deleted=True)]
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.save_sightings([*known, replace(hint, id="0"), sighting("d")]))
            assert store.read(lambda tx: tx.unread(LEFT, "customer", 5)) == ["0", "b"]
            assert store.read(lambda tx: tx.unread(LEFT, "customer", 1)) == ["0"]
            assert store.read(lambda tx: tx.unread(RIGHT, "customer", 5)) == []

    async def test_deleted_records_are_not_counted(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            assert store.read(lambda tx: tx.count_sightings(LEFT, "customer")) == 0
            await store.write(lambda tx: tx.save_sightings([sighting("a"), sighting("b", deleted=True)]))
            assert store.read(lambda tx: tx.count_sightings(LEFT, "customer")) == 1
            assert store.read(lambda tx: tx.count_sightings(RIGHT, "customer")) == 0

    # --- links

    async def test_a_link_comes_back_as_it_was_saved(self, tmp_path: Path) -> None:
        base: dict[str, Both[Raw]] = {
            "name": Both(AWKWARD_RAW, (None,)),
            "terms": Both((), (AWKWARD["nested"],)),
        }
        full = Link(0, "contact", Both("1", "2"), base, "retired", 3, 4, "by hand")
        async with self.opened(tmp_path) as store:
            saved = await store.write(lambda tx: tx.save_link(full))
            assert saved == replace(full, id=saved.id)
            assert saved.id > 0
            assert store.read(lambda tx: tx.link(saved.id)) == saved
            assert store.read(lambda tx: tx.link_of("contact", LEFT, "1")) == saved
            assert store.read(lambda tx: tx.link_of("contact", RIGHT, "2")) == saved
            assert store.read(lambda tx: tx.link_of("contact", RIGHT, "1")) is None
            assert store.read(lambda tx: tx.link_of("order", LEFT, "1")) is None

    async def test_saving_a_link_again_changes_it(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            saved = await store.write(lambda tx: tx.save_link(link()))
            moved = replace(saved, ids=Both("c1", "r2"), base={}, generation=1)
            assert await store.write(lambda tx: tx.save_link(moved)) == moved
            assert store.read(lambda tx: tx.link(saved.id)) == moved
            assert store.read(lambda tx: tx.link_of("contact", RIGHT, "r1")) is None

    @pytest.mark.parametrize("second", [link("c1", "r2"), link("c2", "r1"), link("c1", "r1")])
    async def test_a_record_has_at_most_one_link_in_a_pair(self, tmp_path: Path, second: Link) -> None:
        async with self.opened(tmp_path) as store:
            first = await store.write(lambda tx: tx.save_link(link("c1", "r1")))
            with pytest.raises(AlreadyLinked) as refused:
                await store.write(lambda tx: tx.save_link(second))
            assert refused.value.link == first
            assert store.read(lambda tx: tx.links("contact", 0, 10)) == [first]

    async def test_a_link_that_is_changed_can_not_take_anothers_record(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            first = await store.write(lambda tx: tx.save_link(link("c1", "r1")))
            other = await store.write(lambda tx: tx.save_link(link("c2", "r2")))
            with pytest.raises(AlreadyLinked) as refused:
                await store.write(lambda tx: tx.save_link(replace(other, ids=Both("c2", "r1"))))
            assert refused.value.link == first
            assert store.read(lambda tx: tx.link(other.id)) == other

    async def test_a_retired_link_still_keeps_its_records(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            first = await store.write(lambda tx: tx.save_link(replace(link("c1", "r1"), state="retired")))
            with pytest.raises(AlreadyLinked) as refused:
                await store.write(lambda tx: tx.save_link(link("c1", "r9")))
            assert refused.value.link == first

    async def test_after_a_refused_link_the_transaction_goes_on(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.save_link(link("c1", "r1")))

            def refused_but_noted(tx: Tx) -> None:
                with pytest.raises(AlreadyLinked):
                    tx.save_link(link("c1", "r2"))
                tx.save_meta("noted", "yes")

            await store.write(refused_but_noted)
            assert store.read(lambda tx: tx.meta("noted")) == "yes"

    async def test_the_same_records_may_be_linked_in_another_pair(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.save_link(link("c1", "r1")))
            other = await store.write(lambda tx: tx.save_link(link("c1", "r1", pair="company")))
            assert store.read(lambda tx: tx.link_of("company", LEFT, "c1")) == other

    async def test_a_links_number_is_never_given_again(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            first = await store.write(lambda tx: tx.save_link(link()))
            await store.write(lambda tx: tx.remove_link(first.id))
            assert store.read(lambda tx: tx.link_of("contact", LEFT, "c1")) is None
            second = await store.write(lambda tx: tx.save_link(link()))
            assert second.id > first.id

    async def test_a_link_that_was_removed_can_not_be_changed(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            first = await store.write(lambda tx: tx.save_link(link()))
            await store.write(lambda tx: tx.remove_link(first.id))
            with pytest.raises(LookupError):
                await store.write(lambda tx: tx.save_link(first))

    async def test_links_are_found_for_many_records_at_once(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            saved = [await store.write(methodcaller("save_link", link(f"c{n}", f"r{n}"))) for n in range(120)]
            ids = [f"r{n}" for n in range(150)]
            found = store.read(lambda tx: tx.links_of("contact", RIGHT, ids))
            assert found == {one.ids.right: one for one in saved}
            assert store.read(lambda tx: tx.links_of("contact", LEFT, ["r1", "c2"])) == {"c2": saved[2]}

    async def test_links_are_listed_by_number_page_by_page(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            first = await store.write(lambda tx: tx.save_link(link("c1", "r1")))
            await store.write(lambda tx: tx.save_link(link("c1", "r1", pair="company")))
            second = await store.write(lambda tx: tx.save_link(link("c2", "r2")))
            assert store.read(lambda tx: tx.links("contact", 0, 10)) == [first, second]
            assert store.read(lambda tx: tx.links("contact", 0, 1)) == [first]
            assert store.read(lambda tx: tx.links("contact", first.id, 10)) == [second]

    async def test_live_links_are_counted(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.save_link(link("c1", "r1")))
            await store.write(lambda tx: tx.save_link(replace(link("c2", "r2"), state="retired")))
            assert store.read(lambda tx: tx.count_links("contact")) == 1
            assert store.read(lambda tx: tx.count_links("order")) == 0

    # --- match values

    async def test_records_are_found_by_a_match_value(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            for id in ("b", "a", "c"):
                await store.write(methodcaller("save_matches", "contact", LEFT, id, {0: "same", 1: id}))
            assert store.read(lambda tx: tx.matches("contact", LEFT, 0, "same", 10)) == ["a", "b", "c"]
            assert store.read(lambda tx: tx.matches("contact", LEFT, 0, "same", 2)) == ["a", "b"]
            assert store.read(lambda tx: tx.matches("contact", LEFT, 1, "b", 10)) == ["b"]
            assert store.read(lambda tx: tx.matches("contact", LEFT, 1, "same", 10)) == []
            assert store.read(lambda tx: tx.matches("contact", RIGHT, 0, "same", 10)) == []
            assert store.read(lambda tx: tx.matches("order", LEFT, 0, "same", 10)) == []

    async def test_a_records_match_values_are_replaced(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(
                lambda tx: tx.save_matches("contact", LEFT, "a", {0: "old", 1: "kept", 2: "gone"})
            )
            await store.write(lambda tx: tx.save_matches("contact", LEFT, "a", {0: "new", 1: "kept"}))
            assert store.read(lambda tx: tx.match_values("contact", LEFT, "a")) == {0: "new", 1: "kept"}
            assert store.read(lambda tx: tx.matches("contact", LEFT, 0, "old", 10)) == []
            assert store.read(lambda tx: tx.matches("contact", LEFT, 0, "new", 10)) == ["a"]
            await store.write(lambda tx: tx.save_matches("contact", LEFT, "a", {}))
            assert store.read(lambda tx: tx.match_values("contact", LEFT, "a")) == {}
            assert store.read(lambda tx: tx.matches("contact", LEFT, 1, "kept", 10)) == []

    # --- search

    async def test_records_are_found_by_the_beginnings_of_their_words(self, tmp_path: Path) -> None:
        ada: dict[str, Json] = {"name": "Åda Lovelace-King", "email": "ada@example.test", "note": "secretive"}
        bob: dict[str, Json] = {"address": {"last_name": "King"}, "email": None}
        async with self.opened(tmp_path) as store:
            await store.write(
                lambda tx: tx.save_sightings(
                    [_seen("Cust-1", ada), _seen("c2", bob), _seen("7", bob, side=RIGHT, entity="contact")]
                )
            )

            def found(query: str, **only: Any) -> list[str]:
                return [id for _, _, id in store.read(lambda tx: tx.search(wanted(query), **only))]

            assert found("cust-1") == found("ADA") == found("lovel") == found("ada@ex") == ["Cust-1"]
            assert found("example.test") == ["Cust-1"]
            assert sorted(found("king")) == ["7", "Cust-1", "c2"]
            assert found("king lovelace ada") == ["Cust-1"]
            assert found("king", side=RIGHT) == ["7"]
            assert sorted(found("king", entity="customer")) == ["Cust-1", "c2"]
            assert len(found("king", limit=1)) == 1
            assert found("secretive") == found("nobody") == found("") == found("king nobody") == []

    async def test_a_record_is_found_by_what_it_holds_now_alone(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            for fields in ({"name": "Before"}, {"name": "After"}, {}):
                await store.write(methodcaller("save_sightings", [_seen("c1", fields)]))
            for gone in ("before", "after"):
                assert store.read(methodcaller("search", [gone])) == []
            assert store.read(methodcaller("search", ["c1"])) == [(LEFT, "customer", "c1")]


def _seen(id: str, fields: Mapping[str, Json], *, side: Side = LEFT, entity: str = "customer") -> Sighting:
    return Sighting(side, entity, id, dict(fields), "d")
