"""The statements of the SQLite store: each is described and used, and each finds its rows by an index."""

import itertools
import re
from collections import defaultdict
from pathlib import Path

import apsw
import pytest

import instep.store
from instep.store.migrations import migrate
from instep.store.queries import filtered, in_lists, queries

HERE = Path(instep.store.__file__).parent
FILTERS = {
    "todo": ("bucket", "urgent", "calm", "upto"),
    "busy_buckets": ("urgent", "calm", "upto", "first"),
    "next_due": ("urgent", "calm"),
    "holds": ("pair", "cause", "property"),
    "search": ("side", "entity", "second", "third"),
    "journal": ("pair", "run", "operation", "side", "record_id", "record_of_side"),
}
WHOLE = {"intents", "lease", "kinds_of_holds"}
"""Asked for in order of their numbers, latest or oldest first, up to a limit; the lease is one row; holds are
counted by an index alone."""


@pytest.fixture(scope="module")
def connection():
    connection = apsw.Connection(":memory:")
    migrate(connection, ":memory:")
    yield connection
    connection.close()


def variations() -> list[tuple[str, str]]:
    found = []
    for name, sql in queries().items():
        if "(:ids)" in sql:
            found += [(name, listed) for listed, _ in in_lists(name, ["a", "b"], {})]
            continue
        switches = FILTERS.get(name, ())
        for size in range(len(switches) + 1):
            for chosen in itertools.combinations(switches, size):
                if "record_of_side" not in chosen or "record_id" in chosen:
                    found.append((name, filtered(name, *chosen)))
    return found


def plan(connection: apsw.Connection, sql: str) -> list[str]:
    names = defaultdict(int, dict.fromkeys(re.findall(r":(\w+)", sql), 1))
    return [row[3] for row in connection.execute("explain query plan " + sql, names)]


@pytest.mark.parametrize(("name", "sql"), variations())
def test_no_statement_walks_through_a_whole_table(connection, name, sql):
    walks = [step for step in plan(connection, sql) if re.match(r"SCAN (?!every\b|CONSTANT|\d)", step)]
    assert not walks or name in WHOLE, (walks, sql)


@pytest.mark.parametrize(
    "name", ["todo", "todo_after", "links", "unlisted", "matches", "holds", "journal", "intents", "runs"]
)
def test_pages_come_in_the_order_of_an_index(connection, name):
    for other, sql in variations():
        if other == name and "record_id = :record_id" not in sql:
            assert not [step for step in plan(connection, sql) if "TEMP B-TREE" in step], sql


def test_a_record_is_found_by_all_columns_of_its_index(connection):
    for name, columns in {
        "sighting": "side=? AND entity=? AND id=?",
        "sightings": "side=? AND entity=? AND id=?",
        "touch": "side=? AND entity=? AND id=?",
        "link_of_left": "pair=? AND left_id=?",
        "links_of_right": "pair=? AND right_id=?",
        "match_values": "pair=? AND side=? AND id=?",
        "matches": "value=? AND pair=? AND side=? AND number=?",
        "is_todo": "pair=? AND side=? AND id=?",
        "holds_of": "pair=? AND side=? AND record_id=?",
        "waiting_for": "waits_side=? AND waits_entity=? AND waits_id=?",
        "busy_buckets": "pair=? AND bucket=? AND due_ms<?",
        "intents_of": "pair=? AND key_side=? AND key_id=?",
    }.items():
        sql = next(sql for other, sql in variations() if other == name)
        assert any(columns in step for step in plan(connection, sql)), (name, plan(connection, sql))


def test_every_statement_is_described_and_used():
    text = (HERE / "sql" / "queries.sql").read_text()
    described = re.findall(r"^-- name: (\S+)\n-- \w.*\.\n(?!--)", text, re.MULTILINE)
    assert described == re.findall(r"^-- name: (\S+)$", text, re.MULTILINE)
    code = "\n".join(file.read_text() for file in HERE.glob("*.py"))
    assert [name for name in described if f'"{name}"' not in code] == []


def test_a_switched_line_is_there_only_when_its_filter_is_asked_for():
    assert "bucket = :bucket" not in filtered("todo")
    assert "bucket = :bucket" in filtered("todo", "bucket")
    assert "-- if" not in filtered("journal", "pair")


def test_a_long_list_is_cut_and_a_short_one_padded():
    parts = list(in_lists("touch", [f"c{number}" for number in range(205)], {"listed_in": 1}))
    assert [sum(name.startswith("id") for name in bindings) for _, bindings in parts] == [100, 100, 10]
    last = [value for name, value in parts[-1][1].items() if name.startswith("id")]
    assert last == ["c200", "c201", "c202", "c203", "c204"] + ["c204"] * 5
