"""Taking a run back: all of what it did, and nothing of what people did since."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from instep.core import decide, undo
from instep.runner import outcome, turn
from instep.runner import undo as undoing
from instep.runner.undo import Scope, choose_ways_back
from tests.runner.site import LEFT, RIGHT, Site, edited, pair, prop, take_back

from .checks import must, retired
from .choices import gives_whatever_is_there
from .notices import story
from .protection import Protection, put, wrap


async def _edited() -> tuple[Site, str, str, int]:
    site = Site()
    return site, *(await edited(site))


async def undone_after_an_edit() -> list[str]:
    site, _, right, run = await _edited()
    site.edit(RIGHT, right, phone="3")
    await site.run(act=False)
    await take_back(site, run)
    return must("13", site.fields(RIGHT, right)["phone"] == "3", "a later edit was undone with the run")


async def undone_after_another_run() -> list[str]:
    """What a run wrote is replaced by a later run, and entered again and written by one after that."""
    site, left, right, run = await _edited()
    for phone in ("1", "2"):
        site.edit(LEFT, left, phone=phone)
        await site.run()
    await take_back(site, run)
    return must("13", site.fields(RIGHT, right)["phone"] == "2", "a later edit was undone with the run")


def _as_if_the_last(whole: Any) -> Any:
    return lambda scene, seen, prop, writes, run: whole(
        scene, seen, prop, [replace(write, later=0) for write in writes], run
    )


async def edited_while_undoing() -> list[str]:
    """The run that undoes another one dies at once; the next run goes on with it, after an edit."""
    site, _, right, run = await _edited()
    await choose_ways_back(site.runner.engine, Scope(run))
    site.edit(RIGHT, right, phone="3")
    await site.run()
    return must(
        "13", site.fields(RIGHT, right)["phone"] == "3", "an edit of the last moment was undone with the run"
    )


async def undone_and_run_again() -> list[str]:
    site, left, right, run = await _edited()
    await take_back(site, run)
    await site.rest()
    shown = site.fields(LEFT, left)["phone"], site.fields(RIGHT, right)["phone"]
    return must("13", shown == ("2", "1"), f"after the undoing of a run both sides hold {shown}")


async def answered_and_edited() -> list[str]:
    """A run is undone while another field waits to be written; somebody answers the hold, and somebody edits."""
    site = Site(pair(policy="left"))
    left, right = await site.linked_company()
    site.edit(RIGHT, right, phone="2")
    run = (await site.run()).run
    site.edit(LEFT, left, name="Bea")
    await take_back(site, run)
    [hold] = site.holds()
    await site.release(hold, "left")
    site.edit(RIGHT, right, phone="3")
    await site.rest()
    return must(
        "13", site.fields(RIGHT, right)["phone"] == "3", "a later edit lost to what an undoing put back"
    )


async def made_and_edited() -> list[str]:
    """A run has made a record; somebody works with it, and then the run is undone."""
    site = Site()
    site.put(LEFT, name="Ann", mail="a@x.example")
    made = (await site.run()).run
    [right] = site.systems.right.ids("company")
    site.edit(RIGHT, right, phone="5")
    await site.run(act=False)
    await take_back(site, made)
    return must(
        "13", not retired(site, RIGHT, right), "a record that somebody had edited was taken out of use"
    )


def _made_whatever_came_since(scene: Any, link: Any, seen: Any, side: Any, *, flowed_back: bool) -> Any:
    return {"made": side.value}


async def made_and_undone() -> list[str]:
    """A run that made a record is undone; later its source is edited."""
    site = Site()
    left = site.put(LEFT, name="Ann", mail="a@x.example")
    await take_back(site, (await site.run()).run)
    site.forget_requests()
    site.edit(LEFT, left, phone="2")
    await site.rest()
    return must("13", not site.written(RIGHT), "a record whose making was undone is written to again")


async def made_undone_and_let_go_on() -> list[str]:
    """A run that made a record is undone, which takes it out of use; then a person lets the two go on."""
    site = Site(pair("company", prop("active", "active", "boolean")))
    left = site.put(LEFT, name="Ann", mail="a@x.example", active=True)
    await take_back(site, (await site.run()).run)
    [hold] = site.holds()
    await site.release(hold, "retry")
    await site.rest()
    return must(
        "1", site.fields(LEFT, left)["active"] is True, "the original was put out of use, by nobody's edit"
    )


PROTECTIONS = (
    Protection(
        "a retirement of ours is nobody's edit",
        "runner/outcome.py:_put_out_of_use",
        "a record whose copy Instep has put out of use is put out of use as well",
        "1",
        put(outcome, "_put_out_of_use", lambda *given: {}),
        story(made_undone_and_let_go_on),
    ),
    Protection(
        "undoing leaves later edits alone",
        "core/undo.py:_as_left",
        "what somebody has entered since a run is taken back with it",
        "13",
        put(undo, "_as_left", lambda *given: True),
        story(undone_after_an_edit),
    ),
    Protection(
        "undoing leaves what a later run wrote alone",
        "core/undo.py:later",
        "a later edit that gave a field the same value again is taken back with the run",
        "13",
        wrap(undoing, "undo_property", _as_if_the_last),
        story(undone_after_another_run),
    ),
    Protection(
        "undoing looks once more",
        "core/decide.py:_set",
        "an edit made between the look and the undoing is taken back with the run",
        "13",
        wrap(decide, "given", gives_whatever_is_there),
        story(edited_while_undoing),
    ),
    Protection(
        "what was undone is not written again",
        "core/standing.py:restored",
        "an undone write is made again by the next run, or brought back to where it came from",
        "13",
        put(decide, "restored", lambda scene, seen, releases: {}),
        story(undone_and_run_again),
    ),
    Protection(
        "what was undone rests whatever else there is to write",
        "runner/turn.py:_rest_undone",
        "what an undoing put back passes for an edit, once somebody has answered its hold",
        "13",
        put(turn, "_rest_undone", lambda *given: None),
        story(answered_and_edited),
    ),
    Protection(
        "a record that somebody works with is not unmade",
        "core/undo.py:undo_create",
        "undoing a run takes a record out of use that was edited since",
        "13",
        put(undoing, "undo_create", _made_whatever_came_since),
        story(made_and_edited),
    ),
    Protection(
        "records whose making was undone rest",
        "core/standing.py:frozen",
        "a record that was taken back is written to again",
        "13",
        put(decide, "frozen", lambda *given: None),
        story(made_and_undone),
    ),
)
