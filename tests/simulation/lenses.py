"""Fields that lose something: what people type, what the server makes of it, and what of it counts.

A token is "t12"; every value that a person enters stands for one of its own. The oracle reads tokens back from
raw values by itself, without the product's transformations, so that a shared mistake can't hide.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from instep.core.model import Both, FieldType

Enter = Callable[[str], Any]
"""From a token to what a person types."""
Stored = Callable[[Any], Any]
"""What a server makes of a value that it is given."""


@dataclass(frozen=True)
class Lens:
    """One property's two fields. `token`: which token a stored value stands for, in any spelling."""

    spelled: str
    types: Both[FieldType]
    enter: Both[Enter]
    stored: Both[Stored]
    token: Callable[[Any], str | None]
    max_length: Both[int | None] = Both(None, None)


def _same(value: Any) -> Any:
    return value


def _text_token(value: Any) -> str | None:
    return None if value in (None, "") else str(value).strip().lower()


def _upper(value: Any) -> Any:
    return value.strip().upper() if isinstance(value, str) else value


def _trimmed(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _padded(token: str) -> str:
    return token.ljust(8, "_")


def _head_token(value: Any) -> str | None:
    return None if value in (None, "") else str(value)[:8].rstrip("_")


def _number_token(value: Any) -> str | None:
    if value is None:
        return None
    return f"t{int(Decimal(value).quantize(Decimal(1), rounding=ROUND_HALF_UP))}"


def _whole(value: Any) -> Any:
    return None if value is None else int(Decimal(value).quantize(Decimal(1), rounding=ROUND_HALF_UP))


_texts: Both[FieldType] = Both("text", "text")

LENSES: dict[str, Lens] = {
    "plain": Lens("text(trim)", _texts, Both(_same, _same), Both(_same, _same), _text_token),
    "case": Lens(
        "text(trim, anycase)",
        _texts,
        Both(lambda t: f" {t} ", _same),
        Both(_trimmed, _upper),
        _text_token,
    ),
    "cut": Lens(
        "text(trim, max=8)",
        _texts,
        Both(lambda t: _padded(t) + " and more", _padded),
        Both(_same, lambda v: v[:8] if isinstance(v, str) else v),
        _head_token,
        Both(None, 8),
    ),
    "rounded": Lens(
        "decimal(places=0)",
        Both("decimal", "integer"),
        Both(lambda t: Decimal(f"{t[1:]}.37"), lambda t: int(t[1:])),
        Both(_same, _whole),
        _number_token,
    ),
    "mail": Lens(
        "text(anycase)",
        _texts,
        Both(lambda t: f"{t}@x.example", lambda t: f"{t.upper()}@x.example"),
        Both(_same, _same),
        lambda value: None if value in (None, "") else str(value).lower().partition("@")[0],
    ),
}
