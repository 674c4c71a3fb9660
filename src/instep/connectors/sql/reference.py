"""The reference page of descriptions of a database, made from the models."""

from __future__ import annotations

from instep.connectors.reference_page import reference_page
from instep.connectors.sql.description import Description

_HEAD = """# Describing a database

A system of kind `sql` is described by a YAML file: its tables, views and queries as entities.
A key that is not listed here is a mistake and is refused, with its line.
[The guide](../guide/sql.md) says what to ask of a database, and why.
This page is made from the models that read the file.
"""


def reference() -> str:
    """Markdown: a table per model, the file itself first."""
    return reference_page(_HEAD, Description.model_json_schema(by_alias=True))
