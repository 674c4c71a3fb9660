"""The ids that a system gives to requests, by which its own support and logs find them: kept for the journal.

`HttpClient` notes the id of each write that it sends; `tells_requests` around a connector's write puts those of
that write into the record or the error that comes of it. Not for readings, which leave nothing in the journal.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import wraps
from typing import Any, Final, ParamSpec

from instep.core.model import Record
from instep.errors import OutcomeError

P = ParamSpec("P")

USUAL_HEADERS: Final = (
    "chargebee-request-id",
    "x-request-id",
    "request-id",
    "x-amzn-requestid",
    "x-correlation-id",
)
"""Response headers that hold such an id, in lower case, the first one that is there counts. Chargebee's is known
from its official Java SDK."""

LONGEST: Final = 100
MOST: Final = 10
"""A write of more requests than this keeps the ids of the first ones."""

_noted: ContextVar[list[str] | None] = ContextVar("_noted", default=None)


def clean(id: str) -> str:
    """What a system sent as an id, without anything that could disturb a line."""
    return "".join(c for c in id if "!" <= c <= "~")[:LONGEST]


def note_request(id: str) -> None:
    """Note the id of a request that was sent for the write that is going on, if the system gave one."""
    noted = _noted.get()
    if noted is not None and id and len(noted) < MOST:
        noted.append(id)


@contextmanager
def noting() -> Iterator[list[str]]:
    """What is noted within, for a request that is made for several writes at once: each notes it for itself then."""
    noted: list[str] = []
    token = _noted.set(noted)
    try:
        yield noted
    finally:
        _noted.reset(token)


def tells_requests(write: Callable[P, Awaitable[Record]]) -> Callable[P, Coroutine[Any, Any, Record]]:
    """A connector's create, update or retire whose record, or outcome, tells the ids of its requests."""

    @wraps(write)
    async def told(*args: P.args, **kwargs: P.kwargs) -> Record:
        if _noted.get() is not None:  # a write that is part of another
            return await write(*args, **kwargs)
        noted: list[str] = []
        token = _noted.set(noted)
        try:
            record = await write(*args, **kwargs)
        except OutcomeError as error:
            error.request = " ".join(noted)
            raise
        finally:
            _noted.reset(token)
        return replace(record, request=" ".join(noted))

    return told
