"""The inbox: what waits for a person, by kind; decided by a click or a key, singly or all alike."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import FormData

from instep.core.dataflow import Pair
from instep.core.model import SIDES, Side
from instep.core.overwritten import CAUSE as OVERWRITTEN
from instep.core.release import SENTENCES
from instep.core.state import Hold, Link, Sighting
from instep.core.values import whole_number
from instep.desk.always import always
from instep.desk.held import (
    TOGETHER,
    Which,
    chosen_for,
    held_kinds,
    offered,
    one_hold,
    page_of,
    records_of,
    values_of,
)
from instep.desk.records import pair_of
from instep.desk.releasing import Choice, release_all, take_back
from instep.desk.search import called
from instep.errors import UsageError
from instep.runner.brakes import CAUSE
from instep.serve.console.pages import Operating, Viewing, go_to, show
from instep.serve.parts import HIGHEST, TheLive, TheSite
from instep.site import Site
from instep.store.contract import Tx

router = APIRouter()

PAGE: Final = 25
KEYS: Final = {"left": "l", "right": "r", "leave": "x", "retry": "t", "restore": "s"}
"""Choice -> the key that makes it, where one key is no risk: each is taken back by another choice, or by undo."""

Name = Annotated[str, Query(max_length=200)]


def card(site: Site, tx: Tx, hold: Hold, link: Link | None) -> dict[str, Any]:
    """What the page shows of one hold."""
    pair = site.dataflow.pair(hold.key.pair)
    seen: dict[Side, Sighting | None] = {}
    if pair is not None and hold.cause != CAUSE:
        ids = {s: link.ids[s] for s in SIDES} if link is not None else {hold.key.side: hold.key.id}
        seen = {side: tx.sighting(side, pair.entity[side], id) for side, id in ids.items()}
    known = seen.get(hold.key.side)
    found = offered(site, tx, hold, link)
    return {
        "hold": hold,
        "link": link,
        "called": " · ".join(called(pair, hold.key.side, known.fields)) if pair and known else "",
        "values": _values(hold, pair, seen),
        "offered": found,
        "hotkeys": KEYS,
        "chosen": chosen_for(tx, hold),
        "always": hold.cause == "conflict" and bool({"left", "right"} & set(found)),
    }


def _values(hold: Hold, pair: Pair | None, seen: dict[Side, Sighting | None]) -> list[dict[str, Any]]:
    """Per property what both sides hold, with when and by whom it was edited last, as far as the systems tell."""
    if pair is None:
        return []
    shown: list[dict[str, Any]] = []
    for name, sides in values_of(hold):
        prop = pair.property(name)
        told: dict[str, Any] = {"property": name, "lost": sides.get(OVERWRITTEN)}
        for side in SIDES:
            reading = seen.get(side)
            paths = prop.parts[side].fields if prop is not None else ()
            times = [reading.edits[path][1] for path in paths if reading and path in reading.edits]
            told[side.value] = {
                "value": sides[side.value],
                "at_ms": max(times, default=reading.updated_ms if reading else None),
                "of_field": bool(times),
                "author": reading.author if reading else None,
            }
        shown.append(told)
    return shown


@router.get("/inbox")
async def inbox(
    visit: Viewing,
    site: TheSite,
    live: TheLive,
    pair: Name = "",
    cause: Name = "",
    property: Annotated[str | None, Query(max_length=200)] = None,
    hold: Annotated[int, Query(ge=0, le=HIGHEST)] = 0,
    after: Annotated[int, Query(ge=0, le=HIGHEST)] = 0,
) -> HTMLResponse:
    """All kinds, and the holds of one of them: the one that is asked for, or else the first."""
    shown = [
        (kind, records_of(kind, hold)) for kind, (hold, _) in held_kinds(site) if pair in ("", kind.pair)
    ]
    kinds = [kind for kind, _ in shown]
    which = Which(pair, cause, property)
    if not cause and not hold and kinds:
        first = next((kind for kind in kinds if kind.cause != "reference"), kinds[0])
        which = Which(first.pair, first.cause, first.property)

    def look(tx: Tx) -> tuple[list[dict[str, Any]], int]:
        if hold:
            found, link, _ = one_hold(tx, hold)
            return [card(site, tx, found, link)], 0
        if not which.cause:
            return [], 0
        page = page_of(tx, which, after, PAGE)
        return [card(site, tx, *each) for each in page], page[-1][0].id if len(page) == PAGE else 0

    cards, further = site.store.read(look)
    if hold and cards:
        about: Hold = cards[0]["hold"]
        which = Which(about.key.pair, about.cause, about.property)
    current = _kind_of(kinds, which)
    together = [choice for choice in cards[0]["offered"] if choice in TOGETHER] if cards else []
    return show(
        visit,
        "inbox.html",
        kinds=shown,
        which=which,
        count=current.count if current is not None else len(cards),
        single=bool(hold),
        cards=cards,
        further=further,
        together=together,
        sentences=SENTENCES,
        paused=live.paused(),
        may_decide=visit.person.may("operator"),
    )


def _kind_of(kinds: list[Any], which: Which) -> Any:
    """The kind that is shown."""
    wanted = (which.pair, which.cause, which.property or "")
    return next((kind for kind in kinds if (kind.pair, kind.cause, kind.property) == wanted), None)


@router.post("/inbox")
async def decide(visit: Operating) -> Response:
    """One of: `one` = NUMBER:CHOICE; `checked` = CHOICE for each `hold`; `kind` = CHOICE for all of a kind;
    `back_to_undecided` = NUMBER takes a decision back that was not applied yet."""
    app = visit.request.app.state
    form = await visit.request.form()
    back = _text(form, "back")
    back = back if back.startswith("/inbox?") or back in ("/inbox", "/matches") else "/inbox"
    if _text(form, "checked") and not form.getlist("hold"):
        return go_to(back, visit, "Nothing is ticked: tick some of them first, or decide all of the kind.")
    if number := _text(form, "back_to_undecided"):
        [hold] = await take_back(app.site, [whole_number(number) or 0], Which(), visit.person.name)
        return go_to(back, visit, f"The decision about hold {hold.id} is taken back; it waits for you again.")
    wanted, numbers, chosen = _wanted(form)
    which = Which() if numbers else Which(_text(form, "pair"), _text(form, "cause"), _text(form, "property"))
    held = await release_all(app.site, numbers, which, chosen, visit.person.name)
    app.live.poke()
    done = "1 decision is kept" if len(held) == 1 else f"{len(held)} decisions are kept"
    return go_to(
        back,
        visit,
        f"{done}: {SENTENCES[wanted]}.",
    )


def _wanted(form: FormData) -> tuple[str, list[int], Choice]:
    if one := _text(form, "one"):
        number, _, choice = one.partition(":")
        numbers = [whole_number(number) or 0]
    elif choice := _text(form, "checked"):
        numbers = [whole_number(each) or 0 for each in form.getlist("hold") if isinstance(each, str)]
    else:
        choice, numbers = _text(form, "kind"), []
    if choice not in SENTENCES or 0 in numbers:
        raise UsageError("that is no decision", fix="choose one of those that the page offers")
    other, value = _text(form, "other") or None, form.get("value")
    terms = Side.RIGHT if _text(form, "terms") == "right" else Side.LEFT
    return choice, numbers, Choice(choice, other, value if isinstance(value, str) else None, terms)


def _text(form: FormData, name: str) -> str:
    found = form.get(name, "")
    return found if isinstance(found, str) else ""


@router.get("/inbox/always")
async def always_so(
    visit: Viewing,
    site: TheSite,
    hold: Annotated[int, Query(ge=1, le=HIGHEST)],
    side: Annotated[str, Query(pattern="^(left|right)$")],
) -> HTMLResponse:
    """What to change in the dataflow, so that such a conflict is always decided for that side."""
    found, _, _ = site.store.read(partial(one_hold, number=hold))
    pair = pair_of(site, found.key.pair)
    change = always(site, pair.name, found.property, Side(side))
    return show(visit, "always.html", hold=found, side=side, change=change)
