"""The part of a description that says how to get in."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from instep.connectors.rest.description_base import Model, SecretReference


class Basic(Model):
    """A user name and a password (HTTP Basic)."""

    kind: Literal["basic"]
    user: str = Field(description="the user name itself, or env:NAME or file:PATH")
    password: SecretReference = Field(description="where the password is")


class Bearer(Model):
    """A token that does not change."""

    kind: Literal["bearer"]
    token: SecretReference = Field(description="where the token is; sent as `Authorization: Bearer ...`")


class ApiKey(Model):
    """A header of the vendor's own."""

    kind: Literal["header"]
    name: str = Field(description="the header's name, such as X-Api-Key", pattern=r"^[A-Za-z0-9-]+$")
    value: SecretReference = Field(description="where the header's value is")
    template: str = Field(
        default="{value}",
        description="the header around it, such as Token token={value}",
        pattern=r"\{value\}",
    )


class Signature(Model):
    """A signature of each request by a shared secret (HMAC)."""

    kind: Literal["hmac"]
    key_id: str = Field(default="", description="the name of the secret: itself, or env:NAME or file:PATH")
    secret: SecretReference = Field(description="where the secret is")
    algorithm: Literal["sha256", "sha512", "sha1"] = Field(default="sha256", description="of the hash")
    text: str = Field(
        default="{method}\n{path}\n{timestamp}\n{body}",
        description="what is signed, of {method}, {path} with its query, {timestamp}, {key_id}, {nonce}, {body} and "
        "{body_hash}, its hash by the same algorithm and encoding",
    )
    encoding: Literal["hex", "base64"] = Field(default="hex", description="of the signature and of hashes")
    timestamp: Literal["epoch_s", "epoch_ms", "iso"] = Field(
        default="epoch_s", description="how it is written"
    )
    headers: dict[str, str] = Field(
        description="what is sent, of {signature}, {timestamp}, {key_id}, {nonce} and {body_hash}, such as "
        "X-Signature: '{signature}'",
        min_length=1,
    )

    @model_validator(mode="after")
    def _known(self) -> Signature:
        within = ("method", "path", "timestamp", "key_id", "nonce", "body", "body_hash")
        sent = ("signature", "timestamp", "key_id", "nonce", "body_hash")
        for known, text in ((within, self.text), *((sent, header) for header in self.headers.values())):
            for word in re.findall(r"\{(\w*)\}", text):
                if word not in known:
                    raise ValueError(f"{{{word}}} is not known here; {', '.join(known)} are")
        if not any("{signature}" in header for header in self.headers.values()):
            raise ValueError("no header holds the {signature}")
        return self


class OAuth2(Model):
    """Short-lived tokens, fetched and renewed as needed: for client credentials (RFC 6749, 4.4), or by a refresh
    token that a person once gave (RFC 6749, 6)."""

    kind: Literal["oauth2"]
    token_url: str = Field(description="where tokens are given out: a path, or a whole address")
    client_id: str = Field(description="the client id itself, or env:NAME or file:PATH")
    client_secret: SecretReference = Field(description="where the client secret is")
    refresh_token: SecretReference | None = Field(
        default=None,
        description="where the refresh token is, if a person gave one; absent: client credentials. A system that "
        "gives a new one with each token needs file:PATH, which is then written anew",
    )
    scope: str = Field(default="", description="the scope to ask for; left out if empty")
    params: dict[str, str] = Field(
        default_factory=dict,
        description="further parameters of the request for a token, or other ones (grant_type: password); a secret"
        " among them as env:NAME or file:PATH",
    )
    template: str = Field(
        default="Bearer {token}", description="the header Authorization around a token", pattern=r"\{token\}"
    )
    encoding: Literal["form", "json"] = Field(
        default="form", description="of the request for a token; form is that of RFC 6749"
    )
    client_auth: Literal["body", "basic"] = Field(
        default="body",
        description="how the client proves itself: in the form, or by HTTP Basic (RFC 6749, 2.3.1)",
    )


class Login(Model):
    """A session that is begun by a call of its own, and again when it has ended."""

    kind: Literal["login"]
    path: str = Field(description="where the session is begun: a path, or a whole address")
    method: Literal["POST", "PUT"] = Field(default="POST", description="of that call")
    body: dict[str, str] = Field(
        description="what is sent as JSON: dotted path -> a text, or env:NAME or file:PATH", min_length=1
    )
    token: str = Field(default="", description="pointer to the token in the answer, or header:NAME")
    cookie: str = Field(default="", description="or the name of the cookie that is the session")
    header: str = Field(default="Authorization", description="the header that a token is sent in")
    template: str = Field(
        default="Bearer {token}", description="that header around the token", pattern=r"\{token\}"
    )
    lasts_s: int = Field(default=1200, ge=30, description="seconds for which a session is good")

    @model_validator(mode="after")
    def _told(self) -> Login:
        if bool(self.token) == bool(self.cookie):
            raise ValueError("a session is a token or a cookie")
        return self


class Quota(Model):
    """Headers by which the system tells what is left of the quota, where they are none of the usual ones."""

    remaining: str = Field(
        description="the header with the requests that are left, or with those used and all (39/40)"
    )
    reset: str = Field(default="", description="the header with the time until there are more, or the moment")
    pause_s: float = Field(
        default=2, ge=0, le=3600, description="seconds to wait where no header tells the time"
    )


Auth = Annotated[Basic | Bearer | ApiKey | Signature | OAuth2 | Login, Field(discriminator="kind")]
