"""The properties of one pair, of any form, with their transformations built.

What they share with the rest of the file is a list that problems go to; nothing is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from instep.core.conditions import Condition, parse_condition
from instep.core.dataflow import Part, PolicyName, Property
from instep.core.model import SIDES, Both
from instep.core.transformations.arguments import parse as parse_transformation
from instep.core.transformations.arguments import scalar, spelled
from instep.core.transformations.contract import Arguments, Flow, Scalar, SubProperty, Transformation
from instep.core.transformations.registry import build as build_transformation
from instep.core.values import Json
from instep.dataflow import line, yaml
from instep.dataflow.models import (
    Conditions,
    GroupForm,
    Paths,
    PropertyForm,
    PropertyItem,
    SidesOfConditions,
    SidesOfPaths,
)
from instep.dataflow.table import with_table
from instep.errors import Problem

Load: TypeAlias = Callable[[str], object]
"""Gives the object that `module:name` names; raises ValueError with a sentence."""

_JSON: Final = msgspec.json.Encoder(decimal_format="number")

INSIDE: Final = frozenset({"nested", "lines"})
"""Transformations that take properties of their own."""


@dataclass(frozen=True)
class _Group:
    """What the properties of a group inherit."""

    name: str = ""
    policy: PolicyName | None = None


@dataclass(frozen=True)
class _Reading:
    """One property item of any form, read but not built."""

    path: yaml.Path
    parts: Both[Part]
    flow: Flow
    transformation: object
    form: PropertyForm
    group: _Group


@dataclass(frozen=True)
class _Built:
    """A transformation with how it is spelled, and with the properties inside it."""

    transformation: Transformation
    as_written: str
    inside: tuple[SubProperty, ...]


_NO_FORM: Final = PropertyForm.model_validate({"map": "- <-> -"})


class PropertyBuilder:
    """Builds the properties of one pair. Afterwards, `names` has those of every property that could be read,
    `references` the entities that references name, with where they do, `paths` where each built property is, and
    `tables` what lookups have read from files."""

    def __init__(self, document: yaml.Document, load: Load, problems: list[Problem]) -> None:
        self.document, self.load, self.problems = document, load, problems
        self.names: set[str] = set()
        self.references: list[tuple[Both[str], yaml.Path]] = []
        self.paths: list[yaml.Path] = []
        self.tables: list[Json] = []

    def problem(self, path: yaml.Path, what: str, why: str = "", fix: str = "", *, key: bool = False) -> None:
        self.problems.append(self.document.problem(path, what, why=why, fix=fix, key=key))

    def properties(
        self, items: Sequence[PropertyItem], path: yaml.Path, group: _Group = _Group()
    ) -> Iterator[Property]:
        for reading in self.readings(items, path, group):
            # A property that can't be built still has its name, so that a match key is not blamed for it.
            self.names.add(_name(reading))
            built = self.transformation(reading)
            if built is None:
                continue
            self.paths.append(reading.path)
            form, default = reading.form, reading.form.default
            yield Property(
                name=_name(reading),
                parts=reading.parts,
                transformation=built.transformation,
                as_written=built.as_written,
                inside=built.inside,
                flow=reading.flow,
                policy=form.policy or reading.group.policy,
                group=form.group or reading.group.name,
                required=form.required is True,
                required_when=self.conditions(reading, "required", form.required),
                when=self.conditions(reading, "when", form.when),
                default=Both(default.left, default.right) if default else Both(None, None),
                source=(self.document.file, self.document.place(reading.path)[0]),
            )

    def conditions(
        self, reading: _Reading, key: str, given: bool | SidesOfConditions
    ) -> Both[tuple[Condition, ...]]:
        at = (*reading.path, key)
        if isinstance(given, bool):
            return Both((), ())
        return Both.of(
            lambda side: tuple(conditions(getattr(given, side.value), (*at, side.value), self.problem))
        )

    def readings(self, items: Sequence[PropertyItem], path: yaml.Path, group: _Group) -> Iterator[_Reading]:
        for index, item in enumerate(items):
            at = (*path, index)
            if isinstance(item, GroupForm):
                yield from self.readings(
                    item.properties, (*at, "properties"), _Group(item.group, item.policy or group.policy)
                )
                continue
            try:
                yield _read(at, item, group)
            except line.LineError as error:
                self.problem(at, error.what, why=error.why, fix=error.fix)

    def transformation(self, reading: _Reading) -> _Built | None:
        """Built from its arguments; None, with a problem noted, if that can't be."""
        at = (*reading.path, "as") if reading.form.as_ is not None else reading.path
        try:
            name, arguments = _spelled(reading.transformation)
            if name == "lookup":
                spelled, arguments = arguments, with_table(arguments, Path(self.document.file).parent)
                if arguments is not spelled:
                    self.tables.append([list(row) for row in arguments.named])
        except ValueError as error:
            self.problem(at, *_split(str(error)))
            return None
        inside = self.inside(reading, name)
        if inside is None:
            return None
        if name == "reference":
            self.refers(arguments, at)
        try:
            transformation = build_transformation(
                name,
                replace(arguments, properties=inside),
                reading.parts.map(lambda part: len(part.fields)),
                reading.parts.map(lambda part: len(part.context)),
                self.load,
                reading.flow,
            )
            return _Built(transformation, _as_written(reading.transformation), inside)
        except ValueError as error:
            self.problem(at, *_split(str(error)))
            return None

    def refers(self, arguments: Arguments, at: yaml.Path) -> None:
        words = [str(word) for word in arguments.words[:2]]
        if words:
            self.references.append((Both(words[0], words[-1]), at))

    def inside(self, reading: _Reading, name: str) -> tuple[SubProperty, ...] | None:
        """The properties inside a nested object or lines; None, with problems noted, if one can't be built."""
        items = reading.form.properties
        if items is None:
            return ()
        at = (*reading.path, "properties")
        if name not in INSIDE:
            self.problem(
                at,
                f"{name} takes no properties",
                why="only nested and lines have properties inside",
                fix="name the transformation with as: nested or as: lines",
                key=True,
            )
            return None
        count = len(self.problems)
        found: list[SubProperty] = []
        for inner in self.readings(items, at, _Group()):
            self.whole_only(inner)
            built = self.transformation(inner)
            if built is not None:
                contexts = Both.of(
                    lambda side, inner=inner: _contexts(inner.parts[side], reading.parts[side])  # type: ignore[misc]
                )
                paths = inner.parts.map(lambda part: part.fields)
                words = built.as_written, built.inside
                found.append(SubProperty(_name(inner), paths, built.transformation, contexts, *words))
        return tuple(found) if len(self.problems) == count else None

    def whole_only(self, inner: _Reading) -> None:
        """What can't be said of a part of an object, since the object is one property."""
        form = inner.form
        for key, given in (
            ("direction", inner.flow != "both"),
            ("policy", form.policy is not None or inner.group.policy is not None),
            ("group", bool(form.group or inner.group.name)),
            ("required", form.required is not False),
            ("when", bool(form.when.left or form.when.right)),
            ("default", form.default is not None),
        ):
            if given:
                self.problem(
                    inner.path,
                    f"{key} can't be said of a property inside another",
                    why="an object or a line travels as a whole",
                    fix=f"say {key} of the outer property",
                )


