"""What a person chose for held records, kept for the next run, which applies it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from instep.core.model import SIDES, Side
from instep.core.release import PARTING, WHOLE, release_of
from instep.core.state import Hold, Link
from instep.core.values import Json
from instep.desk import words
from instep.desk.given import check_mapped, given_value, restored_value
from instep.desk.held import Which, as_option, check_which, fix_of, holds_of, offered, one_hold
from instep.desk.records import pair_of
from instep.desk.runs import goes_on
from instep.errors import NotThere, UsageError
from instep.runner.brakes import CAUSE, drop_brake, release_brake
from instep.site import Site, now_ms
from instep.store.contract import Entry, Tx


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person chose (`instep.core.release.SENTENCES`): with `other` the id to link to, with `value` the text
    of a value in the terms of the side `terms`."""

    choice: str
    other: str | None = None
    value: str | None = None
    terms: Side = Side.LEFT


def side_named(site: Site, name: str) -> Side:
    """The side that a person named, by itself or by its system. Raises UsageError."""
    named = {site.systems[side].lower(): side.value for side in SIDES}
    found = named.get(name.lower(), name.lower())
    if found not in SIDES:
        names = " or ".join(f'{side.value} ("{site.systems[side]}")' for side in SIDES)
        raise UsageError(f"{name} is no side", why=f"it is {names}")
    return Side(found)


async def release_all(
    site: Site, numbers: Sequence[int], which: Which, choice: Choice, who: str
) -> list[Hold]:
    """Release the holds of these numbers, or all of a pair and a cause: all of them, or none.

    Raises UsageError if it is not clear which are meant, or there is none; else as `releasing`.
    """
    if choice.choice == "link" and len(numbers) != 1:
        raise UsageError("a link is for one hold", why="a record has one partner")
    return await site.store.write(releasing(site, _meant(site, numbers, which), choice, who))


def _meant(site: Site, numbers: Sequence[int], which: Which) -> Sequence[int]:
    """The numbers that were given, or those of all holds of a pair and a cause. Raises UsageError."""
    if bool(numbers) == bool(which.pair and which.cause) or (numbers and which != Which()):
        raise UsageError(
            "it has to be said which holds are meant",
            why="either their numbers, or both a pair and a cause",
            fix="instep holds list",
        )
    if numbers:
        return numbers
    check_which(site, which)
    found = [hold.id for hold, _ in holds_of(site, which)]
    if not found:
        raise NotThere(f"no such hold of {which.pair} has the cause {which.cause}", fix="instep holds list")
    return found


def releasing(site: Site, numbers: Sequence[int], choice: Choice, who: str) -> Callable[[Tx], list[Hold]]:
    """One transaction: every hold is released, or none. Raises NotThere and UsageError in it."""

    def work(tx: Tx) -> list[Hold]:
        return [_release(site, tx, number, choice, who) for number in numbers]

    return work


def _release(site: Site, tx: Tx, number: int, chosen: Choice, who: str) -> Hold:
    hold, link, _ = one_hold(tx, number)
    options = offered(site, tx, hold, link)
    if chosen.choice not in options:
        raise _senseless(hold, chosen.choice, options)
    if hold.cause == CAUSE:
        {"release": release_brake, "drop": drop_brake}[chosen.choice](tx, hold, now_ms())
        tx.append([_entry(hold, None, chosen.choice, who)])
        return hold
    release = release_of(hold, chosen.choice, at_ms=now_ms())
    if release.property != WHOLE:
        check_mapped(pair_of(site, hold.key.pair), hold)
        _check_stays_linked(tx, hold)
    tx.save_release(replace(release, value=_value(site, tx, hold, link, chosen)))
    tx.append([_entry(hold, link, chosen.choice, who)])
    tx.mark([hold.key], reason="a person chose", urgent=True)
    return hold


async def take_back(site: Site, numbers: Sequence[int], which: Which, who: str) -> list[Hold]:
    """Forget what was chosen for the holds of these numbers, or for all of a pair and a cause for which something
    was, as long as no run has applied it: of all of them, or of none. They wait for a person again.

    Raises NotThere if one is held no more, UsageError if nothing was chosen."""
    meant = _meant(site, numbers, which)

    def work(tx: Tx) -> list[Hold]:
        decided = numbers or [number for number in meant if one_hold(tx, number)[2]]
        if not decided:
            raise UsageError(
                f"nothing was decided about any hold of {which.pair} with the cause {which.cause}",
                fix="instep holds list",
            )
        return [_take_back(tx, number, who) for number in decided]

    return await site.store.write(work)


