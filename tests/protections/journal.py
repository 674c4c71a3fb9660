"""The journal and the store: what is told of writes, that it can be relied on, and that a commit is a commit."""

from __future__ import annotations

from typing import Any

from instep.core import decide
from instep.core.values import encode
from instep.runner import outcome
from instep.store import chain, lease, sqlite, transaction
from instep.store.chain import commitment, names_of, resealed
from instep.store.group_commit import Group
from instep.store.verify import verify
from tests.runner.site import LEFT, RIGHT, Site

from .checks import must
from .conflicts import nothing_lost
from .notices import contract, story, worlds
from .protection import Protection, both, put, wrap
from .shapes import shaped


def _untold(whole: Any) -> Any:
    def close(engine: Any, tx: Any, intent: Any, *given: Any, **more: Any) -> None:
        del engine, given, more
        tx.close_intent(intent.id)

    return close


def _of_the_entry_alone(whole: Any) -> Any:
    return lambda before, row, names, committed: whole("", row, names, committed)


async def one_write() -> list[str]:
    site = Site()
    left, _ = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    await site.run()
    told = [entry for entry in site.journal("update") if entry.outcome == "done"]
    return must("13", len(told) == len(site.written(RIGHT)), "a write is not in the journal")


async def entry_that_was_changed() -> list[str]:
    """Somebody changes an old entry in the file, with a seal that fits; the end of the journal was kept elsewhere."""
    site = Site()
    left, _ = await site.linked_company()
    for phone in ("2", "3", "4"):
        site.edit(LEFT, left, phone=phone)
        await site.run()
    anchor = str(site.store.read(lambda tx: tx.chain().head))

    def forge(tx: Any) -> None:
        row = dict(tx.sealed(0, 100)[1])
        before = tx.sealed(0, 1)[0]
        row["changes"] = encode([{"property": "phone", "old": ["1"], "new": ["9"]}]).decode()
        row["commitment"] = commitment(str(row["salt"]), str(row["reason"]), str(row["changes"]))
        names = names_of([{"property": "phone"}])
        row["seal"] = chain.seal(str(before["seal"]), row, names, str(row["commitment"]))
        assert resealed(str(before["seal"]), row) == row["seal"]
        tx._execute("update journal set changes = :changes, seal = :seal where seq = :seq", row)

    await site.store.write(forge)
    trouble = site.store.read(lambda tx: verify(tx, anchor)).trouble
    return must("13", trouble, "an entry was changed, and the journal verifies up to its known end")


def _not_undone(group: Group, job: Any) -> None:
    """What a job did before it raised stays."""
    try:
        job.result = job.work(group._tx)
    except BaseException as error:  # noqa: BLE001 - as the whole one does
        job.error = error


def _without_unique_links(whole: Any) -> Any:
    def migrate(connection: Any, path: str) -> None:
        whole(connection, path)
        connection.execute(
            "drop index if exists links_by_left; drop index if exists links_by_right"
        ).fetchall()

    return migrate


WITHOUT_UNIQUE_LINKS = wrap(sqlite, "migrate", _without_unique_links)


def _anybody_may(whole: Any) -> Any:
    def take(connection: Any, path: str, holder: str, own_epoch: Any, now_ms: int, until_ms: int) -> Any:
        del now_ms
        return whole(connection, path, holder, own_epoch, 2**62, until_ms)

    return take


def _begun_anew(whole: Any) -> Any:
    def take(connection: Any, path: str, holder: str, own_epoch: Any, *times: int) -> Any:
        kept = own_epoch if own_epoch == lease.held(connection)[1] else None
        return whole(connection, path, holder, kept, *times)

    return take


PROTECTIONS = (
    Protection(
        "every write is told",
        "runner/outcome.py:_close",
        "what was written, and in the place of what, is known to nobody",
        "13",
        wrap(outcome, "_close", _untold),
        story(one_write),
        {"13": worlds(shaped())},
    ),
    Protection(
        "what was overwritten is told twice",
        "core/decide.py:overruled",
        "a value that lost a conflict stands nowhere any more",
        "3",
        both(wrap(outcome, "_close", _untold), put(decide._Deciding, "_lose", nothing_lost)),
        worlds(shaped(policy="left", edits=40)),
    ),
    Protection(
        "each entry is sealed with the one before",
        "store/chain.py:seal",
        "an old entry can be changed without the end of the journal showing it",
        "13",
        both(wrap(chain, "seal", _of_the_entry_alone), wrap(transaction, "seal", _of_the_entry_alone)),
        story(entry_that_was_changed),
    ),
    Protection(
        "one link per record and pair",
        "store/sql/0001_first.sql:unique index links_by_left",
        "two workers that come to one record at a time give it two partners",
        "store",
        WITHOUT_UNIQUE_LINKS,
        contract("of_many_at_once_one_alone_links_a_record"),
    ),
    Protection(
        "who fails undoes what it did, and nothing else",
        "store/group_commit.py:_run",
        "half of a transaction is kept",
        "store",
        put(Group, "_run", _not_undone),
        contract("a_failing_function_harms_none_of_those_beside_it"),
    ),
    Protection(
        "one runner has the lease",
        "store/lease.py:Held",
        "two runs are at one store at a time",
        "store",
        wrap(lease, "take", _anybody_may),
        contract("a_lease_keeps_another_holder_out_until_it_runs_out"),
    ),
    Protection(
        "a lease that was lost is not renewed",
        "store/lease.py:lost",
        "a runner that another has replaced goes on with what it had begun before",
        "store",
        wrap(lease, "take", _begun_anew),
        contract("a_lease_that_another_had_meanwhile_is_not_renewed"),
    ),
)
