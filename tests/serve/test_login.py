"""Who gets in, how far, and for how long: over HTTP."""

from __future__ import annotations

import pytest

from instep.serve.access import Person
from instep.serve.attempts import PER_ADDRESS, Attempts
from instep.serve.console.login import local
from instep.serve.guard import MOST_BYTES
from instep.serve.sessions import END_S, IDLE_S, MOST, Sessions
from tests.serve.served import TOKENS, Client, Served, hidden


@pytest.fixture(autouse=True)
def forgiving(console: Served) -> None:
    console.app.state.attempts = Attempts()


def test_without_a_session_every_page_leads_to_the_login_and_back(console: Served) -> None:
    answer = Client(console.url).get("/?pair=contact")
    assert (answer.status, answer.headers["location"]) == (303, "/login?next=%2F%3Fpair%3Dcontact")
    browser = Client(console.url)
    page = browser.get("/login?next=%2Finbox").text
    form = {"token": TOKENS["viewer"], "mark": hidden(page, "mark"), "next": hidden(page, "next")}
    entered = browser.form("/login", form)
    assert (entered.status, entered.headers["location"]) == (303, "/inbox")
    assert browser.get("/").status == 200


@pytest.mark.parametrize(
    "path", ["//evil.test/", "https://evil.test/", "/\\evil.test", "javascript:alert(1)", "", "/a\nb"]
)
def test_a_login_leads_nowhere_else(path: str) -> None:
    assert local(path) == "/"


def test_a_wrong_token_is_told_and_gives_no_session(console: Served) -> None:
    browser = Client(console.url)
    answer = browser.log_in("nobody's token at all")
    assert answer.status == 401
    assert "That token is not known" in answer.text
    assert "nobody&#39;s" not in answer.text
    assert browser.get("/").status == 303


def test_the_cookie_is_for_this_browser_and_no_script(console: Served) -> None:
    browser = Client(console.url)
    given = browser.log_in(TOKENS["viewer"]).headers["set-cookie"].lower()
    assert "httponly" in given
    assert "samesite=lax" in given
    assert "secure" not in given, "over http, a browser would not keep it"


def test_a_logout_ends_the_session_everywhere(console: Served) -> None:
    browser = console.browser("viewer")
    stolen = Client(console.url, cookies=dict(browser.cookies))
    assert stolen.get("/").status == 200
    assert browser.form("/logout", {"csrf": browser.csrf()}).status == 303
    assert stolen.get("/").status == 303


def test_a_form_of_another_origin_or_session_is_refused(console: Served) -> None:
    browser, other = console.browser("viewer"), console.browser("viewer")
    csrf = browser.csrf()
    assert browser.form("/logout", {"csrf": other.csrf()}).status == 403
    assert browser.form("/logout", {}).status == 403
    for origin in ("https://evil.test", "null"):
        browser.origin = origin
        assert browser.form("/logout", {"csrf": csrf}).status == 403
    assert browser.ask("POST", "/logout", f"csrf={csrf}".encode()).status == 403, "no origin at all"
    browser.origin = ""
    assert browser.form("/logout", {"csrf": csrf}).status == 303


def test_a_login_form_of_another_browser_is_refused(console: Served) -> None:
    mark = hidden(Client(console.url).get("/login").text, "mark")
    other = Client(console.url)
    other.get("/login")
    assert other.form("/login", {"token": TOKENS["viewer"], "mark": mark}).status == 403


def test_who_guesses_is_made_to_wait_even_with_the_right_token(console: Served) -> None:
    browser = Client(console.url)
    for _ in range(PER_ADDRESS):
        assert browser.log_in("a guess of 16 characters").status == 401
    refused = browser.log_in(TOKENS["admin"])
    assert refused.status == 429
    assert 0 < int(refused.headers["retry-after"]) <= 301
    assert console.client("admin").get("/api/v1/me").status == 429


def test_attempts_are_counted_by_address_and_are_forgotten() -> None:
    from fastapi import HTTPException

    at = [0.0]
    attempts = Attempts(lambda: at[0])
    for number in range(10 * PER_ADDRESS):
        attempts.failed(f"10.0.0.{number}")
        attempts.failed("x")
    attempts.require("y")
    with pytest.raises(HTTPException):
        attempts.require("x")
    at[0] = 301.0
    attempts.require("x")


def test_a_session_ends_when_it_is_idle_and_at_the_latest_after_a_day_at_work() -> None:
    at = [0.0]
    sessions = Sessions[Person]("here", lambda: at[0])
    id, _ = sessions.begin(Person("Ada", "admin"))
    while at[0] <= END_S:
        assert sessions.find(id) is not None
        at[0] += IDLE_S
    assert sessions.find(id) is None
    id, _ = sessions.begin(Person("Ada", "admin"))
    at[0] += IDLE_S - 1
    assert sessions.find(id, used=False) is not None
    at[0] += 2
    assert sessions.find(id) is None, "a page that renews itself is no use"


def test_sessions_make_room_for_each_other() -> None:
    sessions = Sessions[Person]("here")
    first, _ = sessions.begin(Person("Ada", "admin"))
    for _ in range(MOST):
        sessions.begin(Person("Bob", "viewer"))
    assert sessions.find(first) is None


def test_every_answer_carries_the_headers_that_keep_a_browser_safe(console: Served) -> None:
    browser = console.browser("viewer")
    for path in ("/login", "/", "/nowhere", "/health/live", "/api/v1/me", "/api/openapi.json"):
        headers = browser.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"


def test_pages_have_no_script_or_style_in_them_and_bring_nothing_from_elsewhere(console: Served) -> None:
    page = console.browser("viewer").get("/").text
    assert "style=" not in page
    assert "<style" not in page
    assert " on" + "click" not in page
    import re

    for address in re.findall(r'(?:src|href|action)="([^"]*)"', page):
        assert address.startswith(("/", "#")), address
    for address in re.findall(r'(?:src|href)="(/static/[^"]*)"', page):
        answer = Client(console.url).get(address)
        assert answer.status == 200
        assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    "path", ["/static/../pages.py", "/static/%2e%2e%2fpages.py", "/static/app.css", "/static/"]
)
def test_no_other_file_is_given_away(console: Served, path: str) -> None:
    assert Client(console.url).get(path).status in (303, 404)


def test_a_body_that_is_too_large_is_refused(console: Served) -> None:
    body = b"token=" + b"x" * (MOST_BYTES + 1)
    answer = Client(console.url).ask(
        "POST", "/login", body, {"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answer.status == 413


def test_a_session_may_use_the_api_and_needs_its_token_to_change_something(console: Served) -> None:
    browser = console.browser("operator")
    assert browser.get("/api/v1/me").json == {"name": "Olaf", "role": "operator"}
    assert Client(console.url, "not a token at all").get("/api/v1/me").status == 401
    assert Client(console.url).get("/api/v1/me").json["what"] == "a token is needed"


def test_the_theme_is_kept_by_the_browser_without_any_script(console: Served) -> None:
    browser = console.browser("viewer")
    assert browser.form("/theme", {"theme": "dark", "back": "/"}).status == 303
    assert '<html lang="en" data-theme="dark">' in browser.get("/").text
    browser.form("/theme", {"theme": "", "back": "/"})
    assert '<html lang="en">' in browser.get("/").text
