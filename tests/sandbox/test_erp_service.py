"""Versions, identity, settings, console and description of the sample ERP."""

from __future__ import annotations

import base64
import time
from typing import Any

import aiohttp
import pytest

from instep.sandbox.erp.identity import USER
from instep.sandbox.erp.server import DEFAULT_TOKEN
from tests.sandbox.erp_app import LEAST, erp

BASIC = "Basic " + base64.b64encode(f"{USER}:{DEFAULT_TOKEN}".encode()).decode()


async def test_a_write_with_the_version_that_was_read_goes_through_once() -> None:
    async with erp() as here:
        made = await here.make("contacts")
        path = f"contacts/{made['id']}"
        tag = (await here.ask("GET", path)).headers["ETag"]
        assert tag == '"1"'
        first = await here.ask("PATCH", path, {"notes": "a"}, headers={"If-Match": tag})
        assert (first.status, first.headers["ETag"]) == (200, '"2"')
        second = await here.ask("PATCH", path, {"notes": "b"}, headers={"If-Match": tag})
        assert (second.status, second.codes()) == (412, {"version": "version_mismatch"})
        assert (await here.ask("DELETE", path, headers={"If-Match": tag})).status == 412
        assert (await here.read(path))["notes"] == "a"
        assert (await here.ask("PATCH", path, {"notes": "c"}, headers={"If-Match": "*"})).status == 200


async def test_a_read_of_what_is_known_already_is_answered_304() -> None:
    async with erp() as here:
        made = await here.make("contacts")
        answer = await here.ask("GET", f"contacts/{made['id']}", headers={"If-None-Match": '"1"'})
        assert (answer.status, answer.body) == (304, b"")


async def test_a_write_without_if_match_can_be_refused() -> None:
    async with erp(require_if_match=True) as here:
        made = await here.make("contacts")
        path = f"contacts/{made['id']}"
        for method, body in (("PATCH", {"notes": "x"}), ("DELETE", None)):
            answer = await here.ask(method, path, body)
            assert (answer.status, answer.codes()) == (428, {None: "precondition_required"})
        assert (await here.ask("PATCH", path, {"notes": "x"}, headers={"If-Match": '"1"'})).status == 200


async def test_etags_and_versions_can_be_missing() -> None:
    async with erp(etags=False, versions=False) as here:
        made = await here.make("contacts")
        assert "version" not in made
        answer = await here.ask("GET", f"contacts/{made['id']}")
        assert "ETag" not in answer.headers
        assert "version" not in (await here.read("contacts"))["items"][0]
        stale = {"If-Match": '"77"'}
        assert (
            await here.ask("PATCH", f"contacts/{made['id']}", {"notes": "x"}, headers=stale)
        ).status == 200


@pytest.mark.parametrize(("bump", "version"), [(False, 1), (True, 2)])
async def test_a_change_that_changes_nothing_makes_a_version_only_if_set_so(bump: bool, version: int) -> None:
    async with erp(bump_unchanged=bump) as here:
        made = await here.make("contacts", notes="x")
        answer = await here.ask("PATCH", f"contacts/{made['id']}", {"notes": "x"})
        assert answer.body["version"] == version


async def test_a_server_that_normalises_gives_back_other_values_than_it_got() -> None:
    async with erp(normalise=True) as here:
        made = await here.make(
            "contacts",
            family_name="  Kern ",
            email="Ida@Example.test",
            address={"postal_code": "sw1a 1aa", "city": "London "},
        )
        assert (made["family_name"], made["email"]) == ("Kern", "ida@example.test")
        assert (await here.ask("POST", "contacts", {"family_name": "  "})).status == 422
        assert (made["address"]["postal_code"], made["address"]["city"]) == ("SW1A 1AA", "London")


@pytest.mark.parametrize(
    ("way", "headers"),
    [
        ("bearer", {"Authorization": f"Bearer {DEFAULT_TOKEN}"}),
        ("basic", {"Authorization": BASIC}),
        ("api_key", {"X-Api-Key": DEFAULT_TOKEN}),
    ],
)
async def test_a_proof_of_identity_counts_only_where_its_way_is_open(
    way: str, headers: dict[str, str]
) -> None:
    async with erp() as here:
        for open_ways, status in (([way], 200), (["oauth"], 401), ([], 200)):
            await here.set(auth=open_ways)
            assert (await here.raw("GET", "/api/v1/contacts", headers=headers)).status == status


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic " + base64.b64encode(b"someone:" + DEFAULT_TOKEN.encode()).decode()},
        {"X-Api-Key": "wrong"},
    ],
)
async def test_a_client_without_proof_is_refused(headers: dict[str, str]) -> None:
    async with erp(auth=["bearer", "basic", "api_key", "oauth"]) as here:
        for method, path in (("GET", "contacts"), ("POST", "contacts"), ("PATCH", "contacts/1001")):
            answer = await here.raw(method, f"/api/v1/{path}", headers=headers)
            assert (answer.status, answer.codes()) == (401, {None: "unauthorised"})
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_token_of_client_credentials_works_until_it_expires() -> None:
    async with erp(auth=["oauth"], token_ttl_s=60) as here:
        form = {"grant_type": "client_credentials", "client_id": USER, "client_secret": DEFAULT_TOKEN}
        granted = await here.raw("POST", "/oauth/token", data=form)
        assert (granted.status, granted.body["token_type"], granted.body["expires_in"]) == (200, "Bearer", 60)
        proof = {"Authorization": f"Bearer {granted.body['access_token']}"}
        assert (await here.raw("GET", "/api/v1/contacts", headers=proof)).status == 200
        await here.console("POST", "clock", {"advance_s": 61})
        assert (await here.raw("GET", "/api/v1/contacts", headers=proof)).status == 401


