"""Small files that the tests read, and what they say of a problem."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from instep.errors import ConfigurationError, Problem

SITE = """\
version: 1
systems:
  left:
    kind: chargebee
    site: acme-test
    api_key: {env: CHARGEBEE_API_KEY}
  right:
    kind: rest
    describe: erp.yaml
"""


def dataflow(properties: str, *, pair: str = "", more: str = "") -> str:
    """A file of one pair, contact, with these property items (one per line, without the dash)."""
    items = "".join(f"      - {line}\n" for line in properties.strip().splitlines())
    pair = "".join(f"    {line}\n" for line in pair.strip().splitlines())
    return (
        "version: 1\npairs:\n  contact:\n    left: customer\n    right: contact\n"
        f"{pair}    properties:\n{items}{more}"
    )


def problems(read: Callable[..., Any], *arguments: Any) -> list[Problem]:
    """The problems that reading a file ends in."""
    with pytest.raises(ConfigurationError) as caught:
        read(*arguments)
    return list(caught.value.problems)


def told(read: Callable[..., Any], *arguments: Any) -> str:
    """All messages as a person sees them."""
    return "\n".join(map(str, problems(read, *arguments)))
