"""How well fields that mean the same are found, with the shipped answers hidden: python -m bench.suggest

The made-up company of the demonstration, in both systems: before anything is linked, and after a first sync; and
the same with every name of Chargebee's replaced by a word that says nothing.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.stage import SECRETS, Stage
from instep.core.dataflow import Pair
from instep.core.model import Both, Entity, Record, Side
from instep.core.values import Json
from instep.dataflow.scaffold import CURRENCIES
from instep.dataflow.suggesting import Links, suggest
from instep.runner.sampling import sample
from instep.sandbox.world import build_world
from instep.site import Site, load_site

Paths = tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True)
class Measured:
    """`answers`: what the dataflow maps; `found`: what was suggested; each by its paths on both sides."""

    pair: str
    partners: int
    answers: frozenset[Paths]
    found: frozenset[Paths]
    took_s: float

    @property
    def right(self) -> int:
        return len(self.answers & self.found)


def precision(measured: Iterable[Measured]) -> float:
    """The share of what was suggested that the dataflow maps, too."""
    each = list(measured)
    return sum(one.right for one in each) / max(1, sum(len(one.found) for one in each))


def recall(measured: Iterable[Measured]) -> float:
    """The share of what the dataflow maps that was suggested."""
    each = list(measured)
    return sum(one.right for one in each) / sum(len(one.answers) for one in each)


async def measure(site: Site, *, names: bool = True) -> list[Measured]:
    """Every pair of a site, as if none had a property; without `names`, Chargebee's say nothing."""
    links, measured = Links(), []
    for pair in site.dataflow.pairs:
        sampled = await sample(site.connectors, site.existing_store(), pair, 500)
        links.known[pair.entity.left, pair.entity.right] = sampled.ids
        entities = sampled.entities
        hiding = Hiding(not names)
        partners = [Both(hiding.record(each.left), each.right) for each in sampled.partners]
        began_s = time.monotonic()
        found = suggest(entities.replace(Side.LEFT, hiding.entity(entities.left)), partners, links)
        took_s = time.monotonic() - began_s
        paths = frozenset((one.paths.left, one.paths.right) for one in found)
        measured.append(Measured(pair.name, len(partners), _answers(pair, hiding), paths, took_s))
    return measured


def _answers(pair: Pair, hiding: Hiding) -> frozenset[Paths]:
    return frozenset(
        (tuple(hiding.path(path) for path in prop.parts.left.fields), prop.parts.right.fields)
        for prop in pair.properties
    )


class Hiding:
    """Replaces every word of a path, always by the same one; `id` stays, since every record has one."""

    def __init__(self, on: bool) -> None:
        self.on = on
        self._words: dict[str, str] = {"id": "id"}

    def path(self, path: str) -> str:
        return ".".join(self._word(word) for word in path.split("."))

    def entity(self, entity: Entity) -> Entity:
        fields = tuple(replace(field, path=self.path(field.path)) for field in entity.fields)
        return replace(entity, fields=fields)

    def record(self, record: Record) -> Record:
        return replace(record, fields=self._object(record.fields))

    def _object(self, fields: Mapping[str, Json]) -> dict[str, Json]:
        return {self._word(name): self._value(value) for name, value in fields.items()}

    def _value(self, value: Json) -> Json:
        if isinstance(value, dict):
            return self._object(value)
        return [self._value(one) for one in value] if isinstance(value, list) else value

    def _word(self, word: str) -> str:
        if not self.on:
            return word
        return self._words.setdefault(word, f"q{len(self._words):03d}")


def told(case: str, measured: Sequence[Measured]) -> str:
    """A row of the table."""
    partners = ", ".join(str(one.partners) for one in measured)
    took_s = sum(one.took_s for one in measured)
    return f"| {case} | {partners} | {precision(measured):.2f} | {recall(measured):.2f} | {took_s:.1f} |"


async def main() -> None:
    os.environ.update(SECRETS)
    world = build_world(1)
    with tempfile.TemporaryDirectory() as directory, Stage(Path(directory) / "stage") as stage:
        known = [(row["id"], row["name"]) for row in world.chargebee["business_entities"]]
        stage.configure(currencies=CURRENCIES, business_entities=known)
        stage.chargebee.load(world.chargebee)
        stage.erp.load(world.erp)
        print("| case | partners per pair | precision | recall | s |\n|---|---|---:|---:|---:|")
        site = load_site(stage.site)
        try:
            print(told("nothing is linked yet", await measure(site)))
            print(told("nothing is linked yet, no name tells", await measure(site, names=False)))
            await site.runner().run()
            print(told("after a first sync", await measure(site)))
            print(told("after a first sync, no name tells", await measure(site, names=False)))
        finally:
            await site.close()


if __name__ == "__main__":
    asyncio.run(main())
