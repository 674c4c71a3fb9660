"""The part of the contract suite about transactions, the lease, and what survives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from operator import methodcaller
from pathlib import Path

import pytest

from instep.core.model import Both
from instep.errors import LeaseLost, StoreError
from instep.store.contract import AlreadyLinked, Link, Store, Tx
from instep.testing.store_hooks import LEFT, StoreHooks, intent, key, link, sighting


class _Trouble(Exception):
    """What a test's own function raises."""


def _note(name: str) -> Callable[[Tx], None]:
    return lambda tx: tx.save_meta(name, "yes")


def _note_then_fail(name: str) -> Callable[[Tx], None]:
    def work(tx: Tx) -> None:
        tx.save_meta(name, "yes")
        tx.save_link(link(name, name))
        raise _Trouble(name)

    return work


def _noted(store: Store, name: str) -> bool:
    return store.read(lambda tx: tx.meta(name)) == "yes"


@pytest.mark.asyncio
class TransactionContract(StoreHooks):
    """What a transaction promises within one open store, and its lease."""

    async def test_what_a_function_raises_undoes_it_and_comes_back(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            with pytest.raises(_Trouble, match="mine"):
                await store.write(_note_then_fail("mine"))
            assert not _noted(store, "mine")
            assert store.read(lambda tx: tx.links("contact", 0, 10)) == []
            await store.write(_note("after"))
            assert _noted(store, "after")

    async def test_a_function_gives_its_result(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            assert await store.write(lambda tx: (tx.meta("none"), 7)) == (None, 7)
            assert store.read(lambda tx: [tx.meta("none")]) == [None]

    async def test_a_transaction_sees_its_own_writes(self, tmp_path: Path) -> None:
        def work(tx: Tx) -> tuple[str | None, Link | None, bool]:
            tx.save_meta("a", "1")
            tx.save_link(link())
            tx.mark([key()])
            return tx.meta("a"), tx.link_of("contact", LEFT, "c1"), tx.is_todo(key())

        async with self.opened(tmp_path) as store:
            value, found, marked = await store.write(work)
            assert value == "1"
            assert found is not None
            assert marked

    async def test_a_failing_function_harms_none_of_those_beside_it(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            works = [(_note_then_fail if n % 7 == 3 else _note)(f"n{n}") for n in range(300)]
            outcomes = await asyncio.gather(*map(store.write, works), return_exceptions=True)
            failed = [n for n, outcome in enumerate(outcomes) if isinstance(outcome, _Trouble)]
            assert failed == list(range(3, 300, 7))
            assert [str(outcomes[n]) for n in failed] == [f"n{n}" for n in failed]
            noted = [n for n in range(300) if _noted(store, f"n{n}")]
            assert noted == [n for n in range(300) if n % 7 != 3]

    async def test_of_many_at_once_one_alone_links_a_record(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            works = [methodcaller("save_link", link("c1", f"r{n}")) for n in range(20)]
            outcomes = await asyncio.gather(*map(store.write, works), return_exceptions=True)
            made = [outcome for outcome in outcomes if isinstance(outcome, Link)]
            refused = [outcome for outcome in outcomes if isinstance(outcome, AlreadyLinked)]
            assert (len(made), len(refused)) == (1, 19)
            assert {one.link.id for one in refused} == {made[0].id}

    async def test_writes_happen_in_the_order_in_which_they_were_asked_for(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            works = [methodcaller("save_intent", intent(f"c{n}")) for n in range(50)]
            numbers = [one.id for one in await asyncio.gather(*map(store.write, works))]
            assert numbers == sorted(numbers)

    async def test_a_read_sees_the_last_commit_and_nothing_of_a_failed_one(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            for number in range(20):
                await store.write(methodcaller("save_meta", "n", str(number)))
                assert store.read(lambda tx: tx.meta("n")) == str(number)
                with pytest.raises(_Trouble):
                    await store.write(_note_then_fail("n"))
                assert store.read(lambda tx: tx.meta("n")) == str(number)

    async def test_a_read_can_not_write(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            with pytest.raises(StoreError):
                store.read(_note("n"))
            assert not _noted(store, "n")
            await store.write(_note("m"))
            assert _noted(store, "m")

    async def test_a_read_may_ask_the_store_again(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(_note("n"))
            assert store.read(lambda tx: (_noted(store, "n"), tx.meta("n"))) == (True, "yes")

    async def test_what_a_read_raises_comes_back(self, tmp_path: Path) -> None:
        def fail(tx: Tx) -> None:
            raise _Trouble(tx.meta("none"))

        async with self.opened(tmp_path) as store:
            with pytest.raises(_Trouble):
                store.read(fail)
            assert store.read(lambda tx: tx.meta("none")) is None

    async def test_a_closed_store_says_so(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(_note("n"))
        with pytest.raises(StoreError, match="closed"):
            await store.write(_note("n"))
        with pytest.raises(StoreError, match="closed"):
            store.read(lambda tx: tx.meta("n"))
        await store.close()

    async def test_a_lease_is_renewed_under_the_same_epoch(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            epoch = await store.acquire("a", 0, 100)
            assert await store.acquire("a", 90, 100) == epoch
            assert await store.acquire("a", 500, 100) == epoch
            await store.write(_note("n"))

    async def test_the_epoch_rises_with_each_new_holder(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            epochs = []
            for holder in ("a", "b", "a"):
                epochs.append(await store.acquire(holder, 0, 100))
                await store.release()
            assert epochs == sorted(set(epochs))
            await store.release()
            await store.write(_note("a store without a lease may write"))


@pytest.mark.asyncio
class DurableContract(StoreHooks):
    """What survives closing, and what two open stores in one place are to each other."""

    async def test_what_was_written_is_there_after_reopening(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.save_sightings([sighting()]))
            saved = await store.write(lambda tx: tx.save_link(link()))
            await store.write(lambda tx: tx.mark([key()], reason="listed"))
        async with self.opened(tmp_path) as store:
            assert store.read(lambda tx: tx.sighting(LEFT, "customer", "c1")) == sighting()
            assert store.read(lambda tx: tx.link(saved.id)) == saved
            assert store.read(lambda tx: tx.is_todo(key()))

    async def test_numbers_go_on_after_reopening(self, tmp_path: Path) -> None:
        numbers: list[tuple[int, ...]] = []

        def use_and_forget(tx: Tx) -> tuple[int, ...]:
            saved, meant = tx.save_link(link()), tx.save_intent(intent())
            tx.mark([key()])
            (todo,) = tx.todo("contact", now_ms=0)
            tx.remove_link(saved.id)
            tx.close_intent(meant.id)
            tx.finish(todo)
            return saved.id, meant.id, todo.seq

        for _ in range(3):
            async with self.opened(tmp_path) as store:
                numbers.append(await store.write(use_and_forget))
        for series in zip(*numbers, strict=True):
            assert list(series) == sorted(set(series))

    async def test_two_open_stores_see_each_others_commits(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as one, self.opened(tmp_path) as other:
            for number in range(10):
                writer, reader = (one, other) if number % 2 else (other, one)
                await writer.write(methodcaller("save_meta", "n", str(number)))
                assert reader.read(lambda tx: tx.meta("n")) == str(number)

    async def test_two_open_stores_lose_none_of_each_others_writes(self, tmp_path: Path) -> None:
        def count(tx: Tx) -> None:
            tx.save_meta("count", str(int(tx.meta("count") or "0") + 1))

        async with self.opened(tmp_path) as one, self.opened(tmp_path) as other:
            await asyncio.gather(*(store.write(count) for _ in range(50) for store in (one, other)))
            assert one.read(lambda tx: tx.meta("count")) == "100"

    async def test_links_stay_one_to_one_across_two_open_stores(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as one, self.opened(tmp_path) as other:
            first = await one.write(lambda tx: tx.save_link(link("c1", "r1")))
            with pytest.raises(AlreadyLinked) as refused:
                await other.write(lambda tx: tx.save_link(link("c1", "r2")))
            assert refused.value.link == first
            assert first.ids == Both("c1", "r1")

    async def test_a_lease_keeps_another_holder_out_until_it_runs_out(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as one, self.opened(tmp_path) as other:
            epoch = await one.acquire("runner one", 1000, 500)
            with pytest.raises(StoreError, match="runner one"):
                await other.acquire("runner two", 1499, 500)
            assert await other.acquire("runner two", 1500, 500) > epoch

    async def test_a_zombies_writes_are_refused(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as zombie, self.opened(tmp_path) as heir:
            await zombie.acquire("zombie", 0, 100)
            await zombie.write(_note("before"))
            await heir.acquire("heir", 100, 100)
            with pytest.raises(LeaseLost, match="lease"):
                await zombie.write(_note("after"))
            assert _noted(heir, "before")
            assert not _noted(heir, "after")
            with pytest.raises(LeaseLost, match="heir"):
                await zombie.acquire("zombie", 150, 100)
            with pytest.raises(LeaseLost):
                await zombie.write(_note("after"))
            await heir.write(_note("of the heir"))
            with pytest.raises(LeaseLost):
                await zombie.acquire("zombie", 200, 100)
            await zombie.release()
            assert await zombie.acquire("zombie", 200, 100) > 0
            await zombie.write(_note("again"))
            with pytest.raises(LeaseLost):
                await heir.write(_note("late"))

    async def test_a_lease_that_another_had_meanwhile_is_not_renewed(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as zombie, self.opened(tmp_path) as heir:
            await zombie.acquire("zombie", 0, 100)
            await heir.acquire("heir", 100, 100)
            await heir.release()
            for _ in range(2):
                with pytest.raises(LeaseLost):
                    await zombie.acquire("zombie", 150, 100)
                with pytest.raises(LeaseLost):
                    await zombie.write(_note("after"))

    async def test_a_zombie_that_lets_go_takes_nothing_from_its_heir(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as zombie, self.opened(tmp_path) as heir:
            await zombie.acquire("zombie", 0, 100)
            await heir.acquire("heir", 100, 100)
            await zombie.release()
            await heir.write(_note("n"))
            with pytest.raises(StoreError, match="heir"):
                await zombie.acquire("zombie", 150, 100)

    async def test_a_lease_given_back_is_free_at_once(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as one, self.opened(tmp_path) as other:
            await one.acquire("one", 0, 10_000)
            await one.release()
            await other.acquire("two", 1, 10_000)
            await other.write(_note("n"))

    async def test_a_restarted_runner_takes_its_own_lease_back_at_once(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as crashed:
            before = await crashed.acquire("runner", 0, 10_000)
            async with self.opened(tmp_path) as restarted:
                assert await restarted.acquire("runner", 1, 10_000) > before
                with pytest.raises(LeaseLost):
                    await crashed.write(_note("n"))

    async def test_a_store_without_a_lease_may_write_beside_the_holder(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as runner, self.opened(tmp_path) as command:
            await runner.acquire("runner", 0, 10_000)
            await command.write(_note("a person's choice"))
            await runner.write(_note("n"))
            assert _noted(runner, "a person's choice")
