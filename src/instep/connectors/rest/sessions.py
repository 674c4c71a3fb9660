"""Credentials that end: tokens of OAuth2, and sessions that a call of the system's own begins."""

from __future__ import annotations

import asyncio
import base64
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from urllib.parse import quote, quote_plus, urlencode, urlsplit

from instep.connectors.http import HttpClient, Outgoing
from instep.connectors.rest.description_auth import Login, OAuth2
from instep.connectors.rest.description_base import SCHEMES
from instep.connectors.rest.paging import told_at
from instep.connectors.rest.pointers import at, put, text_at
from instep.core.values import Json, encode
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


def basic(user: str, password: str) -> str:
    """The header of HTTP Basic."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Renewed(ABC):
    """Headers that are fetched when needed and shared by all, anew half a minute before they end, and once after a
    401. `address`: a path of the API's own host, or a whole address."""

    def __init__(
        self, address: str, clients: Callable[[str], HttpClient], *, monotonic: Callable[[], float]
    ) -> None:
        parts = urlsplit(address)
        self._client = clients(f"{parts.scheme}://{parts.netloc}" if parts.netloc else "")
        self._path = quote(parts.path + (f"?{parts.query}" if parts.query else ""), safe="/?&=%")
        self._monotonic = monotonic
        self._lock = asyncio.Lock()
        self._headers: Mapping[str, str] = {}
        self._fetched = self._ends = float("-inf")

    async def headers(self, _: Outgoing) -> Mapping[str, str]:
        async with self._lock:
            if not self._headers or self._monotonic() >= self._ends:
                await self._fetch()
            return self._headers

    async def renew(self) -> bool:
        async with self._lock:
            # Many requests meet the end of one token; the first of them fetches for all.
            if self._monotonic() - self._fetched > _FRESH_S:
                self._headers = {}
            return True

    async def close(self) -> None:
        await self._client.close()

    def _begin(self, headers: Mapping[str, str], life_s: float) -> None:
        self._headers, self._fetched = headers, self._monotonic()
        self._ends = self._fetched + life_s - min(_EARLY_S, life_s / 2)

    @abstractmethod
    async def _fetch(self) -> None: ...


class Tokens(Renewed):
    """Bearer tokens of OAuth2, fetched when needed and shared by all: by client credentials (RFC 6749, 4.4), or by a
    refresh token (RFC 6749, 6). One that comes in place of the refresh token is kept before it is used.

    Raises Stop if the client is not accepted, RetryLater if the token address can't be reached: either way the
    request was not sent.
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
        self._auth, self._secrets = auth, secrets
        super().__init__(auth.token_url, clients, monotonic=monotonic)

    async def _fetch(self) -> None:
        form = {"grant_type": "client_credentials"}
        if self._auth.refresh_token is not None:
            refresh = self._refresh or self._secrets(self._auth.refresh_token)
            form = {"grant_type": "refresh_token", "refresh_token": refresh}
        if self._auth.scope:
            form["scope"] = self._auth.scope
        user = resolved(self._auth.client_id, self._secrets)
        secret = self._secrets(self._auth.client_secret)
        form |= {name: resolved(text, self._secrets) for name, text in self._auth.params.items()}
        headers, as_json = {}, self._auth.encoding == "json"
        if self._auth.client_auth == "basic":
            headers["Authorization"] = basic(quote_plus(user), quote_plus(secret))
        else:
            form |= {"client_id": user, "client_secret": secret}
        try:
            answer = await self._client.request(
                "POST",
                self._path,
                body=encode(form) if as_json else urlencode(form).encode(),
                content_type="application/json" if as_json else "application/x-www-form-urlencoded",
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
        self._begin({"Authorization": self._auth.template.replace("{token}", token)}, life_s)


class Session(Renewed):
    """A session that is begun by a call, and goes on by a token or a cookie. Raises as `Tokens` does."""

    def __init__(
        self,
        auth: Login,
        secrets: Secrets,
        clients: Callable[[str], HttpClient],
        *,
        monotonic: Callable[[], float],
    ) -> None:
        self._auth = auth
        self._body: dict[str, Json] = {}
        for path, text in auth.body.items():
            put(self._body, path, resolved(text, secrets))
        super().__init__(auth.path, clients, monotonic=monotonic)

    async def _fetch(self) -> None:
        auth, system = self._auth, self._client.system
        try:
            answer = await self._client.request(
                auth.method, self._path, body=encode(self._body), write=False, route="the login"
            )
        except BadAnswer as bad:
            raise RetryLater(f"{system} began no session", why=bad.why) from None
        headers: dict[str, str] = {}
        if auth.cookie:
            found = re.search(
                rf"(?:^|,\s*){re.escape(auth.cookie)}=([^;,]*)", answer.headers.get("set-cookie", "")
            )
            if found:
                headers = {"Cookie": f"{auth.cookie}={found[1]}"}
        else:
            token = told_at(answer, auth.token)
            if isinstance(token, str) and token.isprintable() and token:
                headers = {auth.header: auth.template.replace("{token}", token)}
        if answer.status >= 400 or not headers:
            raise Stop(
                f"{system} began no session",
                why=f"it answered {answer.status}" + ("" if headers else " without one"),
                fix="check auth.body, and auth.token or auth.cookie, in its description",
            )
        self._begin(headers, float(auth.lasts_s))
