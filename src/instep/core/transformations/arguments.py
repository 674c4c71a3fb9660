"""The one-line spelling of a transformation: `text(trim, max=70)`, `lookup(0=immediate, 30=net30)`.

`parse` reads it; `Given` is what a maker uses to take its arguments, one by one, with a sentence for each
that makes no sense. The spelling has no escapes beyond quotes: 'a, b' or "a, b", with \\n and \\t inside.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from difflib import get_close_matches

from instep.core.model import Both
from instep.core.transformations.contract import Arguments, Scalar

_name = re.compile(r"[A-Za-z_][\w.-]*(?::[A-Za-z_][\w.]*)?\Z")
_integer = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\Z")
_decimal = re.compile(r"-?[0-9]{1,30}\.[0-9]{1,30}\Z")
_words: dict[str, Scalar] = {"true": True, "false": False, "null": None}


def parse(text: str) -> tuple[str, Arguments]:
    """("text", Arguments(words=("trim",), named=(("max", 70),))) for "text(trim, max=70)".

    A value may itself be a call, which stays text: `default(0, as=integer)`, `default(a, as=lookup(0=a))`.
    Raises ValueError with a sentence for anything that isn't of this form.
    """
    head, bracket, rest = text.strip().partition("(")
    name = head.strip()
    if not _name.match(name):
        raise ValueError(
            f'"{name}" is not the name of a transformation: write a name, then its arguments in brackets'
        )
    if not bracket:
        return name, Arguments()
    if not rest.endswith(")"):
        raise ValueError(f'"{text.strip()}" lacks its closing bracket')
    words: list[Scalar] = []
    named: list[tuple[Scalar, Scalar]] = []
    for piece in split_outside(rest[:-1], ",", text):
        if not piece.strip():
            if rest[:-1].strip():
                raise ValueError(f'"{text.strip()}" has a comma with nothing beside it')
            continue
        sides = split_outside(piece, "=", text)
        if len(sides) > 2:
            raise ValueError(
                f'"{piece.strip()}" has more than one "="; put a value that contains one in quotes'
            )
        if len(sides) == 2:
            named.append((scalar(sides[0]), scalar(sides[1])))
        else:
            words.append(scalar(piece))
    return name, Arguments(tuple(words), tuple(named))


def spelled(name: str, arguments: Arguments) -> str:
    """The spelling that `parse` reads as this. Raises ValueError where there is none, as for a text with both kinds
    of quotes in it."""
    given = [spelled_scalar(word) for word in arguments.words]
    given += [f"{spelled_scalar(key)}={spelled_scalar(value)}" for key, value in arguments.named]
    text = f"{name}({', '.join(given)})" if given else name
    if parse(text) != (name, Arguments(arguments.words, arguments.named)):
        raise ValueError(f"{name} has an argument that can't be written in one line")
    return text


def spelled_scalar(value: Scalar) -> str:
    """The spelling that `scalar` reads as this value, as far as there is one."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    text = str(value)
    if isinstance(value, str) and (scalar(text) != text or re.search(r"[,()='\"\s]", text) or not text):
        quoted = text.replace("\n", "\\n").replace("\t", "\\t")
        return f"'{quoted}'" if "'" not in text else f'"{quoted}"'
    return text


def split_outside(text: str, separator: str, whole: str) -> list[str]:
    """Split at separators outside quotes and brackets. Raises ValueError if those don't close."""
    parts, start, depth, quote = [], 0, 0, ""
    last = ""  # letter of this part that is no blank
    for i, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"" and (not last or (last == "=" and separator == ",")):
            quote = letter
        elif letter == "(":
            depth += 1
        elif letter == ")":
            depth -= 1
            if depth < 0:
                raise ValueError(f'"{whole.strip()}" has a closing bracket too many')
        elif letter == separator and depth == 0:
            parts.append(text[start:i])
            start, last = i + 1, ""
            continue
        last = last if letter.isspace() else letter
    if quote or depth:
        raise ValueError(f'"{whole.strip()}" lacks a closing {"quote" if quote else "bracket"}')
    return [*parts, text[start:]]


def scalar(text: str) -> Scalar:
    """`30` -> 30, `1.5` -> Decimal, `true`, `null`, `'30'` -> text, `NO` -> text."""
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1].replace("\\n", "\n").replace("\\t", "\t")
    if text in _words:
        return _words[text]
    if _integer.match(text):
        return int(text)
    if _decimal.match(text):
        return Decimal(text)
    return text


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """ ": did you mean text?" for something near enough, else "; known are ..."."""
    names = sorted(known)
    near = get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f": did you mean {near[0]}?"
    return f"; known are {', '.join(names)}" if names else "; it takes none"


class Given:
    """The arguments of one transformation, taken one by one; `done` then refuses what nobody took."""

    def __init__(self, of: str, arguments: Arguments) -> None:
        self.of = of
        self._words = list(arguments.words)
        self._named = list(arguments.named)
        self._known: set[str] = set()

    def flag(self, word: str) -> bool:
        """Whether the word stands among the arguments."""
        self._known.add(word)
        if word in self._words:
            self._words.remove(word)
            return True
        return False

    def named(self, name: str) -> Scalar:
        """The value of `name=value`; None without it. Raises ValueError if it is given twice."""
        self._known.add(name)
        found = [value for key, value in self._named if key == name]
        self._named = [(key, value) for key, value in self._named if key != name]
        if len(found) > 1:
            raise ValueError(f"{self.of}: {name} is given {len(found)} times")
        return found[0] if found else None

    def integer(self, name: str, low: int, high: int) -> int | None:
        """`name=7`, within bounds; None without it."""
        value = self.named(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"{self.of}: {name} must be a whole number from {low} to {high}, not {value}")
        return value

    def choice(self, name: str, choices: Iterable[str], default: str) -> str:
        """`name=word` with the word one of the choices."""
        known = list(choices)
        value = self.named(name)
        if value is None:
            return default
        if value not in known:
            raise ValueError(f'{self.of}: {name} can\'t be "{value}"{did_you_mean(str(value), known)}')
        return str(value)

    def per_side(self, choices: Iterable[str], default: Both[str]) -> Both[str]:
        """`left=word, right=word`; a lone word means the right side, which is the ERP in the usual order."""
        known = list(choices)
        words = [word for word in self._words if word in known]
        left = self.choice("left", known, default.left)
        if words and not any(key == "right" for key, _ in self._named):
            self._words.remove(words[0])
            return Both(left, str(words[0]))
        return Both(left, self.choice("right", known, default.right))

    def sides(self, name: str) -> Both[bool]:
        """`name=left`, `name=right` or `name=both`: the sides that it holds for."""
        value = self.choice(name, ("left", "right", "both"), "none")
        return Both.of(lambda side: value in ("both", side.value))

    def word(self) -> Scalar:
        """The next argument without a name; None if there is none left."""
        return self._words.pop(0) if self._words else None

    def rest(self) -> tuple[tuple[Scalar, Scalar], ...]:
        """All `name=value` not yet taken."""
        rest, self._named = tuple(self._named), []
        return rest

    def done(self) -> None:
        """Raise ValueError for the first argument that nobody took."""
        for left_over in [*self._words, *(key for key, _ in self._named)]:
            raise ValueError(f'{self.of} takes no "{left_over}"{did_you_mean(str(left_over), self._known)}')
