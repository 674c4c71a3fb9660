"""The parameters of one call, read against the fields of its resource.

`read` turns them into changes: a value, or None for "emptied" (a parameter that was sent blank). A parameter
that was not sent is not there, and what it would set is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import wrong_value
from .fields import ADD, ANY, CREATE, CustomField, Doc, Field
from .forms import Tree, leaf_names
from .kinds import read_custom, read_value
from .switches import Switches


@dataclass(frozen=True, slots=True)
class Reading:
    """What `read` needs beside the parameters."""

    switches: Switches
    custom: Mapping[str, CustomField] = field(default_factory=dict)
    open_custom: bool = False


def read(tree: Tree, spec: Mapping[str, Field], call: str, reading: Reading) -> Doc:
    """The changes that the parameters of `call` ask for.

    Raises ApiError (400) for a value that breaks its field, for a needed one that is missing, for an
    undeclared custom field, and, if the switches say so, for an unknown or an immutable parameter.
    """
    changes: Doc = {}
    for name, value in tree.items():
        if name.startswith("cf_"):
            changes[name] = _custom(name, value, reading)
            continue
        known = spec.get(name)
        if known is None:
            if reading.switches.choice("unknown_parameters") == "reject":
                raise wrong_value(_spelled(name, value), "is not a parameter of this call")
        elif call not in known.calls and call != ANY:
            if reading.switches.choice("immutable_parameters") == "reject":
                raise wrong_value(_spelled(name, value), "cannot be changed by this call")
        else:
            changes[name] = read_value(known, name, value, reading.switches)
            if changes[name] is None and call in known.needed:
                raise wrong_value(name, "cannot be blank")
    for known in spec.values():
        if call in known.needed and changes.get(known.name) is None:
            raise wrong_value(known.name, "cannot be blank")
    if call in (CREATE, ADD):
        for custom in reading.custom.values():
            if custom.required and changes.get(custom.name) is None:
                raise wrong_value(custom.name, "cannot be blank")
    return changes


def check_id(record_id: str, longest: int, switches: Switches, param: str = "id") -> str:
    """A caller-chosen id; raises ApiError (400). Chargebee does not document the characters (a switch)."""
    if len(record_id) > longest:
        raise wrong_value(param, f"is too long (maximum is {longest} characters)")
    if switches.choice("id_charset") == "strict":
        allowed = re.fullmatch(r"[A-Za-z0-9._-]+", record_id) is not None
    else:
        allowed = record_id == record_id.strip() and re.search(r"[/\x00-\x1f\x7f]", record_id) is None
    if not allowed:
        raise wrong_value(param, "has characters that an id cannot hold")
    return record_id


def _custom(name: str, value: str | Tree, reading: Reading) -> Any:
    declared = reading.custom.get(name)
    if declared is None:
        raise wrong_value(name, "is not a custom field of this resource")
    if isinstance(value, dict):
        raise wrong_value(name, "is a value, not an object")
    if value == "":
        if declared.required:
            raise wrong_value(name, "cannot be blank")
        return None
    return read_custom(declared, value, reading.switches)


def _spelled(name: str, value: str | Tree) -> str:
    return leaf_names(value, name)[0] if isinstance(value, dict) and value else name
