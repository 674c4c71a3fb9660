"""The part of a description that says what webhooks the system sends, and how they prove themselves."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from instep.connectors.rest.description_base import Model, SecretReference


class SignedWebhook(Model):
    """Each webhook has an HMAC by a shared secret in a header."""

    kind: Literal["hmac"]
    secret: SecretReference = Field(description="where the secret is")
    header: str = Field(description="the header with the signature, such as X-Signature")
    algorithm: Literal["sha256", "sha512"] = Field(default="sha256", description="of the hash")
    encoding: Literal["hex", "base64"] = Field(default="hex", description="of the signature")
    prefix: str = Field(default="", description="what stands before it in the header, such as sha256=")
    text: str = Field(
        default="{body}",
        description="what is signed, of {timestamp} and {body}, the body as it came",
        pattern=r"\{body\}",
    )
    timestamp: str = Field(
        default="", description="the header with the time of sending, in seconds or milliseconds since 1970"
    )
    tolerance_s: int = Field(
        default=300, ge=1, le=86_400, description="seconds by which that time may be off"
    )

    @model_validator(mode="after")
    def _timed(self) -> SignedWebhook:
        if ("{timestamp}" in self.text) != bool(self.timestamp):
            raise ValueError("a time protects only if it is signed: timestamp and {timestamp} go together")
        return self


class TokenWebhook(Model):
    """Each webhook has a token (`Authorization: Bearer ...`)."""

    kind: Literal["bearer"]
    token: SecretReference = Field(description="where the token is")


class BasicWebhook(Model):
    """Each webhook has a user name and a password (HTTP Basic), or the password as the last part of its address."""

    kind: Literal["basic"]
    user: str = Field(default="instep", description="the user name itself")
    password: SecretReference = Field(description="where the password is")


WebhookProof = Annotated[SignedWebhook | TokenWebhook | BasicWebhook, Field(discriminator="kind")]


class Webhooks(Model):
    """What the system sends when a record changes. Nothing is taken from it but which record to look at."""

    proof: WebhookProof = Field(description="how a webhook proves that it comes from the system")
    events: str = Field(
        default="", description="pointer to the event, or the list of events; by default the body itself"
    )
    entity: str = Field(
        description="pointer, within the event, to the kind of record or of event; header:NAME for a header"
    )
    entities: dict[str, str] = Field(
        default_factory=dict,
        description="from what stands there to the entity; * stands for anything (contact.*); absent: what stands "
        "there is the entity's name",
    )
    ids: tuple[str, ...] = Field(
        default=("id",),
        min_length=1,
        description="pointers to the ids of the records that the event is about: one, or two for one that tells "
        "of a merge",
    )
    under: tuple[str, ...] = Field(
        default=(), description="pointers to the ids of what the record is under, outermost first"
    )
    version: str = Field(
        default="",
        description="pointer to the version that a record has since, where the entity's version is a field; it "
        "spares a reading when the event is of our own write",
    )
