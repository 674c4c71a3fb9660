"""A login elsewhere, against a provider over HTTP: who comes in, and who does not."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from urllib.request import HTTPErrorProcessor, build_opener

import pytest

from instep.serve.attempts import BEGUN_PER_ADDRESS, Attempts
from tests.cli.company import Company
from tests.serve.provider import CLIENT, SECRET, Provider, new_key, provider
from tests.serve.served import Answer, Client, Served, served


class _Stay(HTTPErrorProcessor):
    """Redirects are looked at, not followed."""

    def http_response(self, request: Any, response: Any) -> Any:
        return response


@dataclass
class World:
    provider: Provider
    console: Served

    def away(self, browser: Client) -> str:
        """Begin a login, and what the provider sends the browser back to."""
        sent = browser.get("/login/elsewhere?next=/inbox")
        assert sent.status == 303, sent.text
        with build_opener(_Stay).open(sent.headers["location"], timeout=30) as answer:
            back = urlsplit(answer.headers["Location"])
        return f"{back.path}?{back.query}"

    def log_in(self) -> tuple[Client, Answer]:
        browser = Client(self.console.url)
        return browser, browser.get(self.away(browser))


@pytest.fixture(scope="module")
def elsewhere(office: Company) -> Iterator[World]:
    with provider() as made:
        (office.directory / "client.secret").write_text(SECRET)
        lines = f"""
serve:
  oidc:
    issuer: {made.url}
    client_id: {CLIENT}
    client_secret: file:client.secret
    roles: {{finance: operator, boss: admin}}
"""
        path = office.directory / "instep.yaml"
        path.write_text(path.read_text() + lines)
        with served(office.directory) as console:
            yield World(made, console)


@pytest.fixture
def world(elsewhere: World) -> Iterator[World]:
    elsewhere.console.app.state.attempts = Attempts()
    elsewhere.console.app.state.begun = Attempts(most=BEGUN_PER_ADDRESS)
    yield elsewhere
    elsewhere.provider.claims, elsewhere.provider.signed_by = {}, None
    elsewhere.provider.spoil = lambda token: token


def test_who_has_a_role_comes_in_under_the_name_that_the_provider_tells(world: World) -> None:
    browser, answer = world.log_in()
    assert (answer.status, answer.headers["location"]) == (303, "/inbox")
    assert browser.get("/api/v1/me").json == {"name": "ada@example.test", "role": "operator"}
    assert "company&#39;s account" in Client(world.console.url).get("/login").text or "company's account" in (
        Client(world.console.url).get("/login").text
    )


def test_the_highest_of_several_roles_counts(world: World) -> None:
    world.provider.claims = {"groups": ["finance", "boss"]}
    browser, _ = world.log_in()
    assert browser.get("/api/v1/me").json["role"] == "admin"


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "somebody else"},
        {"aud": [CLIENT, "somebody else"]},
        {"iss": "https://evil.test"},
        {"exp": 1},
        {"exp": None},
        {"sub": None},
        {"groups": ["everybody"]},
        {"groups": None},
        {"groups": {"finance": True}},
        {"email": None},
        {"email": ["ada"]},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_this_login_lets_nobody_in(world: World, claims: dict[str, Any]) -> None:
    world.provider.claims = claims
    browser, answer = world.log_in()
    assert answer.status == 409, answer.headers
    assert browser.get("/").status == 303


def unsigned(token: str) -> str:
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).rstrip(b"=").decode()
    return f"{head}.{token.split('.')[1]}."


@pytest.mark.parametrize("spoil", [unsigned, lambda token: token[:-4] + "AAAA", lambda token: "nonsense"])
def test_a_token_without_the_providers_signature_lets_nobody_in(world: World, spoil: Any) -> None:
    world.provider.spoil = spoil
    assert world.log_in()[1].status == 409


def test_a_token_that_another_key_signed_lets_nobody_in(world: World) -> None:
    world.provider.signed_by = new_key()
    assert world.log_in()[1].status == 409


def test_a_new_key_of_the_provider_is_found(world: World) -> None:
    assert world.log_in()[1].status == 303
    world.provider.key = new_key()
    assert world.log_in()[1].status == 303


def test_what_comes_back_counts_once_and_in_the_browser_that_went_away(world: World) -> None:
    browser = Client(world.console.url)
    back = world.away(browser)
    assert Client(world.console.url).get(back).status == 409, "another browser"
    assert browser.get(back).status == 409, "and it is used up"
    again = world.away(browser)
    assert browser.get(again).status == 303
    assert browser.get(again).status == 409


@pytest.mark.parametrize(
    "query", ["", "state=x&code=y", "error=access_denied", "state=x", "code=y&iss=https://evil.test"]
)
def test_nonsense_that_comes_back_is_told_in_words(world: World, query: str) -> None:
    answer = Client(world.console.url).get(f"/login/back?{query}")
    assert answer.status in (403, 409)
    assert "text/html" in answer.headers["content-type"]


def test_without_a_provider_there_is_no_such_login(acme: Company) -> None:
    with served(acme.directory) as console:
        assert Client(console.url).get("/login/elsewhere").status == 404
        assert "company" not in Client(console.url).get("/login").text


def test_one_address_can_not_push_out_the_logins_that_others_have_begun(world: World) -> None:
    slow = Client(world.console.url)
    back = world.away(slow)
    statuses = [Client(world.console.url).get("/login/elsewhere").status for _ in range(BEGUN_PER_ADDRESS)]
    assert statuses == [303] * (BEGUN_PER_ADDRESS - 1) + [429]
    assert slow.get(back).status == 303, "who had begun before comes in"
    assert Client(world.console.url).get("/login/elsewhere").status == 303, "what is finished does not count"
