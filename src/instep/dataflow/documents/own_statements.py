"""What each sentence and each row of our own documents adds to a pair."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from instep.core.dataflow import Brakes, Part
from instep.core.model import Both, Side
from instep.core.transformations.contract import Flow as Direction
from instep.dataflow import yaml
from instep.dataflow.documents.forms import Values
from instep.dataflow.documents.own_pair import StatedPair, StatedProperty
from instep.dataflow.documents.page import Code, Text
from instep.dataflow.documents.stating import BOTH_WAYS
from instep.dataflow.documents.yaml_text import Flow, Plain
from instep.errors import ConfigurationError

COLUMNS: Final = 9
INNER_COLUMNS: Final = 4


class Contradiction(Exception):
    """A statement that says otherwise than one before it."""


def state(pair: StatedPair, form: str, values: Values, systems: Both[str]) -> None:
    """Add what a sentence says. Raises Contradiction, or ValueError with a sentence for what makes no sense."""
    side = _side(values, systems)
    match form:
        case "create_always" | "create_never" | "create_referred":
            _create(pair, side.other, form.removeprefix("create_"))
        case "create_by_hand":
            _create(pair, side.other, "always")
        case "create_when":
            _create(pair, side.other, {"when": _texts(values["conditions"])})
        case "where":
            _put(_inner(pair.facts, "where"), side.value, _texts(values["conditions"]))
        case "id":
            _put(_inner(pair.facts, "new_id"), side.value, str(values["template"]))
        case "constant":
            constants = _inner(_inner(pair.facts, "constants"), side.value)
            _put(constants, str(values["path"]), _json(str(values["value"])))
        case "match":
            key = list(values["properties"])
            if key not in pair.match:
                pair.match.append(key)
        case "policy" | "delete":
            key_name = {"policy": "policy", "delete": "on_delete"}[form]
            _put(pair.facts, key_name, str(values[key_name]))
        case "brakes":
            _put(pair.facts, "brakes", _brakes(values["limits"]))
        case "group":
            for name in values["properties"]:
                _put(_property(pair, name).more, "group", str(values["group"]))
        case "required":
            _put(_property(pair, values["property"]).more, "required", True)
        case "required_when" | "when":
            more = _inner(_property(pair, values["property"]).more, form.removesuffix("_when"))
            _put(more, side.value, _texts(values["conditions"]))
        case "default":
            more = _inner(_property(pair, values["property"]).more, "default")
            _put(more, side.value, _json(str(values["value"])))


def _side(values: Values, systems: Both[str]) -> Side:
    return Side.LEFT if values.get("Side") == systems.left else Side.RIGHT


def _create(pair: StatedPair, side: Side, when: Plain) -> None:
    if pair.creating.setdefault(side, when) != when:
        raise Contradiction(
            f"says otherwise when records are made on the {side.value} side; the first is kept"
        )


def _put(facts: dict[str, Plain], key: str, value: Plain) -> None:
    if facts.setdefault(key, value) != value:
        raise Contradiction(f'another {key} than before: "{value}" after "{facts[key]}"; the first is kept')


def _inner(facts: dict[str, Plain], key: str) -> dict[str, Plain]:
    inner = facts.setdefault(key, {})
    if not isinstance(inner, dict):
        raise Contradiction(f"another {key} than before; the first is kept")
    return inner


def _property(pair: StatedPair, name: object) -> StatedProperty:
    found = pair.properties.get(str(name))
    if found is None:
        raise ValueError(f'speaks of "{name}", which is no property in the table above')
    return found


def _texts(values: str | Sequence[str]) -> list[Plain]:
    return [*values] if not isinstance(values, str) else [values]


def _json(text: str) -> Plain:
    try:
        yaml.read(f"[{text}]", "")
    except ConfigurationError:
        raise ValueError(f"this is no value: {text}") from None
    return Flow(text)


def _brakes(limits: str | Sequence[str]) -> Plain:
    found: dict[str, Plain] = {}
    for limit in limits:
        read = re.fullmatch(r"(\w+) (\d{1,9}) (\d(?:\.\d{1,18})?(?:e-\d{1,3})?)", limit)
        if read is None or read[1] not in Brakes.__dataclass_fields__:
            raise ValueError(f'"{limit}" is no brake: write its kind, a count and a share')
        found[f"{read[1]}_count"] = int(read[2])
        found[f"{read[1]}_share"] = Flow(read[3])
    return found


# --- Rows ------------------------------------------------------------------------------------------------


def state_row(
    pair: StatedPair, cells: Sequence[Text], systems: Both[str], inside: Sequence[str], after: str
) -> str:
    """Add the property of a row, behind the one called `after`, and return its name. Raises as `state`."""
    if len(cells) != (INNER_COLUMNS if inside else COLUMNS):
        raise ValueError(f"a row of {len(cells)} columns, which does not fit its table")
    name = _codes(cells[0])
    if len(name) != 1:
        raise ValueError("a row without the name of a property")
    if inside:
        prop = StatedProperty(
            Both(_part(cells[1]), _part(cells[2])), transformation=_code(cells[3]) or "same"
        )
        _add(_outer(pair, inside).inside, name[0], prop)
        return name[0]
    prop = StatedProperty(
        Both(_part(cells[1]), _part(cells[3])),
        _direction(cells[5], systems),
        _code(cells[6]) or "same",
        _code(cells[7]),
    )
    if name[0] not in pair.properties:
        pair.insert(name[0], prop, after)
    else:
        _same(pair.properties[name[0]], prop, name[0])
    return name[0]


def _outer(pair: StatedPair, names: Sequence[str]) -> StatedProperty:
    found = _property(pair, names[0])
    for name in names[1:]:
        if name not in found.inside:
            raise ValueError(f'speaks of "{name}", which is no property in a table above')
        found = found.inside[name]
    return found


def _add(properties: dict[str, StatedProperty], name: str, prop: StatedProperty) -> None:
    _same(properties.setdefault(name, prop), prop, name)


def _same(known: StatedProperty, prop: StatedProperty, name: str) -> None:
    def told(one: StatedProperty) -> tuple[object, ...]:
        return one.parts, one.direction, one.transformation, one.policy

    if told(known) != told(prop):
        raise Contradiction(f"the property {name} is another one elsewhere; the first is kept")


def _direction(cell: Text, systems: Both[str]) -> Direction:
    words = "".join(piece for piece in cell if isinstance(piece, str))
    ways: dict[str, Direction] = {
        BOTH_WAYS: "both",
        f"to {systems.right}": "to-right",
        f"to {systems.left}": "to-left",
    }
    if words not in ways:
        raise ValueError(f'"{words}" is no direction: write {", or ".join(ways)}')
    return ways[words]


def _part(cell: Text) -> Part:
    """Names before and after the word "with"."""
    fields: list[str] = []
    context: list[str] = []
    target = fields
    for piece in cell:
        if isinstance(piece, Code):
            target.append(piece.text)
        elif piece.strip() == "with":
            target = context
    if not fields:
        raise ValueError("a row without a field on one side")
    return Part(tuple(fields), tuple(context))


def _codes(cell: Text) -> list[str]:
    return [piece.text for piece in cell if isinstance(piece, Code)]


def _code(cell: Text) -> str:
    return next(iter(_codes(cell)), "")
