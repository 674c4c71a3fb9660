"""Lists: select, sort and page, in three styles of paging at once.

`?page=` counts pages, `?offset=` counts rows, `?cursor=` (empty to begin) goes on after the last row seen,
whatever was written in between. Each answer carries its next step in the envelope and in a `Link` header.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec

from instep.sandbox.erp.books import Books, millis
from instep.sandbox.erp.entities import ENTITIES, Entity
from instep.sandbox.erp.refusals import Refused
from instep.sandbox.kit import Rows

PAGE_SIZE = 50
PAGE_SIZE_MAX = 200
SORTS = {"id": "seq", "updated_at": "updated_ms", "created_at": "created_ms"}
STYLES = ("page", "offset", "cursor")
_CONTROLS = frozenset({*STYLES, "page_size", "updated_since", "sort", "include_deleted"})

_decode = msgspec.json.decode
_encode = msgspec.json.encode


@dataclass(frozen=True)
class Request:
    """One list request, checked. `after` is the (sort value, seq) that a cursor stands for."""

    where: str
    params: tuple[Any, ...]
    sort: str
    descending: bool
    page_size: int
    style: str
    page: int
    offset: int
    after: tuple[int, int] | None


@dataclass(frozen=True)
class Page:
    """`next_query` is the query of the next page, None on the last."""

    body: bytes
    next_query: dict[str, str] | None


class Lists:
    def __init__(self, books: Books) -> None:
        self._books = books
        self._lagged: dict[str, Rows] = {}
        self._totals: dict[tuple[Any, ...], int] = {}
        self._totals_at = -1
        for name, table in books.tables.items():
            stale = books.stale[name].name
            columns = ", ".join(["id", *table.columns, "body"])
            parts = ["SELECT", columns, "FROM", name, "WHERE id NOT IN (SELECT id FROM", stale, ")"]
            parts += ["UNION ALL SELECT", columns, "FROM", stale, "WHERE absent = 0"]
            self._lagged[name] = books.documents.view(name + "_lagged", " ".join(parts))

    def page(self, entity: Entity, query: Mapping[str, str]) -> Page:
        """Raises Refused (400) with everything that is wrong with the query."""
        asked = read_query(entity, query)
        rows = self._source(entity)
        where, params = asked.where, asked.params
        column = SORTS[asked.sort]
        if asked.after is not None:
            beyond = "<" if asked.descending else ">"
            where, params = f"{where} AND ({column}, seq) {beyond} (?, ?)", (*params, *asked.after)
        way = " DESC" if asked.descending else ""
        order = f"seq{way}" if column == "seq" else f"{column}{way}, seq{way}"
        offset = asked.offset
        if offset:
            offset = max(0, offset + self._books.settings.page_shift)
        found = rows.values(
            ["body", column, "seq"], where, params, order=order, limit=asked.page_size + 1, offset=offset
        )
        more = len(found) > asked.page_size
        found = found[: asked.page_size]
        envelope: dict[str, Any] = {}
        step: dict[str, str] | None = None
        if asked.style == "page":
            envelope = {"page": asked.page, "page_size": asked.page_size}
            envelope["total"] = self._total(entity, rows, asked)
            envelope["next_page"] = asked.page + 1 if more else None
            step = {"page": str(asked.page + 1)}
        elif asked.style == "offset":
            envelope = {"offset": asked.offset, "page_size": asked.page_size}
            envelope["total"] = self._total(entity, rows, asked)
            envelope["next_offset"] = asked.offset + asked.page_size if more else None
            step = {"offset": str(asked.offset + asked.page_size)}
        else:
            token = _token(asked, found[-1][1], found[-1][2]) if more else None
            envelope = {"page_size": asked.page_size, "next_cursor": token}
            step = {"cursor": token or ""}
        kept = {name: value for name, value in query.items() if name not in STYLES}
        return Page(self._body([row[0] for row in found], envelope), {**kept, **step} if more else None)

    def _source(self, entity: Entity) -> Rows:
        if self._books.settings.list_lag_ms == 0:
            return self._books.tables[entity.name]
        stale = self._books.stale[entity.name]
        for (key,) in stale.values(["id"], "visible_ms <= ?", (self._books.clock.now_ms(),)):
            stale.remove(key)
        return self._lagged[entity.name]

    def _total(self, entity: Entity, rows: Rows, asked: Request) -> int:
        if self._books.settings.list_lag_ms:
            return rows.count(asked.where, asked.params)
        if self._totals_at != self._books.writes:
            self._totals.clear()
            self._totals_at = self._books.writes
        key = (entity.name, asked.where, asked.params)
        if key not in self._totals:
            self._totals[key] = rows.count(asked.where, asked.params)
        return self._totals[key]

    def _body(self, bodies: list[bytes], envelope: dict[str, Any]) -> bytes:
        settings = self._books.settings
        if settings.list_lag_ms or not settings.versions:
            bodies = [_encode(self.shown(_decode(body))) for body in bodies]
        return b'{"items":[' + b",".join(bodies) + b"]," + _encode(envelope)[1:]

    def shown(self, record: dict[str, Any]) -> dict[str, Any]:
        """A record without what this installation doesn't show."""
        hidden = () if self._books.settings.versions else ("version",)
        return {name: value for name, value in record.items() if name[0] != "#" and name not in hidden}


