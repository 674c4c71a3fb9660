"""The line to a system: the in-memory connector, on which a request may be lost, refused, or struck by a death."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, Any

from instep.connectors.contract import Page
from instep.core.model import Record, Side
from instep.core.values import Json
from instep.errors import BadAnswer, InDoubt, Moved, Refused, RetryLater, Stop
from tests.runner.site import Fault, Scripted, Send, after, lost, raising, unanswered

if TYPE_CHECKING:
    from .office import Office


class Killed(BaseException):
    """The process is no more: nothing of ours may catch it."""


class Line(Scripted):
    """Tells the witness what was listed to the end, and which writes nobody knows the outcome of."""

    office: Office
    side: Side

    async def list(self, entity: str, cursor: str | None) -> AsyncIterator[Page]:
        since_ms = self.office.clock.now_ms()
        async for page in super().list(entity, cursor):
            yield page
            if page.last:
                self.office.witness.listed_ms[self.side, entity] = since_ms
                system = self.office.systems[self.side]
                system.heard = {**system.heard, entity: since_ms}

    async def update(
        self, entity: str, id: str, changes: Mapping[str, Json], *, seen: Record, idempotency: str
    ) -> Record:
        try:
            return await super().update(entity, id, changes, seen=seen, idempotency=idempotency)
        except InDoubt:
            self.office.witness.doubt(self.side, entity, id, changes)
            raise


def interrupt() -> None:
    """Ctrl-C, once."""
    asyncio.get_running_loop()._handle_signal(signal.SIGINT)  # type: ignore[attr-defined]


def fault_of(name: str, office: Office, work: Callable[[], None]) -> Fault:
    """What a name in a script of faults stands for; `work`: what people do at the last moment before a request."""

    def kill() -> None:
        office.kill()

    async def kill_after(send: Send) -> Any:
        await send()
        office.kill()

    errors: dict[str, Exception] = {
        "refused": Refused("not now", why="a rule of that day"),
        "later": RetryLater("too many requests", after_ms=2_000),
        "moved": Moved("it has changed"),
        "unreadable": BadAnswer("half a body"),
        "stop": Stop("the key was refused"),
    }
    if name in errors:
        return raising(errors[name])
    return {
        "lost": lost,
        "unanswered": unanswered,
        "kill": lambda: after(kill),
        "kill after": lambda: kill_after,
        "ctrl-c": lambda: after(interrupt),
        "work": lambda: after(work),
    }[name]()


OF_WRITES = ("refused", "later", "lost", "unanswered", "stop", "kill", "kill after", "ctrl-c", "work")
OF_READS = ("later", "lost", "unreadable", "stop", "kill", "ctrl-c", "work")
OF_PAGES = ("later", "unreadable", "stop", "kill", "ctrl-c", "work")


def page_fault(name: str, office: Office, work: Callable[[], None]) -> Callable[[], None]:
    """What becomes of the next page of a listing."""
    errors = {
        "later": RetryLater("the listing broke off"),
        "unreadable": BadAnswer("half"),
        "stop": Stop("no"),
    }

    def strike() -> None:
        if name in errors:
            raise errors[name]
        if name == "kill":
            office.kill()
        if name == "ctrl-c":
            interrupt()
        if name == "work":
            work()

    return strike


__all__ = ["OF_PAGES", "OF_READS", "OF_WRITES", "Killed", "Line", "fault_of", "page_fault"]
