"""The description of a database: what a YAML file says, as models. Words only; nothing is asked here.

Every model refuses an unknown key, and every field says what it means: the JSON Schema and the reference page
are generated from this module. Names of tables and columns stand here and nowhere else, so that none ever comes
from a record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from instep.core.model import FieldType

SCHEMES = ("env:", "file:")


def _reference(text: str) -> str:
    if not text.startswith(SCHEMES) or text in SCHEMES:
        raise ValueError("a secret is written as env:NAME or file:PATH, never as itself")
    return text


def _url(text: str) -> str:
    scheme, colon, rest = text.partition("://")
    if not colon or not scheme or " " in text:
        raise ValueError("an address looks like postgresql://user@host:5432/database")
    user, at, _ = rest.partition("/")[0].rpartition("@")
    if at and ":" in user:
        raise ValueError("a password stands in the address; write it as password: env:NAME or file:PATH")
    if "password=" in rest.lower():
        raise ValueError("a password stands in the address; write it as password: env:NAME or file:PATH")
    return text


SecretReference = Annotated[
    str, AfterValidator(_reference), Field(examples=["env:ERP_DB_PASSWORD", "file:secrets/erp-db"])
]
Url = Annotated[
    str, AfterValidator(_url), Field(examples=["postgresql://instep@db.example:5432/erp", "sqlite:///erp.db"])
]
Scalar = str | int | bool | None
Stored = Literal["native", "text", "epoch_s", "epoch_ms"]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KeyColumn(Model):
    """A column of a primary key."""

    column: str = Field(description="its name")
    type: Literal["integer", "text"] = Field(default="integer", description="text: a UUID too")


class Moment(Model):
    """A column that tells a time."""

    column: str = Field(description="its name")
    stored: Stored = Field(
        default="native",
        description="native: a column for date and time; text: ISO 8601; or a number of seconds, milliseconds",
    )
    zone: str = Field(default="UTC", description="the time zone of times that tell none, such as Europe/Oslo")
    resolution_ms: int = Field(
        default=1, ge=1, description="two changes closer than this may show the same time"
    )
    set_by: Literal["writer", "database"] = Field(
        default="writer",
        description="writer: whoever updates a row writes it, so Instep does; database: never",
    )


class Version(Model):
    """A column that tells two states of a row apart."""

    column: str = Field(description="its name")
    stored: Literal["integer", "rowversion"] = Field(
        default="integer", description="rowversion: eight bytes, as SQL Server has them"
    )
    set_by: Literal["writer", "database"] = Field(
        default="writer",
        description="writer: whoever updates a row adds one, so Instep does; database: never",
    )


class ByUpdatedAt(Model):
    """Changes by the time that `updated_at` tells."""

    by: Literal["updated_at"]
    lag_s: float = Field(
        default=60,
        ge=0,
        le=86_400,
        description="seconds from a row's time to its commit at most (long transactions, clocks of other"
        " machines); so much is read again each time",
    )


class ByNumber(Model):
    """Changes by a number that grows over the whole table: from a sequence, or a row version of the database."""

    by: Literal["number"]
    column: str = Field(description="the column that each change gives a higher number than any before")
    stored: Literal["integer", "rowversion"] = Field(
        default="integer", description="rowversion: eight bytes, as SQL Server has them"
    )
    lag_s: float = Field(
        default=60, ge=0, le=86_400, description="seconds from taking a number to its commit at most"
    )


class ByTriggers(Model):
    """Changes by a log that triggers write, deletes and changed lines too: `instep sql prepare` sets it up."""

    by: Literal["triggers"]
    lag_s: float = Field(
        default=60,
        ge=0,
        le=86_400,
        description="seconds from a change to its commit at most; PostgreSQL and SQLite need none",
    )


class ByScan(Model):
    """Every row is read each time, and what changed is told by comparing digests; what is missing from a complete
    reading is looked for by the ids that are known."""

    by: Literal["scan"]


Changes = Annotated[ByUpdatedAt | ByNumber | ByTriggers | ByScan, Field(discriminator="by")]


class Marker(Model):
    """The field that holds our reference, so that a create whose answer was lost can be found again."""

    field: str = Field(description="its dotted path")
    unique: bool = Field(
        default=False, description="whether a unique index keeps a second row from having the same one"
    )


class Equals(Model):
    """A field that says something by having one value."""

    field: str = Field(description="its dotted path")
    value: Scalar = Field(description="the value that says so")


class Retire(Model):
    """Taking a record out of use."""

    by: Literal["field", "delete"] = Field(
        description="field: writes what `retired` names; delete: the row goes"
    )


class FieldLine(Model):
    """One field of a record."""

    path: str = Field(
        description="dotted path within the record", pattern=r"^[^.\s]+(\.[^.\s]+)*$", max_length=200
    )
    column: str = Field(default="", description="the column; by default the path, with _ for each dot")
    columns: tuple[str, ...] = Field(
        default=(), description="for a reference to a composite key: its columns, in the key's order"
    )
    type: FieldType = Field(default="text", description="what it holds; object and list: a JSON column")
    stored: Stored = Field(
        default="native",
        description="how, if not in the type's own kind of column; text: a decimal, a date, a time or JSON in text",
    )
    zone: str = Field(default="UTC", description="for a datetime: the time zone of times that tell none")
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
    reason: str = Field(
        default="", description="why it can't be written: the sentence for the person who has to do it"
    )

    @property
    def names(self) -> tuple[str, ...]:
        """Its columns: one, or several for a reference to a composite key."""
        return self.columns or (self.column or self.path.replace(".", "_"),)

    @model_validator(mode="after")
    def _one_place(self) -> FieldLine:
        if self.columns and (self.column or not self.reference):
            raise ValueError("columns are for a reference to a composite key, in place of column")
        return self


class Lines(Model):
    """A child table, whose rows are one field of the record: a list of objects, written with it or not at all."""

    table: str = Field(description="its name")
    db_schema: str = Field(
        default="", alias="schema", description="the schema that it is in, if not the usual"
    )
    parent: tuple[str, ...] = Field(
        min_length=1, description="the columns that hold the record's key, in its order"
    )
    key: tuple[KeyColumn, ...] = Field(
        default=(KeyColumn(column="id"),), min_length=1, description="its own key; shown in each object as id"
    )
    position: str = Field(
        default="", description="the column of numbers that orders the lines, if there is one"
    )
    fields: tuple[FieldLine, ...] = Field(min_length=1, description="what each object holds")
    max_rows: int = Field(default=1000, ge=1, le=100_000, description="more lines than this are not believed")


class EntityDescription(Model):
    """One kind of record."""

    table: str = Field(default="", description="the table or view; with a query: the table to write to")
    query: str = Field(
        default="", description="a SELECT to read from instead; without a table, nothing can be written"
    )
    db_schema: str = Field(
        default="", alias="schema", description="the schema that the table is in, if not the usual"
    )
    where: dict[str, Scalar] = Field(
        default_factory=dict, description="column -> value: only such rows are records, and new ones get them"
    )
    key: tuple[KeyColumn, ...] = Field(
        default=(KeyColumn(column="id"),),
        min_length=1,
        description="the primary key; the id of a record is its values with / between them",
    )
    chosen_id: int = Field(
        default=0,
        ge=0,
        le=255,
        description="characters of an id that the caller chooses; 0: the table makes it",
    )
    changes: Changes = Field(default=ByScan(by="scan"), description="how it is told which rows have changed")
    updated_at: Moment | None = Field(default=None, description="the column that tells the last change")
    created_at: Moment | None = Field(default=None, description="the column that tells when a row was made")
    version: Version | None = Field(
        default=None,
        description="the column that tells two states apart; without it, all that is seen is compared",
    )
    marker: Marker | None = Field(default=None, description="the field for our reference")
    deleted: Equals | None = Field(default=None, description="how a row shows that it counts as deleted")
    retired: Equals | None = Field(default=None, description="how a record shows that it is out of use")
    retire: Retire | None = Field(
        default=None, description="how one is taken out of use; absent: it can't be"
    )
    read_only: bool = Field(default=False, description="nothing of it is ever written")
    create: bool = Field(default=True, description="whether rows may be inserted")
    update: bool = Field(default=True, description="whether rows may be updated")
    reasons: dict[Literal["create", "update", "retire"], str] = Field(
        default_factory=dict, description="the sentence for the person who has to do what is not allowed here"
    )
    fields: tuple[FieldLine, ...] = Field(min_length=1, description="every field that is of interest")
    lines: dict[str, Lines] = Field(
        default_factory=dict, description="name of a field -> the child table that it is made of"
    )

    @field_validator("fields")
    @classmethod
    def _named_once(cls, fields: tuple[FieldLine, ...]) -> tuple[FieldLine, ...]:
        _once("described twice", (field.path for field in fields))
        return fields

    @property
    def writable(self) -> bool:
        """Whether there is a table to write to, and it may be."""
        return bool(self.table) and not self.read_only

    def of(self, path: str) -> FieldLine | None:
        """The field with exactly this path."""
        return next((field for field in self.fields if field.path == path), None)

    @model_validator(mode="after")
    def _consistent(self) -> EntityDescription:
        if not self.table and not self.query:
            raise ValueError("an entity needs a table or a query")
        paths = [field.path for field in self.fields]
        for what, named in (("marker", self.marker), ("deleted", self.deleted), ("retired", self.retired)):
            if named is not None and named.field not in paths:
                raise ValueError(f"the {what} field {named.field} is not among the fields")
        if self.retire and self.retire.by == "field" and not self.retired:
            raise ValueError("retire by field needs retired: {field, value}")
        if isinstance(self.changes, ByUpdatedAt) and self.updated_at is None:
            raise ValueError("changes by updated_at needs updated_at")
        if isinstance(self.changes, ByTriggers) and not self.table:
            raise ValueError("changes by triggers needs a table")
        if self.chosen_id and (len(self.key) != 1 or self.key[0].type != "text"):
            raise ValueError("chosen_id needs a key of one column of type text")
        heads = {path.partition(".")[0] for path in paths}
        for name, lines in self.lines.items():
            if name in heads or "." in name:
                raise ValueError(f"the lines {name} have the name of a field")
            if len(lines.parent) != len(self.key):
                raise ValueError(f"the lines {name} need a parent column for each column of the key")
        return self


class Log(Model):
    """The table that triggers write to."""

    table: str = Field(default="instep_changes", description="its name")
    db_schema: str = Field(
        default="", alias="schema", description="the schema that it is in; in PostgreSQL public, if not given"
    )

    def place(self, dialect: str) -> str:
        """Its schema, "" for the usual one."""
        return self.db_schema or ("public" if dialect == "postgresql" else "")


class Replica(Model):
    """A copy of the database that only listings are read from."""

    url: Url = Field(description="its address")
    password: SecretReference | None = Field(
        default=None, description="where its password is, if it's another one"
    )
    lag_s: float = Field(default=30, ge=0, le=86_400, description="seconds by which it may trail behind")


class Description(Model):
    """A database, and the entities in it."""

    url: Url = Field(description="address without a password: driver, user, host, database")
    password: SecretReference | None = Field(default=None, description="where the password is")
    replica: Replica | None = Field(default=None, description="a read-only copy to list from")
    log: Log = Field(default=Log(), description="where triggers write down what has changed")
    connections: int = Field(default=5, ge=1, le=100, description="connections at once")
    statement_timeout_s: float = Field(
        default=30, gt=0, le=3600, description="seconds after which the database is to give a statement up"
    )
    lock_timeout_s: float = Field(
        default=5, gt=0, le=3600, description="seconds to wait for a row that somebody else has locked"
    )
    page: int = Field(default=500, ge=1, le=10_000, description="rows that are listed at once")
    entities: dict[str, EntityDescription] = Field(min_length=1, description="by the name that dataflows use")

    @model_validator(mode="after")
    def _references(self) -> Description:
        for name, entity in self.entities.items():
            inner = [(f"{at}.{f.path}", f) for at, lines in entity.lines.items() for f in lines.fields]
            for path, field in [*((f.path, f) for f in entity.fields), *inner]:
                if not field.reference:
                    continue
                there = self.entities.get(field.reference)
                if there is None:
                    raise ValueError(f"{name}.{path} refers to {field.reference}, which is no entity here")
                if len(there.key) != len(field.names):
                    wanted = ", ".join(key.column for key in there.key)
                    raise ValueError(
                        f"{name}.{path} needs columns for the key of {field.reference}: {wanted}"
                    )
        return self


def _once(what: str, names: Iterable[str]) -> None:
    listed: Sequence[str] = list(names)
    twice = sorted({name for name in listed if listed.count(name) > 1})
    if twice:
        raise ValueError(f"{what}: {', '.join(twice)}")
