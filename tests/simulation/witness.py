"""Who gave which field its value, having seen which: kept from outside, and asked at every write of the engine.

The idea is that of Hughes, Pierce, Arts and Norell (*Mysteries of Dropbox*): every edit is a token of its own, so
whoever edits a field that shows a token has seen it. From that alone follows which values may replace which.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from instep.core.model import Side

from .chosen import DELETING, REMATCHING, Chosen
from .systems import PERSON, Write

if TYPE_CHECKING:
    from .world import World

Place = tuple[Side, str, str, str]
"""Side, kind, id, property."""


@dataclass(eq=False, slots=True)
class Edit:
    """A value that a person gave, and what they saw in its place. `token` None: emptied. `raw`: as it was stored.
    `dna`: whose record it was; "" for a value that was given to a hold."""

    at_ms: int
    place: Place
    token: str | None
    saw: tuple[Edit, ...]
    raw: Any = None
    dna: str = ""

    @property
    def value(self) -> tuple[object, ...]:
        """What was entered: the same if two people entered the same token, one on each side."""
        return (id(self),) if self.token is None else (self.place[1], self.place[3], self.token)

    def ancestors(self) -> Iterator[Edit]:
        """Every edit whose value somebody had before their eyes on the way to this one."""
        seen: set[int] = set()
        todo = list(self.saw)
        while todo:
            edit = todo.pop()
            if id(edit) not in seen:
                seen.add(id(edit))
                yield edit
                todo += edit.saw


@dataclass
class Witness:
    """`findings`: laws that were broken, in words, as they were. `windows`: edits that were overwritten where nobody
    could have noticed. `replaced`: what the engine has written over, by place. `chosen`: what people
    chose, so that what the engine does there since is their will. `told_apart`: things that were
    copied twice to a side for a reason that no engine could see through."""

    world: World
    edits: list[Edit] = field(default_factory=list)
    now_at: dict[Place, Edit] = field(default_factory=dict)
    by_token: dict[tuple[str, str, str], list[Edit]] = field(default_factory=lambda: defaultdict(list))
    clears: dict[tuple[Side, str, str, str], list[Edit]] = field(default_factory=lambda: defaultdict(list))
    deletes: dict[tuple[Side, str, str], list[tuple[int, frozenset[tuple[object, ...]]]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    made: dict[tuple[Side, str, str], list[tuple[int, str, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    listed_ms: dict[tuple[Side, str], int] = field(default_factory=dict)
    windows: list[Edit] = field(default_factory=list)
    replaced: set[tuple[Place, str | None]] = field(default_factory=set)
    unknown_deletes: set[tuple[Side, str, str]] = field(default_factory=set)
    doubted: set[tuple[object, ...]] = field(default_factory=set)
    told_apart: set[tuple[Side, str, str]] = field(default_factory=set)
    findings: list[str] = field(default_factory=list)
    effective: int = 0
    chosen: Chosen = field(init=False)

    def __post_init__(self) -> None:
        self.chosen = Chosen(self)

    def wrote(self, side: Side, write: Write) -> None:
        """A write as it happens: a person's is noted, the engine's is judged."""
        self.world.story.append((self.now_ms, side, write))
        if write.author == PERSON:
            self._note(side, write)
        else:
            self.effective += 1
            self._judge(side, write)

    def finding(self, law: str, what: str) -> None:
        self.findings.append(f"{law}: {what}")
        self.world.tell("the oracle", f"{law}: {what}")

    # People

    def _note(self, side: Side, write: Write) -> None:
        dna = self._dna(side, write)
        if write.operation == "delete":
            seen = frozenset(
                edit.value
                for name in self.world.lenses
                if (latest := self.now_at.get((side, write.entity, write.id, name))) is not None
                for edit in (latest, *latest.ancestors())
            )
            self.deletes[side, write.entity, dna].append((self.now_ms, seen))
            if not self.world.is_linked(write.entity, side, write.id):
                self.unknown_deletes.add((side, write.entity, dna))
            return
        if write.operation == "create":
            self.made[side, write.entity, dna].append((self.now_ms, write.id, PERSON))
        for name, (_, new) in self._properties(side, write):
            place = (side, write.entity, write.id, name)
            before = self.now_at.get(place)
            self._enter(place, self.world.lenses[name].token(new), (before,) if before else (), new, dna)

    def _enter(self, place: Place, token: str | None, saw: tuple[Edit, ...], raw: Any, dna: str) -> Edit:
        side, kind, id, name = place
        edit = Edit(self.now_ms, place, token, saw, raw, dna)
        self.edits.append(edit)
        if token is None:
            self.clears[side, kind, dna, name].append(edit)
        else:
            self.by_token[kind, name, token].append(edit)
        if id:
            self.now_at[place] = edit
        return edit

    def given(self, kind: str, dna: str, name: str, token: str, saw: list[Edit]) -> None:
        """A value that a person gave to a hold, at the sight of both sides."""
        self._enter((Side.LEFT, kind, "", name), token, tuple(saw), None, dna)

    # The engine

    def _judge(self, side: Side, write: Write) -> None:
        dna = self._dna(side, write)
        if write.operation == "create":
            self._judge_create(side, write, dna)
        elif write.operation == "delete":
            self._judge_delete(side, write, dna)
        for name, (old, new) in self._properties(side, write):
            place = (side, write.entity, write.id, name)
            lens = self.world.lenses[name]
            if write.operation == "delete":
                continue
            after = self._origin(side, write.entity, dna, name, lens.token(new))
            if write.operation == "update":
                self.replaced.add((place, lens.token(old)))
                self._judge_update(place, dna, self.now_at.get(place), after, old, new)
            if after is not None:
                self.now_at[place] = after
            else:
                self.now_at.pop(place, None)
        if write.operation == "create":  # what it left empty is as empty as in the original
            named = {name for name, _ in self._properties(side, write)}
            for name in self.world.lenses.keys() - named:
                after = self._origin(side, write.entity, dna, name, None)
                if after is not None:
                    self.now_at[side, write.entity, write.id, name] = after

    def _origin(self, side: Side, kind: str, dna: str, name: str, token: str | None) -> Edit | None:
        """The edit that the engine's value is of."""
        if token is not None:
            edits = self.by_token.get((kind, name, token), [])
            edits = [edit for edit in edits if edit.dna == dna] or edits
            from_there = [edit for edit in edits if edit.place[0] is side.other]
            found = from_there or edits
            return found[-1] if found else None
        clears = self.clears.get((side.other, kind, dna, name))
        return clears[-1] if clears else None

    def _judge_update(
        self, place: Place, dna: str, before: Edit | None, after: Edit | None, old: Any, new: Any
    ) -> None:
        """Promises 1 to 5 and 11; I3, I4, I5 at the moment of the write."""
        side, kind, id, name = place
        if before is None:
            return
        in_window = self._in_the_open_window(side, kind, before)
        if in_window and not self._is_logged(side, kind):
            self.windows.append(before)  # where a log is kept, it is found there afterwards
        if self._excused(place, dna, before, after):
            return
        told = f"{kind} {id} on the {side}: {name} {old!r} became {new!r}"
        lens = self.world.lenses[name]
        if lens.token(old) == lens.token(new):
            self.finding("I5 no degradation (promise 1)", f"{told}, which says the same")
            return
        if after is not None and before.value in {seen.value for seen in after.ancestors()}:
            return
        flow = self.world.plan.flow if name == self.world.one_way else "both"
        if flow == ("to-left" if side is Side.RIGHT else "to-right"):
            self.finding("a one-way property never flows back (promise 5)", told)
            return
        if in_window:
            return
        if flow != "both":
            return  # its owner's side counts, whatever was entered here; the journal keeps it
        gave_up = self.world.gave_up(kind, side, id)
        if gave_up == "create" and before.token is None and self._is_no_news(place):
            return  # met as at first contact, where what is empty is filled
        if after is None or (after in before.ancestors() and gave_up != "update"):
            self.finding("I3 no lost update (promises 1, 2, 11)", f"{told}, which had been replaced by it")
            return
        if before.token is None and self._is_no_news(place):
            return
        if (*after.place, before.token) in self.doubted:
            return  # it was being written there, and nobody knows whether it was seen: what is there now wins
        policy = self.world.plan.policy
        if policy == "hold":
            self.finding("an undecided conflict touches nothing (promise 4)", told)
        elif policy == "newest" and after.at_ms < before.at_ms and not self._passes_for_later(after, before):
            self.finding(
                "the later edit wins (promise 4)", f"{told}, which is {before.at_ms - after.at_ms} ms older"
            )
        elif policy == str(side):
            self.finding(f"the {policy} side wins (promise 4)", told)

    def _passes_for_later(self, edit: Edit, other: Edit) -> bool:
        """Whether another field of its record was changed after the other edit, and put back before anybody looked: a
        system that tells one time per record tells that one, and the edit's is its own no more."""
        side, kind, id, name = edit.place
        for later in self.edits:
            if later.place[:3] != (side, kind, id) or later.place[3] == name or later.at_ms <= other.at_ms:
                continue
            base = self.world.base_of(kind, side, id, later.place[3])
            agreed = None if base is None else self.world.lenses[later.place[3]].token(base[side][0])
            if (now := self.now_at.get(later.place)) is not None and now.token == agreed:
                return True
        return False

    def _is_no_news(self, place: Place) -> bool:
        """Whether nobody can tell that a field was emptied: at first contact, or since the two sides had last agreed
        on its being empty and what it held in between was gone again."""
        side, kind, id, name = place
        base = self.world.base_of(kind, side, id, name)
        return base is None or self.world.lenses[name].token(base[side][0]) is None

    def _excused(self, place: Place, dna: str, before: Edit, after: Edit | None) -> bool:
        """Whether a person asked for it since the edit was made, or the store has forgotten why not."""
        side, kind, id, name = place
        asked_ms = max(self.chosen.asked_ms(kind, each, REMATCHING, name) for each in (dna, before.dna))
        anew = self.world.base_of(kind, side, id, name) is None  # matched anew, as at first contact
        if asked_ms and (before.at_ms <= asked_ms or anew):
            return True
        restored_ms = self.world.restored_ms
        return restored_ms is not None and (
            before.at_ms < restored_ms or after is None or after.at_ms < restored_ms
        )

    def _in_the_open_window(self, side: Side, kind: str, before: Edit) -> bool:
        """Whether it was entered on a side without conditional writes, between the look before a write and the
        moment in which that was applied: the one window that no engine can close there."""
        if self.world.systems[side].entities[kind].abilities.conditional:
            return False
        return self.now_ms - before.at_ms < self.world.open_window_ms

    def _is_logged(self, side: Side, kind: str) -> bool:
        """Whether a log tells of edits that were overwritten; it does not where two changes may share a version."""
        able = self.world.systems[side].entities[kind].abilities
        return able.log and able.versions == "strict"

    def _judge_create(self, side: Side, write: Write, dna: str) -> None:
        """Promise 7; I6: nothing is created twice, and no copy of a copy."""
        before = self.made[side, write.entity, dna]
        alive = self.standing_for(side, write.entity, dna) - {write.id}
        twins = [(at, id, who) for at, id, who in before if id in alive]
        self.made[side, write.entity, dna].append((self.now_ms, write.id, write.author))
        if not twins or self.asked_for(write.entity, dna):
            return
        since_ms = self.world.systems[side].heard.get(write.entity, 0)
        for at_ms, id, who in twins:
            if who == PERSON and (at_ms >= since_ms or not self._alike(side, write, id)):
                continue  # nobody could know of it yet, or know it again
            if who != PERSON and (
                self._of_another(side, write, id, dna) or self._unheard_of(side, write.entity, at_ms)
            ):
                self.told_apart.add((side, write.entity, dna))
                continue
            self.finding(
                "I6 nothing is created twice (promise 7)",
                f"{write.entity} {write.id} on the {side} is {id} once more ({dna})",
            )

    def _of_another(self, side: Side, write: Write, id: str, dna: str) -> bool:
        """Whether a copy is of another record than the first copy: people have entered the thing as often as it was
        copied, and nothing tells the two copies to be the same."""
        entered = [who for _, _, who in self.made.get((side.other, write.entity, dna), ()) if who == PERSON]
        copies = [who for _, _, who in self.made[side, write.entity, dna] if who != PERSON]
        first = self.now_at.get((side, write.entity, id, "mail"))
        copy = self.world.lenses["mail"].token(write.changes.get("mail", ("", None))[1])
        return len(entered) >= len(copies) and (first is None or first.token != copy)

    def _unheard_of(self, side: Side, kind: str, at_ms: int) -> bool:
        """Whether a store that was put back forgot a copy of that time, and the system has hidden it ever since."""
        restored_ms = self.world.restored_ms
        return restored_ms is not None and at_ms < restored_ms > self.listed_ms.get((side, kind), 0)

    def _alike(self, side: Side, write: Write, id: str) -> bool:
        """Whether a record that a person made has had the match value of the copy ever since it was listed, and has
        it still: what became of its partner may have reached it by now."""
        copy = self.world.lenses["mail"].token(write.changes.get("mail", ("", None))[1])
        since_ms = self.world.systems[side].heard.get(write.entity, 0)
        edits = [e for e in self.edits if e.place == (side, write.entity, id, "mail")]
        now = self.now_at.get((side, write.entity, id, "mail"))
        entered = bool(edits) and edits[-1].token == copy and edits[-1].at_ms < since_ms
        return entered and (now is None or now.token == copy)

    def standing_for(self, side: Side, kind: str, dna: str) -> set[str]:
        """The ids of the live records that are of this thing now; one may have been another's before."""
        system = self.world.systems[side]
        return {id for id in system.ids(kind) if str(system.fields(kind, id).get("dna")) == dna}

    def asked_for(self, kind: str, dna: str) -> bool:
        """Whether a second record of a thing is a person's will, or can't be told from a first one."""
        return bool(self.chosen.asked_ms(kind, dna, REMATCHING)) or any(
            self._forgotten(each, kind, dna) for each in Side
        )

    def _forgotten(self, side: Side, kind: str, dna: str) -> bool:
        """Whether a store that was put back has forgotten a copy on a side that offers no way to recognise it: there
        it is a thing of its own from then on."""
        abilities, restored_ms = self.world.systems[side].entities[kind].abilities, self.world.restored_ms
        if restored_ms is None or abilities.chosen_id or abilities.marker:
            return False
        until_ms = restored_ms + self.world.open_window_ms
        return any(
            who != PERSON and at_ms <= until_ms for at_ms, _, who in self.made.get((side, kind, dna), ())
        )

    def _judge_delete(self, side: Side, write: Write, dna: str) -> None:
        """Promises 6 and 11; I8, I10: only what a person deleted is deleted, and an edit outlives a delete."""
        places = [(side, write.entity, write.id, name) for name in self.world.lenses]
        latest = [self.now_at[place] for place in places if place in self.now_at]
        self.windows += [edit for edit in latest if self._in_the_open_window(side, write.entity, edit)]
        asked_ms = self.chosen.asked_ms(write.entity, dna, DELETING)
        deletes = self.deletes.get((side.other, write.entity, dna))
        told = f"{write.entity} {write.id} on the {side} ({dna})"
        if not deletes and not asked_ms:
            self.finding("I8 no phantom delete (promise 11)", f"{told} was deleted, and its partner was not")
            return
        if self.world.restored_ms is not None:
            return
        for edit in latest:
            if edit.place[0] is not side or any(edit.value in seen for _, seen in deletes or ()):
                continue
            if edit.at_ms <= asked_ms:
                continue  # a person chose so at the sight of it
            if edit.place[3] == self.world.one_way and self.world.plan.flow == f"to-{side}":
                continue
            if edit.token is None and self._is_no_news(edit.place):
                continue
            if edit not in self.windows:
                self.finding(
                    "I10 an edit outlives a delete (promise 6)", f"{told} was deleted with {edit.token}"
                )

    def doubt(self, side: Side, kind: str, id: str, values: Mapping[str, Any]) -> None:
        """A write of these values, by path, may or may not have been applied."""
        names = self.world.names_by_path[side]
        for path, value in values.items():
            if path in names:
                token = self.world.lenses[names[path]].token(value)
                self.doubted.add((side, kind, id, names[path], token))

    # Words

    @property
    def now_ms(self) -> int:
        return self.world.loop.now_ms()

    def dna_now(self, side: Side, kind: str, id: str) -> str:
        return str(self.world.systems[side].fields(kind, id).get("dna"))

    def _dna(self, side: Side, write: Write) -> str:
        if "dna" in write.changes:
            old, new = write.changes["dna"]
            return str(old if write.operation == "delete" else new)
        return self.dna_now(side, write.entity, write.id)

    def _properties(self, side: Side, write: Write) -> Iterator[tuple[str, tuple[Any, Any]]]:
        names = self.world.names_by_path[side]
        for path, change in write.changes.items():
            if path in names:
                yield names[path], change
