"""The JSON Schema of a description, for editors; `python -m instep.connectors.rest.schema` renews the shipped
one."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from instep.connectors.rest.description import Description

NAME = "description.schema.json"


def schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of the models."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Description.model_json_schema(),
        "title": "The description of a JSON API",
    }


def shipped() -> str:
    """The schema that the package brings along."""
    return files("instep.connectors.rest").joinpath(NAME).read_text("utf-8")


if __name__ == "__main__":
    Path(__file__).with_name(NAME).write_text(json.dumps(schema(), indent=1) + "\n", "utf-8")
