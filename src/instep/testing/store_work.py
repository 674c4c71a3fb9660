"""The part of the contract suite about what there is to do: todo, holds, releases, intents."""

from __future__ import annotations

from dataclasses import replace
from operator import methodcaller
from pathlib import Path

import pytest

from instep.core.model import Both
from instep.store.contract import BUCKETS, Intent, Key, Release, Todo, Tx, Which, bucket_of
from instep.testing.store_hooks import AWKWARD, AWKWARD_RAW, LEFT, RIGHT, StoreHooks, hold, intent, key


def _every_todo(tx: Tx) -> list[Todo]:
    return tx.todo_after("contact", after=0, limit=1000)


@pytest.mark.asyncio
class WorkContract(StoreHooks):
    """Todo, holds, releases, intents."""

    # --- what there is to look at

    async def test_a_mark_is_there_until_it_is_finished(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.mark([key("a")], due_ms=5, reason="listed"))
            (todo,) = store.read(_every_todo)
            assert todo == Todo(key("a"), todo.seq, bucket_of(key("a")), 5, 0, "listed")
            assert store.read(lambda tx: tx.is_todo(key("a")))
            assert not store.read(lambda tx: tx.is_todo(key("a", side=RIGHT)))
            assert await store.write(lambda tx: tx.finish(todo))
            assert not store.read(lambda tx: tx.is_todo(key("a")))
            assert not await store.write(lambda tx: tx.finish(todo))

    async def test_a_mark_is_found_by_its_record(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.mark([key("a"), key("b")], reason="changed"))
            found = store.read(lambda tx: tx.todo_of(key("b")))
            assert found is not None
            assert (found.key, found.reason) == (key("b"), "changed")
            assert store.read(lambda tx: tx.todo_of(key("b", side=RIGHT))) is None

    async def test_a_mark_made_meanwhile_is_not_lost_by_finishing(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.mark([key("a")], reason="first"))
            (first,) = store.read(_every_todo)
            await store.write(lambda tx: tx.mark([key("a")], reason="second"))
            assert not await store.write(lambda tx: tx.finish(first))
            assert not await store.write(
                lambda tx: tx.postpone(first, due_ms=99, attempts=1, reason="it failed")
            )
            (second,) = store.read(_every_todo)
            assert (second.reason, second.attempts, second.due_ms) == ("second", 0, 0)
            assert second.seq > first.seq
            assert await store.write(lambda tx: tx.finish(second))

    async def test_a_number_is_never_given_to_two_marks(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            seqs = []
            assert store.read(lambda tx: tx.last_mark()) == 0
            for _ in range(3):
                await store.write(lambda tx: tx.mark([key("a"), key("b")]))
                todos = store.read(_every_todo)
                seqs += [todo.seq for todo in todos]
                assert store.read(lambda tx: tx.last_mark()) == seqs[-1]
                for todo in todos:
                    await store.write(methodcaller("finish", todo))
            assert seqs == sorted(set(seqs))
            assert len(seqs) == 6

    async def test_the_earlier_due_time_wins(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            for due_ms, expected in ((50, 50), (80, 50), (20, 20), (20, 20), (0, 0), (70, 0)):
                await store.write(methodcaller("mark", [key("a")], due_ms=due_ms))
                assert [todo.due_ms for todo in store.read(_every_todo)] == [expected]

    async def test_a_key_marked_twice_at_once_is_there_once(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.mark([key("a"), key("b"), key("a")]))
            assert [todo.key.id for todo in store.read(_every_todo)] == ["b", "a"]
            await store.write(lambda tx: tx.mark([]))

    async def test_what_is_due_comes_in_order_of_its_marks(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.mark([key("a")], due_ms=10))
            await store.write(lambda tx: tx.mark([key("b")], due_ms=5))
            await store.write(lambda tx: tx.mark([key("c")], due_ms=7))
            await store.write(lambda tx: tx.mark([key("x", pair="order")], due_ms=0))
            due = [
                [todo.key.id for todo in store.read(methodcaller("todo", "contact", now_ms=now_ms))]
                for now_ms in (4, 5, 7, 10)
            ]
            assert due == [[], ["b"], ["b", "c"], ["a", "b", "c"]]
            assert len(store.read(lambda tx: tx.todo("contact", now_ms=10, limit=2))) == 2

    async def test_a_bucket_gives_its_own_keys_alone(self, tmp_path: Path) -> None:
        keys = [key(f"c{number}") for number in range(200)]
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.mark(keys))
            busy = store.read(lambda tx: tx.busy_buckets("contact", 0))
            assert busy == sorted({bucket_of(one) for one in keys})
            found = []
            for bucket in busy:
                todos = store.read(methodcaller("todo", "contact", now_ms=0, bucket=bucket))
                assert {todo.bucket for todo in todos} == {bucket}
                found += [todo.key for todo in todos]
            assert sorted(found, key=str) == sorted(keys, key=str)

    async def test_a_bucket_is_the_same_in_every_process(self) -> None:
        assert [bucket_of(Key("contact", LEFT, id)) for id in ("a", "b", "\u00e9")] == [61, 7, 10]
        assert {bucket_of(key(f"c{number}")) for number in range(2000)} == set(range(BUCKETS))

    async def test_a_postponed_mark_rests_until_it_is_due(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.mark([key("a")]))
            (todo,) = store.read(_every_todo)
            assert await store.write(lambda tx: tx.postpone(todo, due_ms=50, attempts=2, reason="timed out"))
            later = replace(todo, due_ms=50, attempts=2, reason="timed out")
            assert store.read(lambda tx: tx.todo("contact", now_ms=49)) == []
            assert store.read(lambda tx: tx.busy_buckets("contact", 49)) == []
            assert store.read(lambda tx: tx.todo("contact", now_ms=50)) == [later]
            assert store.read(lambda tx: tx.busy_buckets("contact", 50)) == [todo.bucket]
            assert store.read(_every_todo) == [later]
            assert await store.write(lambda tx: tx.finish(later))

    async def test_the_next_due_time_is_known(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            assert store.read(lambda tx: tx.next_due("contact")) is None
            await store.write(lambda tx: tx.mark([key("a")], due_ms=30))
            await store.write(lambda tx: tx.mark([key("b")], due_ms=20))
            await store.write(lambda tx: tx.mark([key("c", pair="order")], due_ms=10))
            assert store.read(lambda tx: tx.next_due("contact")) == 20

    async def test_all_there_is_to_do_can_be_paged_through(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.mark([key("a"), key("b"), key("c")], due_ms=99))
            first = store.read(lambda tx: tx.todo_after("contact", after=0, limit=2))
            rest = store.read(lambda tx: tx.todo_after("contact", after=first[-1].seq, limit=2))
            assert [todo.key.id for todo in [*first, *rest]] == ["a", "b", "c"]

    async def test_what_is_urgent_goes_first_in_its_bucket_and_among_the_buckets(
        self, tmp_path: Path
    ) -> None:
        keys = [key(f"c{number}") for number in range(300)]
        late = [max(keys, key=lambda one: (bucket_of(one), one.id)), keys[0]]
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.mark(keys))
            await store.write(lambda tx: tx.mark(late, reason="hinted", urgent=True))
            assert [todo.key for todo in store.read(lambda tx: tx.todo("contact", now_ms=0))[:2]] == late
            busy = store.read(lambda tx: tx.busy_buckets("contact", 0))
            assert busy[:2] == sorted(bucket_of(one) for one in late)
            assert sorted(busy) == list(range(BUCKETS))
            for bucket in busy[:2]:
                (first, *_) = store.read(methodcaller("todo", "contact", now_ms=0, bucket=bucket))
                assert (first.urgent, first.reason) == (True, "hinted")

    async def test_the_urgent_and_the_others_can_be_asked_for_alone(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.mark([key("a"), key("b"), key("c")], due_ms=7))
            await store.write(lambda tx: tx.mark([key("b")], due_ms=9, urgent=True))
            seqs = {todo.key.id: todo.seq for todo in store.read(_every_todo)}

            def ids(**which: object) -> tuple[list[str], list[int]]:
                def look(tx: Tx) -> tuple[list[str], list[int]]:
                    chosen = Which(**which)  # type: ignore[arg-type]
                    todos = tx.todo("contact", now_ms=9, which=chosen)
                    return [todo.key.id for todo in todos], tx.busy_buckets("contact", 9, chosen)

                return store.read(look)

            buckets = {id: bucket_of(key(id)) for id in "abc"}
            assert ids(urgent=True) == (["b"], [buckets["b"]])
            assert ids(urgent=False) == (["a", "c"], sorted([buckets["a"], buckets["c"]]))
            assert ids(urgent=False, upto=seqs["a"]) == (["a"], [buckets["a"]])
            assert ids(upto=seqs["c"]) == (["a", "c"], sorted([buckets["a"], buckets["c"]]))
            await store.write(lambda tx: tx.mark([key("d")], due_ms=3))
            due = [store.read(methodcaller("next_due", "contact", urgent)) for urgent in (None, True, False)]
            assert due == [3, 7, 3]

    async def test_what_is_urgent_stays_so_until_it_is_finished(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.mark([key("a")], urgent=True))
            await store.write(lambda tx: tx.mark([key("a")], reason="again"))
            (todo,) = store.read(_every_todo)
            assert todo.urgent
            assert await store.write(lambda tx: tx.postpone(todo, due_ms=5, attempts=1, reason="busy"))
            (later,) = store.read(_every_todo)
            assert later.urgent
            assert await store.write(lambda tx: tx.finish(later))
            await store.write(lambda tx: tx.mark([key("a")]))
            assert [todo.urgent for todo in store.read(_every_todo)] == [False]

    async def test_the_failing_are_counted_apart(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.mark([key("a"), key("b")]))
            todo = store.read(_every_todo)[0]
            await store.write(lambda tx: tx.postpone(todo, due_ms=1, attempts=1, reason=""))
            assert store.read(lambda tx: tx.count_todo("contact")) == Both(2, 1)
            assert store.read(lambda tx: tx.count_todo("order")) == Both(0, 0)

    # --- holds

    async def test_a_hold_comes_back_as_it_was_saved(self, tmp_path: Path) -> None:
        full = replace(
            hold("email", "reference"), why="w", fix="f", waits_for=(LEFT, "item", "i1"), values=dict(AWKWARD)
        )
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.replace_holds(key(), [full]))
            (saved,) = store.read(lambda tx: tx.holds_of(key()))
            assert saved == replace(full, id=saved.id)
            assert store.read(lambda tx: tx.hold(saved.id)) == saved
            assert store.read(lambda tx: tx.hold(saved.id + 1)) is None

    async def test_an_unchanged_hold_keeps_its_number_and_time(self, tmp_path: Path) -> None:
        again = replace(hold("email"), what="told in other words", since_ms=99, values=[1])
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.replace_holds(key(), [hold("email"), hold("name")]))
            first = store.read(lambda tx: tx.holds_of(key()))[0]
            await store.write(lambda tx: tx.replace_holds(key(), [again]))
            assert store.read(lambda tx: tx.holds_of(key())) == [replace(again, id=first.id, since_ms=10)]

    @pytest.mark.parametrize(
        "other",
        [hold("name"), hold("email", "conflict"), hold("email", digest="d2")],
        ids=["property", "cause", "digest"],
    )
    async def test_a_hold_about_something_else_is_a_new_one(self, tmp_path: Path, other: object) -> None:
        assert isinstance(other, type(hold()))
        new = replace(other, since_ms=99)
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.replace_holds(key(), [hold("email")]))
            (first,) = store.read(lambda tx: tx.holds_of(key()))
            await store.write(lambda tx: tx.replace_holds(key(), [new]))
            (second,) = store.read(lambda tx: tx.holds_of(key()))
            assert second == replace(new, id=second.id)
            assert second.id > first.id

    async def test_a_holds_number_is_never_given_again(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            numbers = []
            for _ in range(3):
                await store.write(lambda tx: tx.replace_holds(key(), [hold()]))
                numbers += [one.id for one in store.read(lambda tx: tx.holds_of(key()))]
                await store.write(lambda tx: tx.replace_holds(key(), []))
            assert numbers == sorted(set(numbers))
            assert store.read(lambda tx: tx.holds()) == []

    async def test_replacing_the_holds_of_one_key_leaves_the_others(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.replace_holds(key("a"), [hold()]))
            await store.write(lambda tx: tx.replace_holds(key("a", side=RIGHT), [hold()]))
            await store.write(lambda tx: tx.replace_holds(key("a"), []))
            left, right = (store.read(methodcaller("holds_of", key("a", side=s))) for s in (LEFT, RIGHT))
            assert (len(left), len(right)) == (0, 1)
            assert right[0].key == key("a", side=RIGHT)

    async def test_holds_are_counted_by_kind_and_listed_by_it(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.replace_holds(key("a"), [hold("p"), hold("q", "conflict")]))
            await store.write(lambda tx: tx.replace_holds(key("b"), [hold("p"), hold("", "conflict")]))
            kinds = store.read(lambda tx: tx.kinds_of_holds())
            cause = hold("p").cause
            told = {(kind.pair, kind.cause, kind.property): kind.count for kind in kinds}
            assert told == {
                ("contact", cause, "p"): 2,
                ("contact", "conflict", "q"): 1,
                ("contact", "conflict", ""): 1,
            }
            for kind in kinds:
                listed = store.read(
                    methodcaller("holds", pair=kind.pair, cause=kind.cause, property=kind.property)
                )
                assert (len(listed), listed[0].id) == (kind.count, kind.first)

    async def test_holds_are_listed_by_pair_and_cause(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.replace_holds(key("a"), [hold("p"), hold("q", "conflict")]))
            await store.write(lambda tx: tx.replace_holds(key("b"), [hold("p")]))
            await store.write(lambda tx: tx.replace_holds(key("c", pair="order"), [hold("p", "conflict")]))

            def found(tx: Tx) -> list[int]:
                pages = (
                    tx.holds(),
                    tx.holds(pair="contact"),
                    tx.holds(cause="conflict"),
                    tx.holds(pair="order", cause="conflict"),
                    tx.holds(pair="order", cause="refused"),
                    tx.holds(limit=3),
                    tx.holds(after=tx.holds(limit=1)[0].id),
                )
                return [len(page) for page in pages]

            assert store.read(found) == [4, 3, 2, 1, 0, 3, 3]
            assert store.read(lambda tx: tx.count_holds("contact")) == {"conflict": 1, "refused": 2}

    async def test_a_record_that_others_wait_for_finds_them(self, tmp_path: Path) -> None:
        waits = replace(hold("item", "reference"), waits_for=(LEFT, "item", "i1"))
        async with self.opened(tmp_path) as store:
            await store.write(
                lambda tx: tx.replace_holds(key("a"), [waits, replace(waits, property="other")])
            )
            await store.write(lambda tx: tx.replace_holds(key("b"), [waits]))
            assert store.read(lambda tx: tx.waiting_for(LEFT, "item", "i1")) == [key("a"), key("b")]
            assert store.read(lambda tx: tx.waiting_for(LEFT, "item", "i2")) == []
            assert store.read(lambda tx: tx.waiting_for(RIGHT, "item", "i1")) == []

    # --- releases

    async def test_the_latest_choice_for_a_property_counts(self, tmp_path: Path) -> None:
        first = Release(key(), "email", "left", "d1", None, 1)
        second = Release(key(), "email", "value", "d2", dict(AWKWARD), 2)
        whole = Release(key(), "", "retry", "d3", at_ms=3)
        async with self.opened(tmp_path) as store:
            for release in (first, second, whole):
                await store.write(methodcaller("save_release", release))
            assert store.read(lambda tx: tx.releases_of(key())) == [whole, second]
            assert store.read(lambda tx: tx.releases_of(key("c2"))) == []
            await store.write(lambda tx: tx.drop_releases(key(), ["email", "none"]))
            assert store.read(lambda tx: tx.releases_of(key())) == [whole]

    # --- intents

    async def test_an_intent_comes_back_as_it_was_saved(self, tmp_path: Path) -> None:
        full = Intent(
            key("a", side=RIGHT),
            LEFT,
            "update",
            "r9",
            "s9",
            AWKWARD,
            {"name": (AWKWARD_RAW, None, ("x",)), "terms": (None, (), (None,))},
            "idem",
            "chosen",
            "marker",
            1,
            2,
            3,
            "token",
            4,
            5,
            "because",
            6,
            7,
            8,
        )
        async with self.opened(tmp_path) as store:
            saved = await store.write(lambda tx: tx.save_intent(full))
            assert saved == replace(full, id=saved.id)
            assert store.read(lambda tx: tx.intents()) == [saved]
            sent = replace(saved, sent_ms=99, attempts=9, seen_token=None)
            assert await store.write(lambda tx: tx.save_intent(sent)) == sent
            assert store.read(lambda tx: tx.intents_of(key("a", side=RIGHT))) == [sent]
            assert store.read(lambda tx: tx.intents_of(key("a"))) == []

    async def test_a_closed_intent_is_gone_and_its_number_with_it(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            first = await store.write(lambda tx: tx.save_intent(intent()))
            await store.write(lambda tx: tx.close_intent(first.id))
            assert store.read(lambda tx: tx.intents()) == []
            with pytest.raises(LookupError):
                await store.write(lambda tx: tx.save_intent(first))
            second = await store.write(lambda tx: tx.save_intent(intent()))
            assert second.id > first.id

    async def test_open_intents_are_listed_oldest_first(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            saved = [await store.write(methodcaller("save_intent", intent(id))) for id in ("b", "a", "c")]
            assert store.read(lambda tx: tx.intents()) == saved
            assert store.read(lambda tx: tx.intents(2)) == saved[:2]

    async def test_an_open_create_is_found_by_what_it_makes_and_from_what(self, tmp_path: Path) -> None:
        made = intent("source", chosen_id="chosen", marker="marker")
        async with self.opened(tmp_path) as store:
            saved = await store.write(lambda tx: tx.save_intent(made))
            for side, id in ((RIGHT, "chosen"), (RIGHT, "marker"), (LEFT, "source")):
                found = store.read(methodcaller("intent_to", "contact", side, id))
                assert found == saved
            for pair, side, id in (
                ("contact", LEFT, "chosen"),
                ("contact", LEFT, "marker"),
                ("contact", RIGHT, "source"),
                ("order", LEFT, "source"),
            ):
                assert store.read(methodcaller("intent_to", pair, side, id)) is None
            await store.write(lambda tx: tx.close_intent(saved.id))
            assert store.read(lambda tx: tx.intent_to("contact", LEFT, "source")) is None

    async def test_an_update_is_no_create(self, tmp_path: Path) -> None:
        update = replace(intent("source", chosen_id="chosen"), operation="update", record_id="r1")
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.save_intent(update))
            assert store.read(lambda tx: tx.intent_to("contact", LEFT, "source")) is None
            assert store.read(lambda tx: tx.intent_to("contact", RIGHT, "chosen")) is None