def read_query(entity: Entity, query: Mapping[str, str]) -> Request:
    """Raises Refused (400) with everything that is wrong."""
    errors: list[dict[str, Any]] = []

    def wrong(name: str, code: str, message: str, **more: Any) -> None:
        errors.append({"field": name, "code": code, "message": message, **more})

    for name in query:
        if name not in _CONTROLS and name not in entity.filters:
            wrong(name, "unknown_parameter", "is not a parameter of this list")
    styles = [name for name in STYLES if name in query]
    if len(styles) > 1:
        wrong(styles[1], "not_allowed", f"can't be used together with {styles[0]}")
    page_size = _whole(query, "page_size", PAGE_SIZE, 1, wrong)
    if page_size > PAGE_SIZE_MAX:
        wrong("page_size", "too_large", f"must be {PAGE_SIZE_MAX} or less", limit=PAGE_SIZE_MAX)
    page = _whole(query, "page", 1, 1, wrong)
    offset = _whole(query, "offset", 0, 0, wrong)
    sort = query.get("sort", "id")
    descending = sort.startswith("-")
    sort = sort.removeprefix("-")
    if sort not in SORTS:
        wrong("sort", "not_allowed", "must be one of " + ", ".join(SORTS) + ", with - in front to go down")
    where: list[str] = []
    params: list[Any] = []
    deleted = query.get("include_deleted", "false")
    if deleted not in ("true", "false"):
        wrong("include_deleted", "not_allowed", "must be true or false")
    if deleted != "true":
        where.append("deleted = 0")
    if "updated_since" in query:
        try:
            # A "+" of a time zone that was not encoded arrives as a blank.
            params.append(millis(query["updated_since"].replace(" ", "+")))
            where.append("updated_ms >= ?")
        except ValueError:
            wrong("updated_since", "invalid_format", "must be a moment of ISO 8601")
    for name in entity.filters:
        if name in query:
            where.append(f"{name} = ?")
            params.append(query[name].lower() if name == "email" else query[name])
    after = None
    if query.get("cursor"):
        after = _after(query["cursor"], ("-" if descending else "") + sort)
        if after is None:
            wrong("cursor", "invalid_format", "is not a cursor of this list and order")
    if errors:
        raise Refused(400, errors)
    style = styles[0] if styles else "page"
    if style == "page":
        offset = (page - 1) * page_size
    return Request(
        " AND ".join(where) or "1", tuple(params), sort, descending, page_size, style, page, offset, after
    )


def link_header(url: str, next_query: Mapping[str, str]) -> str:
    return f'<{url}?{urlencode(next_query)}>; rel="next"'


def known_parameters(entity: str) -> list[str]:
    """Every query parameter of the list, for its description."""
    return sorted({*_CONTROLS, *ENTITIES[entity].filters})


def _whole(query: Mapping[str, str], name: str, default: int, least: int, wrong: Any) -> int:
    text = query.get(name)
    if text is None:
        return default
    # Twelve digits are beyond every list and still fit into SQLite's integers.
    if not (text.isascii() and text.isdigit() and len(text) <= 12 and int(text) >= least):
        wrong(name, "invalid_format", f"must be a whole number from {least}")
        return default
    return int(text)


def _token(asked: Request, value: int, seq: int) -> str:
    content = json.dumps([("-" if asked.descending else "") + asked.sort, value, seq])
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def _after(token: str, sort: str) -> tuple[int, int] | None:
    try:
        content = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        told, value, seq = content
    except (ValueError, TypeError, binascii.Error):
        return None
    return (value, seq) if told == sort and isinstance(value, int) and isinstance(seq, int) else None
