"""Attacks on the web application: each over HTTP, against all that is served, be it a page or a call of the API."""

from __future__ import annotations

import logging
import re
import socket
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import pytest

from instep.runner.run import Wish
from instep.serve.attempts import Attempts
from tests.cli.company import Company
from tests.serve.served import TOKENS, Client, Served, fill, hidden, served

OPEN: Final = {
    "/health/live",
    "/health/ready",
    "/login",
    "/static/{name}",
    "/favicon.ico",
    "/theme",
    "/login/elsewhere",
    "/login/back",
}
"""What anybody may ask for."""
FOR_VIEWERS: Final = {
    "/logout",
    "/records",
    "/dataflow/try",
    "/dataflow/check",
    "/api/v1/records/search",
    "/api/v1/dataflow/try",
    "/api/v1/dataflow/check",
}
"""What is sent as a form or a body, since it holds values, and changes nothing."""
HOSTILE: Final = (
    "javascript:alert(1)",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}${7*7}",
    "'-alert(1)-'",
    "\u202e\x01",
)


@pytest.fixture(scope="module")
def console(office: Company) -> Iterator[Served]:
    fill(office)
    with served(office.directory) as found:
        yield found


@pytest.fixture(autouse=True)
def forgiving(console: Served) -> None:
    console.app.state.attempts = Attempts()


def routes(console: Served) -> list[tuple[str, str]]:
    """(method, path) of everything that is served, with a 1 for each parameter."""
    found = []
    for router in console.app.routes:
        if hasattr(router, "effective_route_contexts"):
            for route in router.effective_route_contexts():
                found += [(method, route.path) for method in sorted(route.methods - {"HEAD"})]
    assert len(found) > 40
    return found


def filled(path: str, value: str = "1") -> str:
    return re.sub(r"\{[^}]*\}", value, path)


def test_without_a_login_nothing_is_told_and_nothing_done(console: Served) -> None:
    stranger = Client(console.url)
    for method, path in routes(console):
        if path in OPEN:
            continue
        answer = stranger.ask(method, filled(path), headers={"Origin": console.url})
        wanted = (401,) if path.startswith(("/api/", "/metrics")) else (303,)
        assert answer.status in wanted, (method, path, answer.status)
        assert answer.status == 401 or answer.headers["location"].startswith("/login"), path


def test_a_viewer_changes_nothing_wherever_he_tries(console: Served) -> None:
    by_token, by_session = console.client("viewer"), console.browser("viewer")
    csrf = by_session.csrf()
    tried = 0
    for method, path in routes(console):
        if method == "GET" or path in OPEN | FOR_VIEWERS:
            continue
        if path.startswith("/api/"):
            answers = [
                by_token.send(method, filled(path), {}),
                by_session.send(method, filled(path), {}, **{"X-CSRF-Token": csrf, "Origin": console.url}),
            ]
        else:
            form = {"csrf": csrf, "pair": "contact", "choice": "release", "holds": "1"}
            answers = [by_session.form(filled(path), form)]
        for answer in answers:
            tried += 1
            assert answer.status == 403, (method, path, answer.status, answer.text[:300])
    assert tried > 10


def test_no_form_is_taken_without_its_token_or_from_elsewhere(console: Served) -> None:
    admin = console.browser("admin")
    csrf = admin.csrf()
    for method, path in routes(console):
        if method == "GET" or path.startswith("/api/") or path in OPEN:
            continue
        form = {"pair": "contact", "choice": "release", "number": "1"}
        assert admin.form(filled(path), form).status == 403, path
        assert admin.form(filled(path), {**form, "csrf": "x" * 32}).status == 403, path
        elsewhere = Client(console.url, origin="https://evil.test", cookies=dict(admin.cookies))
        assert elsewhere.form(filled(path), {**form, "csrf": csrf}).status == 403, path
        null = Client(console.url, origin="null", cookies=dict(admin.cookies))
        assert null.form(filled(path), {**form, "csrf": csrf}).status == 403, path
    for method, path in routes(console):
        if method != "GET" and path.startswith("/api/"):
            assert admin.send(method, filled(path), {}).status == 403, path


