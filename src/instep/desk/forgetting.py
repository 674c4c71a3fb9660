"""Erasing one person's values from the store: what would go, and doing it."""

from __future__ import annotations

from dataclasses import dataclass

from instep.core.dataflow import Pair
from instep.core.model import Side
from instep.desk.deciding import decided
from instep.runner.engine import Engine
from instep.runner.forget import Forgotten, forget, places_of, to_forget
from instep.site import Site
from instep.store.contract import Tx


@dataclass(frozen=True, slots=True)
class Person:
    """A record that stands for a person; `only`: without the one that it is linked with."""

    pair: Pair
    side: Side
    id: str
    only: bool = False


def would_forget(site: Site, tx: Tx, person: Person) -> Forgotten:
    """Raises UsageError while a write to one of the records is in doubt."""
    places = places_of(site.engine(), tx, person.pair, person.side, person.id, only=person.only)
    return to_forget(tx, places)


async def forget_now(site: Site, engine: Engine, person: Person, who: str) -> Forgotten:
    """Erase it, under the lease that the caller has, and leave no byte of it in the files. Can't be taken back."""

    def work(tx: Tx) -> Forgotten:
        places = places_of(engine, tx, person.pair, person.side, person.id, only=person.only)
        return forget(engine, tx, places)

    done = await site.store.write(work)
    await decided(site, who, f"let {person.pair.name} {person.id} be forgotten", pair=person.pair.name)
    await site.store.scrub()
    return done
