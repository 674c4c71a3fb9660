"""From a request body to the record to be stored: validate, merge, normalise, complete. No storage."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import msgspec
from pydantic import ValidationError

from instep.sandbox.erp.entities import Entity, Record
from instep.sandbox.erp.refusals import invalid, refused

_LOWER = frozenset({"email"})
_UPPER = frozenset({"postal_code"})


def accepted(entity: Entity, body: bytes, *, creating: bool) -> Record:
    """What the body asks to set, validated; only what was sent. Raises Refused (400, 422) with every error.

    The server's own fields are passed over, so that a client may send back what it read.
    """
    model = entity.create if creating else entity.fields
    try:
        return model.model_validate_json(body).model_dump(exclude_unset=True)
    except ValidationError as error:
        own = any(
            detail["type"] == "extra_forbidden" and detail["loc"][-1] in entity.server
            for detail in error.errors(include_url=False)
        )
        if not own:
            raise invalid(error) from None
    try:
        without = msgspec.json.encode(_without(msgspec.json.decode(body), entity.server))
        return model.model_validate_json(without).model_dump(exclude_unset=True)
    except ValidationError as error:
        raise invalid(error) from None
    except msgspec.DecodeError:
        # The validator's parser takes NaN and Infinity, which are no JSON.
        raise refused(400, None, "invalid_json", "the body is not JSON") from None


def merged(entity: Entity, old: Mapping[str, Any], change: Mapping[str, Any]) -> Record:
    """`old` with the change laid over it: objects merge, null clears, lists are replaced."""
    record = dict(old)
    for name, value in change.items():
        blank = entity.blank[name]
        if value is None:
            record[name] = copy.deepcopy(blank) if isinstance(blank, dict | list) else None
        elif isinstance(value, dict):
            record[name] = {**record[name], **value}
        else:
            record[name] = value
    if record.get("prices"):
        record["prices"] = {code: price for code, price in record["prices"].items() if price is not None}
    return entity.complete(record)


def normalised(change: Any, name: str = "") -> Any:
    """Texts trimmed, postal codes in capitals, e-mails in small letters: what some systems do unasked."""
    if isinstance(change, dict):
        return {key: normalised(value, key) for key, value in change.items()}
    if isinstance(change, list):
        return [normalised(value) for value in change]
    if isinstance(change, str):
        text = change.strip()
        if name in _UPPER:
            return text.upper()
        return text.lower() if name in _LOWER else text
    return change


def changed_fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Field to [old, new] for each that differs."""
    return {name: [old.get(name), value] for name, value in new.items() if old.get(name) != value}


def _without(body: Any, server: frozenset[str]) -> Any:
    if not isinstance(body, dict):
        return body
    kept = {name: value for name, value in body.items() if name not in server}
    if isinstance(kept.get("lines"), list):
        # A line's id is the client's to send: it says which line is meant.
        lines = kept["lines"]
        kept["lines"] = [
            {name: value for name, value in line.items() if name != "tax_amount"}
            if isinstance(line, dict)
            else line
            for line in lines
        ]
    return kept
