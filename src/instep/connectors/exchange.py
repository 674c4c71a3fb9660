"""What an HTTP client is given and gives back: credentials, limits, answers, log entries; and `redact`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from instep.core.values import Json


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request that is about to be sent, for whoever signs it. `path`: with the query, as it goes on the wire."""

    method: str
    path: str
    body: bytes = field(repr=False)


class Authorizer(Protocol):
    """Where the credentials of a request come from."""

    async def headers(self, outgoing: Outgoing, /) -> Mapping[str, str]:
        """What to add to this request; may fetch a token, and raise an OutcomeError if it can't."""
        ...

    async def renew(self) -> bool:
        """Called after a 401: True if the same request is worth one more try with new `headers`."""
        ...


@dataclass(frozen=True, slots=True)
class FixedHeaders:
    """Credentials that don't change: a Basic or Bearer header, or a vendor's own."""

    values: Mapping[str, str] = field(repr=False, default_factory=dict)

    async def headers(self, _: Outgoing) -> Mapping[str, str]:
        return self.values

    async def renew(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Answer:
    """A response whose body was read to its end.

    `value` is the decoded JSON; None with `parsed` False for an empty body or, on a 4xx, for one that is not
    JSON. Header names are lower case. `size` counts the bytes of the body, unpacked.
    """

    status: int
    headers: Mapping[str, str]
    value: Json
    parsed: bool
    size: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """One request and its answer in full, for a person who tries a description out; never for a log.

    `request_headers` are without credentials.
    """

    method: str
    url: str
    request_headers: Mapping[str, str]
    request_body: bytes
    status: int
    answer_headers: Mapping[str, str]
    answer_body: bytes


@dataclass(frozen=True, slots=True)
class Exchange:
    """What may be logged of one request: no query, no body, no credentials.

    `status` is 0 if there was no answer, and `error` then says what there was instead.
    """

    system: str
    method: str
    route: str
    status: int
    ms: int
    request_id: str
    attempt: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one client; seconds and bytes.

    `total_s`: for the answer to a read; for all of a write, waiting for its turn included. `patience_s`: how
    long a read may wait for a system that asked for a pause. `kept_s`: for how long an idle connection is used again.
    A server closes one after a time of its own (gunicorn 2 s; Apache, Node.js and uvicorn 5 s), and a write that
    crosses that is in doubt for minutes, so ours is shorter.
    """

    connect_s: float = 10.0
    total_s: float = 60.0
    max_body: int = 20_000_000
    max_reads: int = 20
    max_writes: int = 20
    read_tries: int = 5
    write_tries: int = 4
    backoff_s: float = 0.5
    max_backoff_s: float = 20.0
    pause_429_s: float = 5.0
    patience_s: float = 90.0
    kept_s: float = 1.5


_CREDENTIALS = re.compile(r"(?i)\b(basic|bearer)\s+[\w.~+/=-]{4,}")
_USERINFO = re.compile(r"(?<=://)[^/\s@]+@")
_QUERY = re.compile(r"(?<=[?&])([^=&\s]+)=[^&\s]*")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without these secrets, credentials in headers or addresses, and query values."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    text = _CREDENTIALS.sub(r"\1 ***", text)
    text = _USERINFO.sub("***@", text)
    return _QUERY.sub(r"\1=***", text)
