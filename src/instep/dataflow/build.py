"""From the models of `dataflow.yaml` to a `Dataflow`: every property with its transformation, pairs in order.

All problems of the file are collected; `build` raises once. A user's own transformation, `module:name`, is
imported here and nowhere else.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from graphlib import CycleError, TopologicalSorter
from pathlib import Path as FilePath
from typing import Final

from instep.core.dataflow import Brakes, Dataflow, Flow, MatchKey, Pair, Part, PolicyName, Property
from instep.core.model import SIDES, Both, Side
from instep.core.transformations.arguments import scalar
from instep.core.transformations.contract import Arguments, Scalar, SubProperty, Transformation
from instep.core.transformations.registry import build as build_transformation
from instep.core.transformations.registry import parse as parse_transformation
from instep.core.values import Json
from instep.dataflow import line, yaml
from instep.dataflow.files import load_dataflow_file, parse_dataflow_file
from instep.dataflow.models import (
    DataflowFile,
    GroupForm,
    PairModel,
    Paths,
    PropertyForm,
    PropertyItem,
    SidesOfPaths,
)
from instep.dataflow.spelling import did_you_mean
from instep.errors import ConfigurationError, Problem

Load = Callable[[str], object]

INSIDE: Final = frozenset({"nested", "lines"})
"""Transformations that take properties of their own."""


def load_dataflow(path: FilePath, load: Load | None = None) -> Dataflow:
    """Read and build `dataflow.yaml`. Raises ConfigurationError with every problem."""
    return build(*load_dataflow_file(path), load or load_function)


def parse_dataflow(text: str, file: str = "dataflow.yaml", load: Load | None = None) -> Dataflow:
    """The same from a text; `file` is only for the messages and each property's source."""
    return build(*parse_dataflow_file(text, file), load or load_function)


def load_function(name: str) -> object:
    """The object that `module:name` names. Raises ValueError with a sentence if it can't be imported."""
    module, _, attribute = name.partition(":")
    try:
        found: object = importlib.import_module(module)
    except ImportError as error:
        raise ValueError(f"{module} can't be imported: {error}") from error
    except Exception as error:
        raise ValueError(f"{module} fails while it is imported: {type(error).__name__}") from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise ValueError(f"{module} has no {attribute}")
        found = getattr(found, part)
    return found


def build(document: yaml.Document, model: DataflowFile, load: Load = load_function) -> Dataflow:
    """The dataflow that a file states. Raises ConfigurationError with every problem."""
    builder = _Builder(document, load)
    pairs = {name: builder.pair(name, pair, model.policy) for name, pair in model.pairs.items()}
    builder.same_entities(pairs)
    ordered = builder.ordered(pairs)
    if builder.problems:
        raise ConfigurationError(sorted(builder.problems, key=lambda p: (p.line, p.column)))
    return Dataflow(tuple(ordered))


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


_NO_FORM: Final = PropertyForm.model_validate({"map": "- <-> -"})


