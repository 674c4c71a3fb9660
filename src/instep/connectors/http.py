"""The HTTP client under every connector: it paces, bounds, retries what is safe, and names what happened.

It knows nothing of any system's resources. What it promises:

* a *read* (GET, or `write=False`) is retried with jittered back-off; then RetryLater, or BadAnswer if what
  came can't be believed;
* a *write* is sent once. Only what is definitely not applied (refused connection, 429) is sent again, a
  bounded number of times; anything else that is not an answer is InDoubt;
* a `Retry-After`, or an answer that says that the quota is used up, holds back every request of this client;
* bodies are bounded, also after unpacking; redirects to another origin are not followed; credentials go into
  a header per request and never into a log line or a message.

To connect a system, give it a base URL and an `Authorizer`, and judge the 4xx answers that `request` returns.
"""

from __future__ import annotations

import asyncio
import random as random_module
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

import aiohttp
import msgspec
from yarl import URL

from instep.connectors.clock import QuotaHeaders, Skew, retry_after_s, used_up_s
from instep.connectors.exchange import (
    Answer,
    Authorizer,
    Exchange,
    FixedHeaders,
    Limits,
    Outgoing,
    Traffic,
    redact,
)
from instep.connectors.pace import Monotonic, Pace, Paused, Sleep
from instep.connectors.request_ids import USUAL_HEADERS, clean, note_request
from instep.core.values import Json
from instep.errors import BadAnswer, ConfigurationError, InDoubt, OutcomeError, Problem, RetryLater, Stop

__all__ = ["Answer", "Authorizer", "Exchange", "FixedHeaders", "HttpClient", "Limits", "Outgoing", "redact"]

