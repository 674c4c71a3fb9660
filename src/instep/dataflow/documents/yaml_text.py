"""Plain data as YAML text: what `yaml.read` gives back, in blocks, with what is short in one line."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TypeAlias

from instep.dataflow.documents.words import text

Plain: TypeAlias = "bool | int | Decimal | str | list[Plain] | dict[str, Plain] | Flow | None"


class Flow(str):
    """A piece of YAML that stands as it is: JSON."""

    __slots__ = ()


def yaml_lines(value: dict[str, Plain], indent: int = 0) -> Iterator[str]:
    """A mapping in block style."""
    for key, inner in value.items():
        yield from _entry(f"{' ' * indent}{text(key, flow=True)}:", inner, indent + 2)


def _entry(head: str, value: Plain, indent: int) -> Iterator[str]:
    if isinstance(value, dict) and value and not _is_small(value):
        yield head
        yield from yaml_lines(value, indent)
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        yield head
        for item in value:
            yield from _item(item, indent)
    elif isinstance(value, list) and value and (len(one_line(value)) > 80 or head.endswith("properties:")):
        yield head
        yield from (f"{' ' * indent}- {one_line(item)}" for item in value)
    else:
        yield f"{head} {one_line(value, flow=isinstance(value, list | dict))}"


def _item(item: Plain, indent: int) -> Iterator[str]:
    if not isinstance(item, dict):
        yield f"{' ' * indent}- {one_line(item, flow=isinstance(item, list))}"
        return
    lines = list(yaml_lines(item, indent + 2))
    yield f"{' ' * indent}- {lines[0].lstrip()}"
    yield from lines[1:]


def _is_small(value: dict[str, Plain]) -> bool:
    return all(not isinstance(inner, dict) for inner in value.values()) and len(one_line(value)) <= 80


def one_line(value: Plain, *, flow: bool = False) -> str:
    """A value in flow style, or plain if it is a scalar."""
    match value:
        case Flow():
            return str(value)
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return text(value, flow=flow)
        case list():
            return f"[{', '.join(one_line(item, flow=True) for item in value)}]"
        case dict():
            inner = (f"{text(key, flow=True)}: {one_line(item, flow=True)}" for key, item in value.items())
            return f"{{{', '.join(inner)}}}"
        case _:
            return str(value)
