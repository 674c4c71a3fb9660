"""Values: how each kind of field is read from a form, and what it refuses.

Every reader takes the field, the parameter as the client spelled it, the value, and the switches, and raises
ApiError (400) naming that parameter. To add a kind: a reader, and its row in `_READERS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from .codes import COUNTRIES, CURRENCIES, STATES, ZIP_SHAPES
from .errors import wrong_value
from .fields import CustomField, Doc, Field
from .forms import Tree, leaf_names
from .html import sanitised, text_length
from .switches import Switches


def read_value(known: Field, spelled: str, value: str | Tree, switches: Switches) -> Any:
    """One value as its field's type, or None if it is blank; raises ApiError (400)."""
    if known.kind in _TREE_READERS:
        if not isinstance(value, dict):
            if value == "":
                return None
            raise wrong_value(spelled, "is an object or a list, not a value")
        return _TREE_READERS[known.kind](known, spelled, value, switches)
    if isinstance(value, dict):
        raise wrong_value(leaf_names(value, spelled)[0], "is a value, not an object")
    if value == "":
        return None
    return _READERS[known.kind](known, spelled, value, switches)


def read_custom(declared: CustomField, value: str, switches: Switches) -> Any:
    if declared.datatype == "long":
        if re.fullmatch(r"-?\d{1,18}", value) is None:
            raise wrong_value(declared.name, "should be a whole number")
        return int(value)
    if declared.datatype == "double":
        try:
            return float(value)
        except ValueError:
            raise wrong_value(declared.name, "should be a number") from None
    if declared.datatype == "timestamp":
        return _moment(Field(declared.name, "moment"), declared.name, value, switches)
    if declared.datatype == "date":
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value) is None:
            raise wrong_value(declared.name, "should be a date (yyyy-mm-dd)")
        return value
    kind = "email" if declared.datatype == "email" else "text"
    return _READERS[kind](Field(declared.name, kind, max=declared.max), declared.name, value, switches)


def _text(known: Field, spelled: str, value: str, _switches: Switches) -> str:
    if known.max and len(value) > known.max:
        raise wrong_value(spelled, f"is too long (maximum is {known.max} characters)")
    return value


def _email(known: Field, spelled: str, value: str, switches: Switches) -> str:
    _text(known, spelled, value, switches)
    if re.fullmatch(r"[^@\s,;<>()]+@[^@\s,;<>()]+\.[^@\s,;<>().]+", value) is None:
        raise wrong_value(spelled, "is not an e-mail address")
    return value


def _word(known: Field, spelled: str, value: str, _switches: Switches) -> str:
    if value not in known.words:
        raise wrong_value(spelled, f"should be one of {', '.join(known.words)}")
    return value


def _flag(_known: Field, spelled: str, value: str, _switches: Switches) -> bool:
    if value not in ("true", "false"):
        raise wrong_value(spelled, "should be true or false")
    return value == "true"


def _whole(_known: Field, spelled: str, value: str, _switches: Switches) -> int:
    if re.fullmatch(r"\d{1,18}", value) is None:
        raise wrong_value(spelled, "should be a whole number of 0 or more")
    return int(value)


def _moment(_known: Field, spelled: str, value: str, _switches: Switches) -> int:
    if re.fullmatch(r"\d{10}", value) is None:
        raise wrong_value(spelled, "should be a UTC timestamp in seconds (10 digits)")
    return int(value)


def _json(known: Field, spelled: str, value: str, switches: Switches) -> Any:
    limit = known.max if known.max >= 0 else int(switches.number("item_metadata_max"))
    if limit and len(value) > limit:
        raise wrong_value(spelled, f"is too long (maximum is {limit} characters)")
    try:
        decoded = msgspec.json.decode(value)
    except msgspec.DecodeError:
        raise wrong_value(spelled, "is not valid JSON") from None
    wanted = list if known.words == ("list",) else dict
    if not isinstance(decoded, wanted):
        raise wrong_value(spelled, f"should be a JSON {'array' if wanted is list else 'object'}")
    return decoded


def _country(_known: Field, spelled: str, value: str, _switches: Switches) -> str:
    if value not in COUNTRIES:
        raise wrong_value(spelled, f"{value[:10]} is not an ISO 3166-1 alpha-2 country code")
    return value


def _currency(_known: Field, spelled: str, value: str, _switches: Switches) -> str:
    if value not in CURRENCIES:
        raise wrong_value(spelled, f"{value[:10]} is not an ISO 4217 currency code")
    return value


def _decimal(known: Field, spelled: str, value: str, _switches: Switches) -> str:
    if len(value) > known.max or re.fullmatch(r"\d+(\.\d+)?", value) is None:
        raise wrong_value(spelled, "should be a decimal number")
    return value


