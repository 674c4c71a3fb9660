"""A store that an earlier release left behind is brought to this one's schema with everything in it.

For a new number: add `release_<n>.sql` with a row for what is new, and its release to RELEASES.
"""

from decimal import Decimal
from pathlib import Path

import apsw
import pytest

from instep.core.model import Both, Side
from instep.core.values import ABSENT
from instep.store.contract import Entry, Hold, Intent, Key, Link, Release, Run, Sighting, Todo
from instep.store.migrations import APPLICATION_ID, scripts
from instep.store.sqlite import open_store
from instep.store.verify import verify

RELEASES = {1: 1}
"""Release -> the number that its schema had reached."""

LEFT, RIGHT = Side.LEFT, Side.RIGHT
KEY = Key("contact", LEFT, "c1")


def store_of_release(release: int, path: Path) -> Path:
    """Make the file as that release left it."""
    connection = apsw.Connection(str(path))
    for number in range(1, RELEASES[release] + 1):
        connection.execute(scripts()[number])
    connection.execute(f"pragma application_id = {APPLICATION_ID}; pragma user_version = {RELEASES[release]}")
    connection.execute(Path(__file__).with_name(f"release_{release}.sql").read_text())
    connection.close()
    return path


@pytest.mark.parametrize("release", RELEASES)
async def test_everything_that_a_release_kept_is_there_after_the_upgrade(tmp_path, release):
    store = open_store(store_of_release(release, tmp_path / "store.sqlite"))
    assert store.read(lambda tx: tx.sighting(LEFT, "customer", "c1")) == Sighting(
        LEFT,
        "customer",
        "c1",
        {"email": "a@b", "money": Decimal("1.50")},
        "d1",
        7,
        "tok",
        1,
        2,
        False,
        "ada",
        3,
        4,
        {"email": (None, 5)},
        3,
    )
    assert store.read(lambda tx: tx.search(["a@b"])) == [(LEFT, "customer", "c1")]
    link = Link(
        41, "contact", Both("c1", "r1"), {"email": Both(("a@b",), (ABSENT,))}, "live", 1, 5, "match email"
    )
    assert store.read(lambda tx: tx.link_of("contact", RIGHT, "r1")) == link
    assert store.read(lambda tx: tx.matches("contact", LEFT, 0, "value", 9)) == ["c1"]
    assert store.read(lambda tx: tx.todo("contact", now_ms=6)) == [Todo(KEY, 90, 0, 6, 2, "timed out")]
    hold = Hold(
        KEY, "item", "reference", "what", "why", "fix", "d2", 7, (LEFT, "item", "i1"), {"left": [1]}, 42
    )
    assert store.read(lambda tx: tx.holds()) == [hold]
    assert store.read(lambda tx: tx.releases_of(KEY)) == [Release(KEY, "email", "value", "d3", "x", 8)]
    meant = {"name": (("Ada",), None, ("ADA",))}
    intent = Intent(
        KEY,
        RIGHT,
        "create",
        "",
        "c1",
        {"name": "Ada"},
        meant,
        "idem",
        "chosen",
        "marker",
        41,
        1,
        2,
        "tok",
        3,
        44,
        "because",
        9,
        10,
        11,
        43,
    )
    assert store.read(lambda tx: tx.intents()) == [intent]
    assert store.read(lambda tx: (tx.cursor(LEFT, "customer"), tx.meta("setting"))) == ("page 2", "value")
    changes = ({"property": "name", "old": None, "new": "ADA"},)
    entry = Entry(12, 44, "contact", "update", "done", RIGHT, "r1", "c1", 41, "because", changes, "req", 45)
    assert store.read(lambda tx: tx.journal()) == [entry]
    assert store.read(lambda tx: tx.runs()) == [Run(44, "sync", 13, 14, "done", {"writes": 1})]
    assert await store.acquire("runner", 16, 10) == 4
    await store.close()


async def test_what_was_written_before_there_was_a_chain_is_sealed_by_the_upgrade(tmp_path):
    path = store_of_release(1, tmp_path / "store.sqlite")
    store = open_store(path)
    upgraded = store.read(verify)
    assert (upgraded.trouble, upgraded.entries, upgraded.chain.head.seq) == ("", 1, 45)
    await store.write(lambda tx: tx.append([Entry(13, 45, "contact", "link", "done")]))
    assert store.read(verify).entries == 2
    assert [entry.seq for entry in store.read(lambda tx: tx.journal())] == [46, 45]
    await store.close()
    connection = apsw.Connection(str(path))
    connection.execute("update journal set reason = 'another' where seq = 45")
    connection.close()
    store = open_store(path)
    assert store.read(verify).at == 45
    await store.close()


async def test_numbers_go_on_where_the_release_before_had_come_to(tmp_path):
    store = open_store(store_of_release(1, tmp_path / "store.sqlite"))
    link = await store.write(lambda tx: tx.save_link(Link(0, "contact", Both("c2", "r2"))))
    await store.write(lambda tx: tx.mark([KEY]))
    assert link.id == 42
    assert [todo.seq for todo in store.read(lambda tx: tx.todo("contact", now_ms=9))] == [91]
    await store.close()


async def test_a_change_of_schema_that_fails_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = store_of_release(1, tmp_path / "store.sqlite")
    await open_store(path).close()
    before = path.read_bytes()
    broken = {**scripts(), len(scripts()) + 1: "create table half (x); create table half (x)"}
    monkeypatch.setattr("instep.store.migrations.scripts", lambda: broken)
    with pytest.raises(apsw.SQLError):
        open_store(path)
    assert path.read_bytes() == before


async def test_a_new_number_is_run_once_and_noted(tmp_path, monkeypatch):
    path = store_of_release(1, tmp_path / "store.sqlite")
    number = len(scripts()) + 1
    more = {**scripts(), number: "create table added (x); insert into added values (1)"}
    monkeypatch.setattr("instep.store.migrations.scripts", lambda: more)
    for _ in range(2):
        await open_store(path).close()
    connection = apsw.Connection(str(path))
    assert connection.pragma("user_version") == number
    assert connection.execute("select count(*) from added").get == 1
    connection.close()
