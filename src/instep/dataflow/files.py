"""A configuration file to a model: every problem of the file at once, each with its line and column.

The YAML reader gives places, pydantic gives the locations of its errors; this joins the two and words them.
"""

from __future__ import annotations

import re
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from instep.core.model import SIDES, Both, Side
from instep.dataflow import yaml
from instep.dataflow.models import GROUP, LINE, PROPERTY, DataflowFile, GroupForm, Misfit, PropertyForm
from instep.dataflow.spelling import did_you_mean
from instep.dataflow.systems import KINDS, BusinessEntity, ChargebeeSystem, SiteModel, System
from instep.errors import ConfigurationError, Problem

M = TypeVar("M", bound=BaseModel)

_FORMS: Final[Mapping[str, object]] = {LINE: str, PROPERTY: PropertyForm, GROUP: GroupForm}


@dataclass(frozen=True)
class SiteFile:
    """`instep.yaml`, read: the settings, and each system as a model of its kind.

    `directory` is what relative paths in the file are seen from.
    """

    directory: FilePath
    document: yaml.Document
    settings: SiteModel
    systems: Both[System]

    def path(self, name: str) -> FilePath:
        """A path as the file gives it, seen from the file's directory."""
        return self.directory / name


def read_text(path: FilePath, *, what: str = "file", fix: str = "") -> str:
    """The text of a file. Raises ConfigurationError if it can't be read or is not UTF-8."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _one(str(path), f"the {what} can't be read", error.strerror or str(error), fix) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(
            [
                Problem(
                    str(path),
                    line,
                    error.start - content.rfind(b"\n", 0, error.start),
                    "the file is not UTF-8",
                    why=f"byte {content[error.start]:#04x} can't stand there",
                    fix="save it as UTF-8",
                )
            ]
        ) from None


def load_site(path: FilePath, kinds: Mapping[str, type[System]] = KINDS) -> SiteFile:
    """Read `instep.yaml`. Raises ConfigurationError with every problem."""
    text = read_text(path, what="configuration", fix="write one with: instep init")
    return parse_site(text, str(path), directory=path.parent, kinds=kinds)


def parse_site(
    text: str, file: str, *, directory: FilePath = FilePath(), kinds: Mapping[str, type[System]] = KINDS
) -> SiteFile:
    """The same from a text; `file` is only for the messages."""
    document = yaml.read(text, file)
    problems: list[Problem] = []
    settings = _validate(document, SiteModel, problems)
    systems = {side: _system(document, side, kinds, problems) for side in SIDES}
    left, right = systems[Side.LEFT], systems[Side.RIGHT]
    if problems or settings is None or left is None or right is None:
        raise ConfigurationError(sorted(problems, key=lambda p: (p.line, p.column)))
    return SiteFile(directory, document, settings, Both(left, right))


def _system(
    document: yaml.Document, side: Side, kinds: Mapping[str, type[System]], problems: list[Problem]
) -> System | None:
    systems = document.value.get("systems") if isinstance(document.value, dict) else None
    if not isinstance(systems, dict) or side.value not in systems:
        return None  # already reported by the model of the whole file
    path: yaml.Path = ("systems", side.value)
    value = systems[side.value]
    if not isinstance(value, dict) or "kind" not in value:
        problems.append(
            document.problem(
                path, f"the {side} system has no kind", fix=f"add kind: {' or '.join(sorted(kinds))}"
            )
        )
        return None
    kind = value["kind"]
    model = kinds.get(kind) if isinstance(kind, str) else None
    if model is None:
        fix = did_you_mean(str(kind), kinds)
        problems.append(document.problem((*path, "kind"), f"{_shown(kind)} is not a kind of system", fix=fix))
        return None
    return _validate(document, model, problems, path)


def load_dataflow_file(path: FilePath) -> tuple[yaml.Document, DataflowFile]:
    """Read `dataflow.yaml` without building it. Raises ConfigurationError with every problem."""
    return parse_dataflow_file(read_text(path, what="dataflow", fix="write one with: instep init"), str(path))


def parse_dataflow_file(text: str, file: str) -> tuple[yaml.Document, DataflowFile]:
    """The same from a text; `file` is only for the messages."""
    document = yaml.read(text, file)
    return document, validate(document, DataflowFile)


def load_business_entities(site: SiteFile, system: ChargebeeSystem) -> Sequence[BusinessEntity]:
    """The business entities that a system's configuration lists, or those of the file that it names."""
    if not isinstance(system.business_entities, str):
        return system.business_entities
    path = site.path(system.business_entities)
    document = yaml.read(read_text(path, what="list of business entities"), str(path))
    if document.value is None:
        return []
    if not isinstance(document.value, list):
        raise ConfigurationError(
            [document.problem((), "this should be a list", fix="write each as: - {id: ..., name: ...}")]
        )
    problems: list[Problem] = []
    read = [_validate(document, BusinessEntity, problems, (i,)) for i in range(len(document.value))]
    if problems:
        raise ConfigurationError(problems)
    return [entity for entity in read if entity is not None]


def validate(document: yaml.Document, model: type[M], path: yaml.Path = ()) -> M:
    """The part of a document at `path` as a model. Raises ConfigurationError with every problem."""
    problems: list[Problem] = []
    result = _validate(document, model, problems, path)
    if result is None:
        raise ConfigurationError(problems)
    return result


