"""`instep rest try`, over real HTTP with the sample ERP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.company import ERP_TOKEN, Company


def attempt(acme: Company, *words: str, code: int = 0) -> str:
    done = acme.run("rest", "try", *words)
    assert done.exit_code == code, done.output
    assert ERP_TOKEN not in done.output
    return done.output


def told(acme: Company, *words: str) -> dict[str, Any]:
    done = acme.run("rest", "try", *words, "--json")
    assert ERP_TOKEN not in done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_list_shows_the_request_the_answer_and_the_records(acme: Company) -> None:
    acme.contact("7", "Ada", "Lovelace", "ada@example.com")
    shown = attempt(acme, "contact", "list")
    assert "> GET " in shown and "/api/v1/contacts?" in shown
    assert "< 200" in shown
    assert "1 contact records were made of it" in shown
    assert 'family_name: "Lovelace"' in shown
    assert "Authorization" not in shown


def test_each_call_of_a_record_s_life_can_be_tried(acme: Company) -> None:
    made = told(acme, "contact", "create", "family_name=Lovelace", "address.country=GB", "--yes")
    [record] = made["records"]
    assert made["outcome"] == "done"
    assert record["fields"]["address"]["country"] == "GB"
    marker = record["fields"]["external_ref"]
    assert marker.startswith("try-")
    assert [r["id"] for r in told(acme, "contact", "find", marker)["records"]] == [record["id"]]
    words = ['phone="+47 22 33 44 55"', "payment_terms_days=30", "--yes"]
    changed = told(acme, "contact", "update", record["id"], *words)
    assert [(t["method"], t["status"]) for t in changed["traffic"]] == [("GET", 200), ("PATCH", 200)]
    assert changed["traffic"][1]["headers"]["If-Match"]
    assert changed["traffic"][1]["body"] == {"phone": "+47 22 33 44 55", "payment_terms_days": 30}
    assert told(acme, "contact", "read", record["id"])["records"][0]["fields"]["payment_terms_days"] == 30
    told(acme, "contact", "retire", record["id"], "--yes")
    assert told(acme, "contact", "read", record["id"])["records"][0]["fields"]["active"] is False


def test_a_refusal_is_shown_with_its_answer_and_its_class(acme: Company) -> None:
    acme.contact("7", "Ada", "Lovelace", "ada@example.com")
    shown = attempt(acme, "contact", "update", "7", "payment_terms_days=31", "--yes", code=1)
    assert "< 422" in shown or "< 400" in shown
    assert "outcome: Refused" in shown
    assert told(acme, "contact", "read", "nobody")["outcome"] == "Gone"


def test_nothing_is_written_unasked(acme: Company) -> None:
    refused = acme.run("rest", "try", "contact", "create", "family_name=Lovelace")
    assert refused.exit_code == 2
    assert "say so with --yes" in refused.stderr
    assert acme.in_erp() == {}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["contct", "list"], 'did you mean "contact"'),
        (["contact", "read"], "the id of the record is missing"),
        (["contact", "list", "7"], '"7" is one word too many here'),
        (["contact", "update", "7", "--yes"], "nothing is to be written"),
        (["contact", "create", "Lovelace", "--yes"], '"Lovelace" names no field and value'),
        (["contact", "list", "--side", "left"], "the left side of this site is no described API"),
    ],
)
def test_a_mistake_is_told_with_its_remedy(acme: Company, words: list[str], why: str) -> None:
    done = acme.run("rest", "try", *words)
    assert done.exit_code == 2
    assert why in done.stderr