HEARD = 2
"""Rounds of the event loop after which it has heard of every connection that a server has closed meanwhile. A write
over one of those would be in doubt."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


class _Broken(Exception):
    """No answer that can be used. `sent`: something may have reached the system."""

    def __init__(self, why: str, *, sent: bool, unbelievable: bool = False) -> None:
        super().__init__(why)
        self.why, self.sent, self.unbelievable = why, sent, unbelievable


class HttpClient:
    """One connected system over HTTP. `requests` counts what was sent, `skew` holds the clock measurement.

    `definite` names 5xx statuses by which this system says that a write was not applied: such an answer is
    returned as it is, while a read is tried again. `record_locked` tells from the body of a 429 that one
    record is locked, which is no reason to hold back requests for others. `secret_query` goes with every request,
    and into nothing that is shown; `quota` are the system's own headers for what is left. `request_ids` are the
    response headers that hold the system's own id of a request, in lower case. `log` gets an Exchange per request
    sent. `tap`, if somebody sets it, gets the whole Traffic of each. `sleep`, `random`, `monotonic` and `now_ms`
    exist for tests.
    """

    def __init__(
        self,
        system: str,
        base_url: str,
        *,
        auth: Authorizer | None = None,
        headers: Mapping[str, str] | None = None,
        secret_query: Mapping[str, str] | None = None,
        quota: QuotaHeaders | None = None,
        requests_per_minute: int | None = None,
        reserve: float = 0.0,
        burst: int = 5,
        limits: Limits | None = None,
        definite: Collection[int] = (),
        record_locked: Callable[[Json], bool] = lambda _body: False,
        request_ids: Sequence[str] = USUAL_HEADERS,
        log: Callable[[Exchange], None] | None = None,
        sleep: Sleep = asyncio.sleep,
        random: Callable[[], float] = random_module.random,
        monotonic: Monotonic = time.monotonic,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.system, self.base_url = system, base_url.rstrip("/")
        self.limits = limits or Limits()
        self.pace = Pace(requests_per_minute, reserve=reserve, burst=burst, monotonic=monotonic, sleep=sleep)
        self.skew = Skew()
        self.requests = 0
        self.tap: Callable[[Traffic], None] | None = None
        self._auth = auth or FixedHeaders()
        self._headers = {"Accept": "application/json", "User-Agent": "instep", **(headers or {})}
        self._secret_query, self._quota = dict(secret_query or {}), quota
        self._definite = frozenset(definite)
        self._record_locked = record_locked
        self._request_ids = tuple(request_ids)
        self._log = log
        self._sleep, self._random, self._monotonic, self.now_ms = sleep, random, monotonic, now_ms
        self._reads = asyncio.Semaphore(self.limits.max_reads)
        self._writes = asyncio.Semaphore(self.limits.max_writes)
        self._session: aiohttp.ClientSession | None = None
        self._origin = checked_origin(system, self.base_url)

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Sequence[tuple[str, str]] = (),
        body: bytes | None = None,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        route: str = "",
        write: bool | None = None,
    ) -> Answer:
        """Send, and return any 2xx with a JSON (or empty) body, 304, and any 4xx but 429.

        `path` is below the base URL and already quoted; an absolute URL of the same origin is taken as it is
        (a paging link). `route` is its shape for the log ("/customers/{id}"). `write` says whether it changes
        something where the method does not. Raises RetryLater, InDoubt (writes), BadAnswer (reads), Stop.
        """
        if write is None:
            write = method not in ("GET", "HEAD")
        url = self._url(path, query)
        started = self._monotonic()
        shape = route or path
        call = _Call(
            method, url, body, content_type, dict(headers or {}), shape, write, started + self.limits.total_s
        )
        tries = self.limits.write_tries if write else self.limits.read_tries
        renewed = False
        attempt = 0
        while True:
            attempt += 1
            last = attempt >= tries
            try:
                async with self._writes if write else self._reads:
                    await self.pace.turn(self._patience_s(call))
                    if self._patience_s(call) < 0:
                        raise Paused(0)
                    answer = await self._send(call, attempt)
            except Paused as paused:
                after_ms = int(paused.left_s * 1000) or None
                raise RetryLater(
                    f"{call.shown} was not sent to {self.system}",
                    after_ms=after_ms,
                    why="it asked for a pause" if after_ms else "too many other requests were waiting",
                ) from None
            except _Broken as broken:
                if last or (write and broken.sent):
                    raise self._outcome(call, broken) from None
                await self._back_off(attempt)
                continue
            if answer.status == 401 and not renewed and await self._auth.renew():
                renewed = True
                attempt -= 1
            elif _is_trouble(answer.status) and not (write and answer.status in self._definite):
                await self._after_trouble(call, answer, attempt, last)
            else:
                return answer

    def _patience_s(self, call: _Call) -> float:
        """How long a call may still wait for its turn.

        A write, from being asked for to its answer, takes no longer than one timeout, of which half is for
        waiting: after that time an engine that got no answer may rely on it not being sent any more.
        """
        if not call.write:
            return self.limits.patience_s
        return call.until - self.limits.total_s / 2 - self._monotonic()

    async def _after_trouble(self, call: _Call, answer: Answer, attempt: int, last: bool) -> None:
        """After a 408, 429 or 5xx: hold back until another try makes sense, or raise what has come of it."""
        busy = answer.status == 429
        locked = busy and self._record_locked(answer.value)
        after_s = retry_after_s(answer.headers.get("retry-after", ""), self.now_ms())
        if busy and after_s is None and not locked:
            after_s = self._pause_s(attempt)
        if after_s is not None and not locked:
            self.pace.pause(after_s)
        why = f"it answered {answer.status}" + (": the record is locked" if locked else "")
        if call.write and not busy:
            raise InDoubt(f"{self.system} did not say whether {call.shown} was applied", why=why)
        if last or self.pace.left_s() > max(0.0, self._patience_s(call)):
            left_ms = int(self.pace.left_s() * 1000) or None
            raise RetryLater(f"{self.system} did not take {call.shown}", after_ms=left_ms, why=why)
        if locked or not busy:
            await self._back_off(attempt)

    def without_secrets(self, address: str) -> str:
        """An address that the system gave, without the parameters that are sent with every request."""
        parts = urlsplit(address)
        kept = [each for each in parts.query.split("&") if each.partition("=")[0] not in self._secret_query]
        return urlunsplit(parts._replace(query="&".join(kept))) if self._secret_query else address

    async def close(self) -> None:
        """Let go of connections; a later request opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _url(self, path: str, query: Sequence[tuple[str, str]]) -> URL:
        text = path if "://" in path else self.base_url + "/" + path.lstrip("/")
        if query:
            text += ("&" if "?" in text else "?") + urlencode(query)
        url = _address(text)
        if url is None:
            raise BadAnswer(f"{self.system} gave a link that can't be followed", why="it is no address")
        if _origin(url) != self._origin:
            raise BadAnswer(f"{self.system} pointed to another host", why=f"a link led to {url.host}")
        return url

    async def _send(self, call: _Call, attempt: int) -> Answer:
        """One request on the wire, same-origin redirects of reads included."""
        url, method = call.url, call.method
        for _hop in range(4):
            answer, location = await self._exchange(call, method, url, attempt)
            if not 300 <= answer.status < 400 or answer.status == 304:
                return answer
            target = _address(location, url) if location else None
            if call.write and answer.status not in (307, 308):
                raise _Broken(f"it answered with a redirect ({answer.status})", sent=True)
            if call.write or target is None or _origin(target) != self._origin:
                raise Stop(
                    f"{self.system} redirects {call.shown} elsewhere",
                    why=f"it answered {answer.status} with {_origin(target) if target else 'no address'}",
                    fix="write the address that the system is really at as its base URL",
                )
            url = target
        raise _Broken("it redirects in a circle", sent=True, unbelievable=True)

    async def _exchange(self, call: _Call, method: str, url: URL, attempt: int) -> tuple[Answer, str]:
        shown = url
        if self._secret_query:
            query = urlencode(self._secret_query)
            url = URL(f"{url}{'&' if url.query_string else '?'}{query}", encoded=True)
        outgoing = Outgoing(method, url.raw_path_qs, call.body or b"")
        headers = {**self._headers, **await self._auth.headers(outgoing), **call.headers}
        if call.body is not None:
            headers["Content-Type"] = call.content_type
        if self._session is None:
            self._session = self._open()
        for _ in range(HEARD if call.write else 0):
            await asyncio.sleep(0)
        status, request_id, error = 0, "", ""
        self.requests += 1
        started, sent_ms = self._monotonic(), self.now_ms()
        try:
            async with self._session.request(
                method,
                url,
                data=call.body,
                headers=headers,
                allow_redirects=False,
                timeout=self._timeout(call),
            ) as response:
                status = response.status
                # A header that comes several times is one with commas (RFC 9110, 5.3).
                names = {name.lower() for name in response.headers}
                answer_headers = {name: ", ".join(response.headers.getall(name)) for name in names}
                found = (answer_headers[name] for name in self._request_ids if name in answer_headers)
                request_id = clean(next(found, ""))
                if call.write:
                    note_request(request_id)
                received_ms = self.now_ms()
                used_up = used_up_s(answer_headers, received_ms, self._quota)
                if used_up is not None:
                    self.pace.pause(used_up)
                self.skew.observe(answer_headers.get("date", ""), sent_ms, received_ms)
                body = await self._bounded(response)
                if self.tap is not None:
                    own = {**self._headers, **call.headers}
                    sent = (method, str(shown), own, call.body or b"")
                    self.tap(Traffic(*sent, status, answer_headers, body))
            value, parsed = _parsed(body, status, response.charset)
            return Answer(status, answer_headers, value, parsed, len(body)), answer_headers.get(
                "location", ""
            )
        except _Broken as broken:
            error = broken.why
            raise
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            error = type(problem).__name__
            if isinstance(problem, aiohttp.ClientConnectorCertificateError):
                raise Stop(
                    f"{self.system} could not be reached safely",
                    why="its certificate is not trusted",
                    fix="check the base URL and the certificate; there is no switch to turn the check off",
                ) from None
            not_sent = isinstance(problem, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError))
            raise _Broken(_why(problem), sent=not not_sent) from None
        finally:
            if self._log is not None:
                ms = int((self._monotonic() - started) * 1000)
                self._log(Exchange(self.system, method, call.route, status, ms, request_id, attempt, error))

    async def _bounded(self, response: aiohttp.ClientResponse) -> bytes:
        limit = self.limits.max_body
        chunks: list[bytes] = []
        size = 0
        if (response.content_length or 0) <= limit:
            async for chunk in response.content.iter_any():
                size += len(chunk)
                if size > limit:
                    break
                chunks.append(chunk)
            else:
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)
        response.close()
        raise _Broken(f"its answer is larger than {limit:,} bytes", sent=True, unbelievable=True)

    def _open(self) -> aiohttp.ClientSession:
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=60, keepalive_timeout=self.limits.kept_s),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        # aiohttp sends PUT and DELETE a second time by itself if a kept connection turns out dead; a write is
        # to be sent once, and reads are retried above.
        session._retry_connection = False
        return session

    def _timeout(self, call: _Call) -> aiohttp.ClientTimeout:
        total_s = call.until - self._monotonic() if call.write else self.limits.total_s
        return aiohttp.ClientTimeout(total=total_s, connect=min(self.limits.connect_s, total_s))

    async def _back_off(self, attempt: int) -> None:
        ceiling = min(self.limits.max_backoff_s, self.limits.backoff_s * 2 ** (attempt - 1))
        await self._sleep(ceiling * (0.5 + 0.5 * self._random()))

    def _pause_s(self, attempt: int) -> float:
        """For a 429 that names no time: longer each time, up to a minute, the usual window of a quota."""
        growing = self.limits.pause_429_s * float(2 ** (attempt - 1))
        return min(60.0, growing * (0.75 + 0.5 * self._random()))

    def _outcome(self, call: _Call, broken: _Broken) -> OutcomeError:
        if call.write and broken.sent:
            return InDoubt(f"{self.system} did not say whether {call.shown} was applied", why=broken.why)
        if broken.unbelievable:
            return BadAnswer(f"the answer of {self.system} to {call.shown} can't be used", why=broken.why)
        return RetryLater(f"{self.system} could not be reached for {call.shown}", why=broken.why)


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    url: URL
    body: bytes | None = field(repr=False)
    content_type: str
    headers: Mapping[str, str] = field(repr=False)
    route: str
    write: bool
    until: float

    @property
    def shown(self) -> str:
        return f"{self.method} {self.route}"


