"""The YAML and Python that the documents show works as it stands there."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from instep.connectors.rest import Description
from instep.connectors.sql import Description as Database
from instep.core.model import Side
from instep.dataflow.build import parse_dataflow
from instep.dataflow.files import parse_site

from .pages import Block, blocks

EXAMPLES = list(blocks("yaml"))


@pytest.mark.parametrize("block", EXAMPLES, ids=str)
def test_every_yaml_example_can_be_used(block: Block) -> None:
    value: Any = YAML(typ="safe").load(block.text)
    if isinstance(value, list):
        parse_dataflow(as_dataflow(block.text), str(block))
    elif "systems" in value:
        parse_site(block.text, str(block), directory=Path())
    elif "pairs" in value:
        parse_dataflow(block.text, str(block))
    elif "url" in value:
        Database.model_validate(value)
    else:
        Description.model_validate(value)


def as_dataflow(properties: str) -> str:
    """A list of properties as those of a pair, with the pairs that references in it lead to."""
    head = "version: 1\npairs:\n"
    others = {"customer": "contact", "item": "product"}
    for left, right in others.items():
        head += f"  {left}s: {{left: {left}, right: {right}, properties: [name <-> name]}}\n"
    head += "  example:\n    left: some_left\n    right: some_right\n    properties:\n"
    return head + textwrap.indent(properties, "      ")


def test_there_are_examples_of_each_kind() -> None:
    texts = [block.text for block in EXAMPLES]
    assert any("pairs:" in text for text in texts)
    assert any("entities:" in text for text in texts)
    assert any(text.startswith("- ") for text in texts)


def test_the_transformation_of_the_guide_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = (block for block in blocks("python") if block.page == "docs/guide/dataflow.md")
    (tmp_path / "shop.py").write_text(block.text, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    try:
        pair = parse_dataflow(as_dataflow("- cf_size <-> size | shop:size\n")).pair("example")
        assert pair is not None
        made = pair.properties[0].transformation
        lookup: Any = None
        assert made.canon(Side.LEFT, ("small",), lookup) == made.canon(Side.RIGHT, ("S",), lookup) == "S"
        assert made.put(Side.LEFT, "L", ("small",), lookup) == ("large",)
        assert made.put(Side.RIGHT, "L", ("S",), lookup) == ("L",)
    finally:
        sys.modules.pop("shop", None)