def test_a_session_id_that_an_attacker_chose_is_not_taken(console: Served) -> None:
    name = console.app.state.sessions.cookie
    victim = Client(console.url, cookies={name: "an-id-that-the-attacker-knows"})
    assert victim.log_in(TOKENS["operator"]).status == 303
    assert victim.cookies[name] != "an-id-that-the-attacker-knows"
    assert Client(console.url, cookies={name: "an-id-that-the-attacker-knows"}).get("/").status == 303
    before = victim.cookies[name]
    assert victim.log_in(TOKENS["operator"]).status == 303
    assert victim.cookies[name] != before
    assert Client(console.url, cookies={name: before}).get("/").status == 303, "the old one has ended"


class Seen(HTMLParser):
    """What of a page could run or lead somewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.links: list[str] = []
        self.odd: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "script":
            self.scripts.append(given.get("src", "(inline)"))
        self.odd += [f"{tag} {name}" for name in given if name.startswith("on") or name == "style"]
        if tag in ("iframe", "object", "embed", "base") or (tag == "img" and "src" not in given):
            self.odd.append(tag)
        for name in ("href", "src", "action", "formaction"):
            if name in given:
                self.links.append(given[name])


def pages(console: Served, browser: Client, most: int = 150) -> Iterator[tuple[str, str]]:
    """Every page that can be reached from the overview by links, once per shape of its address."""
    waiting, known = ["/", "/runs/1", "/runs/brakes", "/dataflow/try", "/dataflow/check"], set()
    while waiting and len(known) < most:
        path = waiting.pop(0)
        shape = re.sub(r"\d+", "0", path)
        if shape in known:
            continue
        known.add(shape)
        answer = browser.get(path)
        if answer.headers.get("content-type", "").startswith("text/html") and answer.status == 200:
            yield path, answer.text
            for link in Seen(answer.text).links:
                there = urlsplit(urljoin(f"{console.url}{path}", link))
                if there.netloc == urlsplit(console.url).netloc and not there.path.startswith("/static"):
                    waiting.append(there.path + (f"?{there.query}" if there.query else ""))


def test_no_value_of_a_record_becomes_a_part_of_a_page(console: Served, office: Company) -> None:
    browser, operator = console.browser("operator"), console.client("operator")
    for number, text in enumerate(HOSTILE):
        office.customer(f"x{number}", text, text, f"hostile{number}@example.test", company=text)
        office.contact(f"90{number}", f"other {text}", text, f"hostile{number}@example.test")
        office.customer(f"y{number}", text, text, f"new{number}@example.test")
    console.do(console.live.pause("contact", HOSTILE[1]))
    plan = operator.send("POST", "/api/v1/plans", {}).json["number"]
    ends = time.monotonic() + 60
    while operator.get(f"/api/v1/plans/{plan}").json["state"] == "making":
        assert time.monotonic() < ends
    planned = [*pages(console, browser)]
    console.do(console.live.resume("contact", "Ada"))
    console.do(console.live.ask(Wish()))
    shown, count = "", 0
    for path, text in [*planned, *pages(console, browser)]:
        count += 1
        seen = Seen(text)
        assert all(src.startswith("/static/") for src in seen.scripts), (path, seen.scripts)
        assert seen.odd == [], path
        for link in seen.links:
            parts = urlsplit(link.strip())
            assert parts.scheme in ("", "http", "https"), (path, link)
            assert not parts.netloc, (path, link)
        shown += text
    assert count >= 8
    assert "<img src=x" not in shown
    assert "49" not in re.findall(r"\{\{7\*7\}\}|>49<", shown)
    assert "&lt;script&gt;" in shown or "&lt;img" in shown, "no page has shown a hostile value at all"


TRICKS: Final = (
    "../../instep.token",
    "..%2f..%2finstep.token",
    "%2e%2e/%2e%2e/instep.token",
    "..%5c..%5cinstep.token",
    "%00",
    "1%00.png",
    "%0d%0aSet-Cookie:%20evil=1",
    "x" * 3000,
    "-1",
    "9" * 30,
    "%F0%9F%92%A9",
    "%ff%fe",
    "%E2%80%AE",
    "٣",
    "{{7*7}}",
    "' or 1=1 --",
)


def test_no_trick_with_a_path_leads_to_a_file_or_a_fault(console: Served) -> None:
    browser, viewer = console.browser("admin"), console.client("admin")
    token = (console.site.file.directory / "instep.yaml").read_text()[:60]
    for _, path in routes(console):
        if "{" not in path and path != "/login":
            continue
        for trick in TRICKS:
            there = filled(path, trick.replace(" ", "%20").encode("ascii", "replace").decode())
            for client in (browser, viewer):
                answer = client.get(there)
                assert answer.status < 500, (there, answer.status, answer.text[:200])
                assert token not in answer.text
                assert "evil" not in answer.headers.get("set-cookie", "")
                assert "Traceback" not in answer.text


def test_no_request_makes_the_process_fetch_an_address(console: Served) -> None:
    """Every text in every call and form is an address of ours, at which nobody may knock."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.5)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        admin, browser = console.client("admin"), console.browser("admin")
        schema = admin.get("/api/openapi.json").json
        for path, methods in schema["paths"].items():
            for method, operation in methods.items():
                if path.endswith("/stop"):
                    continue
                query = "&".join(
                    f"{each['name']}={url}"
                    for each in operation.get("parameters", [])
                    if each["in"] == "query"
                )
                body = filled_body(schema, operation, url)
                there = filled(path, "1") + (f"?{query}" if query else "")
                assert admin.send(method.upper(), there, body).status != 500, (method, there)
        csrf = browser.csrf()
        for form in ("/dataflow/try", "/dataflow/check", "/runs/plans", "/runs/pause", "/theme"):
            fields = dict.fromkeys(("pair", "property", "record", "text", "transformation", "back"), url)
            assert browser.form(form, {**fields, "csrf": csrf, "side": "left"}).status != 500
        with pytest.raises(TimeoutError):
            listening.accept()


