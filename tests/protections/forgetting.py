"""Forgetting a person: what goes is what nothing needs, and what is left can be relied on."""

from __future__ import annotations

import json
from typing import Any

from instep.core.model import Both
from instep.core.values import encode
from instep.runner import forget as forgetting
from instep.runner.forget import forget, places_of
from instep.store import verify as verifying
from instep.store.verify import verify
from tests.runner.site import LEFT, RIGHT, Site, edited, pair

from .checks import must
from .notices import story
from .protection import Protection, put, wrap


async def _forget(site: Site, left: str) -> None:
    engine = site.runner.engine
    [found] = site.dataflow.pairs
    await site.store.write(lambda tx: forget(engine, tx, places_of(engine, tx, found, LEFT, left)))


async def partner_after_forgetting() -> list[str]:
    """A record that has no partner yet is forgotten, while its system still has it; then its partner comes."""
    site = Site(pair(create=Both(False, False)))
    left = site.put(LEFT, name="Ann", mail="a@x.example")
    await site.run()
    await _forget(site, left)
    await site.rest()
    right = site.put(RIGHT, title="Ann", mail="a@x.example")
    await site.rest()
    linked = [(link.ids.left, link.ids.right) for link in site.links()]
    return must("1", linked == [(left, right)], "a living record is not known again, since it was forgotten")


def _over_if_alone(tx: Any, place: Any) -> bool:
    linked = tx.link_of(place.pair.name, place.side, place.id) is not None
    return not linked or forgetting._at_rest(tx, place) is not None


async def values_in_a_forgotten_entry() -> list[str]:
    """Somebody puts values of their own into an entry whose values were erased, and with them their salt."""
    site = Site()
    left, _, _ = await edited(site)
    await _forget(site, left)
    [seq] = (entry.seq for entry in site.journal("update"))
    changes = encode([{"property": "phone", "old": ["1"], "new": ["666"]}]).decode()
    forged = {"changes": changes, "seq": seq}
    await site.store.write(
        lambda tx: tx._execute("update journal set changes = :changes where seq = :seq", forged)  # type: ignore[attr-defined]
    )
    trouble = site.store.read(verify).trouble
    return must("13", trouble, "values were put into an entry that was forgotten, and the journal verifies")


def _by_its_names(whole: Any) -> Any:
    def resealed(before: str, row: Any) -> str:
        if row["salt"] is None:
            names = [{"property": part["property"]} for part in json.loads(row["changes"])]
            row = {**row, "reason": "", "changes": encode(names).decode()}
        return str(whole(before, row))

    return resealed


PROTECTIONS = (
    Protection(
        "a living record is read as before",
        "runner/forget.py:_over",
        "a record that has no partner yet is forgotten, and never gets one",
        "1",
        put(forgetting, "_over", _over_if_alone),
        story(partner_after_forgetting),
    ),
    Protection(
        "a forgotten entry has no values",
        "store/chain.py:resealed",
        "values that somebody has made up stand in the journal, and it verifies",
        "13",
        wrap(verifying, "resealed", _by_its_names),
        story(values_in_a_forgotten_entry),
    ),
)