async def test_a_token_is_granted_to_the_known_client_only() -> None:
    async with erp(auth=["oauth"]) as here:
        grant = {"grant_type": "client_credentials"}
        in_header = await here.raw("POST", "/oauth/token", data=grant, headers={"Authorization": BASIC})
        assert in_header.status == 200
        wrong = {**grant, "client_id": USER, "client_secret": "x"}
        assert (await here.raw("POST", "/oauth/token", data=wrong)).status == 401
        password = {"grant_type": "password"}
        assert (await here.raw("POST", "/oauth/token", data=password)).status == 400
        await here.set(auth=["bearer"])
        assert (await here.raw("POST", "/oauth/token", data=grant)).status == 404


async def test_an_unknown_address_or_method_is_refused_in_json() -> None:
    async with erp() as here:
        for method, path, status in (("GET", "/nowhere", 404), ("PUT", "/api/v1/contacts", 405)):
            answer = await here.raw(method, path)
            assert (answer.status, answer.body["errors"][0]["field"]) == (status, None)


async def test_a_wrong_setting_is_refused() -> None:
    async with erp() as here:
        for wrong in ({"list_lag_ms": -1}, {"colour": "red"}, {"auth": ["magic"]}, {"etags": "no"}):
            assert (await here.raw("POST", "/_console/settings", wrong)).status == 400
        assert (await here.console("GET", "settings"))["list_lag_ms"] == 0


async def test_a_person_at_the_console_edits_records_and_is_remembered() -> None:
    async with erp(require_if_match=True, auth=["oauth"]) as here:
        as_kari = {"headers": {"X-Author": "kari"}}
        made = await here.console("POST", "contacts", {"family_name": "Kern"}, **as_kari)
        path = f"contacts/{made['id']}"
        changed = await here.console("PATCH", path, {"notes": "called"}, **as_kari)
        assert (changed["notes"], changed["version"]) == ("called", 2)
        assert await here.console("GET", path) == changed
        await here.console("DELETE", path)
        history = (await here.console("GET", f"history?entity=contacts&id={made['id']}"))["history"]
        assert [(entry["author"], entry["action"], entry["version"]) for entry in history] == [
            ("kari", "create", 1),
            ("kari", "change", 2),
            ("someone at the console", "delete", 3),
        ]
        assert history[1]["changes"] == {"notes": [None, "called"]}
        newer = (await here.console("GET", f"history?after={history[0]['number']}&limit=1"))["history"]
        assert newer == history[1:2]


async def test_the_console_refuses_what_the_api_would_refuse() -> None:
    async with erp() as here:
        made = await here.make("contacts")
        for method, path, body, status in (
            ("PATCH", f"contacts/{made['id']}", {"payment_terms_days": 7}, 422),
            ("PATCH", "contacts/7", {}, 404),
            ("GET", "contacts/7", None, 404),
            ("DELETE", "contacts/7", None, 404),
            ("POST", "contacts", {}, 422),
            ("POST", "planets", {}, 404),
            ("GET", "records/planets", None, 404),
        ):
            assert (await here.raw(method, f"/_console/{path}", body)).status == status


async def test_writes_through_the_api_are_remembered_as_such() -> None:
    async with erp() as here:
        made = await here.make("contacts")
        await here.ask("PATCH", f"contacts/{made['id']}", {"notes": "x"})
        history = (await here.console("GET", "history"))["history"]
        assert [entry["author"] for entry in history] == ["api", "api"]


