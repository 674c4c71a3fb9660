"""What a person decides at the command line: holds, links, forgetting; and what comes of it."""

from __future__ import annotations

from typing import Any

from instep.core.model import Both, Side
from instep.core.release import PARTING, WHOLE
from instep.core.state import Key

from .office import KINDS, Office

Picks = tuple[float, float, float, float]

WRONG = (
    ("sync", "--pair", "nobody"),
    ("sync", "nowhere.json"),
    ("sync", "instep.yaml"),
    ("sync", "--release", "company:nothing"),
    ("sync", "--release", "company"),
    ("plan", "--limit", "-1"),
    ("plan", "--pair", "nobody"),
    ("holds", "release", "999999", "--take", "left"),
    ("holds", "release", "1"),
    ("holds", "show", "999999"),
    ("undo", "999999"),
    ("undo", "x"),
    ("links", "add", "company", "no such", "no such"),
    ("links", "remove", "nobody", "1"),
    ("links", "show", "company", "no such"),
    ("forget", "company", "no such", "--yes"),
    ("history", "--verify", "--anchor", "x"),
    ("history", "nobody"),
    ("explain", "nobody", "1"),
    ("audit", "--pair", "nobody"),
)
"""Commands that can't be meant: each ends in words, with exit code 2."""


OF_PROPERTY = ("left", "right", "leave", "retry", "value", "restore")
"""Choices that are about one property, where a hold is."""


def picked(options: Any, share: float) -> Any:
    """One of them; None of nothing."""
    options = list(options)
    return options[int(share * len(options))] if options else None


def ids_of(hold: Any) -> Both[str]:
    """The records that a hold is about, as `holds list` tells them."""
    if hold["side"] == "right":
        return Both("", hold["record"])
    return Both(hold["record"], hold["partner"] or "")


def release(office: Office, picks: Picks) -> None:
    """One of the choices that are offered for a hold is taken, and the next sync acts on it."""
    hold = picked(office.holds(), picks[0])
    choice = picked(hold["choices"], picks[1]) if hold else None
    if choice is None:
        return
    office.instep("holds", "show", str(hold["id"]))
    kind, ids = hold["pair"], ids_of(hold)
    token = None
    if (name := office.name_of(hold["property"])) in office.lenses and name not in office.terms.mapped():
        office.instep("holds", "release", str(hold["id"]), "--take", "left", codes=(2,))
        return
    if hold["property"] and choice in OF_PROPERTY[:4] and _is_to_be_parted(office, hold):
        option = "--take" if choice in ("left", "right") else "--choose"
        office.instep("holds", "release", str(hold["id"]), option, choice, codes=(2,))
        return
    if choice == "link":
        other = Side(hold["side"]).other
        id = picked(office.systems[other].ids(kind), picks[2])
        if id is None:
            return
        option = ["--link", id]
        office.choose(kind, Both.of(lambda side: id if side is other else ""), choice)
    elif choice in ("value", "restore") and _is_to_be_parted(office, hold):
        return
    elif choice == "value":
        token = _given(office, hold, ids)
        if token is None:
            return
        option = ["--value", str(office.lenses[office.name_of(hold["property"])].enter.left(token)).strip()]
    else:
        option = ["--take" if choice in ("left", "right") else "--choose", choice]
    office.choose(kind, ids, choice, name if hold["property"] and choice in OF_PROPERTY else "")
    office.happened[f"choices: {choice}"] += 1
    answer = office.instep(
        "holds", "release", str(hold["id"]), *option, codes=(0, 2) if choice == "link" else (0,)
    )
    if answer.code == 0 and hold["cause"] == "conflict":
        _require_chosen(office, hold, ids, choice, token)


def _is_to_be_parted(office: Office, hold: Any) -> bool:
    key = Key(hold["pair"], Side(hold["side"]), hold["record"])
    return any(
        r.property == WHOLE and r.choice in PARTING for r in office.read(lambda tx: tx.releases_of(key))
    )