def _is_trouble(status: int) -> bool:
    return status in (408, 429) or status >= 500


def _parsed(body: bytes, status: int, charset: str | None) -> tuple[Json, bool]:
    """The JSON of a body. Only an answer that nobody will believe blindly (not 2xx) may lack it."""
    body = body.removeprefix(b"\xef\xbb\xbf")  # some servers mark their UTF-8
    if not body.strip():
        return None, False
    try:
        if charset and charset.lower() not in ("utf-8", "utf8", "us-ascii"):
            body = body.decode(charset).encode()
        return _decode(body), True
    except (msgspec.DecodeError, RecursionError, ValueError, LookupError):
        if 200 <= status < 300:
            what = "HTML" if body.lstrip()[:1] == b"<" else "something that is not JSON"
            raise _Broken(f"it sent {what} ({len(body)} bytes)", sent=True, unbelievable=True) from None
        return None, False


def _why(problem: BaseException) -> str:
    if isinstance(problem, aiohttp.ConnectionTimeoutError):
        return "no connection in time"
    if isinstance(problem, TimeoutError):
        return "no answer in time"
    if isinstance(problem, aiohttp.ClientConnectorDNSError):
        return "the name of the host was not found"
    if isinstance(problem, aiohttp.ClientConnectorError):
        return f"the connection was refused ({problem.os_error.strerror or 'no reason given'})"
    if isinstance(problem, aiohttp.ClientPayloadError):
        return "the answer broke off half way"
    return f"the connection broke ({type(problem).__name__})"


