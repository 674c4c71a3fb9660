"""Sessions of people who logged in: kept here, in memory, under a random id that the browser has in a cookie.

A session ends when nobody uses it for a while, at the latest after a working day, at logout, and with the process.
Forms carry the session's own token, and come from our own pages: both are checked before anything is done.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Generic, TypeVar
from urllib.parse import urlsplit

from fastapi import Request, Response

P = TypeVar("P")

IDLE_S: Final = 2 * 3600
END_S: Final = 12 * 3600
MOST: Final = 1000
"""Sessions at once; the one that was used longest ago makes room."""
CSRF_HEADER: Final = "X-CSRF-Token"


@dataclass(slots=True)
class Session(Generic[P]):
    """One login. `csrf`: what its forms carry. `said`: sentences that the next page tells, once."""

    person: P
    made_s: float
    used_s: float
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    said: list[str] = field(default_factory=list)

    def has_csrf(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(errors="replace"), self.csrf.encode())


class Sessions(Generic[P]):
    """All of them, by the digest of their id. `name` keeps cookies of several sites on one host apart."""

    def __init__(self, name: str, now_s: Callable[[], float] = time.monotonic) -> None:
        self.cookie = f"instep_{sha256(name.encode()).hexdigest()[:8]}"
        self._now_s = now_s
        self._known: dict[bytes, Session[P]] = {}

    def begin(self, person: P) -> tuple[str, Session[P]]:
        """A new session, with the id that its browser keeps."""
        self._drop_ended()
        if len(self._known) >= MOST:
            self._known.pop(min(self._known, key=lambda key: self._known[key].used_s))
        id, now_s = secrets.token_urlsafe(32), self._now_s()
        session = self._known[_key(id)] = Session(person, now_s, now_s)
        return id, session

    def find(self, id: str, *, used: bool = True) -> Session[P] | None:
        """The session with that id, unless it has ended; `used` keeps it from ending for idleness."""
        session = self._known.get(_key(id))
        if session is None or self._ended(session):
            return None
        if used:
            session.used_s = self._now_s()
        return session

    def end(self, id: str) -> None:
        self._known.pop(_key(id), None)

    def _ended(self, session: Session[P]) -> bool:
        now_s = self._now_s()
        return now_s - session.used_s > IDLE_S or now_s - session.made_s > END_S

    def _drop_ended(self) -> None:
        self._known = {key: session for key, session in self._known.items() if not self._ended(session)}


def _key(id: str) -> bytes:
    return sha256(id.encode(errors="replace")).digest()


def is_secure(request: Request) -> bool:
    """Whether the person came by https, be it to a proxy before us."""
    return own_url(request).startswith("https:")


def own_url(request: Request) -> str:
    """The address under which people reach us, without a slash at the end."""
    stated: str | None = request.app.state.site.file.settings.serve.url
    return (stated or f"{request.url.scheme}://{request.url.netloc}").rstrip("/")


def is_own_origin(request: Request) -> bool:
    """Whether the request comes from one of our own pages: browsers say so with whatever changes something."""
    origin = request.headers.get("origin", "")
    host = urlsplit(origin).netloc
    return bool(host) and host in (request.headers.get("host", ""), urlsplit(own_url(request)).netloc)


def set_cookie(
    request: Request, response: Response, name: str, value: str, *, most_s: int | None = None
) -> None:
    """A cookie that no script reads and no other site sends along with a form."""
    response.set_cookie(
        name, value, max_age=most_s, path="/", secure=is_secure(request), httponly=True, samesite="lax"
    )