def _given(office: Office, hold: Any, ids: Both[str]) -> str | None:
    """A token of its own, as a person gives it to a hold at the sight of both sides."""
    name, kind = office.name_of(hold["property"]), hold["pair"]
    if name not in office.lenses:
        return None
    token = office.people.token()
    saw = [
        edit
        for side in Side
        if (edit := office.witness.now_at.get((side, kind, ids[side], name))) is not None
    ]
    for dna in office.dnas(kind, ids):
        office.witness.given(kind, dna, name, token, saw)
    return token


def _require_chosen(office: Office, hold: Any, ids: Both[str], choice: str, token: str | None) -> None:
    """What was chosen for a conflict is what both sides hold after a sync, unless another hold says why not."""
    name, kind = office.name_of(hold["property"]), hold["pair"]
    if office.lease_until_ms > office.clock.now_ms() or name not in office.lenses:
        return
    lens = office.lenses[name]
    if any(ids[side] not in office.systems[side].ids(kind) for side in Side):
        return
    before = _tokens(office, kind, ids, name)
    shown = hold["values"][hold["property"]]
    if before != Both.of(lambda side: lens.token(shown[side.value][0])):
        return  # it has changed since it was held: the choice is asked for again
    office.instep("sync", "--json", codes=(0, 3))
    after = _tokens(office, kind, ids, name)
    left = [each for each in office.holds() if each["pair"] == kind and ids_of(each) == ids]
    excused = any(each["property"] in ("", hold["property"]) for each in left) or any(
        each["cause"] == "brake" for each in office.holds()
    )
    told = f"{choice} was chosen for {kind} {ids} {name}: {before} became {after}; held: {left}"
    if choice in ("left", "right", "value"):
        wanted = {"left": before.left, "right": before.right, "value": token}[choice]
        assert after == Both(wanted, wanted) or excused, told
    elif choice == "leave":
        assert after == before, told
    else:
        assert not office.is_linked(kind, Side.LEFT, ids.left) or choice == "unlink", told


def _tokens(office: Office, kind: str, ids: Both[str], name: str) -> Both[str | None]:
    return Both.of(
        lambda side: office.lenses[name].token(
            office.systems[side].fields(kind, ids[side]).get(office.path[side][name])
        )
    )


def clash(office: Office, side: Side, kind: str, picks: Picks) -> None:
    """Both sides of two linked records are edited, in the same place: at once, or one a little later."""
    known = office.store_path.exists()
    link = picked(office.read(lambda tx: tx.links(kind, 0, 1000)) if known else (), picks[0])
    name = picked([name for name in office.lenses if name != "mail"], picks[1])
    for where in (side, side.other) if link is not None else ():
        value = office.lenses[name].enter[where](office.people.token())
        if link.ids[where] in office.systems[where].ids(kind):
            office.systems[where].edit(kind, link.ids[where], {office.path[where][name]: value})
        office.clock.wait(0 if picks[2] < 0.5 else 5)


def unlink(office: Office, picks: Picks) -> None:
    link = picked(office.links(), picks[0])
    if link is None:
        return
    rematch = ["--rematch"] if picks[1] < 0.5 else []
    office.choose(link["pair"], Both(link["left"], link["right"]), "unlink")
    words = ("links", "remove", link["pair"], link["left"], "--side", "left", *rematch)
    answer = office.instep(*words, codes=(0, 2))
    there = {each["id"] for each in office.links()}
    assert (link["id"] in there) == (answer.code == 2), answer


def link(office: Office, picks: Picks) -> None:
    kind = picked(KINDS, picks[0])
    ids = Both.of(lambda side: picked(office.systems[side].ids(kind), picks[1 if side is Side.LEFT else 2]))
    if None in ids or not office.store_path.exists():
        return
    answer = office.instep("links", "add", kind, ids.left, ids.right, codes=(0, 2))
    if answer.code == 0:
        office.choose(kind, ids, "link")
        office.instep("links", "show", kind, ids.left, "--side", "left")


