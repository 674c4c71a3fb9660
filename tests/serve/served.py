"""The web application over a real site, served in a thread of the test's process; and a client with cookies."""

from __future__ import annotations

import asyncio
import html
import json
import re
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from fastapi import FastAPI

from instep.serve.access import Role, access_of
from instep.serve.app import build_app
from instep.serve.live import Live
from instep.serve.serving import listener, serving, url_of
from instep.site import Site, load_site
from tests.cli.company import Company

TOKENS: Mapping[Role, str] = {
    "viewer": "a-token-for-a-viewer",
    "operator": "a-token-for-an-operator",
    "admin": "a-token-for-an-admin",
}
NAMES: Mapping[Role, str] = {"viewer": "Vera", "operator": "Olaf", "admin": "Ada"}
WAIT_S = 60


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def _joined(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Headers by small name; those that come several times after each other."""
    found: dict[str, str] = {}
    for name, value in headers:
        found[name.lower()] = f"{found[name.lower()]}, {value}" if name.lower() in found else value
    return found


@dataclass
class Client:
    """A browser without eyes: it keeps cookies, follows nothing, and says where its forms come from."""

    url: str
    token: str = ""
    origin: str = ""
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=WAIT_S)
        sent = {**(headers or {})}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            found = Answer(answer.status, _joined(answer.getheaders()), answer.read())
            for given in answer.headers.get_all("set-cookie") or ():
                for name, morsel in SimpleCookie(given).items():
                    self.cookies[name] = morsel.value
                    if morsel["max-age"] == "0" or not morsel.value:
                        del self.cookies[name]
            return found
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers=headers)

    def send(self, method: str, path: str, value: Any = None, **headers: str) -> Answer:
        """A call of the API with a JSON body."""
        body = b"" if value is None else json.dumps(value).encode()
        return self.ask(method, path, body, {"Content-Type": "application/json", **headers})

    def form(self, path: str, fields: Mapping[str, str] | Sequence[tuple[str, str]]) -> Answer:
        """A form as a browser sends it."""
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": self.origin or self.url,
        }
        return self.ask("POST", path, urlencode(fields).encode(), headers)

    def log_in(self, token: str) -> Answer:
        mark = hidden(self.get("/login").text, "mark")
        return self.form("/login", {"token": token, "mark": mark, "next": "/"})

    def csrf(self, page: str = "/") -> str:
        return hidden(self.get(page).text, "csrf")


def text(page: str) -> str:
    """What a reader sees of a page."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", page)))


def hidden(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, page
    return found[1]


@dataclass
class Served:
    """`do` runs a coroutine on the application's own loop."""

    url: str
    site: Site
    live: Live
    app: FastAPI
    loop: asyncio.AbstractEventLoop

    def client(self, role: Role) -> Client:
        """Of the API, with the token of that role."""
        return Client(self.url, TOKENS[role])

    def browser(self, role: Role) -> Client:
        """Logged in at the console."""
        made = Client(self.url)
        assert made.log_in(TOKENS[role]).status == 303
        return made

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(WAIT_S)


def whole(console: Served, plan: dict[str, Any]) -> dict[str, Any]:
    """A plan of the API when it is no longer worked on."""
    while plan["state"] in ("making", "running"):
        plan = console.client("viewer").get(f"/api/v1/plans/{plan['number']}").json
    return plan


@contextmanager
def served(directory: Path, *, change: Callable[[Site], None] = lambda site: None) -> Iterator[Served]:
    """The application of the site in that directory, for as long as the block lasts."""
    ready: list[Served] = []
    failed: list[BaseException] = []
    told, ended = threading.Event(), asyncio.Event()

    async def serve() -> None:
        site = load_site(directory)
        change(site)
        live = Live(site)
        app = build_app(site, live, access_of([(TOKENS[role], NAMES[role], role) for role in TOKENS]))
        listening = listener("127.0.0.1", 0)
        going = asyncio.ensure_future(live.go_on())
        try:
            async with serving(app, listening):
                ready.append(Served(url_of(listening), site, live, app, asyncio.get_running_loop()))
                told.set()
                await ended.wait()
        finally:
            live.stop()
            await going
            await site.close()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:  # noqa: BLE001 - the test's thread raises it
            failed.append(error)
            told.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert told.wait(WAIT_S)
    if failed:
        raise failed[0]
    try:
        yield ready[0]
    finally:
        ready[0].loop.call_soon_threadsafe(ended.set)
        thread.join(WAIT_S)
        assert not failed, failed


XSS = '<script>alert("x")</script>'


def fill(office: Company) -> None:
    """People in both systems: two whose first names differ, one that may be either of two, one that fits, one odd."""
    for id, other, first, theirs in (
        ("c1", "7", "Åse", "Åsa"),
        ("c2", "8", "Ole", "Ola"),
        ("c4", "11", "Eva", "Eva"),
    ):
        office.customer(id, first, "Nordmann", f"{first.lower().replace('å', 'a')}@example.test")
        office.contact(other, theirs, "Nordmann", f"{first.lower().replace('å', 'a')}@example.test")
    office.customer("c3", "Ida", "Berg", "berg@example.test")
    office.contact("9", "Ida", "Berg", "berg@example.test")
    office.contact("10", "I.", "Berg", "berg@example.test")
    office.customer("c5", XSS, 'O\'Neill & "Sons"', "odd@example.test")
    office.contact("12", "Odd", 'O\'Neill & "Sons"', "odd@example.test")
