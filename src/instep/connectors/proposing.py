"""What proposals of descriptions have in common: names that systems give to the same things, and YAML on one line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

VERSION = ("version", "row_version", "lock_version", "revision", "optlock")
UPDATED = (
    "updated_at",
    "modified_at",
    "changed_at",
    "last_modified",
    "last_modified_at",
    "updated",
    "modified",
)
CREATED = ("created_at", "inserted_at", "created", "created_on")
MARKER = ("instep_ref", "external_ref", "external_id", "external_reference")
ACTIVE = ("active", "is_active", "enabled")
DELETED = ("deleted", "is_deleted")


@dataclass(frozen=True)
class Proposal:
    """A description as a text, and sentences about what a person should look at."""

    text: str
    notes: Sequence[str] = field(default_factory=tuple)


def singular(table: str) -> str:
    """What one row of a table is called: customers -> customer, companies -> company."""
    for many, one in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("ss", "ss"), ("s", "")):
        if table.lower().endswith(many) and len(table) > len(many) + 1:
            return table[: -len(many)] + one
    return table


def scalar(value: object) -> str:
    """A value as YAML says it."""
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z_][\w-]*", value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)


_WORDS = ("null", "true", "false", "yes", "no", "on", "off", "y", "n")


def flow(values: Mapping[str, object]) -> str:
    """A mapping as YAML on one line."""
    inner = ", ".join(f"{key}: {nested(value)}" for key, value in values.items())
    return f"{{{inner}}}"


def nested(value: object) -> str:
    """Any value as YAML on one line."""
    if isinstance(value, Mapping):
        return flow(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(nested(item) for item in value)}]"
    return scalar(value)
