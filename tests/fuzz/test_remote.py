"""What other systems send, and what is kept of it: webhooks, headers, pages, OpenAPI documents, cursors.

Bodies of records are spoilt over real HTTP in `tests/connectors/test_misbehaving.py`.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from instep.connectors.chargebee.hints import hinted
from instep.connectors.chargebee.listing import Mark
from instep.connectors.clock import Skew, http_date_ms, retry_after_s, used_up_s
from instep.connectors.exchange import redact
from instep.connectors.http import Answer
from instep.connectors.memory import MemoryConnector
from instep.connectors.memory_system import MemorySystem
from instep.connectors.rest import Description, webhooks
from instep.connectors.rest.moments import read_moment
from instep.connectors.rest.openapi.document import read_document
from instep.connectors.rest.paging import Paging, next_token, page_query, total_of
from instep.connectors.rest.pointers import at, put, text_at
from instep.connectors.rest.walk import Cursor
from instep.connectors.sql.keys import key_of
from instep.connectors.tryton.reading import Cursor as TrytonCursor
from instep.connectors.webhooks import Call
from instep.core.model import Abilities, Entity, Field
from instep.core.values import encode
from tests.databases.company import SqliteCompany, described

from .law import quick, told
from .texts import json_values, odd_texts, scalars, spoilt, spoilt_bytes, spoilt_json

NOW_MS = 1_763_850_000_000
EVENT = {
    "id": "ev_1",
    "event_type": "customer_changed",
    "content": {"customer": {"id": "c1", "email": "a@x.example"}, "item_price": {"id": "p", "item_id": "i1"}},
}


@quick(250)
@given(st.one_of(spoilt_json(EVENT), spoilt_bytes(json.dumps(EVENT).encode()), st.binary(max_size=30)))
@example(b"[" * 100_000)
@example(b'{"content":' * 2_000)
def test_any_webhook_hints_at_records_or_is_refused_in_words(body: bytes) -> None:
    for hint in told(lambda: hinted(body)) or ():
        assert hint.entity in ("business_entity", "customer", "item", "order")
        assert 0 < len(hint.id) <= 100


TOLD = Description.model_validate(
    {
        "base_url": "https://erp.example",
        "webhooks": {
            "proof": {"kind": "bearer", "token": "env:T"},
            "events": "events",
            "entity": "type",
            "entities": {"contact.*": "contact"},
            "ids": ["record.id", "record.merged_into"],
            "version": "record.version",
        },
        "entities": {"contact": {"path": "/contacts", "fields": [{"path": "email", "type": "text"}]}},
    }
)
CHANGED = {"events": [{"type": "contact.x", "record": {"id": "1", "version": 3, "merged_into": 2}}]}


@quick(300)
@given(st.one_of(spoilt_json(CHANGED), spoilt_bytes(encode(CHANGED)), st.binary(max_size=200)))
@example(b"[" * 100_000)
@example(b'{"events":' * 2_000)
def test_any_webhook_of_a_described_system_hints_at_records_or_is_refused_in_words(body: bytes) -> None:
    for hint in told(lambda: webhooks.hinted(TOLD, Call({}, body=body))) or ():
        assert hint.entity == "contact"
        assert 0 < len(hint.id) <= 255
        assert hint.version is None or 0 <= hint.version < 2**63


headers = st.one_of(
    odd_texts,
    st.sampled_from(
        [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "120",
            "limit=9, remaining=0, reset=30",
            '<https://x/a?p=2>; rel="next"',
            "1763850000",
        ]
    ).flatmap(spoilt),
)


@quick(300)
@given(headers, st.sampled_from(["ratelimit", "x-ratelimit-reset", "x-ratelimit-remaining"]), headers)
@example("Sun, 06 Nov 99999 08:49:37 GMT", "ratelimit", "")
@example("Sun, 06 Nov 1994 08:49:37 +9999", "ratelimit", "")
def test_any_header_of_time_is_a_time_or_none(text: str, name: str, more: str) -> None:
    found = told(lambda: http_date_ms(text))
    assert found is None or isinstance(found, int)
    wait = told(lambda: retry_after_s(text, NOW_MS))
    assert wait is None or wait >= 0
    used_up = told(
        lambda: used_up_s({"x-ratelimit-remaining": "0", "x-ratelimit-reset": text, name: more}, NOW_MS)
    )
    assert used_up is None or 0 <= used_up <= 3600
    told(lambda: Skew().observe(text, NOW_MS, NOW_MS + 10))


@quick(150)
@given(
    st.one_of(scalars, odd_texts, st.just("2026-01-31T12:00:00Z").flatmap(spoilt)),
    st.sampled_from(["iso", "date", "epoch_s", "epoch_ms"]),
)
def test_any_value_is_a_moment_or_none(value: Any, format: str) -> None:
    found = told(lambda: read_moment(value, format))
    assert found is None or 0 <= found < 253_402_300_800_000


@quick(200)
@given(
    json_values,
    st.one_of(odd_texts, st.sampled_from(["data.0.name", "a[b=c].d", "x.99999999999"]).flatmap(spoilt)),
)
@example([1], "9" * 5_000)
@example({}, "a.999999999")
@example({}, "a." * 99)
def test_any_pointer_leads_to_a_value_or_nowhere(value: Any, pointer: str) -> None:
    pointer = pointer[:5_000] if "." not in pointer else pointer[:300]  # as much as a description may have
    told(lambda: at(value, pointer))
    assert isinstance(told(lambda: text_at(value, pointer)), str)
    body: dict[str, Any] = {}
    told(lambda: put(body, pointer, "x"))
    assert len(repr(body)) < 10_000 + 10 * len(pointer)


PAGINGS = [
    {"kind": "none"},
    {"kind": "page", "total": "total", "pages": "pages"},
    {"kind": "page", "next": "next"},
    {"kind": "offset", "size": 10, "size_param": "limit", "total": "total"},
    {"kind": "cursor", "next": "next", "more": "more"},
    {"kind": "link"},
    {"kind": "link", "next": "next"},
    {"kind": "keyset", "param": "after", "field": "id", "more": "more"},
    {"kind": "custom", "first": {"page": 1}, "next": {"page": "{page + 1}"}, "more": "more"},
    {"kind": "custom", "first": {}, "next": {"cursor": "{answer.next ? cursor}", "at": "{last.id}"}},
]
pagings = st.sampled_from(PAGINGS).map(TypeAdapter(Paging).validate_python)
pages = st.fixed_dictionaries(
    {},
    optional={
        name: st.one_of(scalars, odd_texts, json_values) for name in ("next", "total", "pages", "more")
    },
)
rows = st.lists(
    st.one_of(json_values, st.fixed_dictionaries({"id": st.one_of(scalars, odd_texts)})), max_size=3
)


@quick(400)
@given(pagings, pages, rows, headers, st.one_of(st.just(""), odd_texts, st.just("7"), st.just('{"page": 2}')))
def test_any_page_leads_to_another_or_is_the_last(
    paging: Any, value: Any, rows: Any, link: str, token: str
) -> None:
    answer = Answer(200, {"link": link}, value, True, 100)
    told(lambda: page_query(paging, token))
    told(lambda: total_of(paging, answer))
    following = told(lambda: next_token(paging, token, answer, rows, len(rows), "https://x.example/a?page=1"))
    if following:
        told(lambda: page_query(paging, following))


ITEMS = {"application/json": {"schema": {"$ref": "#/components/schemas/Items"}}}
ITEM = {"$ref": "#/components/schemas/Item"}
OPENAPI = {
    "openapi": "3.0.0",
    "servers": [{"url": "https://api.example/v1"}],
    "paths": {"/items": {"get": {"responses": {"200": {"content": ITEMS}}}}},
    "components": {
        "schemas": {
            "Items": {"type": "array", "items": ITEM},
            "Item": {"type": "object", "properties": {"id": {"type": "string"}, "of": ITEM}},
        }
    },
}


@quick(120)
@given(st.one_of(spoilt_json(OPENAPI), spoilt_bytes(json.dumps(OPENAPI).encode())))
@example(json.dumps(OPENAPI).replace("schemas/Item", "schemas/" + "9" * 5000).encode())
def test_any_openapi_document_is_read_or_refused_in_words(data: bytes) -> None:
    told(lambda: read_document(data, "api.json"))


@quick(150)
@given(odd_texts, st.lists(odd_texts, max_size=2))
def test_any_text_is_told_without_its_secrets(text: str, secrets: list[str]) -> None:
    shown = told(lambda: redact(f"https://user:pw@host/{text}?key=k {' '.join(secrets)}", secrets))
    assert shown is not None and all(secret not in shown for secret in secrets if len(secret.strip()) > 12)


# Cursors, which a store keeps as text

cursors = st.one_of(
    st.none(),
    odd_texts,
    st.sampled_from(
        [
            '["shape", 1, 2, "o", ""]',
            '{"v": 1, "since": 5, "token": "7", "high": 9}',
            '{"v": 1, "since": 1, "next": 2, "last": 3}',
            "17",
        ]
    ).flatmap(spoilt),
)


@quick(250)
@given(cursors)
def test_any_cursor_is_one_or_begins_at_the_beginning(text: str | None) -> None:
    assert told(lambda: Cursor.read(text)) is not None
    assert told(lambda: TrytonCursor.read(text)) is not None
    assert told(lambda: Mark.read(text, "shape")) is not None


@quick(100)
@given(cursors)
async def test_any_cursor_of_the_reference_connector_lists_to_the_end(text: str | None) -> None:
    entity = Entity("thing", (Field("name", "text"),), Abilities())
    system = MemorySystem([entity], now_ms=lambda: NOW_MS)
    system.put("thing", {"name": "a"})
    pages = [page async for page in MemoryConnector("M", system).list("thing", text)]
    assert pages[-1].last


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> SqliteCompany:
    company = SqliteCompany(tmp_path_factory.mktemp("db") / "company.db")
    company.run("INSERT INTO customers (name, email) VALUES (%s, %s)", "Ann", "a@x.example")
    return company


VALUES = st.one_of(json_values, st.sampled_from([10**30, "2026-01-01T00:00:00", "x", -1, [], {}, [1], 1e300]))


@quick(60)
@given(at=VALUES, mark=VALUES, following=VALUES, how=st.sampled_from(["updated_at", "number", "scan"]))
async def test_any_cursor_of_a_database_lists_to_the_end(
    database: SqliteCompany, at: Any, mark: Any, following: Any, how: str
) -> None:
    changes = {
        "updated_at": {"by": "updated_at", "lag_s": 60},
        "number": {"by": "number", "column": "change_no"},
        "scan": {"by": "scan"},
    }
    connector = database.connect(described(changes=changes[how]))
    fresh = [page async for page in connector.list("customer", None)]
    kept = json.loads(fresh[-1].cursor)
    spoiled = {**kept, "at": at, "mark": mark, "next": following}
    pages = [page async for page in connector.list("customer", encode(spoiled).decode())]
    assert pages[-1].last
    await connector.close()


@quick(100)
@given(odd_texts)
@example("9" * 5_000)
def test_any_id_is_a_key_of_a_table_or_none(id: str) -> None:
    connector_key = [type("Column", (), {"type": "integer", "column": "id"})()]
    told(lambda: key_of(id, connector_key))  # type: ignore[arg-type]
