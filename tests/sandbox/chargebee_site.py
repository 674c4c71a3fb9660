"""A fresh emulated site per test, in a thread of its own, with the official SDK pointed at it over real
HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import json
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
from chargebee import Chargebee

from instep.sandbox.chargebee import Settings, build_app
from instep.sandbox.kit import listening

# The SDK's HTTP layer reads this from the class, whatever protocol an instance was given.
Chargebee.verify_ca_certs = False

NOON = 1_795_435_200


@dataclass
class Emulator:
    """`sdk` is the official client; `http` sends what the SDK would not."""

    url: str
    sdk: Chargebee
    http: httpx.Client

    def console(self, method: str, path: str, body: Any = None, *, status: int | None = None) -> Any:
        """One console request; its status has to be `status`, or any 2xx."""
        answer = self.http.request(method, f"{self.url}/_console/{path}", json=body)
        assert answer.status_code == status if status else answer.is_success, answer.text
        return answer.json()

    def switch(self, **values: Any) -> None:
        self.console("POST", "switches", values)

    def freeze(self, moment: float = NOON) -> None:
        self.console("POST", "clock", {"freeze_at": moment})

    def advance(self, seconds: float) -> None:
        self.console("POST", "clock", {"advance_s": seconds})

    def post(self, path: str, data: Any = None, **headers: str) -> httpx.Response:
        """A form to the API; `_` in a header's name stands for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.post(f"{self.url}/api/v2/{path}", data=data, headers=named)

    def get(self, path: str, params: Any = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.get(f"{self.url}/api/v2/{path}", params=params, headers=named)

    def ids(self, resource: str, params: dict[str, Any] | None = None) -> list[str]:
        """The ids of one list call, in its order."""
        entries = self.get(f"{resource}", {"limit": "100", **(params or {})}).json()["list"]
        return [next(iter(entry.values()))["id"] for entry in entries]

    def event_types(self) -> list[str]:
        """Oldest first."""
        answer = self.get("events", {"limit": "100", "sort_by[asc]": "occurred_at"}).json()
        return [entry["event"]["event_type"] for entry in answer["list"]]


@contextlib.contextmanager
def emulator(settings: Settings | None = None) -> Iterator[Emulator]:
    """The rate limit is off unless the settings say otherwise."""
    chosen = settings or Settings(switches={"rate_limit_per_min": 0})
    urls: queue.Queue[str | BaseException] = queue.Queue()
    ends: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        end = asyncio.Event()
        ends.append((asyncio.get_running_loop(), end))
        async with listening(build_app(chosen)) as url:
            urls.put(url)
            await end.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            urls.put(error)
            raise

    thread = threading.Thread(target=run)
    thread.start()
    try:
        url = urls.get(timeout=30)
        assert isinstance(url, str), url
        key = next(iter(chosen.keys))
        sdk = Chargebee(key, "127", chargebee_domain=url.removeprefix("http://127."), protocol="http")
        with httpx.Client(auth=(key, ""), timeout=30) as client:
            yield Emulator(url, sdk, client)
    finally:
        for loop, end in ends:
            loop.call_soon_threadsafe(end.set)
        thread.join(30)


@dataclass
class Receiver:
    """A webhook receiver: `got` has what came, `answers` the statuses to give (200 when empty)."""

    url: str
    got: queue.Queue[dict[str, Any]] = field(default_factory=queue.Queue)
    answers: queue.Queue[int] = field(default_factory=queue.Queue)

    def next(self) -> dict[str, Any]:
        """The next webhook: its event, with the request's headers under `headers`."""
        return self.got.get(timeout=10)


@contextlib.contextmanager
def receiver() -> Iterator[Receiver]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status = 200 if hook.answers.empty() else hook.answers.get()
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()
            hook.got.put({**event, "headers": {name.lower(): value for name, value in self.headers.items()}})

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hook = Receiver(f"http://127.0.0.1:{server.server_address[1]}/hooks/chargebee")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
