"""How times, spans, numbers and values are put into a page: the filters of the templates."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from markupsafe import Markup, escape

from instep.core.phrases import counted
from instep.core.phrases import span as span_of
from instep.core.values import Absent, encode
from instep.desk.runs import DONE
from instep.desk.words import reason
from instep.site import now_ms

MOST: Final = 400


def moment(at_ms: int | None) -> Markup:
    """A time of our clock, UTC, that a script may show in the reader's own; the page says once which it is."""
    if not at_ms:
        return Markup("never")
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        at.isoformat(timespec="seconds"), at.strftime("%Y-%m-%d %H:%M:%S")
    )


def span(milliseconds: int | float | None) -> str:
    """A length of time in the unit that suits it."""
    if milliseconds is None:
        return "–"
    return f"{max(milliseconds, 0):.0f} ms" if milliseconds < 1000 else span_of(milliseconds)


def ago(at_ms: int | None) -> str:
    """How long that is ago."""
    return f"{span(now_ms() - at_ms)} ago" if at_ms else "never"


def done(operation: str) -> str:
    """What a write has made of a record."""
    return DONE[operation]


def number(value: int) -> str:
    """With thin spaces between thousands."""
    return f"{value:,}".replace(",", "\u2009")


def value(given: Any) -> str:
    """One value of a record as people read it: a text as it is, anything else as JSON."""
    if given is None or isinstance(given, Absent):
        return ""
    text = (
        given
        if isinstance(given, str)
        else json.dumps(given)
        if isinstance(given, bool)
        else encode(given).decode()
    )
    return text if len(text) <= MOST else f"{text[: MOST - 1]}…"


def breakable(path: str) -> Markup:
    """A name that a narrow column may break after its dots, underscores, commas and at signs."""
    return Markup(re.sub(r"([._,@]|\()(?=.)", r"\1<wbr>", str(escape(path))))  # noqa: S704 - escaped right here


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "moment": moment,
    "span": span,
    "ago": ago,
    "done": done,
    "number": number,
    "value": value,
    "counted": counted,
    "breakable": breakable,
    "reason": reason,
}
