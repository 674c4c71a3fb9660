"""What the models of a description have in common: how they read YAML, and the kinds of words in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

SCHEMES = ("env:", "file:")


def _reference(text: str) -> str:
    if not text.startswith(SCHEMES) or text in SCHEMES:
        raise ValueError("a secret is written as env:NAME or file:PATH, never as itself")
    return text


SecretReference = Annotated[
    str, AfterValidator(_reference), Field(examples=["env:ERP_TOKEN", "file:secrets/erp"])
]
Scalar = str | int | bool | None
Outcome = Literal["refused", "taken", "moved", "gone", "retry_later", "in_doubt", "stop"]
Format = Annotated[
    str,
    Field(
        pattern=r"^(iso|date|epoch_s|epoch_ms|http|ms_date|.*%[YyjsS].*)$",
        examples=["iso", "epoch_s", "%Y-%m-%d %H:%M:%S"],
    ),
]
"""How a time is written; one with a percent sign is a pattern as of strftime."""
FORMATS = (
    "iso: 2026-01-31T12:00:00Z; date; epoch_s, epoch_ms: since 1970; http: Sat, 31 Jan 2026 12:00:00 GMT;"
    " ms_date: /Date(1769860800000)/; or a pattern as of strftime, such as %Y-%m-%d %H:%M:%S"
)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {name[:40]}; write one like Europe/Oslo") from None
    return name


Zone = Annotated[str, AfterValidator(_zone)]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Equals(Model):
    """A field that says something by having one value."""

    field: str = Field(description="its dotted path")
    value: Scalar = Field(description="the value that says so")


def laid_over(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Keys laid over others: objects key by key, unless they are of different kinds; fields that are said again take
    the place of those of the same path; anything else is replaced."""
    laid = dict(under)
    for key, value in over.items():
        below = laid.get(key)
        if key == "fields" and isinstance(below, list) and isinstance(value, list):
            own = {line.get("path") for line in value if isinstance(line, dict)}
            kept = [line for line in below if not (isinstance(line, dict) and line.get("path") in own)]
            laid[key] = [*kept, *value]
        elif isinstance(below, dict) and isinstance(value, dict) and _of_one_kind(below, value):
            laid[key] = laid_over(below, value)
        else:
            laid[key] = value
    return laid


def _of_one_kind(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return "kind" not in other or one.get("kind") == other["kind"]
