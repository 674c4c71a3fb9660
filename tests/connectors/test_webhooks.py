"""Webhooks of described systems: any vendor's way to sign, and where in the body record and id stand."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import pytest
from pydantic import ValidationError

from instep.connectors.rest import Description
from instep.connectors.rest.webhooks import hinted, proof_of
from instep.connectors.webhooks import Call, Hint, Signature, Token
from instep.errors import BadAnswer

TOKEN = {"kind": "bearer", "token": "env:T"}


def described(**webhooks: Any) -> Description:
    contact = {"path": "/contacts", "fields": [{"path": "email", "type": "text"}]}
    under = {
        "path": "/accounts/{account}/orders",
        "parent": {"entity": "contact", "field": "account", "word": "account"},
        "fields": [{"path": "account", "type": "text", "update": False}],
    }
    contact["list"] = {"items": "items", "paging": {"kind": "none"}}
    return Description.model_validate(
        {
            "base_url": "https://erp.example",
            "entities": {"contact": contact, "order": under},
            "webhooks": {"proof": TOKEN, "entity": "type", **webhooks},
        }
    )


def hints(description: Description, body: Any, **headers: str) -> list[Hint]:
    return list(hinted(description, Call(headers, body=json.dumps(body).encode())))


def test_an_event_names_its_entity_and_id_where_the_description_says() -> None:
    description = described(entity="object.kind", ids=["object.key"])
    assert hints(description, {"object": {"kind": "contact", "key": 7}}) == [Hint("contact", "7")]


def test_the_kind_may_stand_in_a_header_and_be_called_otherwise() -> None:
    description = described(entity="header:X-Topic", entities={"customer.*": "contact"})
    assert hints(description, {"id": "7"}, **{"x-topic": "customer.updated"}) == [Hint("contact", "7")]
    assert hints(description, {"id": "7"}, **{"x-topic": "order.updated"}) == []
    assert hints(description, {"id": "7"}) == []


def test_a_merge_names_two_records_and_the_version_is_of_the_first() -> None:
    description = described(ids=["id", "merged_into"], version="v")
    body = {"type": "contact", "id": "1", "merged_into": "2", "v": 5}
    assert hints(description, body) == [Hint("contact", "1", 5), Hint("contact", "2")]


def test_a_record_under_another_has_both_ids() -> None:
    description = described(under=["account"])
    assert hints(description, {"type": "order", "account": "a/b", "id": "7"}) == [Hint("order", "a%2Fb/7")]
    assert hints(description, {"type": "order", "id": "7"}) == []


def test_events_may_come_in_a_list_and_each_hint_counts_once() -> None:
    description = described(events="events")
    body = {"events": [{"type": "contact", "id": "1"}, {"type": "contact", "id": "1"}, 3, None, []]}
    assert hints(description, body) == [Hint("contact", "1")]


@pytest.mark.parametrize("id", [None, "", True, 1.5, "..", "a\nb", "x" * 256, {"id": 1}])
def test_what_can_not_be_an_id_hints_at_nothing(id: Any) -> None:
    assert hints(described(), {"type": "contact", "id": id}) == []


@pytest.mark.parametrize("body", [b"", b"1", b'"x"', b"\xff", b"[" * 100_000, b" " * 1_048_577])
def test_what_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(BadAnswer):
        hinted(described(), Call({}, body=body))


def proof(**said: Any) -> Any:
    return proof_of(
        described(proof={"kind": "hmac", "secret": "env:S", "header": "X-Sig", **said}).webhooks,
        lambda _: "key",
    )


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_a_signature_is_read_in_any_vendors_form(algorithm: str, encoding: str) -> None:
    body = b'{"a": 1}'
    made = hmac.digest(b"key", body, algorithm)
    text = made.hex() if encoding == "hex" else base64.b64encode(made).decode()
    found = proof(algorithm=algorithm, encoding=encoding, prefix="v1=")
    assert isinstance(found, Signature)
    assert found.needs_body
    assert found.holds(Call({"x-sig": f"v1={text}"}, body=body), 0)
    assert not found.holds(Call({"x-sig": text}, body=body), 0)
    assert not found.holds(Call({"x-sig": f"v1={text}"}, body=body + b" "), 0)
    assert not found.holds(Call({}, body=body), 0)


@pytest.mark.parametrize(
    ("sent_at", "good"),
    [
        ("1000", True),
        ("1000000000000", False),
        ("700", True),
        ("699", False),
        ("1301", False),
        ("", False),
        ("x", False),
        ("-1", False),
    ],
)
def test_a_signed_time_may_be_off_by_the_tolerance_and_no_more(sent_at: str, good: bool) -> None:
    found = proof(timestamp="X-At", text="{timestamp}.{body}", tolerance_s=300)
    made = hmac.digest(b"key", f"{sent_at}.".encode() + b"{}", "sha256").hex()
    assert found.holds(Call({"x-sig": made, "x-at": sent_at}, body=b"{}"), 1000) is good


def test_a_signed_time_may_be_in_milliseconds() -> None:
    found = proof(timestamp="X-At", text="{timestamp}{body}")
    made = hmac.digest(b"key", b"1763850000123{}", "sha256").hex()
    assert found.holds(Call({"x-sig": made, "x-at": "1763850000123"}, body=b"{}"), 1_763_850_100)
    assert not found.holds(Call({"x-sig": made, "x-at": "1763850000123"}, body=b"{}"), 1_763_851_000)


def test_a_body_that_looks_like_a_word_of_the_signed_text_is_not_filled_in() -> None:
    found = proof()
    made = hmac.digest(b"key", b"{timestamp}{body}", "sha256").hex()
    assert found.holds(Call({"x-sig": made}, body=b"{timestamp}{body}"), 0)


def test_a_token_is_a_bearer_token() -> None:
    found = proof_of(described().webhooks, lambda _: "key")
    assert isinstance(found, Token)
    assert found.holds(Call({"authorization": "bearer key"}), 0)
    for header in ("Bearer key2", "Bearer", "key", "Basic key", ""):
        assert not found.holds(Call({"authorization": header}), 0)


@pytest.mark.parametrize(
    "webhooks",
    [
        {"entities": {"x": "nothing"}},
        {"ids": []},
        {"proof": {"kind": "hmac", "secret": "env:S", "header": "X", "timestamp": "T"}},
        {"proof": {"kind": "hmac", "secret": "env:S", "header": "X", "text": "{timestamp}{body}"}},
        {"proof": {"kind": "hmac", "secret": "env:S", "header": "X", "text": "no word"}},
        {"proof": {"kind": "hmac", "secret": "s3cret", "header": "X"}},
    ],
)
def test_a_description_that_protects_nothing_is_refused(webhooks: Any) -> None:
    with pytest.raises(ValidationError):
        described(**webhooks)


def test_secrets_are_not_shown() -> None:
    assert "key" not in repr(proof()) + repr(Token("key")).replace("Token(", "")
