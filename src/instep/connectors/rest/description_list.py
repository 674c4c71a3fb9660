"""The part of a description that says how records are listed: items, paging, and what has changed since."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, JsonValue, model_validator

from instep.connectors.rest.description_base import FORMATS, Format, Model, Zone
from instep.connectors.rest.expressions import expression_paths
from instep.connectors.rest.words import words_in


class _Sized(Model):
    size_param: str = Field(default="", description="the parameter for the number of rows per page")
    size: int = Field(default=100, ge=1, le=10_000, description="rows per page; the system's largest is best")


class _Counted(_Sized):
    total: str = Field(
        default="", description="pointer to the number of all rows; lets a listing check itself"
    )
    more: str = Field(default="", description="pointer to what says true where there are more pages")
    short_is_last: bool = Field(
        default=False, description="a page with fewer rows than were asked for is the last one, for certain"
    )
    last: str = Field(default="", description="pointer to what says true on the last page")


class NoPaging(Model):
    """The whole list comes in one answer."""

    kind: Literal["none"]


class PagePaging(_Counted):
    """Numbered pages. The listing ends with a page that has no row, or as `next`, `pages`, `total`, `more` or `last`
    say."""

    kind: Literal["page"]
    param: str = Field(default="page", description="the parameter for the number of the page")
    first: int = Field(default=1, ge=0, description="the number of the first page")
    next: str = Field(default="", description="pointer to the number of the next page, null on the last")
    pages: str = Field(default="", description="pointer to the number of all pages")


class OffsetPaging(_Counted):
    """Counted rows. The listing ends with a page that has no row, or as `next`, `total`, `more` or `last` say."""

    kind: Literal["offset"]
    param: str = Field(default="offset", description="the parameter for the number of rows to pass over")
    first: int = Field(
        default=0, ge=0, le=1, description="what is sent for the first page: 1 if rows count from 1"
    )
    next: str = Field(default="", description="pointer to the next offset, null on the last page")


class CursorPaging(_Sized):
    """The answer holds a token for the next page."""

    kind: Literal["cursor"]
    param: str = Field(default="cursor", description="the parameter for the token")
    next: str = Field(description="pointer to the token; null or empty on the last page")
    more: str = Field(
        default="", description="pointer to what says true where there are more, if a token comes in any case"
    )
    first: str | None = Field(default=None, description="what to send for the first page, if anything")
    alone: bool = Field(default=False, description="the token is sent without the other parameters")


class LinkPaging(_Sized):
    """The answer holds the address of the next page."""

    kind: Literal["link"]
    next: str = Field(
        default="", description='pointer to the address; empty: the header `Link: <...>; rel="next"`'
    )


class KeysetPaging(_Sized):
    """The next page begins after the last row of this one, which is named by one of its values."""

    kind: Literal["keyset"]
    param: str = Field(description="the parameter that names the last row, such as starting_after")
    field: str = Field(default="id", description="pointer to that value within a row")
    template: str = Field(
        default="{value}", description="the parameter's value around it, such as id gt '{value}'"
    )
    more: str = Field(
        default="",
        description="pointer to what says whether there are more rows; empty: a page that has none is the end",
    )


class CustomPaging(_Sized):
    """What no other kind can say: parameters of the next page, each put together from what this one says.

    Known are {answer.POINTER}, {header.NAME}, {last.POINTER} of the last row, {rows}, the number of rows, and each
    parameter of this page by its name. A number may be added or taken away: {page + 1}, {start + rows}. The parameter
    of an address is taken with a question mark: {answer.links.next ? cursor}. The listing ends where one of these has
    no value, or a page no row.
    """

    kind: Literal["custom"]
    first: dict[str, str | int] = Field(
        default_factory=dict, description="the parameters of the first page, if it needs any"
    )
    next: dict[str, str] = Field(description="the parameters of the next page", min_length=1)
    more: str = Field(default="", description="pointer to what says true where there are more pages")

    @model_validator(mode="after")
    def _known(self) -> CustomPaging:
        for template in self.next.values():
            for path in expression_paths(template):
                head = path.partition(".")[0]
                if head not in ("answer", "header", "last", "rows") and path not in (*self.first, *self.next):
                    raise ValueError(f"{{{path}}} is neither answer, header, last, rows nor a parameter")
        return self


Paging = Annotated[
    NoPaging | PagePaging | OffsetPaging | CursorPaging | LinkPaging | KeysetPaging | CustomPaging,
    Field(discriminator="kind"),
]


class ChangedSince(Model):
    """How to ask for what has changed since a moment."""

    param: str = Field(
        default="",
        description="the parameter; empty where the call has {since} in a parameter, header or its body",
    )
    format: Format = Field(default="iso", description="how the moment is written: " + FORMATS)
    zone: Zone = Field(default="UTC", description="the time zone that it is written in, such as Europe/Oslo")
    beginning: date | None = Field(
        default=None,
        description="the day that {since} is when all records are wanted; absent: what has {since} is left out",
    )
    inclusive: bool = Field(default=True, description="a record changed at the very moment is listed")
    template: str = Field(
        default="{moment}",
        description="the parameter's value around the moment, such as updated_at gt '{moment}'",
    )
    oldest_first: bool = Field(
        default=False,
        description="rows come in the order of their last change, oldest first (perhaps by a parameter in params),"
        " and every row tells its updated_at; pages are then asked for from the last moment seen, so that no row"
        " is skipped as others change",
    )


class AskCall(Model):
    """A call that answers with rows.

    In its parameters, headers and body, {since} stands for the moment that changes are asked from, {next} for the
    next page and {size} for the rows per page. A parameter or key whose word has no value is left out.
    """

    method: Literal["GET", "POST"] | None = Field(
        default=None, description="by default GET, and POST with a body"
    )
    path: str = Field(default="", description="by default the entity's path")
    params: dict[str, str | int | bool] = Field(
        default_factory=dict, description="sent with every request: sorting, fields, filters, deleted rows"
    )
    headers: dict[str, str] = Field(
        default_factory=dict, description="sent with every request, such as If-Modified-Since: '{since}'"
    )
    body: JsonValue = Field(
        default=None, description="the JSON that is sent, where a list is asked for by POST"
    )
    items: str = Field(default="", description="pointer to the list of rows; empty if the answer is the list")
    item: str = Field(default="", description="pointer to the record within an entry; empty if it is that")
    shape: Literal["list", "values", "one_or_many"] = Field(
        default="list",
        description="what is at items. values: an object of rows by their id; one_or_many: a single row is no list",
    )
    optional: bool = Field(default=False, description="there may be nothing at items where there are no rows")
    none: tuple[int, ...] = Field(
        default=(), description="statuses that say that there are no rows, such as 404; 204 and 304 always do"
    )
    paging: Paging = Field(default=NoPaging(kind="none"), description="how the next page is asked for")
    max_pages: int = Field(default=100_000, ge=1, description="a listing longer than this is not believed")

    def templates(self) -> list[object]:
        """Everything but the path that may have words in it."""
        return [dict(self.params), dict(self.headers), self.body]

    def words(self) -> set[str]:
        """The words in everything but the path."""
        return words_in(self.templates())

    def known_words(self) -> set[str]:
        """The words that have a value for the pages of a listing."""
        custom = self.paging if isinstance(self.paging, CustomPaging) else None
        return {"since", "next", "size", *(custom.next if custom else ()), *(custom.first if custom else ())}


class ListCall(AskCall):
    """Listing the records of one entity."""

    changed_since: ChangedSince | None = Field(
        default=None,
        description="absent: every listing names all records, which costs a request per page each time",
    )
    overlap_s: float | None = Field(
        default=None,
        ge=0,
        le=604_800,
        description="how far back each listing begins again; by default the list's lag",
    )
    complete: bool = Field(default=True, description="a listing from the start names every live record")
    rows: Literal["record", "hint"] = Field(
        default="record", description="hint: rows lack fields, so each changed record is read singly"
    )

    @model_validator(mode="after")
    def _asked(self) -> ListCall:
        since = self.changed_since
        if since is not None and not since.param and "since" not in self.words():
            raise ValueError("changed_since needs a param, or {since} in a parameter, header or the body")
        if since is None and "since" in self.words():
            raise ValueError("{since} needs changed_since, which says how a moment is written")
        return self


class PartCall(AskCall):
    """A part of each record that comes by a request of its own, such as the lines of an order. It is asked for after
    the record, for each one that is listed or read, and stands among its fields. The record's own version or time has
    to change with it, or a change of the part alone is seen by complete readings only."""

    path: str = Field(
        description="with {id}, the words of its parents, and fields of the record, such as {address.id}"
    )
    value: str | None = Field(
        default=None, description="pointer to the part where it is one value instead of a list of rows"
    )
