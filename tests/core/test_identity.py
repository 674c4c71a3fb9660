"""Ids and references of records that Instep makes tell whose copy they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instep.core.identity import claimed_id, made_id

TEMPLATES = st.sampled_from(["{id}", "cb-{id}", "{id}.erp", "x-{id}-y"])
PLAIN = st.text("abzAZ019._-", min_size=1, max_size=12)


def test_an_id_is_made_from_the_source_and_is_the_same_each_time() -> None:
    assert made_id("cb-{id}", "42", generation=0, max_length=50) == "cb-42"
    assert made_id("cb-{id}", "42", generation=0, max_length=50) == "cb-42"


@pytest.mark.parametrize(("generation", "made"), [(0, "cb-42"), (1, "cb-42-2"), (9, "cb-42-10")])
def test_a_recreation_has_an_id_of_its_own(generation: int, made: str) -> None:
    assert made_id("cb-{id}", "42", generation=generation, max_length=50) == made


@given(TEMPLATES, PLAIN, st.integers(0, 30))
def test_what_was_made_names_its_source(template: str, source: str, generation: int) -> None:
    made = made_id(template, source, generation=generation, max_length=100)
    assert source in claimed_id(template, made)


@given(TEMPLATES, st.text(min_size=1, max_size=40), st.integers(0, 3), st.integers(10, 60))
def test_any_source_gets_an_id_that_every_system_takes(
    template: str, source: str, generation: int, longest: int
) -> None:
    made = made_id(template, source, generation=generation, max_length=longest)
    assert 0 < len(made) <= longest
    assert all(c.isascii() and (c.isalnum() or c in "._-") for c in made)
    assert made == made_id(template, source, generation=generation, max_length=longest)


def test_ids_that_had_to_be_replaced_stay_different() -> None:
    long = [f"{'a' * 80}{n}" for n in range(50)]
    assert len({made_id("{id}", source, generation=0, max_length=40) for source in long}) == 50


@pytest.mark.parametrize(
    ("template", "id"), [("cb-{id}", "42"), ("cb-{id}", "cb-"), ("{id}-erp", "42-er"), ("a{id}a", "a")]
)
def test_an_id_of_another_form_claims_nothing(template: str, id: str) -> None:
    assert claimed_id(template, id) == []


def test_a_source_that_ends_like_a_recreation_is_tried_as_it_is_first() -> None:
    assert claimed_id("cb-{id}", "cb-7-2") == ["7-2", "7"]
