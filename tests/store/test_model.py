"""Whatever is done to the store, in whatever order, it holds what a few dictionaries would."""

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from instep.core.model import Both, Side
from instep.store.contract import AlreadyLinked, Hold, Key, Link, Which, bucket_of
from instep.store.sqlite import MEMORY, open_store
from instep.testing.store_hooks import sighting

IDS = st.sampled_from("abcd")
SIDES = st.sampled_from(list(Side))
PAIRS = st.sampled_from(["contact", "order"])
KEYS = st.builds(Key, PAIRS, SIDES, IDS)
CAUSES = st.sampled_from(["conflict", "refused"])
EVERY_PAIR = ("contact", "order")


class _Undone(Exception):
    """Raised at the end of a transaction that is to leave nothing."""


def done_at_once(coroutine):
    """The result of a coroutine that never waits, as those of an inline store."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("an inline store waited")


class StoreBesideDictionaries(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.store = open_store(MEMORY, threaded=False)
        self.links, self.todo, self.holds, self.matches, self.sightings = {}, {}, {}, {}, {}
        self.finished_marks = []
        self.numbers_given = {"link": 0, "todo": 0, "hold": 0}

    def teardown(self):
        done_at_once(self.store.close())

    def write(self, work):
        """Run it, once undone and once for good; the undone one must leave no trace."""

        def undone(tx):
            work(tx)
            raise _Undone

        try:
            done_at_once(self.store.write(undone))
        except (_Undone, AlreadyLinked, LookupError):
            self.agree()
        return done_at_once(self.store.write(work))

    def new_number(self, kind, number):
        assert number > self.numbers_given[kind]
        self.numbers_given[kind] = number

    @rule(pair=PAIRS, left=IDS, right=IDS)
    def link(self, pair, left, right):
        theirs = [
            link
            for link in self.links.values()
            if link.pair == pair and (link.ids.left == left or link.ids.right == right)
        ]
        try:
            link = self.write(lambda tx: tx.save_link(Link(0, pair, Both(left, right))))
        except AlreadyLinked as refused:
            assert refused.link in theirs
        else:
            assert not theirs
            self.new_number("link", link.id)
            self.links[link.id] = link

    @precondition(lambda self: self.links)
    @rule(data=st.data(), right=IDS, state=st.sampled_from(["live", "retired"]))
    def change_link(self, data, right, state):
        link = data.draw(st.sampled_from(list(self.links.values())))
        changed = replace(
            link, ids=Both(link.ids.left, right), state=state, base={"p": Both((right,), (None,))}
        )
        taken = any(
            other.id != link.id and (other.pair, other.ids.right) == (link.pair, right)
            for other in self.links.values()
        )
        try:
            self.write(lambda tx: tx.save_link(changed))
        except AlreadyLinked:
            assert taken
        else:
            assert not taken
            self.links[link.id] = changed

    @precondition(lambda self: self.links)
    @rule(data=st.data())
    def unlink(self, data):
        link_id = data.draw(st.sampled_from(list(self.links)))
        self.write(lambda tx: tx.remove_link(link_id))
        del self.links[link_id]

    @rule(keys=st.lists(KEYS, min_size=1, max_size=4), due_ms=st.integers(0, 9), urgent=st.booleans())
    def mark(self, keys, due_ms, urgent):
        self.write(lambda tx: tx.mark(keys, due_ms=due_ms, reason="marked", urgent=urgent))
        seen = {todo.key: todo for pair in EVERY_PAIR for todo in self.todos(pair)}
        for number, key in enumerate(dict.fromkeys(reversed(keys))):
            before = self.todo.get(key)
            earlier = due_ms if before is None else min(due_ms, before.due_ms)
            assert seen[key].due_ms == earlier
            assert seen[key].urgent == (urgent or (before is not None and before.urgent))
            assert (seen[key].attempts, seen[key].bucket) == (0, bucket_of(key))
            if number == 0:
                newest = seen[key].seq
            if before is not None:
                assert seen[key].seq > before.seq
                self.finished_marks.append(before)
            self.todo[key] = seen[key]
        self.new_number("todo", newest)
        assert self.store.read(lambda tx: tx.last_mark()) == newest

    @precondition(lambda self: self.todo)
    @rule(data=st.data())
    def finish(self, data):
        todo = data.draw(st.sampled_from(list(self.todo.values())))
        assert self.write(lambda tx: tx.finish(todo))
        del self.todo[todo.key]
        self.finished_marks.append(todo)

    @precondition(lambda self: self.finished_marks)
    @rule(data=st.data())
    def finish_late(self, data):
        todo = data.draw(st.sampled_from(self.finished_marks))
        assert not self.write(lambda tx: tx.finish(todo))
        assert not self.write(lambda tx: tx.postpone(todo, due_ms=9, attempts=9, reason="late"))

    @precondition(lambda self: self.todo)
    @rule(data=st.data(), due_ms=st.integers(0, 9), attempts=st.integers(0, 3))
    def postpone(self, data, due_ms, attempts):
        todo = data.draw(st.sampled_from(list(self.todo.values())))
        assert self.write(lambda tx: tx.postpone(todo, due_ms=due_ms, attempts=attempts, reason="later"))
        self.todo[todo.key] = replace(todo, due_ms=due_ms, attempts=attempts, reason="later")

    @rule(key=KEYS, wanted=st.dictionaries(st.sampled_from("xyz"), CAUSES), since_ms=st.integers(0, 9))
    def hold(self, key, wanted, since_ms):
        holds = [
            Hold(key, name, cause, f"at {since_ms}", since_ms=since_ms) for name, cause in wanted.items()
        ]
        before = {(hold.property, hold.cause): hold for hold in self.holds.get(key, [])}
        self.write(lambda tx: tx.replace_holds(key, holds))
        after = {(hold.property, hold.cause): hold for hold in self.store.read(lambda tx: tx.holds_of(key))}
        assert sorted(after) == sorted(wanted.items())
        for hold in holds:
            same, now = before.get((hold.property, hold.cause)), after[hold.property, hold.cause]
            if same is None:
                self.new_number("hold", now.id)
            else:
                hold = replace(hold, id=same.id, since_ms=same.since_ms)
            assert now == replace(hold, id=now.id)
        self.holds[key] = sorted(after.values(), key=lambda hold: hold.id)

    @rule(side=SIDES, id=IDS, values=st.dictionaries(st.integers(0, 2), st.sampled_from("vw")))
    def match(self, side, id, values):
        self.write(lambda tx: tx.save_matches("contact", side, id, values))
        self.matches[side, id] = values

    @rule(
        ids=st.sets(IDS, min_size=1),
        seen_ms=st.integers(0, 9),
        listed_in=st.integers(0, 2),
        gone=st.booleans(),
    )
    def see(self, ids, seen_ms, listed_in, gone):
        seen = [sighting(id, seen_ms=seen_ms, listed_in=listed_in, deleted=gone) for id in sorted(ids)]
        self.write(lambda tx: tx.save_sightings(seen))
        self.sightings.update((one.id, one) for one in seen)

    @rule(ids=st.sets(IDS), listed_in=st.integers(0, 2))
    def list_again(self, ids, listed_in):
        self.write(lambda tx: tx.touch(Side.LEFT, "customer", sorted(ids), listed_in, 5))
        for id in ids & self.sightings.keys():
            self.sightings[id] = replace(self.sightings[id], listed_in=listed_in, shown_ms=5)

    def todos(self, pair):
        return self.store.read(lambda tx: tx.todo_after(pair, after=0, limit=100))

    @invariant()
    def agree(self):
        self.store.read(self.compare)

    def compare(self, tx):
        for pair in EVERY_PAIR:
            links = [link for _, link in sorted(self.links.items()) if link.pair == pair]
            assert tx.links(pair, 0, 100) == links
            assert tx.count_links(pair) == sum(link.state == "live" for link in links)
            for side in Side:
                assert tx.links_of(pair, side, list("abcd")) == {link.ids[side]: link for link in links}
            todos = sorted(
                (todo for todo in self.todo.values() if todo.key.pair == pair), key=lambda t: t.seq
            )
            due = [todo for todo in todos if todo.due_ms <= 4]
            assert tx.todo_after(pair, after=0, limit=100) == todos
            assert tx.todo(pair, now_ms=4) == sorted(due, key=lambda todo: not todo.urgent)
            urgent = {todo.bucket for todo in due if todo.urgent}
            others = {todo.bucket for todo in due} - urgent
            assert tx.busy_buckets(pair, 4) == [*sorted(urgent), *sorted(others)]
            assert tx.next_due(pair) == min((todo.due_ms for todo in todos), default=None)
            for which in (True, False):
                some = [todo for todo in due if todo.urgent is which]
                assert tx.todo(pair, now_ms=4, which=Which(which)) == some
                assert tx.busy_buckets(pair, 4, Which(which)) == sorted({todo.bucket for todo in some})
                times = [todo.due_ms for todo in todos if todo.urgent is which]
                assert tx.next_due(pair, which) == min(times, default=None)
            assert tx.count_todo(pair) == Both(len(todos), sum(todo.attempts > 0 for todo in todos))
        holds = sorted((hold for those in self.holds.values() for hold in those), key=lambda hold: hold.id)
        assert tx.holds(limit=1000) == holds
        for side in Side:
            for value in "vw":
                found = sorted(
                    id
                    for (its_side, id), held in self.matches.items()
                    if its_side is side and held.get(1) == value
                )
                assert tx.matches("contact", side, 1, value, 100) == found
        known = dict(sorted(self.sightings.items()))
        assert tx.sightings(Side.LEFT, "customer", list("abcd")) == known
        unlisted = [one.id for one in known.values() if one.listed_in < 2 and not one.deleted]
        assert tx.unlisted(Side.LEFT, "customer", 2, "", 100) == unlisted
        assert tx.count_sightings(Side.LEFT, "customer") == sum(not one.deleted for one in known.values())


StoreBesideDictionaries.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestStore = pytest.mark.slow(StoreBesideDictionaries.TestCase)
