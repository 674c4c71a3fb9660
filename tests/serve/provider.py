"""A small OpenID provider over HTTP, after the standard: discovery, code flow with PKCE, signed ID tokens.

`claims` go into every token, in place of the usual ones; `spoil` is done to the finished token.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET = "instep", "the-secret-of-the-client"


def new_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig"}, private=True)


@dataclass
class Provider:
    url: str = ""
    key: RSAKey = field(default_factory=new_key)
    claims: dict[str, Any] = field(default_factory=dict)
    spoil: Callable[[str], str] = lambda token: token
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    signed_by: RSAKey | None = None

    def token(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": "42",
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "email": "ada@example.test",
            "groups": ["everybody", "finance"],
            **self.claims,
        }
        key = self.signed_by or self.key
        header = {"alg": "RS256", "kid": self.key.kid}
        return self.spoil(jwt.encode(header, {k: v for k, v in claims.items() if v is not None}, key))


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def answer(self, value: Any, status: int = 200, **headers: str) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        for name, given in {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **headers,
        }.items():
            self.send_header(name, given)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        provider, place = self.provider, urlsplit(self.path)
        if place.path == "/.well-known/openid-configuration":
            self.answer(
                {
                    "issuer": provider.url,
                    "authorization_endpoint": f"{provider.url}/authorize",
                    "token_endpoint": f"{provider.url}/token",
                    "jwks_uri": f"{provider.url}/keys",
                }
            )
        elif place.path == "/keys":
            self.answer(KeySet([provider.key]).as_dict(private=False))
        elif place.path == "/authorize":
            asked = {name: values[0] for name, values in parse_qs(place.query).items()}
            assert (asked["client_id"], asked["response_type"]) == (CLIENT, "code")
            assert asked["code_challenge_method"] == "S256"
            code = secrets.token_urlsafe(16)
            provider.codes[code] = asked
            back = urlencode({"code": code, "state": asked["state"], "iss": provider.url})
            self.answer({}, 302, Location=f"{asked['redirect_uri']}?{back}")
        else:
            self.answer({}, 404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        asked = self.provider.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest())
        if self.headers.get("Authorization") != f"Basic {basic}":
            self.answer({"error": "invalid_client"}, 401)
        elif (
            asked is None
            or challenge.rstrip(b"=").decode() != asked["code_challenge"]
            or form["redirect_uri"] != asked["redirect_uri"]
        ):
            self.answer({"error": "invalid_grant"}, 400)
        else:
            self.answer({"id_token": self.provider.token(asked), "token_type": "Bearer"})


@contextmanager
def provider() -> Iterator[Provider]:
    """The provider, for as long as the block lasts."""
    made = Provider()
    handler = type("Handler", (_Handler,), {"provider": made})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