def _validate(
    document: yaml.Document, model: type[M], problems: list[Problem], path: yaml.Path = ()
) -> M | None:
    value: Any = document.value
    for part in path:
        value = value[part]
    if value is None:
        value = {}
    try:
        return model.model_validate(value)
    except UnicodeEncodeError as error:  # pydantic tells no place of a text that it can't even look at
        half = ascii(error.object[error.start : error.end])
        problems.append(document.problem(path, f"a text holds {half}, which is half of a character"))
        return None
    except ValidationError as error:
        found: dict[tuple[yaml.Path, bool], Problem] = {}
        for item in error.errors(include_url=False):
            where, candidates = _locate(model, value, item["loc"], missing=item["type"] == "missing")
            key = (where, item["type"] in ("missing", "extra_forbidden"))
            problem = _worded(document, (*path, *where), item, candidates)
            before = found.get(key)
            # A union reports each of its branches; two "should be" sentences at one place become one.
            if before is not None and before.what.startswith(_SHOULD) and problem.what.startswith(_SHOULD):
                both = f"{before.what} or {problem.what.removeprefix(_SHOULD)}"
                problem = document.problem((*path, *where), both, why=before.why)
            elif before is not None:
                continue
            found[key] = problem
        problems += sorted(found.values(), key=lambda p: (p.line, p.column))
        return None


_SHOULD: Final = "this should be "

_TYPES: Final[Mapping[str, str]] = {
    "string_type": "a text",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
}


def _worded(document: yaml.Document, path: yaml.Path, item: Any, known: Sequence[str]) -> Problem:
    kind, context = item["type"], item.get("ctx", {})
    name = str(path[-1]) if path else "the file"
    if kind == "missing":
        return document.problem(path[:-1], f'"{name}" is missing', fix=f"add {name}:")
    if kind == "extra_forbidden" and re.search(r"\s(<->|->|<-)\s", name):
        fix = "a line with more to say is written as map: LINE, with the rest beside it"
        return document.problem(path, f"{_shown(name)} is a property and no key", fix=fix, key=True)
    if kind == "extra_forbidden":
        return document.problem(path, f'"{name}" is not known here', fix=did_you_mean(name, known), key=True)
    value = item["input"]
    if kind in _TYPES:
        return document.problem(path, _SHOULD + _TYPES[kind], why=f"it is {_kind_of(value)}")
    if kind == "literal_error":
        choices = [a or b for a, b in re.findall(r"'([^']*)'|(\d+)", str(context.get("expected", "")))]
        return document.problem(
            path, f"{name} can't be {_shown(value)}", fix=did_you_mean(str(value), choices, most=20)
        )
    if kind == "value_error" and isinstance(error := context.get("error"), Misfit):
        return document.problem(path, error.what, why=error.why, fix=error.fix)
    if kind == "string_pattern_mismatch":
        shown = "this" if "@" in str(value) else _shown(value)
        is_key = item["loc"] and item["loc"][-1] == "[key]"
        return document.problem(
            path,
            f"{shown} does not fit {'as a name' if is_key else name}",
            why=f"it must look like {context['pattern']}",
        )
    return document.problem(path, f"{name}: {str(item['msg'])[0].lower()}{str(item['msg'])[1:]}")


def _locate(
    model: type[BaseModel], value: Any, loc: Sequence[str | int], *, missing: bool
) -> tuple[yaml.Path, list[str]]:
    """The path in the file for pydantic's location, and the keys known at the last mapping on the way.

    pydantic's locations also name branches of unions; what is not a key or position in the file is one.
    """
    path: list[str | int] = []
    annotations: list[Any] = [model]
    known: list[str] = []
    for index, part in enumerate(loc):
        if isinstance(part, str) and part in _FORMS:
            annotations = [_FORMS[part]]
            continue
        inside = (isinstance(value, dict) and part in value) or (
            isinstance(value, list) and isinstance(part, int) and part < len(value)
        )
        if inside or (missing and index == len(loc) - 1):
            known = _keys(annotations)
            annotations = [inner for annotation in annotations for inner in _step(annotation, part)]
            path.append(part)
            value = value[part] if inside else None
    return tuple(path), known


def _branches(annotation: Any) -> list[Any]:
    """The plain types that an annotation allows."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _branches(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [branch for argument in get_args(annotation) for branch in _branches(argument)]
    return [annotation]


def _step(annotation: Any, part: str | int) -> list[Any]:
    inner: list[Any] = []
    for branch in _branches(annotation):
        if isinstance(branch, type) and issubclass(branch, BaseModel):
            inner += [f.annotation for name, f in branch.model_fields.items() if part in (name, f.alias)]
        elif get_origin(branch) in (list, dict):
            inner.append(get_args(branch)[-1])
    return inner


def _keys(annotations: Sequence[Any]) -> list[str]:
    return [
        field.alias or name
        for annotation in annotations
        for branch in _branches(annotation)
        if isinstance(branch, type) and issubclass(branch, BaseModel)
        for name, field in branch.model_fields.items()
    ]


def _kind_of(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true or false"
    names = {str: "a text", int: "a number", list: "a list", dict: "a mapping"}
    return names.get(type(value), "a number")


def _shown(value: object) -> str:
    text = " ".join(str(value).split())
    return f'"{text if len(text) <= 40 else text[:39] + "…"}"'


def _one(file: str, what: str, why: str, fix: str) -> ConfigurationError:
    return ConfigurationError([Problem(file, 0, 0, what, why=why, fix=fix)])