def conditions(
    given: Conditions, path: yaml.Path, problem: Callable[[yaml.Path, str, str, str], None]
) -> Iterator[Condition]:
    """The conditions of one side; what can't be read goes to `problem`, with where it stands."""
    for index, text in enumerate([given] if isinstance(given, str) else given):
        try:
            yield parse_condition(text)
        except ValueError as error:
            what, _, fix = str(error).partition(". ")
            problem(path if isinstance(given, str) else (*path, index), what, "", fix[:1].lower() + fix[1:])


def _read(path: yaml.Path, item: str | PropertyForm, group: _Group) -> _Reading:
    """One item of either form. Raises LineError."""
    if isinstance(item, str):
        read = line.parse(item)
        return _Reading(path, read.parts, read.flow, read.transformation, _NO_FORM, group)
    transformation: object = item.as_
    if item.map is not None:
        read = line.parse(item.map)
        parts, flow = read.parts, read.flow
        if read.transformation != line.SAME and transformation is not None:
            raise line.LineError(
                "the transformation is named twice", fix="remove `as`, or what follows the |"
            )
        transformation = read.transformation if transformation is None else transformation
    else:
        parts = Both(Part(_paths(item.left, "left")), Part(_paths(item.right, "right")))
        flow = item.direction or "both"
    if item.context is not None:
        parts = _with_context(parts, item.context)
    return _Reading(path, parts, flow, line.SAME if transformation is None else transformation, item, group)


def _with_context(parts: Both[Part], context: SidesOfPaths) -> Both[Part]:
    given = Both(context.left, context.right)
    for side in SIDES:
        if given[side] is not None:
            if parts[side].context:
                raise line.LineError(
                    f"the {side.value} context is named twice", fix="remove `context` or `with`"
                )
            part = Part(parts[side].fields, _paths(given[side], side.value))
            parts = parts.replace(side, part)
    return parts


def _paths(given: Paths | None, side: str) -> tuple[str, ...]:
    if given is None:
        return ()
    if isinstance(given, str):
        return line.paths(given, side)
    return tuple(path for text in given for path in line.paths(text, side))


def _name(reading: _Reading) -> str:
    return reading.form.name or ",".join(reading.parts.left.fields)


def _contexts(inner: Part, outer: Part) -> tuple[str | int, ...]:
    """A context that the outer property reads too is the record's, by its position; else the line's own."""
    return tuple(outer.context.index(path) if path in outer.context else path for path in inner.context)


def _spelled(transformation: object) -> tuple[str, Arguments]:
    """Name and arguments from the one-line spelling or the mapping. Raises ValueError."""
    if isinstance(transformation, str):
        return parse_transformation(transformation)
    if not isinstance(transformation, dict) or len(transformation) != 1:
        raise ValueError("`as` is a text, or a mapping of one name to its arguments")
    (name, given), *_ = transformation.items()
    parse_transformation(name)
    if given is None:
        return name, Arguments()
    if isinstance(given, list):
        return name, Arguments(words=tuple(_scalar(value) for value in given))
    if isinstance(given, dict):
        named = [
            (scalar(key), _scalar(one))
            for key, value in given.items()
            for one in (value if isinstance(value, list) else [value])
        ]
        return name, Arguments(named=tuple(named))
    return name, Arguments(words=(_scalar(given),))


def _scalar(value: Json) -> Scalar:
    if isinstance(value, (list, dict)):
        raise ValueError("an argument is a single value")
    return value if isinstance(value, (str, bool, int, Decimal)) else None


def _as_written(transformation: object) -> str:
    """In one line, or as JSON where no line can say it; both are read again as the same."""
    if isinstance(transformation, str):
        return transformation
    name, arguments = _spelled(transformation)
    try:
        return spelled(name, arguments)
    except ValueError:
        return _JSON.encode(transformation).decode()


def _split(sentence: str) -> tuple[str, str, str]:
    """What, why and fix from the sentence of a transformation that could not be built."""
    for mark, lead in ((": did you mean ", "did you mean "), ("; known are ", "use one of ")):
        what, found, rest = sentence.partition(mark)
        if found:
            return what, "", lead + rest
    what, _, fix = sentence.partition(". ")
    return what, "", fix[:1].lower() + fix[1:]
