"""A login elsewhere: OpenID Connect's code flow with PKCE, state and nonce. The provider says who, we what they may.

What a person brings back is taken once, within minutes, and only by the browser that went away with it. The ID token
counts with a good signature of the provider's, for us, for this login, and not expired; nothing else of it is kept.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit

import aiohttp

from instep.dataflow.files import SiteFile
from instep.dataflow.secrets import resolve
from instep.dataflow.systems import Oidc
from instep.errors import ConfigurationError, RetryLater, UsageError
from instep.serve.access import ROLES, Person

AWAY_S: Final = 600.0
"""A person may be away at the provider for this long."""
KNOWN_S: Final = 3600.0
"""The provider's description and keys are asked for anew after this long, or when a key is not among them."""
MOST_AWAY: Final = 1000
MOST_BYTES: Final = 1 << 20
LEEWAY_S: Final = 60
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Of ID tokens: signatures by a key that the provider alone has."""


@dataclass(frozen=True, slots=True)
class Away:
    """A login that is going on at the provider. `mark`: of the browser that it belongs to."""

    verifier: str
    nonce: str
    mark: str
    next: str
    back: str
    began_s: float


class Provider:
    """The provider of one site. `close` ends its connections."""

    def __init__(
        self, settings: Oidc, client_secret: str, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self.settings, self._secret, self._now_s = settings, client_secret, now_s
        self._away: dict[str, Away] = {}
        self._http: aiohttp.ClientSession | None = None
        self._described: tuple[float, Mapping[str, Any]] = (-KNOWN_S, {})
        self._keys: tuple[float, Mapping[str, Any]] = (-KNOWN_S, {})

    async def begin(self, mark: str, next: str, back: str) -> str:
        """The provider's address to send this browser to. Raises RetryLater, UsageError."""
        described = await self._description()
        self._forget_old()
        state, verifier, nonce = (secrets.token_urlsafe(32) for _ in range(3))
        self._away[state] = Away(verifier, nonce, mark, next, back, self._now_s())
        challenge = base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": back,
            "scope": "openid email profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        place = str(described["authorization_endpoint"])
        return f"{place}{'&' if '?' in place else '?'}{urlencode(asked)}"

    async def finish(self, state: str, code: str, mark: str, issuer: str = "") -> tuple[Person, str]:
        """Who it is, and where they were about to go. Raises UsageError, RetryLater."""
        away = self._away.pop(state, None)
        if away is None or self._now_s() - away.began_s > AWAY_S:
            raise UsageError(
                "this login is over", why="it was used already, or took too long", fix="log in again"
            )
        if not hmac.compare_digest(away.mark.encode(errors="replace"), mark.encode(errors="replace")):
            raise UsageError("this login began in another browser", fix="log in again")
        if issuer and issuer != self.settings.issuer:
            raise UsageError("this login came back from another provider", fix="log in again")
        described = await self._description()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": away.back,
            "code_verifier": away.verifier,
        }
        token = await self._token(described, form)
        return self._person(await self._claims(described, token, away.nonce)), away.next

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()

    def _forget_old(self) -> None:
        late = self._now_s() - AWAY_S
        self._away = {state: away for state, away in self._away.items() if away.began_s > late}
        while len(self._away) >= MOST_AWAY:
            del self._away[next(iter(self._away))]

    def _person(self, claims: Mapping[str, Any]) -> Person:
        name, said = claims.get(self.settings.name_claim), claims.get(self.settings.role_claim, ())
        if not isinstance(name, str) or not name.strip():
            raise UsageError(
                "the provider does not say who you are", why=f"it tells no {self.settings.name_claim}"
            )
        told = [said] if isinstance(said, str) else said if isinstance(said, list) else []
        roles = [
            self.settings.roles[each]
            for each in told
            if isinstance(each, str) and each in self.settings.roles
        ]
        if not roles:
            raise UsageError(
                f"{name} has no role here",
                why=f"none of the values of {self.settings.role_claim} is in serve.oidc.roles",
                fix="ask whoever looks after Instep",
            )
        return Person(name[:100], max(roles, key=ROLES.index))

    async def _claims(self, described: Mapping[str, Any], token: str, nonce: str) -> Mapping[str, Any]:
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        wanted = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self.settings.issuer},
            aud={"essential": True, "value": self.settings.client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        for fresh in (False, True):  # a key that is not known may be a new one
            keys = await self._key_set(described, fresh=fresh)
            try:
                found = jwt.decode(token, KeySet.import_key_set(dict(keys)), algorithms=list(ALGORITHMS))  # type: ignore[arg-type]
                wanted.validate(found.claims)
            except (JoseError, ValueError, TypeError, KeyError) as error:
                if fresh:
                    raise UsageError("the provider's token is not good", why=type(error).__name__) from None
            else:
                audience = found.claims["aud"]
                for_others = isinstance(audience, list) and len(audience) > 1
                if for_others and found.claims.get("azp") != self.settings.client_id:
                    raise UsageError(
                        "the provider's token is not good", why="it is for somebody else as well"
                    )
                return dict(found.claims)
        raise AssertionError("the second round returns or raises")

    async def _description(self) -> Mapping[str, Any]:
        at_s, known = self._described
        if self._now_s() - at_s < KNOWN_S:
            return known
        found = await self._get(f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self.settings.issuer:
            raise UsageError("the provider calls itself otherwise", why=str(found.get("issuer"))[:200])
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            place = urlsplit(str(found.get(name, "")))
            if place.scheme not in ("https", urlsplit(self.settings.issuer).scheme) or not place.netloc:
                raise UsageError("the provider's description can't be used", why=f"its {name} is no address")
        self._described = (self._now_s(), found)
        return found

    async def _key_set(self, described: Mapping[str, Any], *, fresh: bool) -> Mapping[str, Any]:
        at_s, known = self._keys
        if not fresh and self._now_s() - at_s < KNOWN_S:
            return known
        found = await self._get(str(described["jwks_uri"]))
        self._keys = (self._now_s(), found)
        return found

    async def _token(self, described: Mapping[str, Any], form: Mapping[str, str]) -> str:
        ways = described.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        basic = not isinstance(ways, list) or "client_secret_basic" in ways
        body, headers = dict(form), {}
        if basic:
            who = aiohttp.encode_basic_auth(quote_plus(self.settings.client_id), quote_plus(self._secret))
            headers = {"Authorization": who}
        else:
            body |= {"client_id": self.settings.client_id, "client_secret": self._secret}
        found = await self._ask("POST", str(described["token_endpoint"]), data=body, headers=headers)
        token = found.get("id_token")
        if not isinstance(token, str):
            raise UsageError(
                "the provider did not accept this login", why=str(found.get("error", "no ID token"))[:200]
            )
        return token

    async def _get(self, url: str) -> Mapping[str, Any]:
        return await self._ask("GET", url)

    async def _ask(self, method: str, url: str, **given: Any) -> Mapping[str, Any]:
        if self._http is None:
            self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        try:
            async with self._http.request(method, url, allow_redirects=False, **given) as answer:
                body = await answer.content.read(MOST_BYTES)
                found = json.loads(body)
                if not isinstance(found, dict) or (answer.status != 200 and method == "GET"):
                    raise ValueError(f"status {answer.status}")
                return found
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            raise RetryLater(
                "the provider does not answer as it should", why=type(error).__name__, fix="try again later"
            ) from None


def provider_of(file: SiteFile) -> Provider | None:
    """The provider that `instep.yaml` names, if any. Raises ConfigurationError."""
    settings = file.settings.serve.oidc
    if settings is None:
        return None
    try:
        import joserfc  # noqa: F401 - whether it is there
    except ImportError:
        problem = file.document.problem(
            ("serve", "oidc"),
            "a login elsewhere needs more than is installed",
            fix="pip install 'instep[oidc]'",
        )
        raise ConfigurationError([problem]) from None
    secret = resolve(
        settings.client_secret,
        directory=file.directory,
        environ=os.environ,
        used_for="serve.oidc.client_secret",
    )
    return Provider(settings, secret)
