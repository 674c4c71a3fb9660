"""The description of an ERP's JSON API: what a YAML file says, as models. Words only; nothing is sent here.

A pointer is a dotted path into JSON ("data.attributes.name", "errors.0.field"); "" means the whole value.
Every model refuses an unknown key, and every field says what it means: the JSON Schema and the reference page
are generated from this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field, JsonValue, model_validator

from instep.connectors.rest.description_auth import Auth, Quota
from instep.connectors.rest.description_base import Equals, Model, Scalar, laid_over
from instep.connectors.rest.description_calls import (
    BulkCall,
    ChosenId,
    DeleteCall,
    Errors,
    Marker,
    ReadCall,
    RetireCall,
    WriteCall,
)
from instep.connectors.rest.description_list import ListCall, PartCall
from instep.connectors.rest.description_records import FieldLine, Lags, Moment, Parent, Version
from instep.connectors.rest.description_webhooks import Webhooks
from instep.connectors.rest.words import words_in


class EntityDescription(Model):
    """One kind of record."""

    path: str = Field(
        description="path of the collection below base_url, such as /customers, or /accounts/{account}/contacts"
    )
    parent: Parent | None = Field(default=None, description="what the path has in braces, if anything")
    id: str = Field(default="id", description="pointer to the id within a record")
    id_type: Literal["text", "integer"] = Field(
        default="text", description="how an id is written in a body; in the answers either is understood"
    )
    fields_at: str = Field(
        default="", description="pointer to the fields within a record, such as attributes"
    )
    list: ListCall | None = Field(default=None, description="how records are listed; absent: they can't be")
    changes: ListCall | None = Field(
        default=None,
        description="another call for what has changed, where `list` can name all records and nothing else",
    )
    read: ReadCall | None = Field(default=ReadCall(), description="how one is read; null: it can't be")
    create: WriteCall | None = Field(default=WriteCall(), description="how one is made; null: it can't be")
    update: WriteCall | None = Field(default=WriteCall(), description="how one is changed; null: it can't be")
    groups: dict[str, WriteCall] = Field(
        default_factory=dict, description="other update calls, by the group of the fields that they write"
    )
    bulk_create: BulkCall | None = Field(
        default=None, description="how many are made in one request, if that can be"
    )
    bulk_update: BulkCall | None = Field(
        default=None, description="how many are changed in one request, if that can be"
    )
    retire: RetireCall | None = Field(
        default=None, description="how one is taken out of use; absent: it can't be"
    )
    retired: Equals | None = Field(default=None, description="how a record shows that it is out of use")
    delete: DeleteCall | None = Field(
        default=None,
        description="how one is deleted for good, which only `instep qa` does, to the records that it made",
    )
    deleted: Equals | None = Field(default=None, description="how a listed row shows that it was deleted")
    marker: Marker | None = Field(default=None, description="the field for our reference")
    chosen_id: ChosenId | None = Field(default=None, description="if the caller chooses ids")
    parts: dict[str, PartCall] = Field(
        default_factory=dict,
        description="fields that come by a request of their own per record, by their path",
    )
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
    empty: Scalar = Field(
        default=None,
        description="what the system has, and wants, in an empty field that is no boolean; by default null",
    )
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
        if self.changes and (self.list is None or self.changes.changed_since is None):
            raise ValueError("changes needs a list beside it, and changed_since")
        if self.changes and self.list and self.list.changed_since:
            raise ValueError("changed_since is said by changes or by list, not by both")
        if self.version.kind == "updated_at" and self.updated_at and self.updated_at.zone != "UTC":
            raise ValueError(
                "the hour that comes twice in autumn can't tell states apart: version kind updated_at needs UTC"
            )
        if self.marker and not self.list:
            raise ValueError("a marker is searched through the list, and there is none")
        if self.deleted and not self.list:
            raise ValueError("deleted describes rows of a list, and there is none")
        jobs = [call.job for call in (self.create, self.update, *self.groups.values()) if call and call.job]
        if any(job.within_s > self.lags.late_apply_s for job in jobs):
            raise ValueError("a job may be done later than lags.late_apply_s says that a write can be")
        self._check_parts(paths)
        self._check_bulk()
        self._check_parent()
        return self

    def _check_parts(self, paths: Sequence[str]) -> None:
        lines = {field.path: field for field in self.fields}
        for path in self.parts:
            if path not in paths:
                raise ValueError(f"the part {path} is not among the fields")
            line = lines[path]
            if (line.create or line.update) and not line.read_only and line.group == "":
                raise ValueError(
                    f"{path} comes by a request of its own, so no usual write takes it: read_only or a group"
                )

    def _check_bulk(self) -> None:
        if self.bulk_update is not None and self.version.if_match:
            raise ValueError("a bulk update is not conditional: leave out bulk_update, or version.if_match")
        if self.bulk_create is not None and self.idempotency_header:
            raise ValueError("one idempotency key can't stand for many records: leave out bulk_create")
        if self.bulk_create is not None and self.bulk_create.match == "id":
            raise ValueError("new records have no id to be matched by: bulk_create needs match: order")
        if (self.bulk_create and self.create is None) or (self.bulk_update and self.update is None):
            raise ValueError("a write that is alone is sent by the usual call, and there is none")

    def _check_parent(self) -> None:
        if self.parent is None:
            if unknown := sorted(words_in(self.path)):
                raise ValueError(f"the path has {{{unknown[0]}}}, and there is no parent")
            return
        line = next((line for line in self.fields if line.path == self.parent.field), None)
        if line is None:
            raise ValueError(f"the parent's field {self.parent.field} is not among the fields")
        if line.update and not line.read_only:
            raise ValueError(f"{line.path} is part of the record's path: write update: false")
        if not self.parent.in_id and self.read is not None and words_in(self.read.path) != {"id"}:
            raise ValueError("in_id: false needs read: {path: ...} with {id} and no parent in it")


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
    quota: Quota | None = Field(
        default=None,
        description="which headers tell what is left of the quota, if they are none of the usual ones",
    )
    params: dict[str, str] = Field(
        default_factory=dict,
        description="parameters of every request, such as an API key (env:NAME or file:PATH) where headers won't do",
    )
    errors: Errors = Field(default=Errors(), description="how the system says no")
    webhooks: Webhooks | None = Field(
        default=None, description="what the system sends when a record changes, if it does"
    )
    defaults: dict[str, JsonValue] = Field(
        default_factory=dict,
        description="keys of entities, for each entity that does not say otherwise: objects are laid over each other,"
        " fields come before its own, and null takes a default away",
    )
    entities: dict[str, EntityDescription] = Field(min_length=1, description="by the name that dataflows use")

    @model_validator(mode="before")
    @classmethod
    def _with_defaults(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        defaults, entities = value.get("defaults"), value.get("entities")
        if not isinstance(defaults, dict) or not isinstance(entities, dict):
            return value
        laid = {
            name: laid_over(defaults, own) if isinstance(own, dict) else own for name, own in entities.items()
        }
        return {**value, "entities": laid}

    @model_validator(mode="after")
    def _references(self) -> Description:
        for name, entity in self.entities.items():
            self._check_lineage(name)
            for field in entity.fields:
                if field.reference and field.reference not in self.entities:
                    raise ValueError(
                        f"{name}.{field.path} refers to {field.reference}, which is no entity here"
                    )
        for told in self.webhooks.entities.values() if self.webhooks else ():
            if told not in self.entities:
                raise ValueError(f"webhooks tell of {told}, which is no entity here")
        return self

    def _check_lineage(self, name: str) -> None:
        words: list[str] = []
        described, seen = self.entities[name], {name}
        while (parent := described.parent) is not None:
            words.append(parent.word or parent.entity)
            if not parent.entity:
                break
            if parent.entity not in self.entities:
                raise ValueError(f"{name} is under {parent.entity}, which is no entity here")
            if parent.entity in seen:
                raise ValueError(f"{name} is under itself")
            seen.add(parent.entity)
            described = self.entities[parent.entity]
            if described.list is None:
                raise ValueError(f"{name} is under {parent.entity}, which can't be listed")
            if described.parent is not None and not described.parent.in_id:
                break
        missing = sorted(words_in(self.entities[name].path) - set(words))
        if missing:
            raise ValueError(f"{name}: the path has {{{missing[0]}}}, which is none of its parents")
        if words and words[0] not in words_in(self.entities[name].path):
            raise ValueError(f"{name}: the path lacks {{{words[0]}}}")
        self._check_words(name, set(words))

    def _check_words(self, name: str, parents: set[str]) -> None:
        described = self.entities[name]
        fields = {"id", *parents, *(field.path for field in described.fields)}
        writes = (described.create, described.update, *described.groups.values())
        spoken = [
            (fields, [(w.path, dict(w.params), list(w.constants.values())) for w in writes if w]),
            (fields, [part.path for part in described.parts.values()]),
        ]
        if described.retire is not None:
            spoken.append((fields, [described.retire.path, described.retire.body]))
        if described.read is not None:
            read = described.read
            spoken.append(({"id", *parents}, [read.path, dict(read.params), read.body]))
        for call in (described.list, described.changes):
            if call is not None:
                spoken.append((parents | call.known_words(), [call.path, *call.templates()]))
        for known, templates in spoken:
            unknown = sorted(word for word in words_in(templates) if word not in known)
            if unknown:
                raise ValueError(
                    f"{name}: {{{unknown[0]}}} is not known here; {', '.join(sorted(known))} are"
                )
