"""Credentials for the requests of a described API: fixed headers, or tokens of OAuth2 client credentials."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable, Mapping
from urllib.parse import quote, quote_plus, urlencode, urlsplit

from instep.connectors.http import Authorizer, FixedHeaders, HttpClient
from instep.connectors.rest.description import SCHEMES, Auth, Basic, Bearer, OAuth2
from instep.connectors.rest.pointers import at, text_at
from instep.errors import BadAnswer, RetryLater, Stop

Secrets = Callable[[str], str]
"""From a reference ("env:ERP_TOKEN") to the secret itself."""

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
    monotonic: Callable[[], float] = time.monotonic,
) -> Authorizer:
    """`clients` makes the client for the scheme and host that give tokens, "" for those of the API itself."""
    if auth is None:
        return FixedHeaders()
    if isinstance(auth, Basic):
        return FixedHeaders({"Authorization": _basic(resolved(auth.user, secrets), secrets(auth.password))})
    if isinstance(auth, Bearer):
        return FixedHeaders({"Authorization": f"Bearer {secrets(auth.token)}"})
    if isinstance(auth, OAuth2):
        return Tokens(auth, secrets, clients, monotonic=monotonic)
    return FixedHeaders({auth.name: secrets(auth.value)})


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Tokens:
    """Bearer tokens of OAuth2 client credentials (RFC 6749, 4.4), fetched when needed and shared by all.

    A token is renewed half a minute before its end, and once after a 401. Raises Stop if the client is not
    accepted, RetryLater if the token address can't be reached: either way the request was not sent.
    """

    def __init__(
        self,
        auth: OAuth2,
        secrets: Secrets,
        clients: Callable[[str], HttpClient],
        *,
        monotonic: Callable[[], float],
    ) -> None:
        parts = urlsplit(auth.token_url)
        self._auth, self._secrets, self._monotonic = auth, secrets, monotonic
        self._client = clients(f"{parts.scheme}://{parts.netloc}" if parts.netloc else "")
        self._path = parts.path + (f"?{parts.query}" if parts.query else "")
        self._lock = asyncio.Lock()
        self._token = ""
        self._fetched = self._ends = float("-inf")

    async def headers(self) -> Mapping[str, str]:
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
                fix="check client_id, client_secret, scope and token_url in its description",
            )
        life = at(answer.value, "expires_in")
        life_s = float(life) if isinstance(life, int) and not isinstance(life, bool) and life > 0 else 300.0
        self._token, self._fetched = token, self._monotonic()
        self._ends = self._fetched + life_s - min(_EARLY_S, life_s / 2)
