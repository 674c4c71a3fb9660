"""How the ERP says no: a status and a list of errors, each with field, code, message and maybe a limit."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

_CODES = {
    "missing": ("required", "is required"),
    "string_too_long": ("too_long", "must be at most {max_length} characters"),
    "string_too_short": ("too_short", "must be at least {min_length} characters"),
    "string_pattern_mismatch": ("invalid_format", "does not have the right form"),
    "literal_error": ("not_allowed", "must be one of {expected}"),
    "extra_forbidden": ("unknown_field", "is not a field of this record"),
    "json_invalid": ("invalid_json", "the body is not JSON"),
}
_LIMITS = ("max_length", "min_length", "limit")


class Refused(Exception):
    """A request that is not carried out. `errors` is what the client gets."""

    def __init__(self, status: int, errors: list[dict[str, Any]]) -> None:
        super().__init__(f"{status}: {errors}")
        self.status = status
        self.errors = errors


def refused(status: int, field: str | None, code: str, message: str, **more: Any) -> Refused:
    return Refused(status, [{"field": field, "code": code, "message": message, **more}])


def invalid(error: ValidationError) -> Refused:
    """422 with everything that is wrong; 400 if the body is not JSON at all."""
    details = error.errors(include_url=False, include_input=True)
    if details[0]["type"] == "json_invalid":
        return refused(400, None, "invalid_json", "the body is not JSON")
    return Refused(422, [_entry(detail) for detail in details])


def _entry(detail: Any) -> dict[str, Any]:
    kind: str = detail["type"]
    context: dict[str, Any] = detail.get("ctx", {})
    if detail["input"] is None and kind.endswith("_type"):
        code, message = "required", "can't be empty"
    elif kind in _CODES:
        code, pattern = _CODES[kind]
        message = pattern.format(**context)
    elif kind.endswith(("_type", "_parsing")):
        code, message = "wrong_type", detail["msg"]
    else:
        code, message = kind, detail["msg"]
    entry: dict[str, Any] = {
        "field": ".".join(str(step) for step in detail["loc"]) or None,
        "code": code,
        "message": message,
    }
    for name in _LIMITS:
        if name in context:
            entry["limit"] = context[name]
    if kind == "literal_error":
        entry["limit"] = context["expected"]
    return entry
