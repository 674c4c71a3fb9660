"""Form bodies and query strings, read the way Chargebee writes them.

`a[b]=1` is an attribute of an object, `a[0]=1` an element of a list, and `a[b][0]=1` the attribute `b` of the
element 0 of a list of objects (attribute first, index last). A tree of dicts is all that this module makes of
them; what a parameter means is decided where its kind is known (`fields`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from .errors import ApiError, wrong_value

Tree = dict[str, "str | Tree"]

_NAME = re.compile(r"^([A-Za-z0-9_]+)((?:\[[^\[\]]*\])*)$")
_PART = re.compile(r"\[([^\[\]]*)\]")


def parse(text: str) -> Tree:
    """The tree of a form body or query string; a name given twice keeps its last value.

    Raises ApiError (400) for a name with unbalanced brackets, or one used as a value and as an object.
    """
    tree: Tree = {}
    if not text:
        return tree
    for name, value in parse_qsl(text, keep_blank_values=True, max_num_fields=20_000):
        if "[" not in name:
            tree[name] = value
            continue
        found = _NAME.match(name)
        if found is None:
            raise ApiError("invalid_request", f"The parameter name {name[:60]} cannot be read")
        parts = [found.group(1), *_PART.findall(found.group(2))]
        node = tree
        for part in parts[:-1]:
            below = node.setdefault(part, {})
            if not isinstance(below, dict):
                raise wrong_value(parts[0], "is given both as a value and as an object")
            node = below
        node[parts[-1]] = value
    return tree


def text_list(value: str) -> list[str]:
    """The elements of `in` and `between`: brackets, outer quotes, quotes of elements and blanks are all
    optional.

    Chargebee documents `[a,b]`; its Python SDK sends `['a', 'b']`, other clients send `'[1, 2]'`.
    """
    inner = value.strip()
    if len(inner) >= 2 and inner[0] == inner[-1] and inner[0] in "'\"" and inner[1] == "[":
        inner = inner[1:-1].strip()
    if inner.startswith("[") and inner.endswith("]"):
        inner = inner[1:-1]
    elements: list[str] = []
    for found in re.finditer(r"\s*(?:\"([^\"]*)\"|'([^']*)'|([^,]*))\s*(?:,|$)", inner):
        quoted = found.group(1) if found.group(1) is not None else found.group(2)
        element = quoted if quoted is not None else (found.group(3) or "").strip()
        if element or quoted is not None:
            elements.append(element)
    return elements


def leaf_names(tree: Mapping[str, str | Tree], prefix: str = "") -> list[str]:
    """The parameter names of a tree as a client spelled them, e.g. `billing_address[zip]`."""
    names: list[str] = []
    for key, value in tree.items():
        name = f"{prefix}[{key}]" if prefix else key
        names.extend(leaf_names(value, name) if isinstance(value, dict) else [name])
    return names
