"""Credentials for the requests of a described API: fixed headers, signatures, tokens and sessions."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets as secrets_module
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from instep.connectors.http import Authorizer, FixedHeaders, HttpClient, Outgoing
from instep.connectors.rest.description_auth import Auth, Basic, Bearer, Login, OAuth2, Signature
from instep.connectors.rest.sessions import Keep, Secrets, Session, Tokens, basic, resolved


def authorizer(
    auth: Auth | None,
    secrets: Secrets,
    clients: Callable[[str], HttpClient],
    *,
    keep: Keep | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
) -> Authorizer:
    """`clients` makes the client for the scheme and host that give tokens, "" for those of the API itself."""
    if auth is None:
        return FixedHeaders()
    if isinstance(auth, Basic):
        return FixedHeaders({"Authorization": basic(resolved(auth.user, secrets), secrets(auth.password))})
    if isinstance(auth, Bearer):
        return FixedHeaders({"Authorization": f"Bearer {secrets(auth.token)}"})
    if isinstance(auth, OAuth2):
        return Tokens(auth, secrets, clients, keep=keep, monotonic=monotonic)
    if isinstance(auth, Signature):
        return Signing(auth, secrets, now_ms=now_ms)
    if isinstance(auth, Login):
        return Session(auth, secrets, clients, monotonic=monotonic)
    return FixedHeaders({auth.name: auth.template.replace("{value}", secrets(auth.value))})


class Signing:
    """Headers with an HMAC of the very request that they go with."""

    def __init__(self, auth: Signature, secrets: Secrets, *, now_ms: Callable[[], int]) -> None:
        self._auth, self._now_ms = auth, now_ms
        self._key_id = resolved(auth.key_id, secrets)
        self._secret = secrets(auth.secret).encode()

    async def headers(self, outgoing: Outgoing) -> Mapping[str, str]:
        words = {
            "method": outgoing.method.encode(),
            "path": outgoing.path.encode(),
            "timestamp": self._moment().encode(),
            "key_id": self._key_id.encode(),
            "nonce": secrets_module.token_hex(16).encode(),
            "body": outgoing.body,
            "body_hash": self._encoded(hashlib.new(self._auth.algorithm, outgoing.body).digest()),
        }
        signed = hmac.digest(self._secret, _filled(self._auth.text, words), self._auth.algorithm)
        words["signature"] = self._encoded(signed)
        return {name: _filled(text, words).decode() for name, text in self._auth.headers.items()}

    async def renew(self) -> bool:
        return False

    def _encoded(self, data: bytes) -> bytes:
        return data.hex().encode() if self._auth.encoding == "hex" else base64.b64encode(data)

    def _moment(self) -> str:
        now_ms = self._now_ms()
        if self._auth.timestamp == "iso":
            return datetime.fromtimestamp(now_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return str(now_ms if self._auth.timestamp == "epoch_ms" else now_ms // 1000)


def _filled(text: str, words: Mapping[str, bytes]) -> bytes:
    return re.sub(rb"\{(\w+)\}", lambda found: words[found[1].decode()], text.encode())
