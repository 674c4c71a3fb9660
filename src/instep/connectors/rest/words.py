"""Words in braces ("{id}") in the paths, parameters, headers and bodies of a description, and what takes their place.

A text that is one word alone becomes its value, so that a number stays a number. What has no value takes its
place with it: the parameter, the key or the entry is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast
from urllib.parse import quote

from instep.connectors.rest.pointers import at
from instep.core.values import ABSENT, Absent, Json, encode

Words = Mapping[str, Json]

_WORD = re.compile(r"\{([A-Za-z_][\w.-]*)\}")


def words_in(template: object) -> set[str]:
    """Every word that a template speaks of."""
    if isinstance(template, str):
        return set(_WORD.findall(template))
    if isinstance(template, Mapping):
        return {word for value in template.values() for word in words_in(value)}
    if isinstance(template, list | tuple):
        return {word for value in template for word in words_in(value)}
    return set()


def filled_in(template: Json, words: Words) -> Json | Absent:
    """The template with values in place of its words; ABSENT if it is a text with a word that has none."""
    if isinstance(template, str):
        alone = _WORD.fullmatch(template)
        if alone:
            found = _value(words, alone[1])
            return ABSENT if found is None else found
        values = {word: _value(words, word) for word in _WORD.findall(template)}
        if any(value is None or isinstance(value, Absent) for value in values.values()):
            return ABSENT
        return _WORD.sub(lambda found: plain(values[found[1]]), template)
    if isinstance(template, dict):
        inner = {key: filled_in(value, words) for key, value in template.items()}
        return {key: value for key, value in inner.items() if not isinstance(value, Absent)}
    if isinstance(template, list):
        entries = [filled_in(value, words) for value in template]
        return [value for value in entries if not isinstance(value, Absent)]
    return template


def filled_path(template: str, words: Words) -> str | None:
    """An address with each value quoted, so that it stays in its place; None if a word has no value."""
    values = {word: _value(words, word) for word in words_in(template)}
    if any(value is None or isinstance(value, Absent) or value == "" for value in values.values()):
        return None
    return _WORD.sub(lambda found: quote(plain(values[found[1]]), safe=""), template)


def filled_texts(templates: Mapping[str, str | int | bool], words: Words) -> dict[str, str]:
    """Parameters or headers with values in place of their words, without those whose word has none."""
    filled = {name: filled_in(value, words) for name, value in templates.items()}
    return {name: plain(value) for name, value in filled.items() if not isinstance(value, Absent)}


def filled_body(template: object, words: Words) -> bytes | None:
    """The JSON of a body with values in place of its words, None if there is none."""
    body = filled_in(cast(Json, template), words)
    return None if body is None or isinstance(body, Absent) else encode(body)


def plain(value: Json | Absent) -> str:
    """A value as it stands in an address: true and false in lower case."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value(words: Words, word: str) -> Json | Absent:
    return words[word] if word in words else at(dict(words), word)
