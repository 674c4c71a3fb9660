"""The shipped dataflow as text, pair by pair, so that its comments come along where a document leaves a pair open."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from instep.core.model import Both, Side
from instep.dataflow import yaml
from instep.dataflow.documents.words import text
from instep.dataflow.files import parse_dataflow_file
from instep.dataflow.line import parse


@dataclass(frozen=True)
class Shipped:
    """The shipped dataflow as text, with the place of each pair in it."""

    lines: Sequence[str]
    document: yaml.Document
    entities: Mapping[str, Both[str]]
    match: Mapping[str, Sequence[str]]

    @classmethod
    def read(cls, whole: str) -> Shipped:
        document, model = parse_dataflow_file(whole, "the shipped dataflow")
        entities = {name: Both(pair.left, pair.right) for name, pair in model.pairs.items()}
        match = {
            name: [key for key in pair.match if isinstance(key, str)] for name, pair in model.pairs.items()
        }
        return cls(whole.splitlines(), document, entities, match)

    def start(self, name: str) -> int:
        """Index of the first line of a pair, the comments above it among it."""
        at = self.document.keys["pairs", name][0] - 1
        while self.lines[at - 1].startswith("  #"):
            at -= 1
        return at

    def block(self, name: str) -> list[str]:
        """The lines of a pair, comments above it included, without blank lines at the end."""
        begins = [self.start(other) for other in self.entities]
        end = min((at for at in begins if at > self.start(name)), default=len(self.lines))
        block = list(self.lines[self.start(name) : end])
        while block and not block[-1].strip():
            block.pop()
        return block

    def head(self) -> list[str]:
        """The lines above the first pair."""
        return list(self.lines[: min(self.start(name) for name in self.entities)])

    def item_lines(self, name: str) -> Iterator[tuple[int, int]]:
        """First and last line index, within the block, of each property item, groups and the items inside."""
        offset = self.start(name)
        size = len(self.block(name))
        paths = sorted(
            (place[0] - 1 - offset, path)
            for path, place in self.document.values.items()
            if path[:2] == ("pairs", name)
            and len(path) > 2
            and path[-2] == "properties"
            and isinstance(path[-1], int)
        )
        for at, (begin, path) in enumerate(paths):
            later = (line for line, other in paths[at + 1 :] if other[: len(path)] != path)
            yield begin, next(later, size) - 1

    @cached_property
    def by_entities(self) -> Mapping[Both[str], str]:
        """The pair of two kinds of record, as `key` compares them."""
        return {entity.map(key): name for name, entity in self.entities.items()}

    def spellings(self, name: str) -> dict[tuple[str, str], str]:
        """The one-line properties of a pair by their two fields, to use where a document names the same."""
        found: dict[tuple[str, str], str] = {}
        for path in self.document.values:
            if path[:2] == ("pairs", name) and len(path) > 2 and path[-2] == "properties":
                value: object = self.document.value
                for part in path:
                    value = value[part]  # type: ignore[index]
                if isinstance(value, str) and "reference(" not in value:
                    line = parse(value)
                    if all(len(part.fields) == 1 for part in line.parts):
                        found[key(line.parts.left.fields[0]), key(line.parts.right.fields[0])] = value
        return found

    def creating(self, name: str, side: Side) -> str:
        """When the shipped pair makes records of that side, as it is spelled under `create`."""
        value: object = self.document.value
        for part in ("pairs", name):
            value = value[part]  # type: ignore[index]
        given = value.get("create", "both") if isinstance(value, dict) else "both"
        if isinstance(given, dict):
            one = given.get(side.value, "always")
            return f"{{when: {text(str(one['when']), flow=True)}}}" if isinstance(one, dict) else str(one)
        return "always" if given in ("both", side.value) else "never"

    def without_references(self, name: str, kept: set[Both[str]]) -> tuple[list[str], list[str]]:
        """The block of a pair, references to entities other than `kept` made comments, and what those are."""
        block, gone = self.block(name), []
        for begin, end in self.item_lines(name):
            wanted = re.search(r"reference\((\w+), (\w+)\)", block[begin])
            if wanted is None or Both(wanted[1], wanted[2]) in kept:
                continue
            gone.append(f"{wanted[1]} and {wanted[2]}")
            for at in range(begin, end + 1):
                if block[at].strip() and not block[at].lstrip().startswith("#"):
                    indent = len(block[at]) - len(block[at].lstrip())
                    block[at] = f"{block[at][:indent]}# no pair of {gone[-1]} here: {block[at].lstrip()}"
        return block, gone


def key(name: str) -> str:
    """A name as documents and systems may spell it alike: "Business_entity" is "business entity"."""
    return re.sub(r"[\s_-]", "", name).casefold()
