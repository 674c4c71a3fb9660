"""The description of an ERP's JSON API: what a YAML file says, as models. Words only; nothing is sent here.

A pointer is a dotted path into JSON ("data.attributes.name", "errors.0.field"); "" means the whole value.
Every model refuses an unknown key, and every field says what it means: the JSON Schema and the reference page
are generated from this module.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from instep.connectors.rest.description_list import ListCall
from instep.core.model import FieldType

SCHEMES = ("env:", "file:")


def _reference(text: str) -> str:
    if not text.startswith(SCHEMES) or text in SCHEMES:
        raise ValueError("a secret is written as env:NAME or file:PATH, never as itself")
    return text


SecretReference = Annotated[
    str, AfterValidator(_reference), Field(examples=["env:ERP_TOKEN", "file:secrets/erp"])
]
Scalar = str | int | bool | None
Outcome = Literal["refused", "taken", "moved", "gone", "retry_later", "in_doubt", "stop"]
Format = Literal["iso", "date", "epoch_s", "epoch_ms"]
Method = Literal["POST", "PUT", "PATCH", "DELETE"]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


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
    client_auth: Literal["body", "basic"] = Field(
        default="body",
        description="how the client proves itself: in the form, or by HTTP Basic (RFC 6749, 2.3.1)",
    )


Auth = Annotated[Basic | Bearer | ApiKey | Signature | OAuth2, Field(discriminator="kind")]


class Errors(Model):
    """How the system says no. Pointers under `items` are taken within its first entry that has a field."""

    items: str = Field(default="", description="pointer to a list of errors; empty if the body is one error")
    message: str = Field(default="message", description="pointer to the sentence for people")
    field: str = Field(default="", description="pointer to the path of the field that is wrong")
    code: str = Field(default="", description="pointer to the system's own code of the error")
    existing_id: str = Field(
        default="", description="pointer to the id of the record that has a unique value already"
    )
    strip: str = Field(
        default="", description="what stands before a field's path in errors, such as data.attributes."
    )
    statuses: dict[int, Outcome] = Field(
        default_factory=dict,
        description="statuses that mean something else than usual, such as 409: moved or 503: retry_later."
        " refused, taken, moved, gone and retry_later say that nothing was written: state only what is certain",
    )
    codes: dict[str, Outcome] = Field(
        default_factory=dict, description="what the system's own codes mean, such as duplicate: taken"
    )


class Moment(Model):
    """Where a record tells a time, and how it is written."""

    field: str = Field(description="pointer within the record")
    format: Format = Field(
        default="iso", description="iso: 2026-01-31T12:00:00Z; date; seconds or ms since 1970"
    )
    resolution_ms: int = Field(
        default=1, ge=1, description="two changes closer than this may show the same time"
    )


class Version(Model):
    """What tells two states of a record apart."""

    kind: Literal["field", "updated_at", "none"] = Field(
        default="none",
        description="field: a whole number that every change raises; updated_at: the time of the last change",
    )
    field: str = Field(default="", description="for kind field: pointer to the number")
    if_match: str = Field(
        default="",
        description="makes updates conditional: etag to send back the ETag of the reading, or the header's text"
        ' with {version} in it, such as "{version}" in double quotes; empty if the system can\'t',
    )

    @model_validator(mode="after")
    def _named(self) -> Version:
        if self.kind == "field" and not self.field:
            raise ValueError("kind field needs the pointer in field")
        if "{version}" in self.if_match and self.kind != "field":
            raise ValueError("if_match with {version} needs kind field")
        if self.if_match and self.if_match != "etag" and "{version}" not in self.if_match:
            raise ValueError("if_match is etag or a text with {version} in it")
        return self


class ReadCall(Model):
    """Reading one record."""

    path: str = Field(
        default="", description="with {id}; by default the entity's path and the id after a slash"
    )
    item: str = Field(
        default="", description="pointer to the record in the answer; empty if it is the answer"
    )


class WriteCall(Model):
    """Creating or updating one record."""

    method: Method | None = Field(
        default=None, description="default: POST creates, PATCH updates, PUT if body is full"
    )
    path: str = Field(default="", description="with {id} to update; by default the entity's path, and the id")
    wrap: str = Field(default="", description="where in the body the fields stand, such as data.attributes")
    constants: dict[str, Scalar] = Field(
        default_factory=dict, description="dotted path in the body -> what always stands there"
    )
    body: Literal["partial", "full"] = Field(
        default="partial",
        description="updates only. partial: what is not sent stays. full: all writable fields are sent, taken"
        " from the reading before; an edit between the two is lost unless the update is conditional",
    )
    nested: Literal["merge", "replace"] = Field(
        default="merge",
        description="updates only. replace: an inner object is sent whole, since what it lacks is wiped",
    )
    drop: tuple[str, ...] = Field(
        default=(),
        description="for a full body: what a reading holds and the body must not, dotted; read-only fields go",
    )
    id_at: str = Field(
        default="", description="where in the body the id stands, if it has to; such as data.id"
    )
    answers: Literal["record", "id", "nothing"] = Field(
        default="record", description="what the answer holds; the record is read again if not all of it"
    )
    item: str = Field(
        default="", description="pointer to the record in the answer; empty if it is the answer"
    )


class RetireCall(Model):
    """Taking a record out of use."""

    by: Literal["field", "delete", "action"] = Field(
        description="field: an update writes what `retired` names; delete: DELETE; action: POST to path"
    )
    method: Method | None = Field(default=None, description="default: DELETE or POST")
    path: str = Field(default="", description="with {id}; needed for an action")

    @model_validator(mode="after")
    def _pathed(self) -> RetireCall:
        if self.by == "action" and "{id}" not in self.path:
            raise ValueError("an action needs a path with {id} in it")
        return self


class Marker(Model):
    """The field that holds our reference, so that a create whose answer was lost can be found again."""

    field: str = Field(description="its dotted path; it is best unique in the system")
    param: str = Field(description="the parameter of the list by which it is searched")


class ChosenId(Model):
    """Where the caller may choose the id of a new record and a taken one is refused."""

    max_length: int = Field(default=64, ge=1, description="characters that an id may have")
    by: Literal["body", "path"] = Field(
        default="body", description="at create.id_at (default id), or PUT to the id's path"
    )


class Equals(Model):
    """A field that says something by having one value."""

    field: str = Field(description="its dotted path")
    value: Scalar = Field(description="the value that says so")


class Lags(Model):
    """How late the system may be, in seconds; too large costs time, too small costs truth."""

    list_s: float = Field(default=2, ge=0, le=86_400, description="a list may miss a change for so long")
    read_s: float = Field(default=0, ge=0, le=86_400, description="a reading may miss a change for so long")
    late_apply_s: float = Field(
        default=300,
        ge=0,
        le=86_400,
        description="a request that timed out may still be carried out for so long",
    )


class FieldLine(Model):
    """One field of a record."""

    path: str = Field(description="dotted path within the record's fields", pattern=r"^[^.\s]+(\.[^.\s]+)*$")
    type: FieldType = Field(
        default="text", description="decimals in quotes are text; decimal is a JSON number"
    )
    required: bool = Field(default=False, description="a create without it is refused")
    create: bool = Field(default=True, description="a create takes it")
    update: bool = Field(default=True, description="an update takes it")
    read_only: bool = Field(default=False, description="short for create: false and update: false")
    max_length: int | None = Field(
        default=None, ge=1, description="characters; checked before anything is sent"
    )
    choices: tuple[str, ...] | None = Field(
        default=None, description="the only values; checked before sending"
    )
    reference: str = Field(default="", description="the entity of this system whose id it holds")
    group: str = Field(default="", description="fields that another call writes: the name of one of `groups`")
    reason: str = Field(
        default="", description="why it can't be written: the sentence for the person who has to do it"
    )


class EntityDescription(Model):
    """One kind of record."""

    path: str = Field(description="path of the collection below base_url, such as /customers")
    id: str = Field(default="id", description="pointer to the id within a record")
    fields_at: str = Field(
        default="", description="pointer to the fields within a record, such as attributes"
    )
    list: ListCall | None = Field(default=None, description="how records are listed; absent: they can't be")
    read: ReadCall | None = Field(default=ReadCall(), description="how one is read; null: it can't be")
    create: WriteCall | None = Field(default=WriteCall(), description="how one is made; null: it can't be")
    update: WriteCall | None = Field(default=WriteCall(), description="how one is changed; null: it can't be")
    groups: dict[str, WriteCall] = Field(
        default_factory=dict, description="other update calls, by the group of the fields that they write"
    )
    retire: RetireCall | None = Field(
        default=None, description="how one is taken out of use; absent: it can't be"
    )
    retired: Equals | None = Field(default=None, description="how a record shows that it is out of use")
    deleted: Equals | None = Field(default=None, description="how a listed row shows that it was deleted")
    marker: Marker | None = Field(default=None, description="the field for our reference")
    chosen_id: ChosenId | None = Field(default=None, description="if the caller chooses ids")
    version: Version = Field(default=Version(), description="what tells two states of a record apart")
    updated_at: Moment | None = Field(
        default=None, description="where a record tells when it was last changed"
    )
    created_at: Moment | None = Field(default=None, description="where a record tells when it was made")
    idempotency_header: str = Field(
        default="", description="the header that makes a repeated request answer as before"
    )
    idempotency_window_s: int = Field(default=0, ge=0, description="for how long it does")
    errors: Errors | None = Field(default=None, description="if they differ from the API's usual ones")
    lags: Lags = Field(default=Lags(), description="how late the system may be")
    reasons: dict[Literal["create", "update", "retire", "read", "list"], str] = Field(
        default_factory=dict, description="the sentence for the person who has to do what the API can't"
    )
    fields: tuple[FieldLine, ...] = Field(min_length=1, description="every field that is of interest")
    open_prefixes: tuple[str, ...] = Field(
        default=(), description="further fields may begin with these; an empty one: any"
    )

    @model_validator(mode="after")
    def _consistent(self) -> EntityDescription:
        paths = [field.path for field in self.fields]
        twice = sorted({path for path in paths if paths.count(path) > 1})
        if twice:
            raise ValueError(f"described twice: {', '.join(twice)}")
        if self.marker and self.marker.field not in paths:
            raise ValueError(f"the marker field {self.marker.field} is not among the fields")
        if self.retired and self.retired.field not in paths:
            raise ValueError(f"the retired field {self.retired.field} is not among the fields")
        if self.retire and self.retire.by == "field" and not self.retired:
            raise ValueError("retire by field needs retired: {field, value}")
        if self.retire and self.retire.by == "field" and self.update is None and not self.groups:
            raise ValueError("retire by field needs an update")
        unknown = sorted({f.group for f in self.fields if f.group and f.group not in self.groups})
        if unknown:
            raise ValueError(f"fields are of groups that have no call: {', '.join(unknown)}")
        if self.version.kind == "updated_at" and not self.updated_at:
            raise ValueError("version kind updated_at needs updated_at")
        if self.idempotency_window_s and not self.idempotency_header:
            raise ValueError("idempotency_window_s needs idempotency_header")
        if self.marker and not self.list:
            raise ValueError("a marker is searched through the list, and there is none")
        if self.deleted and not self.list:
            raise ValueError("deleted describes rows of a list, and there is none")
        return self


class Description(Model):
    """A whole API: where it is, how to get in, how fast, and its entities."""

    base_url: str = Field(description="address of the API, such as https://erp.example/api/v1")
    auth: Auth | None = Field(default=None, description="how to get in; absent: no credentials are sent")
    headers: dict[str, str] = Field(
        default_factory=dict,
        description="sent with every request; a secret among them as env:NAME or file:PATH",
    )
    requests_per_minute: int | None = Field(
        default=None, ge=1, description="the whole quota; absent: unlimited"
    )
    reserve: float = Field(
        default=0.1, ge=0, lt=1, description="the share of the quota that is left to other tools"
    )
    concurrency: int = Field(default=10, ge=1, le=200, description="requests at once")
    timeout_s: float = Field(default=60, gt=0, le=600, description="seconds until a request is given up")
    request_id_header: str = Field(
        default="",
        description="the response header with the system's own id of a request, which the journal keeps; "
        "absent: the usual ones are tried (X-Request-Id, Request-Id, X-Correlation-Id)",
    )
    errors: Errors = Field(default=Errors(), description="how the system says no")
    entities: dict[str, EntityDescription] = Field(min_length=1, description="by the name that dataflows use")

    @model_validator(mode="after")
    def _references(self) -> Description:
        for name, entity in self.entities.items():
            for field in entity.fields:
                if field.reference and field.reference not in self.entities:
                    raise ValueError(
                        f"{name}.{field.path} refers to {field.reference}, which is no entity here"
                    )
        return self