def filled_body(schema: dict[str, Any], operation: dict[str, Any], text: str) -> Any:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return _filled(schema, content["schema"], text) if content else None


def _filled(whole: dict[str, Any], schema: dict[str, Any], text: str) -> Any:
    if "$ref" in schema:
        return _filled(whole, whole["components"]["schemas"][schema["$ref"].rpartition("/")[2]], text)
    if "anyOf" in schema:
        return _filled(whole, schema["anyOf"][0], text)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        return {name: _filled(whole, each, text) for name, each in schema.get("properties", {}).items()}
    if kind == "array":
        return [_filled(whole, schema["items"], text)]
    return {"integer": 1, "boolean": False, "number": 1}.get(str(kind), text)


def test_no_token_and_no_session_is_ever_in_a_log(
    console: Served, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = "a-wrong-token-that-somebody-typed"
    browser = console.browser("admin")
    csrf = browser.csrf()
    mark = hidden(Client(console.url).get("/login").text, "mark")
    assert Client(console.url).log_in(wrong).status == 401
    assert Client(console.url, wrong).get("/api/v1/me").status == 401
    assert browser.get(f"/nothing-there?token={TOKENS['admin']}").status == 404
    assert browser.form("/runs/plans", {"csrf": csrf, "pair": "no such pair"}).status == 404
    assert browser.ask("POST", "/login", b"\xff\xfe=%%%", {"Content-Type": "text/odd"}).status in (403, 422)
    said = caplog.text + "".join(capfd.readouterr())
    for secret in (*TOKENS.values(), wrong, csrf, mark, *browser.cookies.values(), *console.site.secrets):
        assert secret not in said
