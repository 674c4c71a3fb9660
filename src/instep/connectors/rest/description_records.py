"""The part of a description that says what a record is: its fields, its times and states, what it is under."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from instep.connectors.rest.description_base import FORMATS, Format, Model, Scalar, Zone
from instep.connectors.rest.words import words_in
from instep.core.model import FieldType


class Moment(Model):
    """Where a record tells a time, and how it is written."""

    field: str = Field(description="pointer within the record")
    format: Format = Field(default="iso", description=FORMATS)
    zone: Zone = Field(default="UTC", description="of times that don't tell theirs, such as Europe/Oslo")
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
    token: str = Field(
        default="",
        description="pointer to what a record shows as its state, and an update hands back, such as @odata.etag or"
        " SyncToken; a listed record then has it, too",
    )
    token_at: str = Field(
        default="",
        description="where among the fields of an update the token stands, if it stands in the body",
    )
    if_match: str = Field(
        default="",
        description="makes updates conditional: etag to send back the ETag of the reading, or the header's text"
        ' with {version} or {token} in it, such as "{version}" in double quotes; empty if the system can\'t',
    )

    @model_validator(mode="after")
    def _named(self) -> Version:
        if self.kind == "field" and not self.field:
            raise ValueError("kind field needs the pointer in field")
        if "{version}" in self.if_match and self.kind != "field":
            raise ValueError("if_match with {version} needs kind field")
        if self.if_match and self.if_match != "etag" and not words_in(self.if_match) & {"version", "token"}:
            raise ValueError("if_match is etag or a text with {version} or {token} in it")
        if self.token_at and self.if_match:
            raise ValueError("the token goes into the body or into a header, not into both")
        if bool(self.token) != ("{token}" in self.if_match or bool(self.token_at)):
            raise ValueError("a token needs token_at, or if_match with {token}, and these need a token")
        return self


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

    path: str = Field(
        description="its name: by default the dotted path within the record's fields",
        pattern=r"^[^.\s]+(\.[^.\s]+)*$",
        max_length=200,
    )
    read_at: str = Field(
        default="",
        max_length=300,
        description="pointer to it within the fields, if that is not the path: country_id.0, or an entry of a list:"
        " addresses[type=billing].city; with a slash before it: within the whole record",
    )
    write_at: str = Field(
        default="", max_length=300, description="the same within the fields, or the whole body, of a write"
    )
    empty: Scalar = Field(
        default=None, description="what stands there if it is empty; by default as the entity has it"
    )
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


class Parent(Model):
    """What the records are listed, read and written under, where that is part of their paths."""

    entity: str = Field(default="", description="the entity that it is; its records are listed first")
    among: tuple[str | int, ...] = Field(
        default=(), description="or the ids that it may have, such as those of a few companies"
    )
    word: str = Field(
        default="", description="its word in paths, in braces; by default the entity's name", pattern=r"^\w*$"
    )
    field: str = Field(
        description="the field of the records that holds its id; it is filled in from the path, and a create needs it"
    )
    in_id: bool = Field(
        default=True,
        description="the ids that Instep keeps carry the parent's (12/3404). false: ids are unique in the whole"
        " system, and one record is read by a path without its parent",
    )
    in_body: bool = Field(default=False, description="a create sends the parent's id in the body, too")

    @model_validator(mode="after")
    def _named(self) -> Parent:
        if bool(self.entity) == bool(self.among):
            raise ValueError("a parent is either an entity or among some ids")
        if self.among and not self.word:
            raise ValueError("a parent among some ids needs a word for paths")
        return self
