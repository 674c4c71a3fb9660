"""What a measurement stands on: two sandbox servers, a site that connects them, and what the servers counted.

The servers answer at once and have no quota, so that what is measured is Instep. Not for the measuring itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal

from instep.dataflow.scaffold import Choices, scaffold
from instep.sandbox.launch import Running, start
from instep.sandbox.world import bulk_contacts, bulk_customers
from instep.sandbox.world.bulk import BEGIN_S
from instep.sandbox.world.goods import CATALOGUE, Good
from instep.sandbox.world.shapes import Record, item, item_families, item_price, product

SECRETS: Final = {"CHARGEBEE_API_KEY": "test_key", "ERP_TOKEN": "test_token"}
CURRENCY: Final = "EUR"
DEFAULT_LAG_S: Final = 300
NO_QUOTA: Final = "requests_per_minute: 100000"
PAGE: Final = 100
"""Records of a list request that the budget allows for: Chargebee's page. The sample ERP gives twice as many."""


@dataclass(frozen=True)
class Load:
    """What the servers are filled with: bodies of their `load`, in the order in which they need it."""

    chargebee: Mapping[str, Iterable[Record]]
    erp: Mapping[str, Iterable[Record]]


def contacts_in_chargebee(count: int) -> Load:
    return Load({"customers": bulk_customers(count)}, {})


def contacts_in_erp(count: int) -> Load:
    return Load({}, {"contacts": _numbered(bulk_contacts(count))})


def contacts_in_both(count: int) -> Load:
    return Load({"customers": bulk_customers(count)}, {"contacts": _numbered(bulk_contacts(count))})


def items_in_chargebee(count: int) -> Load:
    """Items with a price each."""
    return Load({"item_families": item_families(BEGIN_S), **_items(count)}, {})


def items_in_erp(count: int) -> Load:
    return Load({"item_families": item_families(BEGIN_S)}, {"products": _products(count)})


def items_in_both(count: int) -> Load:
    families = {"item_families": item_families(BEGIN_S)}
    return Load({**families, **_items(count)}, {"products": _products(count)})


def _items(count: int) -> dict[str, Iterable[Record]]:
    return {
        "items": (item(good, BEGIN_S + number // 3) for number, good in enumerate(_goods(count))),
        "item_prices": (
            item_price(good, CURRENCY, BEGIN_S + number // 3) for number, good in enumerate(_goods(count))
        ),
    }


def _products(count: int) -> Iterator[Record]:
    for number, good in enumerate(_goods(count)):
        at_s = BEGIN_S + number // 3
        made = product(good, at_s, at_s)
        yield {"id": erp_id(number), **made, "prices": {CURRENCY: made["prices"][CURRENCY]}}


def _goods(count: int) -> Iterator[Good]:
    """Goods that are sold once, as many as one likes: plans and add-ons would need a billing period."""
    models = [good for good in CATALOGUE if good.kind == "goods"]
    for number in range(count):
        model = models[number % len(models)]
        yield replace(model, code=f"bulk-{number:07d}", name=f"{model.name} {number}")


def _numbered(rows: Iterable[Record]) -> Iterator[Record]:
    for number, row in enumerate(rows):
        yield {"id": erp_id(number), **row}


def erp_id(number: int) -> str:
    return str(1_000_000 + number)


def chargebee_id(number: int) -> str:
    return f"bulk-{number:07d}"


def number_of(text: str) -> int:
    """The number of a record in its e-mail address or code."""
    found = re.search(r"(\d+)(?:@|$)", text)
    if found is None:
        raise ValueError(text)
    return int(found[1])


@dataclass(frozen=True)
class Requests:
    """What one server was asked: records listed page by page, records read alone, writes; by route."""

    lists: int
    reads: int
    writes: int
    refused: int
    by: Mapping[str, int]

    @classmethod
    def of(cls, counters: Mapping[str, Any]) -> Requests:
        by: dict[str, int] = {}
        counts = {"lists": 0, "reads": 0, "writes": 0}
        for row in counters["by"]:
            method, route, count = row["method"], row["route"], row["count"]
            kind = "writes" if method != "GET" else "reads" if route.endswith("}") else "lists"
            counts[kind] += count
            name = f"{method} {route}"
            by[name] = by.get(name, 0) + count
        return cls(counts["lists"], counts["reads"], counts["writes"], counters["refused"], by)


class Stage:
    """Two servers and a site in `directory`; a context manager that stops the servers."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._stack = ExitStack()
        self.chargebee: Running
        self.erp: Running

    def __enter__(self) -> Stage:
        servers, self.site = self.directory / "servers", self.directory / "site"
        servers.mkdir(parents=True)
        self.site.mkdir()
        with self._stack as stack:
            quiet = ["--switch", "rate_limit_per_min=0"]
            self.chargebee = stack.enter_context(start("chargebee", servers / "chargebee.db", options=quiet))
            self.erp = stack.enter_context(start("erp", servers / "erp.db"))
            self.configure()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def configure(
        self,
        list_lag_s: int = DEFAULT_LAG_S,
        currencies: Sequence[str] = (CURRENCY,),
        business_entities: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Write the site's files: the shipped dataflow and description, without quotas."""
        shipped = resources.files("instep.connectors.rest").joinpath("sample_erp.yaml").read_text("utf-8")
        choices = Choices(
            site="bench",
            chargebee_url=self.chargebee.url,
            erp_url=f"{self.erp.url}/api/v1",
            currencies=tuple(currencies),
            business_entities=business_entities,
        )
        texts = scaffold(choices, shipped.replace("requests_per_minute: 3000", NO_QUOTA))
        site = texts["instep.yaml"].replace("requests_per_minute: 150", NO_QUOTA)
        site = site.replace(f"list_lag_s: {DEFAULT_LAG_S}", f"list_lag_s: {list_lag_s}")
        for name, text in {**texts, "instep.yaml": site}.items():
            path = self.site / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def fill(self, load: Load) -> None:
        self.chargebee.load(load.chargebee)
        self.erp.load(load.erp)

    def edit(
        self, system: Literal["chargebee", "erp"], entity: str, ids: Iterable[str], change: Mapping[str, Any]
    ) -> None:
        """What people change at that system's screen, record by record."""
        server = self.chargebee if system == "chargebee" else self.erp
        for id in ids:
            server.console("PATCH", f"{entity}/{id}", dict(change))

    def reset(self) -> None:
        self.chargebee.reset_counters()
        self.erp.reset_counters()

    def counted(self) -> tuple[Requests, Requests]:
        """Requests since the last reset: of Chargebee, of the ERP."""
        return Requests.of(self.chargebee.counters()), Requests.of(self.erp.counters())


def pages(records: int) -> int:
    """List requests that so many records may cost."""
    return math.ceil(records / PAGE)
