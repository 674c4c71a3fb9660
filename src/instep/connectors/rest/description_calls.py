"""The part of a description that says how one record is read and written, and how the system says no."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue, model_validator

from instep.connectors.rest.description_base import Method, Model, Outcome, Scalar
from instep.connectors.rest.description_list import ListCall
from instep.connectors.rest.words import words_in


class Sign(Model):
    """What in an answer of success says that it is none. With neither `value` nor `unless`: anything there but an
    empty value or false."""

    field: str = Field(description="pointer into the answer")
    value: Scalar = Field(default=None, description="the value that says so")
    unless: Scalar = Field(default=None, description="or the one value that does not")

    @model_validator(mode="after")
    def _one(self) -> Sign:
        if self.value is not None and self.unless is not None:
            raise ValueError("either a value says it, or any unless one")
        return self


class Errors(Model):
    """How the system says no. Pointers under `items` are taken within its first entry that has a field."""

    items: str = Field(
        default="",
        description="pointer to a list of errors, or an object of messages by field; empty if the body is one error",
    )
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
    status: str = Field(
        default="",
        description="pointer to a status that counts in place of the answer's own, as in the answers to many writes",
    )
    failed: Sign | None = Field(
        default=None,
        description="how an answer of success (2xx) says that nothing was done, where a system answers so",
    )


class JobCall(Model):
    """A write that the system notes down and does later: its answer says where to ask what became of it, and that is
    asked until it is done. One that is not done in time, or not to be found, is in doubt."""

    statuses: tuple[int, ...] = Field(
        default=(202,), description="the statuses of a write's answer by which it is a job"
    )
    path: str = Field(
        default="",
        description="where to ask, with words that are pointers into the write's answer, such as /jobs/{job.id}, or"
        " {href} for a whole address of this system; empty: at the address in the header Location",
    )
    state: str = Field(
        default="", description="pointer to the job's state; empty: it is done when the answer is no 202"
    )
    done: tuple[Scalar, ...] = Field(default=(), description="the states in which it is done")
    failed: tuple[Scalar, ...] = Field(
        default=(), description="the states in which nothing was written, and never will be"
    )
    item: str = Field(default="", description="pointer to the record in the answer about a job that is done")
    new_id: str = Field(
        default="",
        description="pointer to the id there, or to an address that ends with it, if the record is not there",
    )
    errors: Errors | None = Field(
        default=None, description="how a failed job says why; by default as any refusal does"
    )
    every_s: float = Field(default=1, gt=0, le=60, description="seconds between two questions")
    within_s: float = Field(default=60, gt=0, le=600, description="seconds until it is given up")

    @model_validator(mode="after")
    def _told(self) -> JobCall:
        if bool(self.state) != bool(self.done):
            raise ValueError("a job's state needs the states in which it is done, and these a state")
        if self.failed and not self.state:
            raise ValueError("a job's failed states need the pointer to its state")
        return self


class ReadCall(Model):
    """Reading one record. Its path, parameters and body may have {id} in them, and the words of its parents."""

    method: Literal["GET", "POST"] | None = Field(
        default=None, description="by default GET, and POST with a body"
    )
    path: str = Field(default="", description="by default the entity's path and the id after a slash")
    params: dict[str, str | int | bool] = Field(default_factory=dict, description="sent with every request")
    body: JsonValue = Field(default=None, description="the JSON that is sent, where one is read by POST")
    item: str = Field(
        default="", description="pointer to the record in the answer; empty if it is the answer"
    )
    absent_is_gone: bool = Field(
        default=False, description="an answer with nothing at item says that there is no such record"
    )


class WriteCall(Model):
    """Creating or updating one record."""

    method: Method | None = Field(
        default=None, description="default: POST creates, PATCH updates, PUT if body is full"
    )
    path: str = Field(default="", description="with {id} to update; by default the entity's path, and the id")
    params: dict[str, str | int | bool] = Field(default_factory=dict, description="sent with every request")
    encoding: Literal["json", "form"] = Field(
        default="json", description="of the body; form: name=value, with inner names in brackets"
    )
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
    new_id: str | None = Field(
        default=None,
        description="pointer to the id in the answer, or to an address that ends with it, if it is not within a"
        " record; empty if the answer is the id itself",
    )
    job: JobCall | None = Field(default=None, description="if it may be done later than it is answered")


class BulkCall(Model):
    """Many writes in one request, each with an outcome of its own. Those that come while a request is under way go
    into the next one; a write that is alone is sent by the usual call."""

    method: Method = Field(default="POST", description="of the request")
    path: str = Field(description="where it is sent")
    entries: str = Field(
        default="", description="where in the body the list of writes stands; empty: the body is the list"
    )
    body: dict[str, Scalar] = Field(
        default_factory=dict, description="dotted path in the body -> what always stands there"
    )
    wrap: str = Field(default="", description="where in an entry the fields stand, such as properties")
    constants: dict[str, Scalar] = Field(
        default_factory=dict, description="dotted path in an entry -> what always stands there"
    )
    id_at: str = Field(default="id", description="for updates: where in an entry the id stands")
    most: int = Field(default=50, ge=2, le=1000, description="writes in one request, as the system allows")
    calls: int = Field(default=2, ge=1, le=20, description="requests at once")
    results: str = Field(
        default="", description="pointer to the list of outcomes; empty if the answer is the list"
    )
    match: Literal["order", "id"] = Field(
        default="order",
        description="which outcome is whose: in the order of the writes, or by the id in it (updates only)",
    )
    item: str = Field(default="", description="pointer to the record within an outcome; empty if it is that")
    new_id: str | None = Field(
        default=None, description="pointer to the id within an outcome, if it is not within a record"
    )
    answers: Literal["record", "id"] = Field(
        default="record", description="id: outcomes lack fields, so each record is read again"
    )
    failures: str = Field(
        default="", description="pointer to a further list that has the outcomes of the writes that failed"
    )
    failure_id: str = Field(default="id", description="pointer to the id within one of these")
    error_at: str = Field(
        default="",
        description="where in an outcome that says no its error stands, if that looks as other refusals do",
    )
    errors: Errors | None = Field(
        default=None,
        description="or how an outcome says no: pointers within it, and `failed` or `status`, by which it is known",
    )

    @model_validator(mode="after")
    def _known(self) -> BulkCall:
        errors = self.errors or Errors()
        if errors.failed is None and not errors.status and not self.failures and not self.error_at:
            raise ValueError(
                "a bulk call needs error_at, errors: {failed: ...} or {status: ...}, or where its failures are"
            )
        if self.failures and self.match != "id":
            raise ValueError("failures in a list of their own need match: id")
        if words_in(self.path):
            raise ValueError("the path of a bulk call has no words in it: it is for many records")
        return self


class EndCall(Model):
    """The request that ends a record: takes it out of use, or deletes it."""

    method: Method | None = Field(default=None, description="default: DELETE, and POST for an action")
    path: str = Field(default="", description="with {id}; by default the entity's path, and the id")
    params: dict[str, str | int | bool] = Field(default_factory=dict, description="sent with every request")
    body: JsonValue = Field(default=None, description="the JSON that is sent, if any, with {id} in it")


class RetireCall(EndCall):
    """Taking a record out of use."""

    by: Literal["field", "delete", "action"] = Field(
        description="field: an update writes what `retired` names; delete: DELETE; action: POST to path"
    )

    @model_validator(mode="after")
    def _pathed(self) -> RetireCall:
        if self.by == "action" and "id" not in words_in([self.path, dict(self.params), self.body]):
            raise ValueError("an action needs a path, or a body, with {id} in it")
        return self


class DeleteCall(EndCall):
    """Deleting a record for good. No run does that: it is for a checklist, which takes back what it has made."""


class Marker(Model):
    """The field that holds our reference, so that a create whose answer was lost can be found again."""

    field: str = Field(description="its dotted path; it is best unique in the system")
    param: str = Field(default="", description="the parameter of the list by which it is searched")
    template: str = Field(
        default="{value}", description="the parameter's value around the reference, such as ref eq '{value}'"
    )
    search: ListCall | None = Field(
        default=None, description="or another call than the list, with {value} in it, whose rows may be hints"
    )

    @model_validator(mode="after")
    def _searched(self) -> Marker:
        if bool(self.param) == (self.search is not None):
            raise ValueError("a marker is searched by a param of the list, or by a search of its own")
        if "value" not in words_in(self.template):
            raise ValueError("the marker's template has no {value} in it")
        if self.search is not None and "value" not in self.search.words() | words_in(self.search.path):
            raise ValueError("the marker's search has no {value} in it")
        return self


class ChosenId(Model):
    """Where the caller may choose the id of a new record and a taken one is refused."""

    max_length: int = Field(default=64, ge=1, description="characters that an id may have")
    by: Literal["body", "path"] = Field(
        default="body", description="at create.id_at (default id), or PUT to the id's path"
    )
