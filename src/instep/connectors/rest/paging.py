"""The styles of paging: what to ask for a page, and what its answer says of the next one.

A token is text that stands for a page within one listing; "" is the first page, and "" as the next token
means that there is none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from urllib.parse import urljoin

from instep.connectors.http import Answer
from instep.connectors.rest.description_list import (
    CursorPaging,
    CustomPaging,
    KeysetPaging,
    LinkPaging,
    NoPaging,
    OffsetPaging,
    PagePaging,
)
from instep.connectors.rest.expressions import evaluated
from instep.connectors.rest.pointers import at
from instep.core.values import ABSENT, Absent, Json, whole_number
from instep.errors import BadAnswer

Paging = NoPaging | PagePaging | OffsetPaging | CursorPaging | LinkPaging | KeysetPaging | CustomPaging

_LINK = re.compile(r'<([^<>]*)>\s*;[^,<]*\brel\s*=\s*"?next\b')


def page_words(paging: Paging, token: str) -> dict[str, Json]:
    """What {next}, {size} and the parameters of custom paging stand for on a page."""
    if isinstance(paging, NoPaging):
        return {}
    words: dict[str, Json] = {"size": paging.size}
    if isinstance(paging, PagePaging | OffsetPaging):
        words["next"] = _place(paging, token)
    elif isinstance(paging, CustomPaging):
        words |= _variables(paging, token)
    elif isinstance(paging, CursorPaging) and not token and paging.first is not None:
        words["next"] = paging.first
    elif token:
        words["next"] = token
    return words


def page_query(paging: Paging, token: str, spoken: Collection[str] = ()) -> dict[str, str]:
    """The paging parameters of a page, but those that a call speaks of by words of its own."""
    words = page_words(paging, token)
    query: dict[str, str] = {}
    if isinstance(paging, CustomPaging):
        query = {name: str(words[name]) for name in _variables(paging, token) if name not in spoken}
    elif isinstance(paging, KeysetPaging):
        if token and "next" not in spoken:
            query[paging.param] = paging.template.replace("{value}", token)
    elif not isinstance(paging, NoPaging | LinkPaging) and "next" in words and "next" not in spoken:
        query[paging.param] = str(words["next"])
    if not isinstance(paging, NoPaging) and paging.size_param and "size" not in spoken:
        query[paging.size_param] = str(paging.size)
    return query


def _variables(paging: CustomPaging, token: str) -> dict[str, Json]:
    """The parameters of a page of custom paging, whose token is them as JSON."""
    if not token:
        return dict(paging.first)
    try:
        told = json.loads(token)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise BadAnswer("a page can't be asked for", why="the place to go on from is none of this paging")
    return {name: value for name, value in told.items() if isinstance(value, str | int)}


def asks_alone(paging: Paging, token: str) -> bool:
    """Whether a page is asked for by its token and nothing else."""
    if isinstance(paging, CursorPaging):
        return bool(token) and paging.alone
    return isinstance(paging, LinkPaging) and bool(token)


def counted(paging: Paging) -> bool:
    """Whether pages may be counted by position, so that rows slip from one to another as others change."""
    return isinstance(paging, PagePaging | OffsetPaging | CustomPaging)


def told_at(answer: Answer, pointer: str) -> Json | Absent:
    """What an answer says at a pointer; header:NAME points to a header."""
    if pointer.startswith("header:"):
        return answer.headers.get(pointer.removeprefix("header:").strip().lower(), ABSENT)
    return at(answer.value, pointer)


def total_of(paging: Paging, answer: Answer) -> int | None:
    """How many rows the answer says that the listing has, if it says so."""
    if isinstance(paging, PagePaging | OffsetPaging) and paging.total:
        return _number(told_at(answer, paging.total))
    return None


def next_token(
    paging: Paging, token: str, answer: Answer, rows: Sequence[Json], rows_so_far: int, url: str
) -> str:
    """The token of the page after this one, "" if this was the last.

    Where nothing is described that says more, only an empty page is the end: a server may hold fewer rows per page
    than it was asked for. `url` is the address of this page, which a relative link starts from.
    """
    if isinstance(paging, NoPaging):
        return ""
    if isinstance(paging, LinkPaging):
        if paging.next:
            link = _text(told_at(answer, paging.next))
        else:
            found = _LINK.search(answer.headers.get("link", ""))
            link = found.group(1) if found else ""
        return _joined(url, link) if link else ""
    if paging_says_end(paging, token, answer):
        return ""
    if isinstance(paging, PagePaging | OffsetPaging) and paging.short_is_last and len(rows) < paging.size:
        return ""
    if isinstance(paging, CursorPaging):
        return _text(told_at(answer, paging.next))
    if isinstance(paging, KeysetPaging):
        return _named(paging, rows[-1]) if rows else ""
    if isinstance(paging, CustomPaging):
        return _put_together(paging, token, answer, rows)
    if paging.next:
        told = whole_number(_text(told_at(answer, paging.next)))
        return "" if told is None or told < 0 else str(told)
    total = total_of(paging, answer)
    if isinstance(paging, PagePaging):
        over = not rows or (total is not None and rows_so_far >= total)
        return "" if over else str(_place(paging, token) + 1)
    passed = _place(paging, token) + len(rows)
    return "" if not rows or (total is not None and passed - paging.first >= total) else str(passed)


def paging_says_end(
    paging: PagePaging | OffsetPaging | CursorPaging | KeysetPaging | CustomPaging, token: str, answer: Answer
) -> bool:
    """Whether the answer itself says that its page is the last."""
    if paging.more and not _true(told_at(answer, paging.more)):
        return True
    if isinstance(paging, PagePaging | OffsetPaging) and paging.last and _true(told_at(answer, paging.last)):
        return True
    if isinstance(paging, PagePaging) and paging.pages:
        pages = _number(told_at(answer, paging.pages))
        return pages is not None and _place(paging, token) - paging.first + 1 >= pages
    return False


def _place(paging: PagePaging | OffsetPaging, token: str) -> int:
    """The number of a page, or of the first of its rows. Raises BadAnswer for a token of another paging."""
    place = whole_number(token) if token else paging.first
    if place is None:
        raise BadAnswer("a page can't be asked for", why="the place to go on from is none of this paging")
    return place


def _put_together(paging: CustomPaging, token: str, answer: Answer, rows: Sequence[Json]) -> str:
    if not rows:
        return ""
    words: dict[str, Json] = {
        **_variables(paging, token),
        "answer": answer.value,
        "header": dict(answer.headers),
        "last": rows[-1],
        "rows": len(rows),
    }
    following = {name: evaluated(template, words) for name, template in paging.next.items()}
    return json.dumps(following, sort_keys=True) if all(following.values()) else ""


def _joined(url: str, link: str) -> str:
    """The address that a link of a page leads to. Raises BadAnswer if it is none."""
    try:
        return urljoin(url, link)
    except ValueError:
        why = f"what it calls the next one is no address: {link[:80]}"
        raise BadAnswer("a page can't be followed by the next", why=why) from None


def _true(value: Json | Absent) -> bool:
    return value is True or value == 1 or (isinstance(value, str) and value.lower() in ("true", "1"))


def _text(value: Json | Absent) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _number(value: Json | Absent) -> int | None:
    text = _text(value)
    return int(text) if text.isdecimal() and len(text) < 16 else None


def _named(paging: KeysetPaging, row: Json) -> str:
    """What names the last row of a page. Raises BadAnswer if it has no such value, since no next page can be asked
    for, and this one was not the last."""
    value = at(row, paging.field)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise BadAnswer("a page can't be followed by the next", why=f"its last row has no {paging.field}")
    return str(value)
