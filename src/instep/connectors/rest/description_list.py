"""The part of a description that says how records are listed: items, paging, and what has changed since."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from instep.connectors.rest.description_base import Model


class _Sized(Model):
    size_param: str = Field(default="", description="the parameter for the number of rows per page")
    size: int = Field(default=100, ge=1, le=10_000, description="rows per page; the system's largest is best")


class NoPaging(Model):
    """The whole list comes in one answer."""

    kind: Literal["none"]


class PagePaging(_Sized):
    """Numbered pages. The listing ends with a page that is not full, or as `next` or `total` say."""

    kind: Literal["page"]
    param: str = Field(default="page", description="the parameter for the number of the page")
    first: int = Field(default=1, ge=0, description="the number of the first page")
    next: str = Field(default="", description="pointer to the number of the next page, null on the last")
    total: str = Field(
        default="", description="pointer to the number of all rows; lets a listing check itself"
    )


class OffsetPaging(_Sized):
    """Counted rows. The listing ends with a page that is not full, or as `next` or `total` say."""

    kind: Literal["offset"]
    param: str = Field(default="offset", description="the parameter for the number of rows to pass over")
    next: str = Field(default="", description="pointer to the next offset, null on the last page")
    total: str = Field(
        default="", description="pointer to the number of all rows; lets a listing check itself"
    )


class CursorPaging(_Sized):
    """The answer holds a token for the next page."""

    kind: Literal["cursor"]
    param: str = Field(default="cursor", description="the parameter for the token")
    next: str = Field(description="pointer to the token; null or empty on the last page")
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


Paging = Annotated[
    NoPaging | PagePaging | OffsetPaging | CursorPaging | LinkPaging | KeysetPaging,
    Field(discriminator="kind"),
]


class ChangedSince(Model):
    """How to ask for what has changed since a moment."""

    param: str = Field(description="the parameter")
    format: Literal["iso", "date", "epoch_s", "epoch_ms"] = Field(
        default="iso", description="how the moment is written"
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
    """A call that answers with rows."""

    path: str = Field(default="", description="by default the entity's path")
    params: dict[str, str | int | bool] = Field(
        default_factory=dict,
        description="sent with every request, words in braces filled in: sorting, fields, deleted rows",
    )
    items: str = Field(default="", description="pointer to the list of rows; empty if the answer is the list")
    paging: Paging = Field(default=NoPaging(kind="none"), description="how the next page is asked for")
    max_pages: int = Field(default=100_000, ge=1, description="a listing longer than this is not believed")


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


class PartCall(AskCall):
    """A part of each record that comes by a request of its own, such as the lines of an order. It is asked for after
    the record, for each one that is listed or read, and stands among its fields. The record's own version or time has
    to change with it, or a change of the part alone is seen by complete readings only."""

    path: str = Field(
        description="with {id}, the words of its parents, and fields of the record, such as {address.id}"
    )
    item: str | None = Field(
        default=None, description="pointer to the part where it is one value instead of a list of rows"
    )