def forget(office: Office, picks: Picks) -> None:
    """What is forgotten is in no file of the store any more, and nothing in the journal but that it was."""
    kind, side = picked(KINDS, picks[0]), picked(Side, picks[1])
    known = sorted({id for of, id in office.systems[side].past if of == kind})
    id = picked(known, picks[2])
    if id is None:
        return
    if picks[3] > 0.5:
        _erase_in_both(office, kind, side, id)
    together = {
        (s.value, kind, link[s.value])
        for link in office.links()
        if link["pair"] == kind and link[side.value] == id
        for s in Side
    }
    office.remember_journal()
    only = ["--only"] if picks[3] < 0.2 else []
    answer = office.instep("forget", kind, id, "--side", side.value, *only, "--yes", "--json", codes=(0, 2))
    if answer.code == 2:
        return
    done = answer.json()
    gone = {(r["side"], r["entity"], r["id"]) for r in done["records"]}
    assert only or together <= gone, f"of {together} only {gone} were forgotten"
    for place in gone:
        office.choose(
            place[1], Both.of(lambda s, place=place: place[2] if s == place[0] else ""), "retry"
        )  # what they held counts anew
    _require_forgotten(office, gone - {(r["side"], r["entity"], r["id"]) for r in done["stays"]})
    for entry in office.instep(
        "history", kind, id, "--side", side.value, "--json", "--limit", "9999"
    ).lines():
        told = [
            value for change in entry["changes"] for value in (change.get("old"), change.get("new")) if value
        ]
        assert not told, f"the journal still tells {told}"


def _erase_in_both(office: Office, kind: str, side: Side, id: str) -> None:
    """As somebody is to do who was asked to forget a person: at the systems first, and then a sync sees it."""
    ids = {side: id}
    ids |= {
        s: link[s.value]
        for link in office.links()
        if link["pair"] == kind and link[side.value] == id
        for s in Side
    }
    for where, each in ids.items():
        if each in office.systems[where].ids(kind):
            office.systems[where].remove(kind, each)
    office.clock.wait(1)
    office.instep("sync", "--full", codes=(0, 3))


def _require_forgotten(office: Office, gone: set[tuple[str, str, str]]) -> None:
    """No byte of an address that only these records ever had is in the store's files; with others it counts in either
    spelling, since they are searched for without regard to capitals."""
    others = {mail for s in Side for mail in _mails(office, s, lambda at: at not in gone)}
    elsewhere = others | {mail.casefold() for mail in others}
    files = b"".join(path.read_bytes() for path in office.directory.glob("instep.sqlite*"))
    for s in Side:
        for mail in _mails(office, s, lambda at: at in gone) - elsewhere:
            assert mail.encode() not in files, f"{mail} of {gone} is still in the store"


def _mails(office: Office, side: Side, wanted: Any) -> set[str]:
    """Every address that some records ever had on a side."""
    return {
        str(record.fields["mail"])
        for (kind, id), past in office.systems[side].past.items()
        if wanted((side.value, kind, id))
        for _, record in past
        if record.fields.get("mail")
    }


def look(office: Office, picks: Picks) -> None:
    """Commands that only tell."""
    kind, side = picked(KINDS, picks[0]), picked(Side, picks[1])
    id = picked(office.systems[side].ids(kind), picks[2])
    office.instep("status", codes=(0, 3))
    office.instep("check", "--offline")
    if id is None or not office.store_path.exists():
        return
    before = office.mark()
    office.instep("explain", kind, id, "--side", side.value, codes=(0, 2))
    office.instep("history", kind, id, "--side", side.value, codes=(0, 2))
    office.instep("links", "show", kind, id, "--side", side.value, codes=(0, 2))
    office.instep("holds", "list", "--all")
    office.instep("history", "--runs")
    assert office.mark() == before


__all__ = ["WRONG", "clash", "forget", "link", "look", "picked", "release", "unlink"]
