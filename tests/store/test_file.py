"""The SQLite store's file: who may read it, what happens when it, the disk or another process misbehaves."""

import asyncio
import os
import resource
import stat
from contextlib import contextmanager

import apsw
import pytest

from instep.core.model import Side
from instep.errors import StoreError
from instep.store.sqlite import MEMORY, open_store
from instep.testing.store_hooks import key, sighting


@pytest.fixture(params=[True, False], ids=["threaded", "inline"])
def threaded(request):
    return request.param


def note(name, value="yes"):
    return lambda tx: tx.save_meta(name, value)


def noted(store, name):
    return store.read(lambda tx: tx.meta(name)) is not None


def refused(path, **options):
    """The message of the StoreError that opening raises; it says what, why and how to go on."""
    with pytest.raises(StoreError) as error:
        open_store(path, **options)
    assert error.value.why
    assert error.value.fix
    assert str(path) in error.value.what
    return str(error.value)


async def fill(path, pages=30):
    store = open_store(path, threaded=False)
    for page in range(pages):
        await store.write(lambda tx, p=page: tx.save_sightings(sighting(f"c{p}-{n}") for n in range(100)))
    return store


# --- who may read it


async def test_only_its_owner_can_read_the_file(tmp_path):
    before = os.umask(0)
    try:
        store = open_store(tmp_path / "store.sqlite")
        await store.write(note("n"))
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
        await store.close()
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(["store.sqlite", "store.sqlite-wal", "store.sqlite-shm"], 0o600)


async def test_closing_leaves_one_file(tmp_path):
    store = open_store(tmp_path / "store.sqlite")
    await store.write(note("n"))
    await store.close()
    assert [file.name for file in tmp_path.iterdir()] == ["store.sqlite"]


async def test_two_stores_in_memory_are_strangers():
    one, other = open_store(MEMORY, threaded=False), open_store(MEMORY, threaded=False)
    await one.write(note("n"))
    assert (noted(one, "n"), noted(other, "n")) == (True, False)
    await one.close()
    await other.close()


# --- what it can't be opened for


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("dear diary\n" * 1000)
    assert "not an Instep store" in refused(path)
    assert path.read_text() == "dear diary\n" * 1000


def test_another_programs_database_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "other.db"
    connection = apsw.Connection(str(path))
    connection.execute("create table theirs (x); insert into theirs values (1)")
    connection.close()
    before = path.read_bytes()
    assert "another program" in refused(path)
    assert path.read_bytes() == before


async def test_a_newer_releases_store_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "store.sqlite"
    await (await fill(path, 1)).close()
    connection = apsw.Connection(str(path))
    connection.execute("pragma user_version = 999; pragma journal_mode = delete")
    connection.close()
    before = path.read_bytes()
    message = refused(path)
    assert "newer release" in message
    assert "999" in message
    assert path.read_bytes() == before


def test_a_directory_that_is_not_there_is_told(tmp_path):
    assert "No such file or directory" in refused(tmp_path / "none" / "store.sqlite")


def test_a_directory_in_the_files_place_is_told(tmp_path):
    assert "can't be opened" in refused(tmp_path)


@contextmanager
def as_nobody(directory):
    """Without the rights of root, which no permission binds."""
    was_root = os.geteuid() == 0
    above = [directory, *directory.parents]
    modes = [
        (path, path.stat().st_mode)
        for path in above
        if path.stat().st_uid == os.getuid() and path != path.parent
    ]
    if was_root:
        for path, mode in modes[1:]:
            path.chmod(mode | 0o055)
        os.seteuid(65534)
    try:
        yield
    finally:
        if was_root:
            os.seteuid(0)
        for path, mode in modes:
            path.chmod(mode)


def test_a_directory_without_the_right_to_write_is_told(tmp_path):
    place = tmp_path / "place"
    place.mkdir()
    place.chmod(0o555)
    with as_nobody(place):
        assert "Permission denied" in refused(place / "store.sqlite")


async def test_a_file_without_the_right_to_write_is_told(tmp_path):
    place = tmp_path / "place"
    place.mkdir()
    path = place / "store.sqlite"
    await (await fill(path, 1)).close()
    path.chmod(0o444)
    place.chmod(0o555)
    with as_nobody(place):
        message = refused(path)
    assert "the right to write" in message or "may write" in message


# --- another process


def test_a_file_that_another_process_makes_is_waited_for_and_then_told(tmp_path):
    path = tmp_path / "store.sqlite"
    other = apsw.Connection(str(path))
    other.execute("begin exclusive")
    assert "locked by another process" in refused(path, busy_timeout_ms=20)
    other.execute("rollback")
    other.close()


async def test_a_write_waits_for_another_process_and_then_says_so(tmp_path, threaded):
    path = tmp_path / "store.sqlite"
    store = open_store(path, threaded=threaded, busy_timeout_ms=20)
    other = apsw.Connection(str(path))
    other.execute("begin immediate")
    with pytest.raises(StoreError, match="locked by another process"):
        await store.write(note("n"))
    assert not noted(store, "n")
    other.execute("rollback")
    other.close()
    await store.write(note("n"))
    assert noted(store, "n")
    await store.close()


