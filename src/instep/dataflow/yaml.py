"""YAML text to plain values, with the line and column of each.

YAML 1.2, core schema: `NO`, `yes`, `on` and `12:30` are text. Left out on purpose, since a configuration needs
none of it and each is a trap: tags, anchors and aliases, several documents, duplicate keys, numbers that begin
with a zero. A mapping's keys are text, as they are written. There is no float: a fraction is a Decimal.

The tree is built from the parser's events without recursion, within bounds, so that no text can exhaust us.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml import events as ev
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from instep.core.values import Json
from instep.errors import ConfigurationError, Problem

MAX_CHARACTERS: Final = 1_000_000
MAX_DEPTH: Final = 30
MAX_NODES: Final = 100_000

Path: TypeAlias = tuple[str | int, ...]
"""Keys and list positions from the top of the file to a value."""

Place: TypeAlias = tuple[int, int]
"""Line and column, both from 1."""


@dataclass(frozen=True)
class Document:
    """The value of one YAML file and where each part of it stands."""

    file: str
    value: Json
    values: Mapping[Path, Place] = field(default_factory=dict)
    keys: Mapping[Path, Place] = field(default_factory=dict)

    def place(self, path: Path, *, key: bool = False) -> Place:
        """Where the value (or, with `key`, the key) at a path stands; the nearest part above it if it is not
        in the file; (1, 1) for an empty file."""
        while path:
            found = (self.keys.get(path) if key else None) or self.values.get(path)
            if found is not None:
                return found
            path, key = path[:-1], False
        return self.values.get((), (1, 1))

    def problem(
        self,
        path: Path,
        what: str,
        *,
        why: str = "",
        fix: str = "",
        severity: str = "error",
        key: bool = False,
    ) -> Problem:
        """A problem at a path of this file."""
        line, column = self.place(path, key=key)
        where = ".".join(str(part) for part in path)
        return Problem(self.file, line, column, what, why=why, fix=fix, severity=severity, where=where)


@dataclass
class _Open:
    """A mapping or list whose end is still to come, and the key that waits for its value."""

    value: dict[str, Json] | list[Json]
    path: Path
    key: str | None = None


def read(text: str, file: str) -> Document:
    """The document of a YAML text; None as its value if there is nothing in it.

    A text that was read lately is not parsed again: a process may open the same site many times.
    Raises ConfigurationError: one problem for text that is not YAML, all of them for what is left out here.
    """
    try:
        found = _parsed(text)
    except ConfigurationError as error:
        raise ConfigurationError([replace(problem, file=file) for problem in error.problems]) from None
    return replace(found, file=file, value=deepcopy(found.value))


@lru_cache(maxsize=32)
def _parsed(text: str) -> Document:
    """The document of a text of no file. Raises what `read` does."""
    if len(text) > MAX_CHARACTERS:
        why = f"{len(text)} characters; at most {MAX_CHARACTERS} are read"
        raise ConfigurationError([Problem("", 0, 0, "the file is too large", why=why)])
    try:
        return _Builder().build(YAML(typ="safe", pure=True).parse(text.removeprefix("\ufeff")))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
        why = "; ".join(part for part in (error.context, error.problem) if part)
    except YAMLError as error:
        line, column, why = *_reader_place(text), str(error).partition("\n")[0]
    except (
        ValueError,
        ArithmeticError,
        RecursionError,
        LookupError,
        AttributeError,
        AssertionError,
    ) as error:
        # The parser itself stumbled over malformed text (an absurd %YAML directive, for instance).
        line, column, why = 0, 0, f"the parser gave up: {type(error).__name__}"
    raise ConfigurationError([Problem("", line, column, "this is not YAML", why=why, fix=_syntax_fix(why))])


def _reader_place(text: str) -> Place:
    """Where the first character stands that no YAML file may hold."""
    bad = re.search("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
    if bad is None:
        return 0, 0
    before = text[: bad.start()]
    return before.count("\n") + 1, bad.start() - before.rfind("\n")


def _syntax_fix(why: str) -> str:
    if "\\t" in why:
        return "indent with spaces; YAML does not allow tabs there"
    if "mapping values are not allowed" in why:
        return 'put quotes around a text that holds ": "'
    return ""


class _Builder:
    """Turns parser events into values; collects what is not allowed and goes on."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.values: dict[Path, Place] = {}
        self.keys: dict[Path, Place] = {}
        self.stack: list[_Open] = []
        self.root: Json = None
        self.documents = 0

    def build(self, events: Iterator[Any]) -> Document:
        for event in events:
            if isinstance(event, ev.DocumentStartEvent):
                self.documents += 1
                if self.documents == 2:
                    self.refuse(
                        event,
                        "a second document begins here",
                        "one file holds one document",
                        "remove the ---",
                    )
            elif isinstance(event, ev.AliasEvent):
                self.refuse(
                    event, f"an alias, *{event.anchor}", "aliases are not read", "write the value out"
                )
                self.add(None, event)
            elif isinstance(event, ev.NodeEvent):
                self.node(event)
            elif isinstance(event, (ev.MappingEndEvent, ev.SequenceEndEvent)):
                self.stack.pop()
            if len(self.values) > MAX_NODES:
                self.refuse(event, "the file has too many values", f"at most {MAX_NODES} are read", "")
                break
            if len(self.stack) > MAX_DEPTH:
                self.refuse(
                    event, "the file is nested too deeply", f"at most {MAX_DEPTH} levels are read", ""
                )
                break
        if self.problems:
            raise ConfigurationError(self.problems)
        return Document("", self.root, self.values, self.keys)

    def node(self, event: Any) -> None:
        if event.anchor is not None:
            self.refuse(event, f"an anchor, &{event.anchor}", "anchors are not read", "remove it")
        if event.tag is not None:
            self.refuse(
                event, f"a tag, {event.tag}", "tags are not read", "remove it; quotes make a value a text"
            )
        if isinstance(event, ev.ScalarEvent):
            self.scalar(event)
        elif isinstance(event, ev.MappingStartEvent):
            self.open(event, {})
        else:
            self.open(event, [])

    def scalar(self, event: Any) -> None:
        parent = self.stack[-1] if self.stack else None
        if parent is not None and isinstance(parent.value, dict) and parent.key is None:
            self.begin_entry(parent, event.value, event)
            return
        try:
            value = event.value if event.style else plain(event.value)
            event.value.encode()
        except UnicodeEncodeError:
            self.refuse(
                event, "half a character", "an escape names one half of a pair", "write the character itself"
            )
            value = None
        except ValueError as error:
            self.refuse(
                event, f"{_short(event.value)} could be read in two ways", str(error), "put it in quotes"
            )
            value = None
        self.add(value, event)

    def begin_entry(self, parent: _Open, key: str, event: Any) -> None:
        assert isinstance(parent.value, dict)
        if key in parent.value:
            first = self.keys[(*parent.path, key)][0]
            self.refuse(
                event,
                f'"{_short(key)}" is here twice',
                f"it is already in line {first}",
                "keep one of the two",
            )
        parent.key = key
        self.keys[(*parent.path, key)] = _place(event)

    def open(self, event: Any, value: dict[str, Json] | list[Json]) -> None:
        parent = self.stack[-1] if self.stack else None
        if parent is not None and isinstance(parent.value, dict) and parent.key is None:
            self.refuse(event, "a key that is not a text", "a key is a single word or text", "")
            self.begin_entry(parent, f"key in line {_place(event)[0]}", event)
            # The structure in the key's place is read as the value and its own value then lacks a key; one more
            # turn of the mapping would shift everything, so reading ends here.
            raise ConfigurationError(self.problems)
        self.stack.append(_Open(value, self.add(value, event)))

    def add(self, value: Json, event: Any) -> Path:
        """Put a finished or just opened value where it belongs."""
        if not self.stack:
            if self.documents <= 1:
                self.root = value
            path: Path = ()
        else:
            parent = self.stack[-1]
            if isinstance(parent.value, list):
                path = (*parent.path, len(parent.value))
                parent.value.append(value)
            else:
                key = parent.key if parent.key is not None else ""
                path = (*parent.path, key)
                parent.value[key] = value
                parent.key = None
        self.values[path] = _place(event)
        return path

    def refuse(self, event: Any, what: str, why: str, fix: str) -> None:
        line, column = _place(event)
        self.problems.append(Problem("", line, column, what, why=why, fix=fix))


