"""List calls: filters, order, pages with edits between them, and lists that lag behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from chargebee import InvalidRequestError

from instep.sandbox.chargebee import Settings

from .chargebee_site import NOON, Emulator, emulator


@pytest.fixture
def site() -> Iterator[Emulator]:
    with emulator() as running:
        running.freeze()
        yield running


def load(site: Emulator, *customers: dict[str, Any]) -> None:
    site.console("POST", "load", {"customers": list(customers)})


def numbered(count: int, start: int = 0) -> list[dict[str, Any]]:
    """Ten customers to a second."""
    return [
        {
            "id": f"c{number:04}",
            "created_at": NOON - 1000 + number // 10,
            "updated_at": NOON - 1000 + number // 10,
        }
        for number in range(start, start + count)
    ]


def pages(site: Emulator, params: dict[str, Any], edit: Any = None) -> list[list[str]]:
    """All pages of a list of customers; `edit` is called after the first."""
    found: list[list[str]] = []
    offset: str | None = None
    while True:
        answer = site.sdk.Customer.list({**params, **({"offset": offset} if offset else {})})
        found.append([entry.customer.id for entry in answer.list])
        if len(found) == 1 and edit:
            edit()
        offset = answer.next_offset
        if offset is None:
            return found


def test_a_page_has_ten_records_unless_asked_for_up_to_a_hundred(site: Emulator) -> None:
    load(site, *numbered(101))
    assert len(site.sdk.Customer.list().list) == 10
    assert len(site.sdk.Customer.list({"limit": 100}).list) == 100


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "1.5"])
def test_a_limit_out_of_range_is_refused(site: Emulator, limit: str) -> None:
    answer = site.get("customers", {"limit": limit})
    assert (answer.status_code, answer.json()["param"]) == (400, "limit")


def test_a_limit_out_of_range_may_also_be_clamped(site: Emulator) -> None:
    load(site, *numbered(101))
    site.switch(limit_out_of_range="clamp")
    assert len(site.get("customers", {"limit": "500"}).json()["list"]) == 100


def test_the_last_page_has_no_offset_and_an_empty_list_is_empty(site: Emulator) -> None:
    assert site.get("customers").json() == {"list": []}
    load(site, *numbered(2))
    assert "next_offset" not in site.get("customers", {"limit": "2"}).json()
    assert site.get("customers", {"limit": "1"}).json()["next_offset"] == f'["{(NOON - 1000) * 1000}","1"]'


@pytest.mark.parametrize("sort_by", [{"asc": "updated_at"}, {"desc": "updated_at"}, {"desc": "created_at"}])
def test_pages_cover_every_record_once_though_many_share_a_second(
    site: Emulator, sort_by: dict[str, str]
) -> None:
    load(site, *numbered(25))
    found = [each for one in pages(site, {"limit": 7, "sort_by": sort_by}) for each in one]
    expected = [customer["id"] for customer in numbered(25)]
    assert found == (expected if "asc" in sort_by else expected[::-1])


def test_a_record_edited_between_pages_moves_to_the_end_and_no_other_is_missed(site: Emulator) -> None:
    load(site, *numbered(25))

    def edit() -> None:
        site.sdk.Customer.update("c0000", {"phone": "1"})
        site.sdk.Customer.update("c0020", {"phone": "1"})

    found = [
        each for one in pages(site, {"limit": 10, "sort_by": {"asc": "updated_at"}}, edit) for each in one
    ]
    assert found[-2:] == ["c0000", "c0020"]
    assert found.count("c0000") == 2
    assert found.count("c0020") == 1
    assert set(found) == {customer["id"] for customer in numbered(25)}


def test_an_offset_that_no_list_returned_is_refused(site: Emulator) -> None:
    for offset in ("x", '["1"]', '["a","b"]', "[]"):
        assert site.get("customers", {"offset": offset}).json()["param"] == "offset"


def test_sorting_by_something_else_is_refused(site: Emulator) -> None:
    assert site.get("customers", {"sort_by[asc]": "email"}).json()["param"] == "sort_by[asc]"
    assert site.get("customers", {"sort_by[up]": "created_at"}).json()["param"] == "sort_by[up]"


def test_between_includes_both_ends_and_after_and_before_leave_theirs_out(site: Emulator) -> None:
    load(
        site, *({"id": f"c{second}", "created_at": NOON, "updated_at": NOON + second} for second in range(5))
    )
    assert site.ids("customers", {"updated_at[between]": f"[{NOON + 1},{NOON + 3}]"}) == ["c1", "c2", "c3"]
    assert site.ids("customers", {"updated_at[after]": NOON + 1}) == ["c2", "c3", "c4"]
    assert site.ids("customers", {"updated_at[before]": NOON + 1}) == ["c0"]
    assert site.ids("customers", {"updated_at[on]": NOON + 1}) == ["c1"]
    site.switch(after_before="inclusive", on_means="day")
    assert site.ids("customers", {"updated_at[after]": NOON + 1}) == ["c1", "c2", "c3", "c4"]
    assert site.ids("customers", {"updated_at[on]": NOON + 1}) == ["c0", "c1", "c2", "c3", "c4"]


@pytest.mark.parametrize(
    "spelling", ["[{0},{1}]", "['{0}', '{1}']", '["{0}", "{1}"]', "'[{0}, {1}]'", " [ {0} , {1} ] "]
)
def test_between_is_read_however_a_client_spells_it(site: Emulator, spelling: str) -> None:
    load(site, {"id": "c", "created_at": NOON, "updated_at": NOON})
    assert site.ids("customers", {"updated_at[between]": spelling.format(NOON - 1, NOON + 1)}) == ["c"]


@pytest.mark.parametrize("spelling", ["[a,b]", "['a', 'b']", '["a","b"]', "'[a, b]'", "a,b"])
def test_in_is_read_however_a_client_spells_it(site: Emulator, spelling: str) -> None:
    load(site, {"id": "a"}, {"id": "b"}, {"id": "c"})
    assert set(site.ids("customers", {"id[in]": spelling})) == {"a", "b"}
    assert site.ids("customers", {"id[not_in]": spelling}) == ["c"]


def test_the_sdks_own_spelling_of_lists_works(site: Emulator) -> None:
    load(site, {"id": "a"}, {"id": "b"}, {"id": "c"})
    found = site.sdk.Customer.list({"id": {"in": ["a", "c"]}, "created_at": {"between": [NOON, NOON + 9]}})
    assert {entry.customer.id for entry in found.list} == {"a", "c"}


def test_text_filters_compare_as_the_switch_says(site: Emulator) -> None:
    load(site, {"id": "a", "company": "Kern GmbH"}, {"id": "b", "company": "kern gmbh"}, {"id": "c"})
    assert set(site.ids("customers", {"company[is]": "KERN GmbH"})) == {"a", "b"}
    assert set(site.ids("customers", {"company[starts_with]": "kern"})) == {"a", "b"}
    assert set(site.ids("customers", {"company[is_not]": "kern gmbh"})) == {"c"}
    site.switch(text_filters="exact")
    assert site.ids("customers", {"company[is]": "Kern GmbH"}) == ["a"]
    assert site.ids("customers", {"company[starts_with]": "kern"}) == ["b"]
    assert site.ids("customers", {"company[is_present]": "false"}) == ["c"]


def test_unknown_filters_are_passed_over_and_bad_operators_refused(site: Emulator) -> None:
    load(site, {"id": "a"})
    assert site.ids("customers", {"reference_id[is]": "x", "include_deleted": "false"}) == ["a"]
    for name, value in {
        "updated_at[between]": "[1]",
        "updated_at[after]": "yesterday",
        "updated_at[gt]": str(NOON),
        "id[contains]": "a",
        "id[in]": "[]",
        "auto_close_invoices[is]": "maybe",
        "include_deleted": "yes",
        "email[is_present]": "x",
    }.items():
        assert site.get("customers", {name: value}).json()["param"] == name
    assert site.get("customers", {"email": "x"}).json()["param"] == "email"


def test_a_flag_that_is_absent_counts_as_false(site: Emulator) -> None:
    load(site, {"id": "a", "auto_close_invoices": True}, {"id": "b"})
    assert site.ids("customers", {"auto_close_invoices[is]": "true"}) == ["a"]
    assert site.ids("customers", {"auto_close_invoices[is]": "false"}) == ["b"]


def test_a_record_without_updated_at_matches_no_filter_on_it(site: Emulator) -> None:
    load(site, {"id": "old", "updated_at": None}, {"id": "new"})
    assert set(site.ids("customers")) == {"old", "new"}
    assert site.ids("customers", {"updated_at[after]": "0"}) == ["new"]
    assert site.ids("customers", {"updated_at[before]": NOON + 9}) == ["new"]
    assert site.ids("customers", {"updated_at[is_present]": "false"}) == ["old"]
    assert "updated_at" not in site.get("customers/old").json()["customer"]
    site.advance(1)
    site.sdk.Customer.update("old", {"phone": "1"})
    assert site.ids("customers", {"updated_at[after]": "0", "sort_by[asc]": "updated_at"}) == ["new", "old"]


def test_customers_come_oldest_first_and_the_catalogue_newest_first(site: Emulator) -> None:
    for name in ("a", "b"):
        site.post("customers", {"id": name})
        site.post("item_families", {"id": name, "name": name})
        site.advance(1)
    assert (site.ids("customers"), site.ids("item_families")) == (["a", "b"], ["b", "a"])
    site.switch(default_order="desc")
    assert (site.ids("customers"), site.ids("item_families")) == (["b", "a"], ["b", "a"])
    site.switch(default_order="asc")
    assert (site.ids("customers"), site.ids("item_families")) == (["a", "b"], ["a", "b"])


def test_a_lagging_list_shows_the_past_while_a_read_shows_the_present(site: Emulator) -> None:
    site.post("customers", {"id": "a", "first_name": "Old"})
    site.advance(1)
    site.switch(list_lag_ms=300_000)
    site.post("customers/a", {"first_name": "New"})
    site.post("customers", {"id": "b"})
    assert site.get("customers/a").json()["customer"]["first_name"] == "New"
    listed = site.get("customers").json()["list"]
    assert [(entry["customer"]["id"], entry["customer"]["first_name"]) for entry in listed] == [("a", "Old")]
    assert site.ids("customers", {"updated_at[after]": NOON}) == []
    assert site.ids("customers", {"updated_at[before]": NOON + 1}) == ["a"]
    site.advance(299)
    assert site.ids("customers") == ["a"]
    site.advance(1)
    assert site.ids("customers", {"updated_at[after]": NOON}) == ["a", "b"]


def test_a_lagging_list_goes_on_showing_what_was_deleted(site: Emulator) -> None:
    for name in ("a", "b", "c"):
        site.post("item_families", {"id": name, "name": name})
    site.switch(list_lag_ms=60_000)
    site.post("item_families/b/delete")
    assert site.get("item_families/b").status_code == 404
    assert site.ids("item_families") == ["c", "b", "a"]
    site.advance(60)
    assert site.ids("item_families") == ["c", "a"]


def test_pages_of_a_lagging_list_show_each_record_once(site: Emulator) -> None:
    load(site, *numbered(12))
    site.switch(list_lag_ms=60_000)
    for number in (3, 7, 11):
        site.sdk.Customer.update(f"c{number:04}", {"phone": "1"})
    found = pages(site, {"limit": 5, "sort_by": {"asc": "updated_at"}})
    assert [each for one in found for each in one] == [customer["id"] for customer in numbered(12)]


def test_a_lag_that_varies_lets_a_later_write_be_seen_first() -> None:
    settings = Settings(
        switches={"rate_limit_per_min": 0, "list_lag_ms": 100_000, "list_lag_varies": True}, seed=4
    )
    with emulator(settings) as site:
        site.freeze()
        made = [f"c{number}" for number in range(20)]
        for name in made:
            site.post("customers", {"id": name})
        site.advance(50)
        seen = site.ids("customers")
        assert 0 < len(seen) < 20
        assert seen != made[: len(seen)]
        site.advance(50)
        assert site.ids("customers") == made


def test_a_record_is_never_listed_in_two_states() -> None:
    settings = Settings(switches={"rate_limit_per_min": 0, "list_lag_varies": True}, seed=1)
    with emulator(settings) as site:
        site.freeze()
        for name in ("a", "b", "c"):
            site.post("customers", {"id": name, "phone": "0"})
        site.advance(1)
        for step in range(60):
            site.switch(list_lag_ms=0 if step % 7 == 6 else 20_000)
            for name in ("a", "b", "c"):
                site.post(f"customers/{name}", {"phone": str(step)})
            site.advance(step % 3)
            listed = site.ids("customers", {"sort_by[asc]": "updated_at"})
            assert len(listed) == len(set(listed))
        site.advance(20)
        shown = [entry["customer"]["phone"] for entry in site.get("customers").json()["list"]]
        assert shown == ["59"] * 3


def test_the_sdk_reads_a_refusal_of_a_list(site: Emulator) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        site.sdk.Customer.list({"limit": 1000})
    assert caught.value.param == "limit"
