"""JSON Schemas of both files, for editors: completion, and the descriptions as tooltips.

They are generated from the models and shipped; `python -m instep.dataflow.schema` writes them anew. They say a
little less than the models do (a schema can't look up a transformation), so `instep check` has the last word.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from instep.dataflow.models import DataflowFile
from instep.dataflow.systems import KINDS, SiteModel, System

NAMES: Final = ("dataflow", "instep")
"""Each has a schema, `schemas/NAME.json`."""


def schemas(kinds: Mapping[str, type[System]] = KINDS) -> dict[str, dict[str, Any]]:
    """Both schemas by name. `kinds`: the systems that `instep.yaml` may name."""
    site = _schema(SiteModel, "instep.yaml: the two systems of a site, its store and its schedule")
    definitions: dict[str, Any] = site["$defs"]
    for kind, model in sorted(kinds.items()):
        schema = model.model_json_schema(by_alias=True)
        definitions |= schema.pop("$defs", {})
        schema["required"] = sorted({*schema.get("required", []), "kind"})
        definitions[f"system_{kind}"] = schema
    systems = definitions["SystemsModel"]["properties"]
    for side in ("left", "right"):
        systems[side] |= {"anyOf": [{"$ref": f"#/$defs/system_{kind}"} for kind in sorted(kinds)]}
    return {
        "dataflow": _schema(DataflowFile, "dataflow.yaml: what is kept in step, and how"),
        "instep": site,
    }


def _schema(model: type[BaseModel], title: str) -> dict[str, Any]:
    schema = _any_of(model.model_json_schema(by_alias=True))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title}


def _any_of(schema: Any) -> Any:
    """A property and a group share keys, so that an item may fit both: oneOf would refuse it."""
    if isinstance(schema, dict):
        schema.pop("discriminator", None)
        return {"anyOf" if key == "oneOf" else key: _any_of(value) for key, value in schema.items()}
    return [_any_of(value) for value in schema] if isinstance(schema, list) else schema


def text(schema: Mapping[str, Any]) -> str:
    """A schema as it is shipped: sorted, indented, with a line end."""
    return json.dumps(schema, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def shipped(name: str) -> str:
    """The shipped text of one schema."""
    return (resources.files("instep.dataflow") / "schemas" / f"{name}.json").read_text(encoding="utf-8")


def write(directory: Path) -> None:
    """Write both schemas into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        (directory / f"{name}.json").write_text(text(schema), encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).parent / "schemas")