def _percent(_known: Field, spelled: str, value: str, _switches: Switches) -> float:
    if re.fullmatch(r"\d{1,3}(\.\d{1,10})?", value) is None or float(value) > 100:
        raise wrong_value(spelled, "should be a number from 0 to 100")
    return float(value)


def _html(known: Field, spelled: str, value: str, switches: Switches) -> str:
    _text(known, spelled, value, switches)
    if text_length(value) > 500:
        raise wrong_value(spelled, "is too long (maximum is 500 characters of text)")
    return sanitised(value, switches.choice("description_html"))


def _object(known: Field, spelled: str, value: Tree, switches: Switches) -> Doc | None:
    parts = {part.name: part for part in known.fields}
    found: Doc = {}
    for name, below in value.items():
        part = parts.get(name)
        if part is None:
            if switches.choice("unknown_parameters") == "reject":
                raise wrong_value(f"{spelled}[{name}]", "is not a parameter of this call")
            continue
        read_part = read_value(part, f"{spelled}[{name}]", below, switches)
        if read_part is not None:
            found[name] = read_part
    for part in known.fields:
        if part.needed and part.name not in found:
            raise wrong_value(f"{spelled}[{part.name}]", "cannot be blank")
    return found


def _address(known: Field, spelled: str, value: Tree, switches: Switches) -> Doc | None:
    found = _object(known, spelled, value, switches)
    if not found:
        return None
    country = found.get("country", "")
    shape = ZIP_SHAPES.get(country)
    if shape and "zip" in found and switches.on("zip_rules") and shape.fullmatch(found["zip"]) is None:
        raise wrong_value(f"{spelled}[zip]", f"is not a zip code of {country}")
    if "state_code" in found and country in STATES:
        found["state"] = STATES[country].get(found["state_code"], found.get("state", found["state_code"]))
    return {
        **found,
        "validation_status": found.get("validation_status", "not_validated"),
        "object": known.name,
    }


def _texts(known: Field, spelled: str, value: Tree, _switches: Switches) -> list[str]:
    elements = _by_index(value, spelled)
    for element in elements:
        if isinstance(element, dict):
            raise wrong_value(spelled, "is a list of values")
        if known.words and element not in known.words:
            raise wrong_value(spelled, f"{element[:60]} is not one of the documented values")
        if known.max and len(element) > known.max:
            raise wrong_value(spelled, f"is too long (maximum is {known.max} characters)")
    return [element for element in elements if isinstance(element, str) and element]


def _objects(known: Field, spelled: str, value: Tree, switches: Switches) -> list[Doc]:
    columns: dict[str, list[str | Tree]] = {}
    parts = {part.name: part for part in known.fields}
    rows: list[Doc] = []
    for name, column in value.items():
        if not isinstance(column, dict):
            raise wrong_value(f"{spelled}[{name}]", "needs an index")
        columns[name] = _by_index(column, f"{spelled}[{name}]", sparse=True)
    for name, elements in columns.items():
        part = parts.get(name)
        if part is None:
            if switches.choice("unknown_parameters") == "reject":
                raise wrong_value(f"{spelled}[{name}][0]", "is not a parameter of this call")
            continue
        rows.extend({} for _ in range(len(elements) - len(rows)))
        for index, element in enumerate(elements):
            read_part = read_value(part, f"{spelled}[{name}][{index}]", element, switches)
            if read_part is not None:
                rows[index][name] = read_part
    for index, row in enumerate(rows):
        if not row:
            raise wrong_value(spelled, f"index {index} is missing (indices start at 0, without gaps)")
        for part in known.fields:
            if part.needed and part.name not in row:
                raise wrong_value(f"{spelled}[{part.name}][{index}]", "cannot be blank")
    return rows


def _by_index(value: Tree, spelled: str, *, sparse: bool = False) -> list[str | Tree]:
    try:
        indices = sorted(int(index) for index in value)
    except ValueError:
        raise wrong_value(spelled, "has an index that is not a number") from None
    if not indices:
        return []
    if indices[0] < 0 or indices[-1] > 1000 or (not sparse and indices != list(range(len(indices)))):
        raise wrong_value(spelled, "indices start at 0, without gaps")
    return [value.get(str(index), "") for index in range(indices[-1] + 1)]


_READERS: Mapping[str, Callable[[Field, str, str, Switches], Any]] = {
    "text": _text,
    "email": _email,
    "word": _word,
    "flag": _flag,
    "whole": _whole,
    "moment": _moment,
    "json": _json,
    "country": _country,
    "currency": _currency,
    "decimal": _decimal,
    "percent": _percent,
    "html": _html,
}
_TREE_READERS: Mapping[str, Callable[[Field, str, Tree, Switches], Any]] = {
    "object": _object,
    "address": _address,
    "texts": _texts,
    "objects": _objects,
}
