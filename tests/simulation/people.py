"""People at work: every step of the script, carried out on what is there at that moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from instep.core.model import Both, Side
from instep.core.overwritten import restoring
from instep.core.release import choices, release_of
from instep.core.standing import giving
from instep.core.state import Hold, Link, Sighting
from instep.errors import OutcomeError, StoreError
from instep.runner.brakes import CAUSE as BRAKE
from instep.runner.brakes import RELEASE, drop_brake, release_brake
from instep.store.contract import Entry, Tx

from .plan import Step

if TYPE_CHECKING:
    from .world import World


class People:
    """The persons on both sides, and the one at Instep's console."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.tokens = 0
        self.things = 0

    def act(self, step: Step) -> None:
        """Do one step; one that makes no sense by now is left out."""
        deed = getattr(self, f"_{step.act.replace(' ', '_')}", None)
        if deed is None:
            return
        try:
            if deed(step):
                self.world.happened[f"people: {step.act}"] += 1
        except OutcomeError as error:
            self.world.tell("a person", f"tried to {step.act} a {step.kind} on the {step.side}: {error.what}")

    def token(self) -> str:
        self.tokens += 1
        return f"t{self.tokens}"

    def populate(self, records: int, draw: Any) -> None:
        """What both systems hold before Instep is first started: some of it on both sides."""
        for _ in range(records):
            for kind in ("company", "person"):
                where = draw()
                dna, mail = self._thing(), self.token()
                if where < 0.6:
                    self.enter(Side.LEFT, kind, dna, mail, draw)
                if where > 0.4:
                    self.enter(Side.RIGHT, kind, dna, mail, draw)

    def _thing(self) -> str:
        self.things += 1
        return f"d{self.things}"

    def enter(
        self, side: Side, kind: str, dna: str, mail: str, draw: Any, reused: str | None = None
    ) -> str | None:
        """Make a record of a thing; both sides' records of one thing share its dna and, at first, its mail."""
        lenses, paths = self.world.lenses, self.world.path
        fields: dict[str, Any] = {"dna": dna}
        for name, lens in lenses.items():
            token = mail if name == "mail" else self.token()
            fields[paths[side][name]] = lens.enter[side](token)
        companies = self.world.systems[side].ids("company")
        if kind == "person" and companies and draw() < 0.7:
            fields["parent"] = companies[int(draw() * len(companies))]
        if reused is not None:
            self.world.systems[side].reuse(kind, reused, fields)
            return reused
        return self.world.systems[side].put(kind, fields)

    def _pick(self, step: Step, ids: list[str], number: int = 0) -> str | None:
        return ids[int(step.picks[number] * len(ids))] if ids else None

    # In the systems. Each says whether there was something to do it to.

    def _edit(self, step: Step) -> bool:
        system = self.world.systems[step.side]
        id = self._pick(step, system.ids(step.kind))
        if id is None:
            return False
        names = [name for name in self.world.lenses if name != "mail"]
        name = names[int(step.picks[1] * len(names))]
        if name == self.world.one_way and self.world.plan.flow == f"to-{step.side}" and step.picks[3] < 0.5:
            return False  # people know where such a value belongs, most of the time
        cleared = name != "name" and step.picks[2] < 0.1
        value = None if cleared else self.world.lenses[name].enter[step.side](self.token())
        system.edit(step.kind, id, {self.world.path[step.side][name]: value})
        return True

    def _rename(self, step: Step) -> bool:
        id = self._pick(step, self.world.systems[step.side].ids(step.kind))
        if id is None:
            return False
        mail = self.world.lenses["mail"].enter[step.side](self.token())
        self.world.systems[step.side].edit(step.kind, id, {"mail": mail})
        return True

    def _create(self, step: Step) -> bool:
        self.enter(step.side, step.kind, self._thing(), self.token(), lambda: step.picks[0])
        return True

    def _twin(self, step: Step) -> bool:
        """Enter what the other side has had for a while, or has got just now."""
        others = self.world.systems[step.side.other]
        id = self._pick(step, others.ids(step.kind))
        if id is None:
            return False
        fields = others.fields(step.kind, id)
        mail = self.world.lenses["mail"].token(fields.get("mail"))
        system = self.world.systems[step.side]
        known = {str(system.fields(step.kind, each).get("dna")) for each in system.ids(step.kind)}
        dna = str(fields["dna"])
        if mail is not None and dna in known and step.picks[2] < 0.2:
            dna = self._thing()  # another one that looks the same
        if mail is None or dna in known:
            return False
        self.enter(step.side, step.kind, dna, mail, lambda: step.picks[1])
        return True

    def _double(self, step: Step) -> bool:
        """Enter another one that looks like one of the same side."""
        system = self.world.systems[step.side]
        id = self._pick(step, system.ids(step.kind))
        mail = (
            None if id is None else self.world.lenses["mail"].token(system.fields(step.kind, id).get("mail"))
        )
        if mail is not None:
            self.enter(step.side, step.kind, self._thing(), mail, lambda: step.picks[1])
        return mail is not None

    def _delete(self, step: Step) -> bool:
        id = self._pick(step, self.world.systems[step.side].ids(step.kind))
        if id is not None:
            self.world.systems[step.side].remove(step.kind, id)
        return id is not None

    def _reuse(self, step: Step) -> bool:
        """An id that was deleted stands for another record now."""
        system = self.world.systems[step.side]
        id = self._pick(step, system.deleted_ids("person"))
        if id is None:
            id = self._pick(step, system.ids("person"))
            if id is None:
                return False
            system.remove("person", id)
        if self.world.loop.now_ms() - system.past["person", id][0][0] <= 3_000:
            return False  # no clock of seconds could tell the two apart
        self.enter(step.side, "person", self._thing(), self.token(), lambda: step.picks[1], reused=id)
        return True

    def _merge(self, step: Step) -> bool:
        """Two companies are one: what referred to the one refers to the other, and the one is deleted."""
        system = self.world.systems[step.side]
        ids = system.ids("company")
        if len(ids) < 2:
            return False
        first = int(step.picks[0] * len(ids))
        lost, kept = ids[first], ids[first - 1]
        for person in system.ids("person"):
            if system.fields("person", person).get("parent") == lost:
                system.edit("person", person, {"parent": kept})
        system.remove("company", lost)
        return True

    # At the console

    def _choose(self, step: Step) -> None:
        """Release a hold in one of the ways that are offered for it."""
        self._at_the_console(step, lambda holds: holds)

    def _answer(self, step: Step) -> None:
        """The same for a hold of one cause, each cause as likely as another."""

        def of_one_cause(holds: list[Hold]) -> list[Hold]:
            cause = self._pick(step, sorted({hold.cause for hold in holds}), 3)
            return [hold for hold in holds if hold.cause == cause]

        self._at_the_console(step, of_one_cause)

    def _at_the_console(self, step: Step, among: Callable[[list[Hold]], list[Hold]]) -> None:
        store = self.world.disk.open()
        try:
            self._release(step, among(store.read(lambda tx: tx.holds(limit=1000))), store)
        except StoreError as error:
            self.world.tell("a person", f"could not choose: {error.what}")
        finally:
            self.world.close(store)

    def _release(self, step: Step, holds: list[Hold], store: Any) -> None:
        if not holds:
            return
        hold = holds[int(step.picks[0] * len(holds))]
        link = store.read(lambda tx: tx.link_of(hold.key.pair, hold.key.side, hold.key.id))
        options = choices(hold, linked=link is not None)
        if not options:
            return
        choice = options[int(step.picks[1] * len(options))]
        value: Any = None
        dnas = self.dnas(hold, link)
        if choice == "link":
            value = self._other(step, hold, store)
            if value is None:
                return
            dnas |= self.dna_of(hold.key.side.other, hold.key.pair, value)
        elif choice == "restore":
            value = self._restored(hold, link, store)
            if value is None:
                return
        elif choice == "value":
            value = self._value(hold, link, store, dnas)
            if value is None:
                return
        self.release(hold, choice, store, dnas, value)

    def release(self, hold: Hold, choice: str, store: Any, dnas: set[str], value: Any = None) -> None:
        """Choose for a hold what becomes of it."""

        def save(tx: Tx) -> None:
            now_ms = self.world.loop.now_ms()
            tx.append([Entry(now_ms, 0, hold.key.pair, "release", "done", hold.key.side, hold.key.id)])
            if hold.cause == BRAKE:
                {"release": release_brake, "drop": drop_brake}[choice](tx, hold, now_ms)
            else:
                tx.save_release(release_of(hold, choice, at_ms=now_ms, value=value))
                tx.mark([hold.key], reason="a person chose")

        self.world.write_now(store, save)
        if hold.cause == BRAKE and choice == RELEASE:
            self.world.released.append((hold.key.pair, hold.property))
        self.world.happened[f"choices: {choice}"] += 1
        self._witnessed(hold, choice, store, dnas)
        about = f" ({hold.property})" if hold.property else ""
        self.world.tell(
            "a person", f"releases {hold.cause} of {hold.key.pair} {hold.key.id}{about}: {choice}"
        )

    def _witnessed(self, hold: Hold, choice: str, store: Any, dnas: set[str]) -> None:
        """Tell the witness of a choice: what it is about, and which records are to have no partner."""
        kind, chosen = hold.key.pair, self.world.witness.chosen
        name = self.world.name_of(hold.property) if release_of(hold, choice, at_ms=0).property else ""
        for dna in dnas:
            chosen.choose(kind, dna, choice, name)
        if choice != "apart":
            return
        link = store.read(lambda tx: tx.link_of(kind, hold.key.side, hold.key.id))
        ids = {hold.key.side: hold.key.id} if link is None else {side: link.ids[side] for side in Side}
        for side, id in ids.items():
            if id in self.world.systems[side].ids(kind):
                chosen.keep_apart(kind, side, id)

    def _restored(self, hold: Hold, link: Link | None, store: Any) -> Any:
        prop = self.world.dataflow.pair(hold.key.pair).property(hold.property)  # type: ignore[union-attr]
        seen = None if link is None else self._seen(hold, link, store)
        found = None if prop is None or seen is None else restoring(hold, prop, seen)
        return None if found is None else found.to_json()

    def _seen(self, hold: Hold, link: Link, store: Any) -> Both[Sighting] | None:
        seen = store.read(lambda tx: Both.of(lambda s: tx.sighting(s, hold.key.pair, link.ids[s])))
        return None if seen.left is None or seen.right is None else seen

    def _value(self, hold: Hold, link: Link | None, store: Any, dnas: set[str]) -> Any:
        prop = self.world.dataflow.pair(hold.key.pair).property(hold.property)  # type: ignore[union-attr]
        lens = self.world.lenses.get(self.world.name_of(hold.property))
        if link is None or prop is None or lens is None:
            return None
        seen = self._seen(hold, link, store)
        if seen is None:
            return None
        token, name = self.token(), self.world.name_of(hold.property)
        found = giving(prop, Side.LEFT, (lens.stored.left(lens.enter.left(token)),), seen)
        saw = [
            edit
            for side in Side
            if (edit := self.world.witness.now_at.get((side, hold.key.pair, link.ids[side], name)))
        ]
        for dna in dnas:
            self.world.witness.given(hold.key.pair, dna, name, token, saw)
        return None if found is None else found.to_json()

    def _other(self, step: Step, hold: Hold, store: Any) -> str | None:
        side, pair = hold.key.side.other, hold.key.pair
        ids = self.world.systems[side].ids(pair)

        def free(tx: Tx) -> list[str]:
            return [
                id
                for id in ids
                if (seen := tx.sighting(side, pair, id)) is not None
                and not seen.deleted
                and tx.link_of(pair, side, id) is None
            ]

        return self._pick(step, store.read(free), 2)

    def dnas(self, hold: Hold, link: Link | None) -> set[str]:
        """The things that a hold is about."""
        found = self.dna_of(hold.key.side, hold.key.pair, hold.key.id)
        if link is not None:
            for side in Side:
                found |= self.dna_of(side, hold.key.pair, link.ids[side])
        return found

    def dna_of(self, side: Side, kind: str, id: str) -> set[str]:
        """Every thing that the id has stood for."""
        past = self.world.systems[side].past.get((kind, id), ())
        return {str(record.fields["dna"]) for _, record in past if record.fields.get("dna")}
