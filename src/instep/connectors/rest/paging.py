"""The styles of paging: what to ask for a page, and what its answer says of the next one.

A token is text that stands for a page within one listing; "" is the first page, and "" as the next token
means that there is none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urljoin

from instep.connectors.http import Answer
from instep.connectors.rest.description_list import (
    CursorPaging,
    KeysetPaging,
    LinkPaging,
    NoPaging,
    OffsetPaging,
    PagePaging,
)
from instep.connectors.rest.pointers import at, text_at
from instep.core.values import Json
from instep.errors import BadAnswer

Paging = NoPaging | PagePaging | OffsetPaging | CursorPaging | LinkPaging | KeysetPaging
Query = list[tuple[str, str]]

_LINK = re.compile(r'<([^<>]*)>\s*;[^,<]*\brel\s*=\s*"?next\b')


def page_query(paging: Paging, token: str) -> Query:
    """The paging parameters of a page."""
    if isinstance(paging, NoPaging):
        return []
    sized = [(paging.size_param, str(paging.size))] if paging.size_param else []
    if isinstance(paging, PagePaging):
        return [(paging.param, token or str(paging.first)), *sized]
    if isinstance(paging, OffsetPaging):
        return [(paging.param, token or "0"), *sized]
    if isinstance(paging, CursorPaging):
        first = [] if paging.first is None else [(paging.param, paging.first)]
        return [*([(paging.param, token)] if token else first), *sized]
    if isinstance(paging, KeysetPaging) and token:
        return [(paging.param, paging.template.replace("{value}", token)), *sized]
    return sized


def asks_alone(paging: Paging, token: str) -> bool:
    """Whether a page is asked for by its token and nothing else."""
    if isinstance(paging, CursorPaging):
        return bool(token) and paging.alone
    return isinstance(paging, LinkPaging) and bool(token)


def counted(paging: Paging) -> bool:
    """Whether pages are counted by position, so that rows may slip from one to another as others change."""
    return isinstance(paging, PagePaging | OffsetPaging)


def total_of(paging: Paging, answer: Answer) -> int | None:
    """How many rows the answer says that the listing has, if it says so."""
    if isinstance(paging, PagePaging | OffsetPaging) and paging.total:
        total = at(answer.value, paging.total)
        return total if isinstance(total, int) and not isinstance(total, bool) else None
    return None


def next_token(
    paging: Paging, token: str, answer: Answer, rows: Sequence[Json], rows_so_far: int, url: str
) -> str:
    """The token of the page after this one, "" if this was the last.

    Without a described `next` or `total` only an empty page is the end: a server may hold fewer rows per page
    than it was asked for. `url` is the address of this page, which a relative link starts from.
    """
    if isinstance(paging, CursorPaging):
        return text_at(answer.value, paging.next)
    if isinstance(paging, LinkPaging):
        if paging.next:
            link = text_at(answer.value, paging.next)
        else:
            found = _LINK.search(answer.headers.get("link", ""))
            link = found.group(1) if found else ""
        return urljoin(url, link) if link else ""
    if isinstance(paging, NoPaging):
        return ""
    if isinstance(paging, KeysetPaging):
        over = not rows or (bool(paging.more) and at(answer.value, paging.more) is not True)
        return "" if over else _named(paging, rows[-1])
    if paging.next:
        told = text_at(answer.value, paging.next)
        return told if told.isdecimal() else ""
    total = total_of(paging, answer)
    offset = int(token or 0) if isinstance(paging, OffsetPaging) else 0
    passed = offset + len(rows) if isinstance(paging, OffsetPaging) else rows_so_far
    if not rows or (total is not None and passed >= total):
        return ""
    return str(int(token or paging.first) + 1) if isinstance(paging, PagePaging) else str(passed)


def _named(paging: KeysetPaging, row: Json) -> str:
    """What names the last row of a page. Raises BadAnswer if it has no such value, since no next page can be asked
    for, and this one was not the last."""
    value = at(row, paging.field)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise BadAnswer("a page can't be followed by the next", why=f"its last row has no {paging.field}")
    return str(value)
