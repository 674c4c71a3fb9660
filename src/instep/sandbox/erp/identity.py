"""Who is asking: bearer token, Basic, `X-Api-Key`, or a short-lived token of OAuth2 client credentials.

Which ways are open is a setting; the one secret of the installation serves for all of them. The user of
Basic and the client id of OAuth are `USER`.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl

from instep.sandbox.erp.refusals import Refused, refused
from instep.sandbox.erp.settings import Settings
from instep.sandbox.kit import Clock

USER = "instep"


class Identity:
    def __init__(self, secret: str, clock: Clock) -> None:
        self._secret = secret
        self._clock = clock
        self._issued: dict[str, float] = {}

    def check(self, headers: Mapping[str, str], settings: Settings) -> str:
        """The way in which the client proved itself. Raises Refused (401)."""
        if not settings.auth:
            return "anyone"
        scheme, _, proof = headers.get("authorization", "").partition(" ")
        scheme, proof = scheme.lower(), proof.strip()
        if scheme == "bearer":
            if "bearer" in settings.auth and self._is_secret(proof):
                return "bearer"
            if "oauth" in settings.auth and self._issued.get(proof, 0) > self._clock.now():
                return "oauth"
        if scheme == "basic" and "basic" in settings.auth:
            user, secret = _user_and_secret(proof)
            if user == USER and self._is_secret(secret):
                return "basic"
        if "api_key" in settings.auth and self._is_secret(headers.get("x-api-key", "")):
            return "api_key"
        raise refused(401, None, "unauthorised", "a valid " + " or ".join(settings.auth) + " is needed")

    def issue(self, headers: Mapping[str, str], form: bytes, settings: Settings) -> dict[str, object]:
        """The answer of `POST /oauth/token` (RFC 6749, 4.4). Raises Refused (400, 401)."""
        if "oauth" not in settings.auth:
            raise refused(404, None, "not_found", "there is no such address")
        fields = dict(parse_qsl(form.decode("utf-8", "replace")))
        if fields.get("grant_type") != "client_credentials":
            raise Refused(400, [{"field": "grant_type", "code": "unsupported_grant_type", "message": ""}])
        user, secret = fields.get("client_id", ""), fields.get("client_secret", "")
        scheme, _, proof = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            user, secret = _user_and_secret(proof)
        if user != USER or not self._is_secret(secret):
            raise refused(401, None, "invalid_client", "the client is not known")
        token = secrets.token_urlsafe(24)
        now = self._clock.now()
        self._issued = {old: ends for old, ends in self._issued.items() if ends > now}
        self._issued[token] = now + settings.token_ttl_s
        return {"access_token": token, "token_type": "Bearer", "expires_in": settings.token_ttl_s}

    def _is_secret(self, proof: str) -> bool:
        return hmac.compare_digest(proof.encode(), self._secret.encode())


def _user_and_secret(proof: str) -> tuple[str, str]:
    try:
        user, _, secret = base64.b64decode(proof, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, secret
