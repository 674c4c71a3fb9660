"""The shapes that several parts of the API share. A model of one part alone stands beside it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from instep.core.values import Absent

T = TypeVar("T")


def _number(value: Any) -> Any:
    """A value as JSON says it: a decimal as a number where that keeps its digits, else as a text."""
    if isinstance(value, Decimal):
        as_float = float(value)
        return as_float if Decimal(repr(as_float)) == value else str(value)
    if isinstance(value, Absent):
        return None
    if isinstance(value, Mapping):
        return {key: _number(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_number(each) for each in value]
    return value


Value: TypeAlias = Annotated[Any, PlainSerializer(_number)]
"""A value of a record, as its system holds it."""

SideName: TypeAlias = Literal["left", "right"]


class Model(BaseModel):
    """The root of what is asked and answered. What is not known here is refused in a request."""

    model_config = ConfigDict(extra="forbid")


class Problem(Model):
    """Why something was not done."""

    what: str = Field(description="one sentence", examples=["there is no hold 118"])
    why: str = Field(default="", description="the value and the limit", examples=["it was released"])
    fix: str = Field(default="", description="what to do", examples=["see what is held now"])


class Page(Model, Generic[T]):
    """One page of a list."""

    items: list[T]
    next: str | None = Field(default=None, description="the cursor of the next page; null at the end")
