"""Laws of the deciding function over generated situations, swapped sides and junk among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from instep.core.dataflow import Property
from instep.core.model import Abilities, Both, Entity, Field, Side
from instep.core.policy import Clock
from instep.core.state import Hold, Link, Release, Sighting
from instep.core.transformations.contract import Canon, Lookup, Transformation, Unfit
from instep.core.values import Json, Raw
from instep.core.verdict import Scene, Verdict

from .scenes import IDS, KEY, LEFT, SYSTEMS, Links, decided, link, prop, scene, sighting

NAMES = ("a", "b", "c")
SPELLED = st.sampled_from(["same", "text(trim)", "text(trim, max=2)", "text(anycase)"])
MIRRORED = {"both": "both", "to-left": "to-right", "to-right": "to-left", "left": "right", "right": "left"}
WORDS: st.SearchStrategy[Json] = st.sampled_from([None, "", "x", " x", "X", "y", "yzz", "yzw"])
JUNK: st.SearchStrategy[Json] = st.one_of(
    WORDS,
    st.integers(-(2**70), 2**70),
    st.sampled_from(
        [Decimal("0E-400"), Decimal("1E+5000"), True, [], {}, ["x", None], {"a": {"b": [1]}}, "\0", "ß"]
    ),
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=4),
)


@dataclass(frozen=True)
class Turned:
    """A transformation with its sides swapped."""

    inner: Transformation

    def trim(self, side: Side, raw: Raw) -> Raw:
        return self.inner.trim(side.other, raw)

    def canon(self, side: Side, raw: Raw, lookup: Lookup) -> Canon:
        return self.inner.canon(side.other, raw, lookup)

    def put(self, side: Side, canon: Canon, old: Raw, lookup: Lookup) -> Raw | Unfit:
        return self.inner.put(side.other, canon, old, lookup)


@dataclass(frozen=True)
class Situation:
    """Everything that `decide_link` is told, so that all of it can be turned round at once."""

    scene: Scene
    link: Link
    seen: Both[Sighting | None]
    holds: tuple[Hold, ...] = ()
    releases: tuple[Release, ...] = ()

    def decided(self) -> Verdict:
        return decided(self.scene, self.link, self.seen, self.holds, self.releases)


def turned(both: Both[Any]) -> Both[Any]:
    return Both(both.right, both.left)


def mirrored(one: Situation) -> Situation:
    """The same situation with left and right swapped in everything; only the key stays."""
    pair = one.scene.pair
    properties = tuple(
        replace(
            p,
            parts=turned(p.parts),
            transformation=Turned(p.transformation),
            flow=MIRRORED[p.flow],  # type: ignore[arg-type]
            policy=MIRRORED.get(p.policy or "", p.policy),  # type: ignore[arg-type]
        )
        for p in pair.properties
    )
    policy = MIRRORED.get(pair.policy, pair.policy)
    where = replace(
        one.scene,
        pair=replace(pair, properties=properties, policy=policy, entity=turned(pair.entity)),  # type: ignore[arg-type]
        entities=turned(one.scene.entities),
        systems=turned(one.scene.systems),
        clocks=turned(one.scene.clocks),
    )
    base = {name: turned(both) for name, both in one.link.base.items()}
    seen = Both(*(s and replace(s, side=s.side.other) for s in turned(one.seen)))
    releases = tuple(replace(r, choice=MIRRORED.get(r.choice, r.choice)) for r in one.releases)
    return Situation(where, replace(one.link, ids=turned(one.link.ids), base=base), seen, one.holds, releases)


def told(verdict: Verdict, *, swap: bool = False) -> object:
    """A verdict as plain data to compare, without digests (they are of left and right in that order)."""

    def at(side: Side) -> Side:
        return side.other if swap else side

    def sentence(text: str) -> str:
        return MIRRORED[text.split()[0]] + " wins" if swap and text in ("left wins", "right wins") else text

    def why(text: str) -> str:
        head, colon, tail = text.partition(": ")
        return head + colon + sentence(tail) if colon else sentence(text)

    def words(text: str) -> list[str]:
        return sorted(text.split())  # "l1 or r1" is "r1 or l1" in the mirror

    def values(shown: Any) -> object:
        if not isinstance(shown, Mapping):
            return shown
        return {k: (v["left"], v["right"]) if not swap else (v["right"], v["left"]) for k, v in shown.items()}

    writes = sorted(
        (
            at(w.side),
            w.operation,
            sorted(w.payload.items(), key=str),
            [(c.property, c.old, c.new, c.source, why(c.why)) for c in w.changes],
        )
        for w in verdict.writes
    )
    return (
        writes,
        {name: turned(both) if swap else both for name, both in verdict.agreed.items()},
        [(lost.property, at(lost.side), lost.raw, why(lost.why)) for lost in verdict.overruled],
        [(h.property, h.cause, words(h.what), h.why, h.fix, values(h.values)) for h in verdict.holds],
        verdict.retired,
        verdict.unlink,
        verdict.note,
        verdict.used,
    )


@st.composite
def situations(draw: st.DrawFn, values: st.SearchStrategy[Json] = WORDS, deletes: bool = True) -> Situation:
    properties: list[Property] = []
    for name in NAMES[: draw(st.integers(1, 3))]:
        flow = draw(st.sampled_from(["both", "both", "to-left", "to-right"]))
        group = draw(st.sampled_from(["", "", "g"])) if flow == "both" else ""
        policy = draw(st.sampled_from([None, None, "newest", "hold", "left", "right"]))
        properties.append(prop(name, draw(SPELLED), flow=flow, group=group, policy=policy))
    retired = draw(st.sampled_from([None, ("active", False)]))

    def declared(name: str) -> Entity:
        fields = tuple(
            Field(
                p.name, update=draw(st.integers(0, 4)) > 0, group=draw(st.sampled_from(["", "", "address"]))
            )
            for p in properties
        )
        able = Abilities(update=draw(st.integers(0, 6)) > 0, retire=draw(st.booleans()))
        return Entity(name, fields, able, ("",), retired)

    def reading(side: Side) -> Sighting | None:
        offered = [p for p in properties if draw(st.integers(0, 6))]
        fields = {p.name: draw(values) for p in offered}
        times = {p.name: (t, t) for p in offered if (t := draw(st.integers(0, 9_000)))}
        made = sighting(side, IDS[side], fields, updated_ms=draw(st.none() | st.integers(0, 9_000)))
        return replace(made, edits=times, deleted=deletes and draw(st.integers(0, 6)) == 0)

    base = {p.name: (draw(values), draw(values)) for p in properties if draw(st.integers(0, 3))}
    where = scene(
        *properties,
        left=declared("customer"),
        right=declared("contact"),
        clocks=Both.of(lambda _: Clock(draw(st.integers(-900, 900)), draw(st.integers(0, 900)))),
        policy=draw(st.sampled_from(["newest", "hold", "left", "right"])),
        on_delete=draw(st.sampled_from(["hold", "retire", "ignore"])),
    )
    state = "retired" if deletes and draw(st.integers(0, 9)) == 0 else "live"
    chosen = st.sampled_from(["left", "right", "retry", "unlink", "retire"])
    places = st.sampled_from([*NAMES, "g", ""])
    releases = draw(st.lists(st.builds(Release, st.just(KEY), places, chosen, st.just("")), max_size=2))
    return Situation(where, link(base, state=state), Both.of(reading), (), tuple(releases))


@settings(max_examples=150, deadline=None)
@given(situations())
def test_swapping_the_sides_of_everything_gives_the_mirrored_verdict(one: Situation) -> None:
    other = mirrored(one)
    assert told(other.decided(), swap=True) == told(one.decided())


@settings(max_examples=100, deadline=None)
@given(situations(JUNK))
def test_deciding_is_deterministic_and_never_raises(one: Situation) -> None:
    assert one.decided() == one.decided()


@settings(max_examples=100, deadline=None)
@given(situations(JUNK, deletes=False))
def test_a_verdict_deals_with_a_property_in_one_way_only(one: Situation) -> None:
    verdict = one.decided()
    written = [change.property for write in verdict.writes for change in write.changes]
    assert len(written) == len(set(written))
    assert not set(written) & set(verdict.agreed)
    held = {hold.property for hold in verdict.holds}
    assert not held & set(written)
    assert not held & set(verdict.agreed)


@settings(max_examples=100, deadline=None)
@given(situations(deletes=False))
def test_a_one_way_property_is_never_written_against_its_way(one: Situation) -> None:
    for write in one.decided().writes:
        for change in write.changes:
            found = one.scene.pair.property(change.property)
            assert found is not None
            assert found.may_flow(write.side)


@settings(max_examples=100, deadline=None)
@given(situations(deletes=False))
def test_what_is_written_was_edited_at_its_source_or_is_overruled_at_its_target(one: Situation) -> None:
    """A side's edit is rewritten only if it lost a conflict, and then it is kept."""
    verdict = one.decided()
    lost = {(o.property, o.side): o.raw for o in verdict.overruled}
    for write in verdict.writes:
        for change in write.changes:
            base = one.link.base.get(change.property)
            if base is not None and change.source == base[write.side.other]:
                assert lost[change.property, write.side] == change.old
            if base is not None and change.old != base[write.side]:
                found = one.scene.pair.property(change.property)
                assert found is not None
                meaning = [
                    found.transformation.canon(write.side, raw, Links())
                    for raw in (change.old, base[write.side])
                    if raw is not None
                ]
                assert (change.property, write.side) in lost or meaning[0] == meaning[-1]


