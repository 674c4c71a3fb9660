"""Cursors that are JSON objects: how one that comes back from the store is read."""

from __future__ import annotations

import json
from typing import Any


def cursor_fields(text: str | None, version: int = 1) -> dict[str, Any]:
    """What a cursor of this version says; nothing for any other text, so that its listing begins anew."""
    try:
        told = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) and told.get("v") == version else {}