_WORDS: Final[Mapping[str, Json]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,30})")
_LEADING_ZERO: Final = re.compile(r"[-+]?0[0-9_]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FRACTION: Final = re.compile(r"[-+]?([0-9]{1,30})?(\.[0-9]{0,30})?([eE][-+]?[0-9]{1,3})?")
_NOT_A_NUMBER: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def plain(text: str) -> Json:
    """What an unquoted scalar says. Raises ValueError, with a sentence, for what is best written in quotes."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _LEADING_ZERO.fullmatch(text):
        raise ValueError("as a number it would lose its first zero, or be counted in another base")
    if _NOT_A_NUMBER.fullmatch(text):
        raise ValueError("YAML calls it a number, but no number is meant")
    if _FRACTION.fullmatch(text) and any(c.isdigit() for c in text.partition("e")[0].partition("E")[0]):
        return Decimal(text)
    return text


def quoted(text: str) -> str:
    """A text in double quotes, on one line, that `read` gives back; a lone surrogate becomes U+FFFD."""
    escaped = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
    letters = []
    for letter in text:
        if "\ud800" <= letter <= "\udfff":
            letter = "\ufffd"
        if letter in escaped:
            letters.append(escaped[letter])
        elif letter.isprintable():
            letters.append(letter)
        else:
            letters.append(f"\\U{ord(letter):08X}")
    return f'"{"".join(letters)}"'


def _place(event: Any) -> Place:
    mark = event.start_mark
    return mark.line + 1, mark.column + 1


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:39] + "…"
