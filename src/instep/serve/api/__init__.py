"""The HTTP API: all that the console and the command line can ask and decide, described at `/api/openapi.json`.

A module per noun, each with a `router` and a line in `_PARTS`. They turn requests into calls of `instep.desk` and
what comes of it into the models of `models`; they decide nothing. Lists come in pages, by a cursor (`paging`).
"""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Depends

from instep.serve.access import require
from instep.serve.api import (
    forgetting,
    hints,
    holds,
    journal,
    links,
    pairs,
    plans,
    records,
    runs,
    status,
    trying,
)
from instep.serve.api.models import Problem

_PARTS: Final = (
    status,
    pairs,
    records,
    forgetting,
    holds,
    links,
    plans,
    runs,
    journal,
    hints,
    trying,
)

API: Final[dict[str, Any]] = {
    "title": "Instep",
    "version": "1",
    "summary": "Both systems, what is in step and what is not, and what a person decides.",
    "description": "With `Authorization: Bearer TOKEN`; or with the session of a login, which for anything but "
    "reading needs the header `X-CSRF-Token` as well. A viewer reads; an operator decides and runs; an admin changes "
    "who may what, and forgets. What goes wrong is told as a `Problem`.",
}

_TOLD: Final[dict[int | str, dict[str, Any]]] = {
    400: {"model": Problem, "description": "The body is not what its type says"},
    401: {"model": Problem, "description": "No token, or a wrong one"},
    403: {"model": Problem, "description": "The role does not allow it"},
    404: {"model": Problem, "description": "What was named is not there"},
    409: {"model": Problem, "description": "It can't be done as things are"},
    422: {"model": Problem, "description": "The request can't be understood"},
    429: {"model": Problem, "description": "Too many attempts with a wrong token"},
    503: {"model": Problem, "description": "The store or a system can't be used for now"},
}

router = APIRouter(prefix="/api/v1", responses=_TOLD, dependencies=[Depends(require("viewer"))])
for _part in _PARTS:
    router.include_router(_part.router)
