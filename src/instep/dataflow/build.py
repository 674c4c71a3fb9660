"""From the models of `dataflow.yaml` to a `Dataflow`: every property with its transformation, pairs in order.

All problems of the file are collected; `build` raises once. A user's own transformation, `module:name`, is
imported here and nowhere else.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path as FilePath

from instep.core.conditions import Condition
from instep.core.dataflow import Brakes, Dataflow, Limit, MatchKey, Pair, PolicyName, Property
from instep.core.model import SIDES, Both, Side
from instep.core.values import Json
from instep.dataflow import yaml
from instep.dataflow.files import load_dataflow_file, parse_dataflow_file
from instep.dataflow.models import (
    Conditions,
    Creating,
    CreatingWhen,
    DataflowFile,
    PairModel,
    SidesOfCreating,
)
from instep.dataflow.properties import Load, PropertyBuilder, conditions
from instep.dataflow.spelling import did_you_mean
from instep.errors import ConfigurationError, Problem


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
    return Dataflow(tuple(ordered), tuple(builder.tables))


def _creating(model: PairModel) -> Both[Creating]:
    given = model.create
    if isinstance(given, SidesOfCreating):
        return Both(given.left, given.right)
    return Both.of(lambda side: "always" if given in ("both", side.value) else "never")


def _when(creating: Creating) -> Conditions:
    return creating.when if isinstance(creating, CreatingWhen) else []


class _Builder:
    def __init__(self, document: yaml.Document, load: Load) -> None:
        self.document = document
        self.load = load
        self.problems: list[Problem] = []
        self.references: dict[str, list[tuple[Both[str], yaml.Path]]] = {}
        self.tables: list[Json] = []

    def problem(self, path: yaml.Path, what: str, why: str = "", fix: str = "", *, key: bool = False) -> None:
        self.problems.append(self.document.problem(path, what, why=why, fix=fix, key=key))

    def pair(self, name: str, model: PairModel, policy: PolicyName) -> Pair:
        path: yaml.Path = ("pairs", name)
        builder = PropertyBuilder(self.document, self.load, self.problems)
        properties = tuple(builder.properties(model.properties, (*path, "properties")))
        self.references[name] = builder.references
        self.tables += builder.tables
        self.unique(properties, builder.paths)
        creating = _creating(model)
        conditions = Both.of(
            lambda side: self.conditions(getattr(model.where, side.value), (*path, "where", side.value))
        )
        return Pair(
            name=name,
            entity=Both(model.left, model.right),
            properties=properties,
            match=tuple(self.match(model, builder.names, path)),
            create=creating.map(lambda when: when != "never"),
            referred=creating.map(lambda when: when == "referred"),
            create_when=Both.of(
                lambda side: self.conditions(_when(creating[side]), (*path, "create", side.value, "when"))
            ),
            where=conditions,
            on_delete=model.on_delete,
            policy=model.policy or policy,
            id_template=self.templates(model, path),
            constants=Both(model.constants.left, model.constants.right),
            brakes=Brakes(**{kind: Limit(*limit) for kind, limit in model.brakes.limits().items()}),
            source=(self.document.file, self.document.place(path, key=True)[0]),
        )

    def conditions(self, given: Conditions, path: yaml.Path) -> tuple[Condition, ...]:
        return tuple(conditions(given, path, self.problem))

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

    def match(self, model: PairModel, names: set[str], path: yaml.Path) -> Iterator[MatchKey]:
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

    def unique(self, properties: Sequence[Property], paths: Sequence[yaml.Path]) -> None:
        seen: dict[str, int] = {}
        writers: dict[tuple[Side, str], int] = {}
        for p, path in zip(properties, paths, strict=True):
            at = p.source[1]
            if p.name in seen:
                self.problem(
                    path,
                    f'two properties are called "{p.name}"',
                    why=f"the other is in line {seen[p.name]}",
                    fix="give one of them a name of its own: {map: ..., name: ...}",
                )
            seen.setdefault(p.name, at)
            for side in SIDES:
                for field in p.parts[side].fields if p.may_flow(side) else ():
                    first = writers.setdefault((side, field), at)
                    if first != at:
                        self.problem(
                            path,
                            f'two properties write "{field}" on the {side.value} side',
                            why=f"the other is in line {first}; they would overwrite each other for ever",
                            fix="make one of them one-way, away from that side, or join them",
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
        rank: dict[str, int] = {}
        for name in order:
            rank[name] = 1 + max((rank[other] for other in after[name]), default=0)
        names = sorted(pairs, key=lambda name: rank[name])
        return [replace(pairs[name], after=tuple(after[name])) for name in names]
