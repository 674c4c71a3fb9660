"""The reference page of descriptions, made from the models: `python -m instep.connectors.rest.reference`."""

from __future__ import annotations

import sys

from instep.connectors.reference_page import reference_page
from instep.connectors.rest.schema import schema

_HEAD = """# Describing a JSON API

A system of kind `rest` is described by a YAML file; `instep init` writes one for the sample ERP to start from.
A pointer is a dotted path into JSON (`errors.0.message`); an empty one means the whole value.
A key that is not listed here is a mistake and is refused, with its line.
This page is made from the models that read the file.
"""


def reference() -> str:
    """Markdown: a table per model, the file itself first, each of them after the one that names it."""
    return reference_page(_HEAD, schema())


if __name__ == "__main__":
    sys.stdout.write(reference())