async def test_a_load_keeps_given_ids_and_moments_and_fills_in_the_rest() -> None:
    async with erp() as here:
        then = {"created_at": "2024-01-01T00:00:00.000Z", "updated_at": "2025-01-01T00:00:00.000Z"}
        told = {"created_at": "2024-01-01", "updated_at": "2025-01-01T01:00:00+01:00"}
        loaded = await here.console(
            "POST",
            "load",
            {
                "orders": [{"contact_id": "2001", "order_date": "2025-01-01", "number": "SO-2025-00042"}],
                "contacts": [
                    {"family_name": "Kern", "id": "2001", "version": 7, **told},
                    {"family_name": "B"},
                ],
            },
        )
        assert loaded == {"loaded": {"contacts": 2, "orders": 1}}
        kern = await here.read("contacts/2001")
        assert {name: kern[name] for name in ("version", *then)} == {"version": 7, **then}
        assert kern["address"]["city"] is None
        assert (await here.read("orders/1001"))["number"] == "SO-2025-00042"
        assert int((await here.make("contacts"))["id"]) > 2001


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"contacts": [{"family_name": "A"}, {"family_name": ""}]}, 422, "contacts.1.family_name"),
        ({"contacts": [{"family_name": "A", "customer_id": "9"}]}, 422, "contacts.0.customer_id"),
        (
            {"customers": [{"name": "A"}], "products": [LEAST["products"], LEAST["products"]]},
            409,
            "code",
        ),
    ],
)
async def test_a_load_with_a_mistake_keeps_nothing(body: dict[str, Any], status: int, field: str) -> None:
    async with erp() as here:
        answer = await here.raw("POST", "/_console/load", body)
        assert (answer.status, answer.body["errors"][0]["field"]) == (status, field)
        for entity in body:
            assert (await here.console("GET", f"records/{entity}"))["records"] == []


async def test_a_load_of_what_is_no_record_is_refused() -> None:
    async with erp() as here:
        for body in (
            {"planets": []},
            {"contacts": 5},
            {"contacts": [{"family_name": "A", "id": "abc"}]},
            [1],
        ):
            assert (await here.raw("POST", "/_console/load", body)).status == 400


async def test_ten_thousand_contacts_are_loaded_within_three_seconds() -> None:
    async with erp() as here:
        rows = [
            {"family_name": f"K{n}", "email": f"k{n}@example.test", "external_ref": f"r{n}"}
            for n in range(10_000)
        ]
        begun = time.process_time()
        await here.console("POST", "load", {"contacts": rows})
        assert time.process_time() - begun < 3
        assert (await here.read("contacts", page_size="1"))["total"] == 10_000
        records = (await here.console("GET", "records/contacts"))["records"]
        assert len({record["id"] for record in records}) == 10_000


async def test_all_records_are_shown_to_an_oracle_deleted_ones_too() -> None:
    async with erp() as here:
        kept = await here.make("contacts")
        gone = await here.make("contacts")
        await here.ask("DELETE", f"contacts/{gone['id']}")
        records = (await here.console("GET", "records/contacts"))["records"]
        assert [record["id"] for record in records] == [kept["id"], gone["id"]]
        assert records[1]["deleted"] is True


async def test_the_description_names_every_request_field_and_limit() -> None:
    async with erp() as here:
        document = (await here.raw("GET", "/openapi.json")).body
        assert document["openapi"].startswith("3.1")
        paths = {path: set(operations) for path, operations in document["paths"].items()}
        for entity in ("customers", "contacts", "products", "orders"):
            assert paths[f"/api/v1/{entity}"] == {"get", "post"}
            assert paths[f"/api/v1/{entity}/{{id}}"] == {"get", "patch", "delete"}
        assert not any(path.startswith("/_console") for path in paths)
        schemas = document["components"]["schemas"]
        assert schemas["ContactCreate"]["required"] == ["family_name"]
        family = schemas["ContactFields"]["properties"]["family_name"]
        assert (family["maxLength"], family["type"]) == (60, "string")
        contact = await here.make("contacts")
        assert set(schemas["Contact"]["properties"]) == set(contact)
        order = await here.make("orders", contact_id=contact["id"])
        assert set(schemas["Order"]["properties"]) == set(order)
        assert set(document["components"]["securitySchemes"]) == {"bearer", "basic", "api_key", "oauth"}


async def test_every_reference_in_the_description_leads_somewhere() -> None:
    def references(node: Any) -> set[str]:
        if isinstance(node, dict):
            own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
            return own.union(*(references(value) for value in node.values()))
        if isinstance(node, list):
            return set().union(*(references(value) for value in node))
        return set()

    async with erp() as here:
        document = (await here.raw("GET", "/openapi.json")).body
        names = {reference.removeprefix("#/components/schemas/") for reference in references(document)}
        assert names
        assert names <= set(document["components"]["schemas"])
        good = {
            status
            for operations in document["paths"].values()
            for operation in operations.values()
            for status in operation["responses"]
            if status.startswith("2")
        }
        assert good == {"200", "201", "204"}


async def test_requests_are_counted_by_route() -> None:
    async with erp() as here:
        made = await here.make("contacts")
        for _ in range(3):
            await here.read(f"contacts/{made['id']}")
        counts = await here.console("GET", "counters")
        assert counts["by"] == [
            {"method": "GET", "route": "/api/v1/contacts/{id}", "status": 200, "count": 3},
            {"method": "POST", "route": "/api/v1/contacts", "status": 201, "count": 1},
        ]


async def test_a_fault_after_the_work_leaves_a_record_behind() -> None:
    async with erp() as here:
        rule = {"match": {"method": "POST"}, "times": 1, "effect": {"kind": "drop_after_apply"}}
        await here.console("POST", "faults", rule)
        with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
            await here.make("contacts", external_ref="x")
        assert (await here.read("contacts", external_ref="x"))["total"] == 1
