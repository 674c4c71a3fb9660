"""Webhooks: what one hints at, and how its sender proves who it is. Not for answering them: that is `serve`.

A webhook may be forged, repeated, late and out of order; so nothing is taken from it but which records to look at.
Every comparison takes as long for a guess that is nearly right as for any other.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Literal, Protocol, runtime_checkable

MAX_BODY: Final = 1_048_576
"""Bytes; no event of any system that is known comes near it."""


@dataclass(frozen=True, slots=True)
class Hint:
    """A record to look at. `version`: the one that the event is about, if it tells; what is known to be as new or
    newer needs no look."""

    entity: str
    id: str
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One webhook as it came. `headers`: by name in lower case. `tail`: what followed the address in the path."""

    headers: Mapping[str, str] = field(repr=False)
    tail: str = field(default="", repr=False)
    body: bytes = field(default=b"", repr=False)


class Proof(Protocol):
    """How senders of one system prove who they are."""

    @property
    def needs_body(self) -> bool:
        """Whether the body has to be there to tell."""
        ...

    def holds(self, call: Call, now_s: float) -> bool: ...


@runtime_checkable
class Hinting(Protocol):
    """What a connector is beside `Connector` if its system sends webhooks."""

    @property
    def proof(self) -> Proof | None:
        """None if none was agreed upon: then no webhook is taken."""
        ...

    def hinted(self, call: Call) -> Sequence[Hint]:
        """The records that it is about; none for an event that does not matter. Raises BadAnswer for what is no
        event."""
        ...


@dataclass(frozen=True, slots=True)
class Password:
    """HTTP Basic; or the password as the last part of the address, for senders that can't do that."""

    user: str
    password: str = field(repr=False)
    needs_body: bool = False

    def holds(self, call: Call, now_s: float) -> bool:
        del now_s
        shown = _same(_decoded(_after(call, "basic")), f"{self.user}:{self.password}".encode())
        return _same(call.tail.encode(), self.password.encode()) or shown


@dataclass(frozen=True, slots=True)
class Token:
    """`Authorization: Bearer TOKEN`."""

    token: str = field(repr=False)
    needs_body: bool = False

    def holds(self, call: Call, now_s: float) -> bool:
        del now_s
        return _same(_after(call, "bearer").encode(), self.token.encode())


@dataclass(frozen=True, slots=True)
class Signature:
    """An HMAC over the raw body, and over the time of sending where `timestamp` names the header that has it.

    `text`: what is signed, of {timestamp} and {body}. `prefix`: what stands before the signature in its header.
    `tolerance_s`: how far the sender's clock may be from ours.
    """

    secret: str = field(repr=False)
    header: str
    algorithm: Literal["sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    text: str = "{body}"
    timestamp: str = ""
    tolerance_s: int = 300
    needs_body: bool = True

    def holds(self, call: Call, now_s: float) -> bool:
        sent_at = call.headers.get(self.timestamp.lower(), "") if self.timestamp else ""
        words = {b"timestamp": sent_at.encode(), b"body": call.body}
        signed = re.sub(rb"\{(timestamp|body)\}", lambda found: words[found[1]], self.text.encode())
        made = hmac.digest(self.secret.encode(), signed, self.algorithm)
        ours = made.hex() if self.encoding == "hex" else base64.b64encode(made).decode()
        good = _same(call.headers.get(self.header.lower(), "").encode(), f"{self.prefix}{ours}".encode())
        return good and (not self.timestamp or self._recent(sent_at, now_s))

    def _recent(self, sent_at: str, now_s: float) -> bool:
        if not re.fullmatch(r"[0-9]{1,16}", sent_at):
            return False
        at_s = int(sent_at)
        return abs(now_s - (at_s / 1000 if at_s > _MILLISECONDS else at_s)) <= self.tolerance_s


_MILLISECONDS: Final = 100_000_000_000
"""A larger number since 1970 is of milliseconds."""


def _after(call: Call, scheme: str) -> str:
    """What the header Authorization has after its scheme, "" if that is another."""
    named, _, rest = call.headers.get("authorization", "").partition(" ")
    return rest.strip() if named.lower() == scheme else ""


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _same(given: bytes, known: bytes) -> bool:
    """By digests, so that not even the length of a secret shows in the time that it takes."""
    return hmac.compare_digest(sha256(given).digest(), sha256(known).digest())
