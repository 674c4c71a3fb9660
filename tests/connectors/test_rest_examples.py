"""The shipped descriptions of public APIs, against answers in the shapes that their documentation shows.

`recorded/*.json` hold no traffic of anybody's system: they were written by hand from the documentation and sources
that the head of each description names, with made-up records.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from instep.connectors.contract import CreateKey
from instep.connectors.rest import Description, RestConnector
from instep.connectors.rest.auth import authorizer
from instep.core.model import Record
from instep.dataflow import yaml
from instep.dataflow.files import validate
from instep.errors import Gone, Moved, OutcomeError, Refused, Taken
from instep.testing.recording import Replay, replaying

from .rest_erp import no_sleep

RECORDED = Path(__file__).parent / "recorded"
NAMES = ("erpnext", "woocommerce")
ROOTS = {"erpnext": "/api", "woocommerce": "/wp-json/wc/v3"}


def described(name: str) -> Description:
    """As a site reads it."""
    text = files("instep.connectors.rest").joinpath("examples", f"{name}.yaml").read_text("utf-8")
    return validate(yaml.read(text, name), Description)


@asynccontextmanager
async def system(name: str, scenario: str) -> AsyncIterator[tuple[Replay, RestConnector]]:
    """The example against one recorded scenario, with two rows to a page."""
    recording = json.loads((RECORDED / f"{name}.json").read_text("utf-8"))[scenario]
    description = described(name)
    entities: dict[str, Any] = {}
    for entity, each in description.entities.items():
        assert each.list is not None
        paging = each.list.paging.model_copy(update={"size": 2})
        entities[entity] = each.model_copy(update={"list": each.list.model_copy(update={"paging": paging})})
    async with replaying(recording) as replay:
        url = replay.url + ROOTS[name]
        connector = RestConnector(
            description.model_copy(update={"base_url": url, "entities": entities}),
            lambda reference: reference.lower(),
            name=name,
            sleep=no_sleep,
        )
        try:
            yield replay, connector
        finally:
            await connector.close()
        replay.check()


async def listed(connector: RestConnector, entity: str, cursor: str | None = None) -> dict[str, Record]:
    return {r.id: r async for page in connector.list(entity, cursor) for r in page.records}


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_a_description_that_names_its_sources_and_no_secret(name: str) -> None:
    text = files("instep.connectors.rest").joinpath("examples", f"{name}.yaml").read_text("utf-8")
    description = described(name)
    assert "written from its documentation and sources" in text
    assert len(description.entities) >= 3
    assert str(description.base_url).startswith("https://") and "example" in description.base_url


async def test_erpnext_s_key_is_sent_in_its_own_way() -> None:
    found = authorizer(described("erpnext").auth, lambda _: "k:s", lambda _: pytest.fail("no request"))
    assert await found.headers(None) == {"Authorization": "token k:s"}  # type: ignore[arg-type]


async def test_erpnext_lists_from_the_last_moment_in_its_own_time() -> None:
    async with system("erpnext", "list") as (_, connector):
        found = await listed(connector, "customer")
        assert {id: r.fields["customer_name"] for id, r in found.items()} == {
            "CUST-2025-00001": "Grant Plastics Ltd.",
            "CUST-2025-00002": "Nordlys AS",
            "CUST-2025-00003": "Fjord & Fjell",
        }
        assert found["CUST-2025-00002"].updated_ms == 1_748_854_800_000  # 09:00 UTC: Oslo's summer
        assert found["CUST-2025-00003"].fields["disabled"] == 1


NEW = {
    "customer_name": "Ny Kunde",
    "customer_type": "Company",
    "customer_group": "Commercial",
    "territory": "Norway",
}


async def test_erpnext_makes_a_customer_once_and_finds_it_by_our_reference() -> None:
    key = CreateKey(id="", marker="instep-1", idempotency="k")
    async with system("erpnext", "create") as (_, connector):
        made = await connector.create("customer", NEW, key)
        assert made.id == "CUST-2025-00004"
        with pytest.raises(Taken, match="was not created") as taken:
            await connector.create("customer", NEW, key)
        assert "Instep Ref must be unique" in taken.value.why
        assert [r.id for r in await connector.find("customer", "custom_instep_ref", "instep-1")] == [made.id]


async def test_erpnext_refuses_to_overwrite_a_later_save() -> None:
    async with system("erpnext", "update") as (_, connector):
        id = "CUST-2025-00001"
        seen = await connector.read("customer", id)
        site = {"website": "https://grant.example"}
        after = await connector.update("customer", id, site, seen=seen, idempotency="")
        assert after.fields["website"] == "https://grant.example"
        with pytest.raises(Moved, match="was not updated") as moved:
            await connector.retire("customer", id, seen=seen, idempotency="")
        assert "modified after you have opened it" in moved.value.why
        with pytest.raises(Gone):
            await connector.read("customer", "CUST-2025-00009")
        with pytest.raises(Refused) as refused:
            await connector.update("customer", id, {"territory": "Atlantis"}, seen=after, idempotency="")
        assert "Could not find Territory: Atlantis" in refused.value.why


async def test_erpnext_s_child_tables_keep_their_other_rows() -> None:
    id = "Ada Lovelace-Grant Plastics Ltd."
    async with system("erpnext", "contact") as (_, connector):
        seen = await connector.read("contact", id)
        assert (seen.fields["customer"], seen.fields["email_id"]) == ("CUST-2025-00001", "ada@example.com")
        changed = {"email_id": "ada@new.example"}
        after = await connector.update("contact", id, changed, seen=seen, idempotency="")
        assert after.fields["email_id"] == "ada@new.example"


async def test_erpnext_s_orders_are_listed_without_lines_and_read_with_them() -> None:
    async with system("erpnext", "order") as (_, connector):
        [hint] = (await listed(connector, "sales_order")).values()
        assert not hint.complete
        order = await connector.read("sales_order", hint.id)
        assert [line["item_code"] for line in order.fields["items"]] == ["BOLT-10"]  # type: ignore[index, union-attr, call-overload]


async def test_woocommerce_s_customers_are_all_read_by_the_number_of_pages() -> None:
    async with system("woocommerce", "list") as (_, connector):
        found = await listed(connector, "customer")
        assert set(found) == {"25", "26", "27"}
        assert found["25"].fields["billing"]["city"] == "Rio de Janeiro"  # type: ignore[index, call-overload]
        assert (found["25"].updated_ms, found["27"].updated_ms) == (1_490_123_476_000, None)


async def test_woocommerce_s_products_are_followed_by_their_last_change() -> None:
    async with system("woocommerce", "product list") as (_, connector):
        pages = [page async for page in connector.list("product", None)]
        assert {r.id for page in pages for r in page.records} == {"794", "795", "796"}
        assert set(await listed(connector, "product", pages[-1].cursor)) == {"796"}


async def test_woocommerce_says_what_became_of_a_write() -> None:
    async with system("woocommerce", "write") as (_, connector):
        seen = Record("794", {})
        after = await connector.update(
            "product", "794", {"regular_price": "24.54"}, seen=seen, idempotency=""
        )
        assert after.fields["price"] == "24.54"
        after = await connector.update(
            "product", "794", {"short_description": None}, seen=seen, idempotency=""
        )
        assert after.fields["short_description"] is None
        with pytest.raises(Taken) as taken:
            await connector.create("product", {"name": "Bolt", "sku": "SKU-794"}, CreateKey("", "", ""))
        assert taken.value.existing_id == "794"
        with pytest.raises(Gone):
            await connector.update("product", "799", {"name": "x"}, seen=Record("799", {}), idempotency="")
        with pytest.raises(Gone):
            await connector.read("product", "799")
        retired = await connector.retire("product", "794", seen=seen, idempotency="")
        assert retired.fields["status"] == "draft"


async def test_woocommerce_tells_the_outcome_of_each_of_many_writes() -> None:
    async with system("woocommerce", "batch") as (_, connector):

        async def update(id: str, **changes: Any) -> Record | OutcomeError:
            try:
                return await connector.update("product", id, changes, seen=Record(id, {}), idempotency="")
            except OutcomeError as error:
                return error

        calls = [
            update("794", weight="2"),
            update("795", sku="SKU-794"),
            update("799", weight="3"),
        ]
        done, taken, gone = await asyncio.gather(*calls)
        assert isinstance(done, Record) and done.fields["weight"] == "2"
        assert isinstance(taken, Taken) and taken.existing_id == "794"
        assert isinstance(gone, Gone)
