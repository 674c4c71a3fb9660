"""Who may do what: tokens, and the roles viewer, operator and admin, each of which may all that the one before may.

A token is compared by its digest in constant time, and all of them are looked at every time.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal, get_args

from fastapi import HTTPException, Request

from instep.errors import ConfigurationError, Problem

Role = Literal["viewer", "operator", "admin"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)


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
    return sha256(token.encode()).digest()


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
    if len(token) < 16:
        raise _unusable(path, "it holds no token of 16 characters or more")
    return token


def _unusable(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        [
            Problem(
                str(path), 0, 0, "the token can't be used", why=why, fix="remove the file: a new one is made"
            )
        ]
    )


def require(role: Role) -> object:
    """A dependency of FastAPI: the person who asks, if they may; else 401 or 403."""

    def check(request: Request) -> Person:
        access: Access = request.app.state.access
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        person = access.person(token.strip()) if scheme.lower() == "bearer" else None
        if person is None:
            raise HTTPException(401, "a token is needed", {"WWW-Authenticate": "Bearer"})
        if not person.may(role):
            raise HTTPException(403, f"that is for the role {role}; {person.name} has {person.role}")
        return person

    return check
