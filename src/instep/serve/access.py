"""Who may do what: tokens, and the roles viewer, operator and admin, each of which may all that the one before may.

A token is compared by its digest in constant time, and all of them are looked at every time. A person comes with a
token in each request, or with a session that a login began (`sessions`).
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final, Literal, get_args

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from instep.dataflow.secrets import resolve
from instep.dataflow.systems import Serve
from instep.errors import ConfigurationError, Problem
from instep.serve.attempts import Attempts, address_of
from instep.serve.sessions import CSRF_HEADER, Session, Sessions, is_own_origin

Role = Literal["viewer", "operator", "admin"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
LEAST: Final = 16
"""Characters of a token: fewer can be guessed."""
SAFE: Final = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks, by the name that the journal keeps."""

    name: str
    role: Role

    def may(self, role: Role) -> bool:
        return ROLES.index(self.role) >= ROLES.index(role)


@dataclass(frozen=True)
class Access:
    """The tokens that are good, as (digest, who)."""

    known: Sequence[tuple[bytes, Person]]

    def person(self, token: str) -> Person | None:
        """Whose token that is."""
        digest, found = _digest(token), None
        for known, person in self.known:
            if hmac.compare_digest(digest, known):
                found = person
        return found


def access_of(tokens: Sequence[tuple[str, str, Role]]) -> Access:
    """From (token, name, role) of each."""
    return Access([(_digest(token), Person(name, role)) for token, name, role in tokens])


def _digest(token: str) -> bytes:
    return sha256(token.encode(errors="surrogatepass")).digest()


def configured(serve: Serve, directory: Path, own: Path) -> tuple[list[tuple[str, str, Role]], Path | None]:
    """The tokens that `instep.yaml` names; without any, the one in the file `own`, for an admin, and that file.
    Raises ConfigurationError."""
    if not serve.tokens and serve.oidc is None:
        return [(own_token(own), "admin", "admin")], own
    found: list[tuple[str, str, Role]] = []
    problems: list[Problem] = []
    for number, each in enumerate(serve.tokens):
        where = f"serve.tokens.{number}.token"
        try:
            token = resolve(each.token, directory=directory, environ=os.environ, used_for=where)
        except ConfigurationError as error:
            problems += error.problems
            continue
        if len(token) < LEAST:
            problems.append(
                Problem("", 0, 0, f"the token of {each.name} can be guessed", f"it has {len(token)} characters",
                        f"make it {LEAST} characters or more, at random", where=where)
            )  # fmt: skip
        found.append((token, each.name, each.role))
    if problems:
        raise ConfigurationError(problems)
    return found, None


def own_token(path: Path) -> str:
    """The token in that file, which only its owner can read; made if there is none. Raises ConfigurationError."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(path)
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from None
    token = secrets.token_urlsafe(32)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(token + "\n")
    return token


def _read(path: Path) -> str:
    try:
        token = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise _unusable(path, str(error)) from None
    if len(token) < LEAST:
        raise _unusable(path, f"it holds no token of {LEAST} characters or more")
    return token


def _unusable(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        [
            Problem(
                str(path), 0, 0, "the token can't be used", why=why, fix="remove the file: a new one is made"
            )
        ]
    )


def session_of(request: Request) -> Session[Person] | None:
    """The session that the request's cookie names, if it goes on; a page that renews itself keeps none alive."""
    sessions: Sessions[Person] = request.app.state.sessions
    return sessions.find(
        request.cookies.get(sessions.cookie, ""), used="x-instep-refresh" not in request.headers
    )


_BEARER: Final = HTTPBearer(auto_error=False, description="A token of `instep.token` or `serve.tokens`.")


def require(role: Role) -> Callable[..., Person]:
    """A dependency of FastAPI: the person who asks, if they may; else 401 or 403.

    By the bearer token; else by the session, which for anything but reading needs the header X-CSRF-Token as well.
    """

    def check(
        request: Request, bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
    ) -> Person:
        person = _by_token(request, bearer.credentials) if bearer is not None else _by_session(request)
        if person is None:
            raise HTTPException(401, "a token is needed", {"WWW-Authenticate": "Bearer"})
        if not person.may(role):
            raise HTTPException(403, f"that is for the role {role}; {person.name} has {person.role}")
        return person

    return check


def _by_token(request: Request, token: str) -> Person | None:
    access: Access = request.app.state.access
    attempts: Attempts = request.app.state.attempts
    address = address_of(request)
    attempts.require(address)
    person = access.person(token.strip())
    if person is None:
        attempts.failed(address)
    return person


def _by_session(request: Request) -> Person | None:
    session = session_of(request)
    if session is None:
        return None
    if request.method not in SAFE and not (
        is_own_origin(request) and session.has_csrf(request.headers.get(CSRF_HEADER, ""))
    ):
        raise HTTPException(
            403, f"a session needs the header {CSRF_HEADER} and its own origin to change something"
        )
    return session.person
