"""Links made and removed by a person. Each is one transaction, and is taken back by the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from instep.core.dataflow import Pair
from instep.core.match import BY_HAND, is_apart
from instep.core.model import SIDES, Both, Side
from instep.core.release import WHOLE, kept_apart
from instep.core.state import Key, Link
from instep.desk import words
from instep.desk.records import READ, near_ids, side_of
from instep.errors import NotThere, UsageError
from instep.runner.observe import wake_alike
from instep.runner.turn import linked
from instep.site import Site, now_ms
from instep.store.contract import AlreadyLinked, Entry, Tx


def link_of(site: Site, tx: Tx, pair: Pair, id: str, side: str | None) -> Link:
    """The link of a record. Raises NotThere if it has none, or as `side_of`."""
    found = side_of(site, tx, pair, id, side)
    link = tx.link_of(pair.name, found, id)
    if link is None:
        raise NotThere(
            f"{words.record(pair, site.systems, found, id)} has no partner",
            fix=f"why not? instep explain {pair.name} {id} --side {found.value}",
        )
    return link


def adding(site: Site, pair: Pair, ids: Both[str], who: str) -> Callable[[Tx], Link]:
    """Link two records; what differs is decided as at first contact. Raises NotThere or UsageError in it."""
    engine = site.engine()

    def work(tx: Tx) -> Link:
        for side in SIDES:
            _check_free(site, tx, pair, side, ids)
        try:
            link = tx.save_link(Link(0, pair.name, ids, made_ms=now_ms(), made_by=BY_HAND))
        except AlreadyLinked as error:
            raise _taken(pair, error.link) from None
        for side in SIDES:
            tx.drop_releases(Key(pair.name, side, ids[side]), [WHOLE])
        linked(engine, tx, link, by_hand(who))
        _look_again(tx, pair, zip(SIDES, ids, strict=True))
        tx.mark([Key(pair.name, Side.LEFT, ids.left)], reason="linked by hand", urgent=True)
        return link

    return work


def _look_again(tx: Tx, pair: Pair, ids: Iterable[tuple[Side, str]]) -> None:
    """Look again at what is held since it looks like one of these records."""
    for side, id in ids:
        wake_alike(tx, pair.name, tx.match_values(pair.name, side, id))


def by_hand(who: str) -> str:
    """The reason of an entry for what a person did."""
    return f"{BY_HAND}: {who}"


def _check_free(site: Site, tx: Tx, pair: Pair, side: Side, ids: Both[str]) -> None:
    seen = tx.sighting(side, pair.entity[side], ids[side])
    name = words.record(pair, site.systems, side, ids[side])
    if seen is None or seen.deleted:
        near = near_ids(tx, pair, side, ids[side]) if seen is None else []
        raise (NotThere if seen is None else UsageError)(
            f"{name} can't be linked",
            why="it was never seen" if seen is None else "it was deleted",
            fix=(f"did you mean {' or '.join(near)}? " if near else "") + READ,
        )
    link = tx.link_of(pair.name, side, ids[side])
    if link is not None:
        raise _taken(pair, link)
    if tx.intent_to(pair.name, side, ids[side]) is not None:
        raise UsageError(
            f"{name} can't be linked now",
            why="a write that creates it, or its partner, is on its way",
            fix="let it come to its end first: instep sync",
        )


def _taken(pair: Pair, link: Link) -> UsageError:
    return UsageError(
        f"{words.ids(link.ids)} are linked already",
        why="a record has one partner",
        fix=f"to undo it: instep links remove {pair.name} {link.ids.left} --side left",
    )


def removing(
    site: Site, pair: Pair, id: str, side: str | None, who: str, *, rematch: bool = False
) -> Callable[[Tx], Link]:
    """Remove a link; both records are kept apart from then on, unless `rematch`. Raises NotThere or UsageError."""

    def work(tx: Tx) -> Link:
        link = link_of(site, tx, pair, id, side)
        key = Key(pair.name, Side.LEFT, link.ids.left)
        if tx.intents_of(key):
            raise UsageError(
                f"{words.ids(link.ids)} can't be unlinked now",
                why="a write to one of them is on its way",
                fix="let it come to its end first: instep sync",
            )
        at_ms = now_ms()
        tx.drop_releases(key, [release.property for release in tx.releases_of(key)])
        tx.replace_holds(key, [])
        tx.remove_link(link.id)
        left, right = link.ids
        entry = Entry(at_ms, 0, pair.name, "unlink", "done", Side.LEFT, left, right, link.id, by_hand(who))
        tx.append([entry])
        keys = [Key(pair.name, s, link.ids[s]) for s in SIDES]
        for release in () if rematch else kept_apart(link, at_ms):
            tx.save_release(release)
        _look_again(tx, pair, zip(SIDES, link.ids, strict=True))
        tx.mark(keys, reason="unlinked by hand", urgent=True)
        return link

    return work


def matching_again(site: Site, pair: Pair, id: str, side: str | None, who: str) -> Callable[[Tx], Key]:
    """Let a record that is kept apart be matched again, as at first contact, with the one that it was parted from.
    Raises NotThere or UsageError."""

    def work(tx: Tx) -> Key:
        found = side_of(site, tx, pair, id, side)
        key = Key(pair.name, found, id)
        name = words.record(pair, site.systems, found, id)
        apart = [each for each in tx.releases_of(key) if is_apart([each])]
        if not apart or tx.link_of(pair.name, found, id) is not None:
            raise UsageError(f"{name} is not kept apart", why="nobody has chosen so")
        keys = [key]
        if apart[0].value is not None:
            former = Key(pair.name, found.other, str(apart[0].value))
            keys += (
                [former]
                if any(each.value == id for each in tx.releases_of(former) if is_apart([each]))
                else []
            )
        for each in keys:
            tx.drop_releases(each, [WHOLE])
            _look_again(tx, pair, [(each.side, each.id)])
        reason = f"kept apart no more: {who}"
        tx.append([Entry(now_ms(), 0, pair.name, "release", "done", found, id, "", 0, reason)])
        tx.mark(keys, reason="a person chose", urgent=True)
        return key

    return work
