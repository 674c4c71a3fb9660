"""The small expressions of custom paging: a value of a page, a number more or less, the parameter of an address."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

from instep.connectors.rest.pointers import at
from instep.connectors.rest.words import Words
from instep.core.values import Json

_EXPRESSION = re.compile(
    r"\{\s*(?P<path>[A-Za-z_@][\w.@-]*)\s*(?:\?\s*(?P<param>[\w.\[\]$-]+)\s*|(?P<sign>[+-])\s*(?P<by>\w+)\s*)?\}"
)
MOST_PARAMETERS = 1000
_NUMBER = re.compile(r"-?\d{1,15}")


def expression_paths(template: str) -> list[str]:
    """Every pointer that the expressions of a template begin with."""
    found = [(each["path"], each["by"]) for each in _EXPRESSION.finditer(template)]
    return [path for pair in found for path in pair if path and not path.isdecimal()]


def evaluated(template: str, words: Words) -> str:
    """The template with each expression's value in its place, "" if one of them has none."""
    missing = False

    def value(found: re.Match[str]) -> str:
        nonlocal missing
        text = _value(found, words)
        missing |= text == ""
        return text

    text = _EXPRESSION.sub(value, template)
    return "" if missing else text


def _value(found: re.Match[str], words: Words) -> str:
    text = _text(found["path"], words)
    if found["param"]:
        return _parameters(text).get(found["param"], "")
    if not found["sign"]:
        return text
    by = found["by"] if found["by"].isdecimal() else _text(found["by"], words)
    if not _NUMBER.fullmatch(text) or not _NUMBER.fullmatch(by):
        return ""
    return str(int(text) + (int(by) if found["sign"] == "+" else -int(by)))


def _parameters(address: str) -> dict[str, str]:
    """Of an address that a system sent; none if it is no address."""
    try:
        return dict(parse_qsl(urlsplit(address).query, max_num_fields=MOST_PARAMETERS))
    except ValueError:
        return {}


def _text(path: str, words: Words) -> str:
    path = path.lower() if path.startswith("header.") else path
    value: Json = words[path] if path in words else _found(words, path)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _found(words: Words, path: str) -> Json:
    found = at(dict(words), path)
    return found if isinstance(found, str | int) else None
