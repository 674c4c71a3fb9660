"""Credentials for the requests of a described API: fixed headers, signatures, or tokens of OAuth2."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
import secrets as secrets_module
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import quote, quote_plus, urlencode, urlsplit

from instep.connectors.http import Authorizer, FixedHeaders, HttpClient, Outgoing
from instep.connectors.rest.description_auth import Auth, Basic, Bearer, OAuth2, Signature
from instep.connectors.rest.description_base import SCHEMES
from instep.connectors.rest.pointers import at, text_at
from instep.errors import BadAnswer, RetryLater, Stop

Secrets = Callable[[str], str]
"""From a reference ("env:ERP_TOKEN") to the secret itself."""

Keep = Callable[[str, str], None]
"""Replaces the secret that a reference leads to, where that is a file; raises StoreError if it can't."""

_EARLY_S = 30.0
_FRESH_S = 2.0


def resolved(text: str, secrets: Secrets) -> str:
    """The text itself, or the secret that it refers to."""
    return secrets(text) if text.startswith(SCHEMES) else text


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
        return FixedHeaders({"Authorization": _basic(resolved(auth.user, secrets), secrets(auth.password))})
    if isinstance(auth, Bearer):
        return FixedHeaders({"Authorization": f"Bearer {secrets(auth.token)}"})
    if isinstance(auth, OAuth2):
        return Tokens(auth, secrets, clients, keep=keep, monotonic=monotonic)
    if isinstance(auth, Signature):
        return Signing(auth, secrets, now_ms=now_ms)
    return FixedHeaders({auth.name: secrets(auth.value)})


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


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


class Tokens:
    """Bearer tokens of OAuth2, fetched when needed and shared by all: by client credentials (RFC 6749, 4.4), or by a
    refresh token (RFC 6749, 6). One that comes in place of the refresh token is kept before it is used.

    A token is renewed half a minute before its end, and once after a 401. Raises Stop if the client is not
    accepted, RetryLater if the token address can't be reached: either way the request was not sent.
    """

    def __init__(
        self,
        auth: OAuth2,
        secrets: Secrets,
        clients: Callable[[str], HttpClient],
        *,
        keep: Keep | None = None,
        monotonic: Callable[[], float],
    ) -> None:
        self._keep, self._refresh = keep, ""
        parts = urlsplit(auth.token_url)
        self._auth, self._secrets, self._monotonic = auth, secrets, monotonic
        self._client = clients(f"{parts.scheme}://{parts.netloc}" if parts.netloc else "")
        self._path = parts.path + (f"?{parts.query}" if parts.query else "")
        self._lock = asyncio.Lock()
        self._token = ""
        self._fetched = self._ends = float("-inf")

    async def headers(self, _: Outgoing) -> Mapping[str, str]:
        async with self._lock:
            if not self._token or self._monotonic() >= self._ends:
                await self._fetch()
            return {"Authorization": f"Bearer {self._token}"}

    async def renew(self) -> bool:
        async with self._lock:
            # Many requests meet the end of one token; the first of them fetches for all.
            if self._monotonic() - self._fetched > _FRESH_S:
                self._token = ""
            return True

    async def close(self) -> None:
        await self._client.close()

    async def _fetch(self) -> None:
        form = {"grant_type": "client_credentials"}
        if self._auth.refresh_token is not None:
            refresh = self._refresh or self._secrets(self._auth.refresh_token)
            form = {"grant_type": "refresh_token", "refresh_token": refresh}
        if self._auth.scope:
            form["scope"] = self._auth.scope
        user = resolved(self._auth.client_id, self._secrets)
        secret = self._secrets(self._auth.client_secret)
        headers = {}
        if self._auth.client_auth == "basic":
            headers["Authorization"] = _basic(quote_plus(user), quote_plus(secret))
        else:
            form |= {"client_id": user, "client_secret": secret}
        try:
            answer = await self._client.request(
                "POST",
                quote(self._path, safe="/?&=%"),
                body=urlencode(form).encode(),
                content_type="application/x-www-form-urlencoded",
                headers=headers,
                write=False,
            )
        except BadAnswer as bad:
            raise RetryLater(f"{self._client.system} gave no token", why=bad.why) from None
        token = text_at(answer.value, "access_token")
        if answer.status >= 400 or not token:
            error = text_at(answer.value, "error") or f"it answered {answer.status}"
            raise Stop(
                f"{self._client.system} gave no token",
                why=error[:100],
                fix="check client_id, client_secret, scope and token_url in its description"
                + (
                    ", and whether a person has to give a new refresh token"
                    if "refresh_token" in form
                    else ""
                ),
            )
        renewed = text_at(answer.value, "refresh_token")
        if self._auth.refresh_token is not None and renewed:
            self._refresh = renewed
            if self._keep is not None:
                self._keep(self._auth.refresh_token, renewed)
        life = at(answer.value, "expires_in")
        life_s = float(life) if isinstance(life, int) and not isinstance(life, bool) and life > 0 else 300.0
        self._token, self._fetched = token, self._monotonic()
        self._ends = self._fetched + life_s - min(_EARLY_S, life_s / 2)
