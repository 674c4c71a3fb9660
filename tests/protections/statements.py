"""The statements of the store: what each is careful about, and the sentence of the store's contract that says so."""

from __future__ import annotations

from typing import Any

import pytest

from instep.store import transaction
from instep.store.queries import filtered, queries

from .notices import contract
from .protection import Protection, Remove

FILTERED = ("todo", "journal")
"""Statements with lines that a filter switches on, which are read another way."""


def _misread(name: str, sound: str, faulty: str) -> Remove:
    """A statement with something else in the place of a part of it."""

    def remove(patch: pytest.MonkeyPatch) -> None:
        assert sound in queries()[name]
        if name not in FILTERED:
            patch.setitem(queries(), name, queries()[name].replace(sound, faulty))
            return

        def misled(asked: str, *filters: str) -> Any:
            sql = filtered(asked, *filters)
            return sql.replace(sound, faulty) if asked == name else sql

        patch.setattr(transaction, "filtered", misled)

    return remove


def _statement(without: str, name: str, sound: str, faulty: str, sentence: str) -> Protection:
    return Protection(
        sentence.replace("_", " "),
        f"store/sql/queries.sql:{name}",
        without,
        "store",
        _misread(name, sound, faulty),
        contract(sentence),
    )


PROTECTIONS = (
    _statement(
        "a mark forgets the earlier time",
        "mark",
        "excluded.due_ms < todo.due_ms",
        "1 = 1",
        "the_earlier_due_time_wins",
    ),
    _statement(
        "a mark keeps its number",
        "mark",
        "seq = excluded.seq, attempts",
        "attempts",
        "a_mark_made_meanwhile_is_not_lost_by_finishing",
    ),
    _statement(
        "a mark keeps its failures",
        "mark",
        "attempts = 0,",
        "attempts = todo.attempts + 1,",
        "a_mark_made_meanwhile_is_not_lost_by_finishing",
    ),
    _statement(
        "numbers come again",
        "take_numbers",
        "value = value + :count",
        "value = :count",
        "a_number_is_never_given_to_two_marks",
    ),
    _statement(
        "deleted records are unlisted",
        "unlisted",
        "and deleted = 0",
        "",
        "a_record_is_unlisted_if_the_listing_did_not_name_it",
    ),
    _statement(
        "a sample may be dead",
        "sample_ids",
        "and deleted = 0",
        "",
        "samples_are_the_others_seen_last_and_not_deleted",
    ),
    _statement(
        "a canary may be dead",
        "canaries",
        "and deleted = 0",
        "",
        "canaries_are_others_that_were_there",
    ),
    _statement(
        "a canary may be the suspect",
        "canaries",
        "and id <> :excluding",
        "",
        "canaries_are_others_that_were_there",
    ),
    _statement(
        "a canary may have come since",
        "canaries",
        "or created_ms <= :created_ms",
        "or created_ms > :created_ms",
        "canaries_are_others_that_were_there",
    ),
    _statement(
        "a sighting keeps its listing",
        "save_sighting",
        "listed_in = excluded.listed_in, ",
        "",
        "a_new_sighting_takes_the_place_of_the_one_before",
    ),
    _statement(
        "a hold gets a new time",
        "change_hold",
        "what = :what",
        "what = :what, since_ms = 0",
        "an_unchanged_hold_keeps_its_number_and_time",
    ),
    _statement(
        "a create is not found by its marker",
        "intent_to",
        "marker = :id",
        "marker = :id and 1 = 0",
        "an_open_create_is_found_by_what_it_makes_and_from_what",
    ),
    _statement(
        "an update counts as a create",
        "intent_to",
        "operation = 'create' and ",
        "",
        "an_update_is_no_create",
    ),
    _statement(
        "retired links are counted",
        "count_links",
        "state = 'retired'",
        "state = 'none'",
        "live_links_are_counted",
    ),
    _statement(
        "the journal's end is noted without its seal",
        "save_head",
        "head_seal = :seal, ",
        "",
        "entries_are_sealed_in_a_chain_that_verifies",
    ),
    _statement(
        "an entry is kept without its salt",
        "append",
        ":salt, :seal",
        "null, :seal",
        "entries_are_sealed_in_a_chain_that_verifies",
    ),
    _statement(
        "forgetting leaves the reason",
        "forget_entry",
        "reason = '', ",
        "",
        "values_that_are_forgotten_are_gone_from_the_journal_and_the_chain_verifies",
    ),
    _statement(
        "forgetting leaves no commitment",
        "forget_entry",
        ", commitment = :commitment",
        "",
        "values_that_are_forgotten_are_gone_from_the_journal_and_the_chain_verifies",
    ),
    _statement(
        "forgetting takes another record of the same id along",
        "entries_with_values",
        "side = :side and ",
        "",
        "values_that_are_forgotten_are_gone_from_the_journal_and_the_chain_verifies",
    ),
    _statement(
        "forgetting takes another pair along",
        "entries_with_values",
        "pair = :pair and ",
        "",
        "values_that_are_forgotten_are_gone_from_the_journal_and_the_chain_verifies",
    ),
    _statement(
        "pruning leaves the entries",
        "prune",
        "seq > :after",
        "seq < 0",
        "the_oldest_entries_can_be_let_go_and_the_rest_verifies",
    ),
    _statement(
        "pruning forgets where it began",
        "save_start",
        "start_seal = :seal, ",
        "",
        "the_oldest_entries_can_be_let_go_and_the_rest_verifies",
    ),
    _statement(
        "what is not due comes too",
        "todo",
        "+due_ms <= :now_ms",
        "1 = 1",
        "what_is_due_comes_in_order_of_its_marks",
    ),
    _statement(
        "what is due comes out of order",
        "todo",
        "order by urgent desc, seq",
        "order by urgent desc, due_ms",
        "what_is_due_comes_in_order_of_its_marks",
    ),
    _statement(
        "a hinted edit waits behind a long backlog",
        "todo",
        "order by urgent desc, seq",
        "order by seq",
        "what_is_urgent_goes_first_in_its_bucket_and_among_the_buckets",
    ),
    _statement(
        "a hinted edit that is heard of again waits behind a long backlog",
        "mark",
        "excluded.urgent > todo.urgent",
        "1 = 1",
        "what_is_urgent_stays_so_until_it_is_finished",
    ),
    _statement(
        "the journal mixes up the sides",
        "journal",
        "side <> :of_side",
        "side = :of_side",
        "a_records_history_is_found_from_both_sides",
    ),
    _statement(
        "the journal forgets its filter",
        "journal",
        "and run = :run",
        "",
        "the_journal_is_filtered_by_each_thing_asked_for",
    ),
)