def _address(text: str, base: URL | None = None) -> URL | None:
    """The address in a text that a system may have sent, None if it is none."""
    try:
        url = URL(text if base is None else urljoin(str(base), text), encoded=True)
        _origin(url)
    except ValueError:
        return None
    return url


def _origin(url: URL) -> str:
    return f"{url.scheme}://{url.host}:{url.port}"


def checked_origin(system: str, base_url: str) -> str:
    """Scheme, host and port of an address. Raises ConfigurationError if nothing may be sent there."""
    why = ""
    try:
        parts, origin = urlsplit(base_url), _origin(URL(base_url))
    except ValueError as error:
        problem = Problem(
            "", 0, 0, f"{system} has no address as its base URL", str(error), "write https://host/path"
        )
        raise ConfigurationError([problem]) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        why = "it is not an http or https address"
    elif parts.username or parts.password:
        why = "it holds credentials, which would end up in logs"
    elif parts.query or parts.fragment:
        why = "it has a query or a fragment"
    elif parts.scheme == "http" and parts.hostname not in LOOPBACK:
        why = "it is not encrypted; plain http is only for this very machine"
    if why:
        shown = f"{parts.scheme}://{parts.hostname}{parts.path}"
        problem = Problem("", 0, 0, f"{system} has the base URL {shown}", why, "write https://host/path")
        raise ConfigurationError([problem])
    return origin