@settings(max_examples=100, deadline=None)
@given(situations(JUNK, deletes=False))
def test_carrying_a_verdict_out_leaves_nothing_to_write(one: Situation) -> None:
    """The second run of a world in which every write landed makes none."""
    verdict = one.decided()
    fields: Both[dict[str, Json]] = one.seen.map(lambda s: dict(s.fields) if s else {})
    base = {**one.link.base, **verdict.agreed}
    for write in verdict.writes:
        fields[write.side].update(write.payload)
    for write in verdict.writes:
        for change in write.changes:
            target, source = (fields[write.side][change.property],), change.source
            base[change.property] = Both(target, source) if write.side is LEFT else Both(source, target)
    seen = Both.of(lambda side: one.seen[side] and replace(one.seen[side], fields=fields[side]))
    after = replace(one, link=replace(one.link, base=base), seen=seen).decided()
    before = {change.property for write in verdict.writes for change in write.changes}
    again = {change.property for write in after.writes for change in write.changes}
    assert not before & again
    if not verdict.holds:
        assert again == set()


def test_the_mirror_of_a_mirror_is_the_situation() -> None:
    where = scene(prop("a", flow="to-left", policy="left"), policy="right")
    one = Situation(where, link({"a": ("x", "y")}), Both(sighting(LEFT, "l1", {"a": 1}), None))
    twice = mirrored(mirrored(one))
    assert (twice.link, twice.seen) == (one.link, one.seen)
    assert twice.scene.pair.properties[0].flow == "to-left"
    assert twice.scene.systems == SYSTEMS