class _Builder:
    def __init__(self, document: yaml.Document, load: Load) -> None:
        self.document = document
        self.load = load
        self.problems: list[Problem] = []
        self.references: dict[str, list[tuple[Both[str], yaml.Path]]] = {}
        self.current = ""
        self.names: set[str] = set()

    def problem(self, path: yaml.Path, what: str, why: str = "", fix: str = "", *, key: bool = False) -> None:
        self.problems.append(self.document.problem(path, what, why=why, fix=fix, key=key))

    # --- Pairs ---

    def pair(self, name: str, model: PairModel, policy: PolicyName) -> Pair:
        path: yaml.Path = ("pairs", name)
        self.current = name
        self.references[name] = []
        self.names = set()
        properties = tuple(self.properties(model.properties, (*path, "properties")))
        self.unique(properties, (*path, "properties"))
        return Pair(
            name=name,
            entity=Both(model.left, model.right),
            properties=properties,
            match=tuple(self.match(model, properties, path)),
            create=Both(model.create in ("both", "left"), model.create in ("both", "right")),
            on_delete=model.on_delete,
            policy=model.policy or policy,
            id_template=self.templates(model, path),
            constants=Both(model.constants.left, model.constants.right),
            brakes=Brakes(**model.brakes.model_dump()),
            source=(self.document.file, self.document.place(path, key=True)[0]),
        )

    def templates(self, model: PairModel, path: yaml.Path) -> Both[str]:
        given = Both(model.new_id.left, model.new_id.right)
        for side in SIDES:
            template = given[side]
            if template is None:
                continue
            rest = template.replace("{id}", "")
            if rest == template or "{" in rest or "}" in rest:
                self.problem(
                    (*path, "new_id", side.value),
                    f'"{template}" can\'t make ids',
                    why="it needs {id}, the partner's id, and knows nothing else in braces",
                    fix='write for instance: "erp-{id}"',
                )
        return Both.of(lambda side: given[side] or "{id}")

    def match(self, model: PairModel, properties: Sequence[Property], path: yaml.Path) -> Iterator[MatchKey]:
        names = self.names | {p.name for p in properties}
        for index, item in enumerate(model.match):
            key = (item,) if isinstance(item, str) else tuple(item)
            for position, name in enumerate(key):
                if name not in names:
                    at: yaml.Path = (*path, "match", index)
                    self.problem(
                        at if isinstance(item, str) else (*at, position),
                        f'"{name}" is no property of this pair',
                        why="a match key names properties, which are called after their left field",
                        fix=did_you_mean(name, names),
                    )
            yield MatchKey(key)

    def unique(self, properties: Sequence[Property], path: yaml.Path) -> None:
        seen: dict[str, int] = {}
        writers: dict[tuple[Side, str], int] = {}
        for p in properties:
            at = p.source[1]
            if p.name in seen:
                self.problems.append(
                    Problem(
                        self.document.file,
                        at,
                        1,
                        f'two properties are called "{p.name}"',
                        why=f"the other is in line {seen[p.name]}",
                        fix="give one of them a name of its own: {map: ..., name: ...}",
                        where=".".join(map(str, path)),
                    )
                )
            seen.setdefault(p.name, at)
            for side in SIDES:
                for field in p.parts[side].fields if p.may_flow(side) else ():
                    first = writers.setdefault((side, field), at)
                    if first != at:
                        self.problems.append(
                            Problem(
                                self.document.file,
                                at,
                                1,
                                f'two properties write "{field}" on the {side.value} side',
                                why=f"the other is in line {first}; they would overwrite each other for ever",
                                fix="make one of them one-way, away from that side, or join them",
                                where=".".join(map(str, path)),
                            )
                        )

    def same_entities(self, pairs: Mapping[str, Pair]) -> None:
        seen: dict[Both[str], str] = {}
        for name, pair in pairs.items():
            first = seen.setdefault(pair.entity, name)
            if first != name:
                self.problem(
                    ("pairs", name),
                    f'"{name}" pairs the same entities as "{first}"',
                    why="a record would have two partners",
                    fix="put the properties of both into one pair",
                    key=True,
                )

    def ordered(self, pairs: Mapping[str, Pair]) -> list[Pair]:
        """Referred-to pairs first, otherwise as in the file."""
        after: dict[str, list[str]] = {name: [] for name in pairs}
        by_entity = {pair.entity: name for name, pair in pairs.items()}
        for name, references in self.references.items():
            for entity, path in references:
                target = by_entity.get(entity)
                if target is None:
                    spelled = [f"reference({known.left}, {known.right})" for known in by_entity]
                    self.problem(
                        path,
                        f'no pair has "{entity.left}" on the left and "{entity.right}" on the right',
                        why="a reference names the two entities of a pair of this dataflow",
                        fix=did_you_mean(f"reference({entity.left}, {entity.right})", spelled),
                    )
                elif target != name and target not in after[name]:
                    after[name].append(target)
        try:
            order = tuple(TopologicalSorter(after).static_order())
        except CycleError as error:
            cycle: list[str] = error.args[1]
            self.problem(
                ("pairs", cycle[0]),
                f"pairs refer to each other in a circle: {' -> '.join(reversed(cycle))}",
                why="none of them could be created first",
                fix="make one of the references in the circle one-way, or remove it",
                key=True,
            )
            return []
        rank = {name: _depth(name, after) for name in pairs}
        assert set(order) == set(pairs)
        names = sorted(pairs, key=lambda name: rank[name])
        return [replace(pairs[name], after=tuple(after[name])) for name in names]

    # --- Properties ---

    def properties(
        self, items: Sequence[PropertyItem], path: yaml.Path, group: _Group = _Group()
    ) -> Iterator[Property]:
        for reading in self.readings(items, path, group):
            # A property that can't be built still has its name, so that a match key is not blamed for it.
            self.names.add(_name(reading))
            transformation = self.transformation(reading)
            if transformation is None:
                continue
            form, default = reading.form, reading.form.default
            yield Property(
                name=_name(reading),
                parts=reading.parts,
                transformation=transformation,
                as_written=_as_written(reading.transformation),
                flow=reading.flow,
                policy=form.policy or reading.group.policy,
                group=form.group or reading.group.name,
                required=form.required,
                default=Both(default.left, default.right) if default else Both(None, None),
                source=(self.document.file, self.document.place(reading.path)[0]),
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

    def transformation(self, reading: _Reading) -> Transformation | None:
        """Built from its arguments; None, with a problem noted, if that can't be."""
        at = (*reading.path, "as") if reading.form.as_ is not None else reading.path
        try:
            name, arguments = _spelled(reading.transformation)
        except ValueError as error:
            self.problem(at, str(error))
            return None
        inside = self.inside(reading, name)
        if inside is None:
            return None
        if name == "reference":
            self.refers(arguments, at)
        try:
            return build_transformation(
                name,
                replace(arguments, properties=inside),
                reading.parts.map(lambda part: len(part.fields)),
                reading.parts.map(lambda part: len(part.context)),
                self.load,
            )
        except ValueError as error:
            self.problem(at, *_split(str(error)))
            return None

    def refers(self, arguments: Arguments, at: yaml.Path) -> None:
        words = [str(word) for word in arguments.words[:2]]
        if words:
            self.references[self.current].append((Both(words[0], words[-1]), at))

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
            transformation = self.transformation(inner)
            if transformation is not None:
                contexts = Both.of(
                    lambda side, inner=inner: _contexts(inner.parts[side], reading.parts[side])  # type: ignore[misc]
                )
                paths = inner.parts.map(lambda part: part.fields)
                found.append(SubProperty(_name(inner), paths, transformation, contexts))
        return tuple(found) if len(self.problems) == count else None

    def whole_only(self, inner: _Reading) -> None:
        """What can't be said of a part of an object, since the object is one property."""
        form = inner.form
        for key, given in (
            ("direction", inner.flow != "both"),
            ("policy", form.policy is not None or inner.group.policy is not None),
            ("group", bool(form.group or inner.group.name)),
            ("required", form.required),
            ("default", form.default is not None),
        ):
            if given:
                self.problem(
                    inner.path,
                    f"{key} can't be said of a property inside another",
                    why="an object or a line travels as a whole",
                    fix=f"say {key} of the outer property",
                )


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
            raise line.LineError("the transformation is named twice", fix="remove `as`, or what follows the |")
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
                raise line.LineError(f"the {side.value} context is named twice", fix="remove `context` or `with`")
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
    if isinstance(transformation, str):
        return transformation
    assert isinstance(transformation, dict)
    (name, given), *_ = transformation.items()
    if isinstance(given, dict):
        return f"{name}({', '.join(f'{key}={value}' for key, value in given.items())})"
    if given is None:
        return str(name)
    return f"{name}({', '.join(map(str, given if isinstance(given, list) else [given]))})"


def _split(sentence: str) -> tuple[str, str, str]:
    """What, why and fix from the sentence of a transformation that could not be built."""
    for mark, lead in ((": did you mean ", "did you mean "), ("; known are ", "use one of ")):
        what, found, rest = sentence.partition(mark)
        if found:
            return what, "", lead + rest
    what, _, fix = sentence.partition(". ")
    return what, "", fix[:1].lower() + fix[1:]


def _depth(name: str, after: Mapping[str, Sequence[str]]) -> int:
    return 1 + max((_depth(other, after) for other in after[name]), default=0)