def _take_back(tx: Tx, number: int, who: str) -> Hold:
    hold, link, releases = one_hold(tx, number)
    if not releases:
        raise UsageError(f"nothing was decided about hold {number}", fix=f"instep holds show {number}")
    if _is_applied(tx, hold):
        raise UsageError(
            f"what was decided about hold {number} is being done",
            why="a run has begun with it",
            fix="let the run come to its end; what it has written can be undone: instep history --runs",
        )
    tx.drop_releases(hold.key, [release.property for release in releases])
    said = _entry(hold, link, "", who)
    tx.append([replace(said, reason=f"{hold.cause}: {who} took the decision back")])
    return hold


def _is_applied(tx: Tx, hold: Hold) -> bool:
    """Whether a run may be acting on what was chosen: it has a write on its way, or has opened the brake."""
    if hold.cause != CAUSE:
        return bool(tx.intents_of(hold.key))
    return any(run.finished_ms is None and goes_on(tx, run) for run in tx.runs(limit=5))


def _value(site: Site, tx: Tx, hold: Hold, link: Link | None, chosen: Choice) -> Json:
    if chosen.choice == "link":
        if not chosen.other:
            raise UsageError(
                f"hold {hold.id} can't be linked to nothing", fix="name the id of the record it is linked to"
            )
        _check_other(site, tx, hold, chosen.other)
        return chosen.other
    if link is not None and chosen.choice == "value":
        if chosen.value is None:
            raise UsageError(f"hold {hold.id} can't be released without a value", fix="give the value")
        return given_value(site, tx, hold, link, chosen.terms, chosen.value)
    if link is not None and chosen.choice == "restore":
        return restored_value(site, tx, hold, link)
    return None


def _entry(hold: Hold, link: Link | None, choice: str, who: str) -> Entry:
    """A person's choice as the journal keeps it; the values are those of the writes that follow."""
    partner = link.ids[hold.key.side.other] if link is not None else ""
    about = ({"property": hold.property},) if hold.property else ()
    return Entry(
        now_ms(),
        0,
        hold.key.pair,
        "release",
        "done",
        hold.key.side,
        hold.key.id,
        partner,
        link.id if link is not None else 0,
        f"{hold.cause}: {who} chose {choice}",
        about,
    )


def _senseless(hold: Hold, choice: str, options: Sequence[str]) -> UsageError:
    said = ", ".join(map(as_option, options))
    why = f"its cause is {hold.cause}, which is released by {said}"
    fix = f"instep holds show {hold.id}"
    if hold.cause == "reference":
        why, fix = "it waits for another record, and is released by itself once that one is linked", fix
    elif not options:
        why, fix = f"nothing can be chosen for the cause {hold.cause}", fix_of(hold)
    return UsageError(f"hold {hold.id} can't be released with {as_option(choice)}", why=why, fix=fix)


def _check_stays_linked(tx: Tx, hold: Hold) -> None:
    parting = next((r for r in tx.releases_of(hold.key) if r.property == WHOLE and r.choice in PARTING), None)
    if parting is not None:
        raise UsageError(
            f"nothing can be chosen for {hold.property} of {hold.key.pair} {hold.key.id} now",
            why=f"it was chosen that the record as a whole is to be parted: {parting.choice}",
            fix=f"take that back: instep holds take-back {hold.id}",
        )


def _check_other(site: Site, tx: Tx, hold: Hold, other: str) -> None:
    pair = pair_of(site, hold.key.pair)
    side = hold.key.side.other
    seen = tx.sighting(side, pair.entity[side], other)
    name = words.record(pair, site.systems, side, other)
    if seen is None or seen.deleted:
        raise UsageError(
            f"{hold.key.id} can't be linked to {name}",
            why="it was deleted" if seen is not None else "it was never seen",
            fix=f"choose an id that exists: instep holds show {hold.id}",
        )
    link = tx.link_of(pair.name, side, other)
    if link is not None:
        raise UsageError(
            f"{hold.key.id} can't be linked to {name}",
            why=f"it is linked already: {words.ids(link.ids)}",
            fix=f"remove that link first: instep links remove {pair.name} {other} --side {side.value}",
        )
