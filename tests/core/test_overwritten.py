"""An edit that was overwritten, as a hold: how long it stands, and what a person's answer makes of it."""

from __future__ import annotations

from dataclasses import replace

from instep.core.model import Both, Logged, Record
from instep.core.overwritten import CAUSE, Loss, beside, overwritten_hold, restoring
from instep.core.state import Hold, Release, Sighting
from instep.core.verdict import Verdict

from .scenes import KEY, LEFT, decided, link, prop, release, scene, seen

NAME, CITY = prop("name"), prop("city")
LOGGED = Logged("ev_1", "customer", Record("l1", {"name": "Ann"}, 5, author="ada"))
LOSS = Loss(NAME, ("Ann",), ("Bea",), LOGGED)
HELD = overwritten_hold(KEY, LOSS, LEFT, Both(("Bea",), ("Bea",)), "Chargebee", "noon")


def verdict(*releases: Release, left: str = "Bea", right: str = "Bea", held: Hold = HELD) -> Verdict:
    """On two records that agreed on Bea, after she took the place of Ann on the left."""
    both = seen({"name": left, "city": "Oslo"}, {"name": right, "city": "Oslo"})
    base = link({"name": ("Bea", "Bea"), "city": ("Oslo", "Oslo")})
    return decided(scene(NAME, CITY), base, both, [held], releases)


def beas() -> Both[Sighting]:
    both = seen({"name": "Bea"}, {"name": "Bea"})
    assert both.left is not None and both.right is not None
    return Both(both.left, both.right)


def restored() -> Release:
    given = restoring(HELD, NAME, beas())
    assert given is not None
    return release("restore", HELD, given.to_json())


def test_it_says_who_and_when_and_what_can_be_chosen() -> None:
    assert HELD.what == "name: an edit in Chargebee was overwritten by a write of Instep"
    assert HELD.why == (
        "ada made it at noon, after Instep had read the record and before it wrote (ev_1 in the log of Chargebee)"
    )
    assert "--choose restore" in HELD.fix and "--choose leave" in HELD.fix
    nobody = replace(LOSS, logged=replace(LOGGED, record=Record("l1")))
    untold = overwritten_hold(KEY, nobody, LEFT, Both(("Bea",), ("Bea",)), "Chargebee", "")
    assert untold.why.startswith("somebody made it, after Instep")


def test_it_stands_while_the_values_stay_and_keeps_nothing_from_being_written() -> None:
    assert verdict().holds == (HELD,)
    moved = verdict(right="Cem")
    assert moved.holds == () and [write.payload for write in moved.writes] == [{"name": "Cem"}]


def test_restoring_writes_the_lost_value_to_its_side_and_the_hold_stands_until_it_is_there() -> None:
    found = verdict(restored())
    assert [(write.side, write.payload) for write in found.writes] == [(LEFT, {"name": "Ann"})]
    assert found.holds == (HELD,), "a brake may yet stop the write"
    follows = verdict(restored(), left="Ann")
    assert [(write.side, write.payload) for write in follows.writes] == [(LEFT.other, {"name": "Ann"})]
    assert (follows.holds, follows.used) == ((), ("name",))


def test_an_answer_that_asks_for_nothing_ends_it() -> None:
    for answer in (release("leave", HELD), release("value", HELD)):
        found = verdict(answer)
        assert (found.holds, found.writes, found.used) == ((), (), ("name",))


def test_an_answer_to_another_hold_does_not_end_it() -> None:
    other = replace(HELD, digest="another")
    assert verdict(release("leave", other)).holds == (HELD,)


def test_a_word_about_the_record_as_a_whole_says_nothing_of_it() -> None:
    whole, one = Hold(KEY, "", "deleted", "gone"), Hold(KEY, "city", "refused", "no")
    assert beside([whole], [HELD, one]) == [whole, HELD]
    assert beside([one], [HELD]) == [one]
    assert beside([], [HELD]) == []
    again = replace(HELD, why="later")
    assert beside([whole, again], [HELD]) == [whole, again]


def test_what_holds_no_lost_value_restores_nothing() -> None:
    for told in (None, {}, {"name": None}, {"name": {CAUSE: None}}, {"name": {CAUSE: {"left": None}}}):
        assert restoring(replace(HELD, values=told), NAME, beas()) is None  # type: ignore[arg-type]