# --- damage


def scribble(path, after=8192):
    with path.open("r+b") as file:
        file.seek(after)
        file.write(b"\xa5" * (path.stat().st_size - after))


async def test_a_damaged_page_is_told_by_what_meets_it(tmp_path, threaded):
    path = tmp_path / "store.sqlite"
    await (await fill(path)).close()
    scribble(path)
    with pytest.raises(StoreError, match="damaged") as error:
        store = open_store(path, threaded=threaded)
        try:
            await store.write(lambda tx: tx.save_sightings([sighting("new")]))
        finally:
            await store.close()
    assert "backup" in error.value.fix


async def test_a_file_that_was_cut_off_is_told(tmp_path):
    path = tmp_path / "store.sqlite"
    await (await fill(path)).close()
    os.truncate(path, path.stat().st_size // 8192 * 4096)
    with pytest.raises(StoreError, match="damaged"):
        store = open_store(path, threaded=False)
        try:
            store.read(lambda tx: tx.unlisted(Side.LEFT, "customer", 1, "", 100_000))
        finally:
            await store.close()


def crashed_copy(path, place):
    """The files as a crash would leave them."""
    place.mkdir()
    for file in path.parent.iterdir():
        if file.name in (path.name, path.name + "-wal"):
            (place / file.name).write_bytes(file.read_bytes())
    return place / path.name


def damage_a_table(path):
    """Turn the tree of the links' first page into nonsense, which no reading of other tables meets."""
    connection = apsw.Connection(str(path))
    connection.execute("pragma wal_checkpoint(truncate)")
    root = connection.execute("select rootpage from sqlite_schema where name = 'releases'").get
    connection.execute("pragma writable_schema = on")
    connection.execute("insert into meta values ('left in the log', 'yes')")
    left_over = path.with_name(path.name + "-wal").read_bytes()
    connection.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xa5" * 4096)
    path.with_name(path.name + "-wal").write_bytes(left_over)


async def test_after_an_unclean_end_the_file_is_checked_when_it_is_opened(tmp_path):
    store = await fill(tmp_path / "store.sqlite", 1)
    sound = crashed_copy(tmp_path / "store.sqlite", tmp_path / "sound")
    damaged = crashed_copy(tmp_path / "store.sqlite", tmp_path / "damaged")
    await store.close()
    damage_a_table(damaged)
    again = open_store(sound)
    assert again.read(lambda tx: tx.count_sightings(Side.LEFT, "customer")) == 100
    await again.close()
    assert "SQLite's check found" in refused(damaged)


async def test_after_a_crashed_runner_the_file_is_checked_when_its_lease_is_taken_over(tmp_path):
    store = await fill(tmp_path / "store.sqlite", 1)
    await store.acquire("crashed", 0, 100)
    damaged = crashed_copy(tmp_path / "store.sqlite", tmp_path / "damaged")
    await store.close()
    damage_a_table(damaged)
    heir = open_store(damaged, threaded=False)
    with pytest.raises(StoreError, match="damaged"):
        await heir.acquire("heir", 200, 100)
    await heir.close()


# --- the disk


async def test_a_full_disk_fails_the_write_and_nothing_else(tmp_path, threaded):
    store = open_store(tmp_path / "store.sqlite", threaded=threaded)
    await store.write(note("before"))
    room = store._writer.pragma("page_count") + 20
    store._writer.pragma("max_page_count", room)

    def large(name):
        return lambda tx: (tx.mark([key(name)]), tx.save_meta(name, "x" * 20_000))

    names = [f"n{number}" for number in range(40)]
    outcomes = await asyncio.gather(*(store.write(large(name)) for name in names), return_exceptions=True)
    failed = [name for name, outcome in zip(names, outcomes, strict=True) if outcome.__class__ is StoreError]
    assert failed
    assert all("out of space" in str(one) for one in outcomes if isinstance(one, BaseException))
    assert [name for name in names if not noted(store, name)] == failed
    assert [name for name in names if not store.read(lambda tx, n=name: tx.is_todo(key(n)))] == failed

    store._writer.pragma("max_page_count", 1_000_000)
    for name in failed:
        await store.write(large(name))
    assert all(noted(store, name) for name in ["before", *names])
    await store.close()


@contextmanager
def files_no_larger_than(size):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_disk_that_refuses_a_write_fails_the_group_as_a_whole(tmp_path, threaded):
    path = tmp_path / "store.sqlite"
    store = open_store(path, threaded=threaded)
    await store.write(note("before"))
    log_size = path.with_name(path.name + "-wal").stat().st_size
    with files_no_larger_than(log_size + 100):
        outcomes = await asyncio.gather(
            *(store.write(note(f"n{number}")) for number in range(5)), return_exceptions=True
        )
    assert [outcome.__class__ for outcome in outcomes] == [StoreError] * 5
    assert all("disk" in str(outcome) for outcome in outcomes)
    assert not any(noted(store, f"n{number}") for number in range(5))
    await store.write(note("after"))
    await store.close()
    again = open_store(path)
    assert (noted(again, "before"), noted(again, "after"), noted(again, "n0")) == (True, True, False)
    await again.close()
