"""What is answered when something can't be done: what, why and how to mend it; as JSON, or as a page to a person.

No traceback and no secret leaves the process; what nobody has foreseen is said to be our mistake, and logged.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from instep.errors import InstepError, NotThere, RetryLater, StoreError, UsageError
from instep.serve.access import session_of
from instep.serve.api.models import Problem
from instep.serve.console.pages import page

JSON_PATHS: Final = ("/api/", "/health/", "/hooks/", "/metrics")
STATUS: Final[Mapping[type[InstepError], int]] = {
    NotThere: 404,
    UsageError: 409,
    RetryLater: 503,
    StoreError: 503,
}
"""The first that fits; anything else that Instep raises on purpose is 502: a system's answer."""

_LOG: Final = logging.getLogger("instep.serve")


def handle(app: FastAPI) -> None:
    """Let the application answer failures in this way."""
    app.add_exception_handler(StarletteHTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _misread)
    app.add_exception_handler(InstepError, _told)
    app.add_exception_handler(Exception, _unforeseen)


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, StarletteHTTPException):
        raise error
    if error.status_code == 401 and not _wants_json(request):
        there = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        suffix = f"?next={quote(there, safe='')}" if request.method == "GET" and there != "/" else ""
        return RedirectResponse(f"/login{suffix}", 303)
    return _answer(request, error.status_code, Problem(what=str(error.detail)), error.headers)


async def _misread(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    told = [
        f"{'.'.join(str(part) for part in each['loc'][1:]) or each['loc'][0]}: {each['msg']}"
        for each in error.errors()
    ]
    found = Problem(
        what="the request can't be understood", why="; ".join(told[:10]), fix="see /api/openapi.json"
    )
    return _answer(request, 422, found)


async def _told(request: Request, error: Exception) -> Response:
    if not isinstance(error, InstepError):
        raise error
    status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), 502)
    secrets = request.app.state.site.secrets
    return _answer(
        request,
        status,
        Problem(
            what=_without(secrets, error.what),
            why=_without(secrets, error.why),
            fix=_without(secrets, error.fix),
        ),
    )


async def _unforeseen(request: Request, error: Exception) -> Response:
    _LOG.error("unforeseen trouble at %s %s", request.method, request.url.path, exc_info=error)
    return _answer(
        request,
        500,
        Problem(what="something went wrong here", why="a mistake of Instep's", fix="the log tells more"),
    )


def _without(secrets: set[str], text: str) -> str:
    for secret in secrets:
        text = text.replace(secret, "[secret]")
    return text


def _answer(
    request: Request, status: int, problem: Problem, headers: Mapping[str, str] | None = None
) -> Response:
    if _wants_json(request):
        return JSONResponse(problem.model_dump(), status, headers)
    session = session_of(request)
    answer = page(request, session, "problem.html", status=status, problem=problem, code=status)
    answer.headers.update(headers or {})
    return answer


def _wants_json(request: Request) -> bool:
    return request.url.path.startswith(JSON_PATHS)
