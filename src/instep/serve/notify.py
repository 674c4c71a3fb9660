"""Telling a person, when something needs one: once when it begins, and again when it is over.

What is known and what is yet to be sent is in the store, so that a restart neither repeats nor loses anything.
A message that can't be sent is tried again, ever more rarely, for three days; none of it holds up the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Final, TypeVar

import msgspec

from instep.errors import StoreError
from instep.serve.notify_channels import Channel, Message, NotSent
from instep.serve.notify_states import Change, Known, State, weigh
from instep.store.contract import Store, Tx

LOOK_S: Final = 5.0
"""How soon after a change, and how often without one, it is looked whether there is something to tell."""
FIRST_RETRY_MS, LONGEST_RETRY_MS, GIVEN_UP_MS = 30_000, 3_600_000, 3 * 86_400_000
T = TypeVar("T")
KNOWN, OUTBOX = "notify_known", "notify_outbox"
MOST_WAITING: Final = 200
"""Messages that wait; the oldest go first if nobody can be reached for long."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that is yet to be sent, by the channels in `to`."""

    at_ms: int
    changes: tuple[Change, ...]
    to: tuple[str, ...]
    due_ms: int = 0
    tries: int = 0


class Notifier:
    """`find` tells what needs a person now. `link`: the console's address. `failed` is told of each failure."""

    def __init__(
        self,
        store: Store,
        channels: Sequence[Channel],
        find: Callable[[], list[State]],
        *,
        link: str,
        now_ms: Callable[[], int],
        failed: Callable[[str, str], None] = lambda _channel, _why: None,
    ) -> None:
        self._store, self._find, self._link, self._now_ms = store, find, link, now_ms
        self._channels = {channel.name: channel for channel in channels}
        self._failed = failed

    async def go_on(self) -> None:
        """Until cancelled. A store that can't be used now is looked at again later."""
        while self._channels:
            with suppress(StoreError):
                await self.look()
                await self.send()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """See what has begun or is over, and keep what is to be told of it. Raises StoreError."""
        now_ms, found = self._now_ms(), self._find()

        def note(tx: Tx) -> None:
            known, changes = weigh(_read(tx, KNOWN, dict[str, Known]) or {}, found, now_ms)
            _save(tx, KNOWN, known)
            if changes:
                waiting = _read(tx, OUTBOX, list[Waiting]) or []
                waiting.append(Waiting(now_ms, tuple(changes), tuple(self._channels)))
                _save(tx, OUTBOX, waiting[-MOST_WAITING:])

        before = self._store.read(lambda tx: _read(tx, KNOWN, dict[str, Known])) or {}
        if weigh(before, found, now_ms)[0] != before:
            await self._store.write(note)

    async def send(self) -> None:
        """Send what is due. Raises StoreError."""
        waiting = self._store.read(lambda tx: _read(tx, OUTBOX, list[Waiting])) or []
        for message in waiting:
            if message.due_ms <= self._now_ms():
                left = await self._sent(message)
                await self._store.write(partial(_settle, message=message, left=left))

    async def _sent(self, message: Waiting) -> Waiting | None:
        """What is left of a message after it was tried once more; None if nothing is."""
        at = datetime.fromtimestamp(message.at_ms / 1000, UTC).isoformat(timespec="seconds")
        shown = Message(at.replace("+00:00", "Z"), self._link, message.changes)
        left: list[str] = []
        for name in message.to:
            channel = self._channels.get(name)
            if channel is None:
                continue  # it is no longer configured
            try:
                await channel.send(shown)
            except NotSent as error:
                self._failed(name, str(error))
                left += [name] if error.again else []
            except Exception as error:  # noqa: BLE001 - one channel's mistake stops no other
                self._failed(name, type(error).__name__)
                left.append(name)
        now_ms = self._now_ms()
        if not left or now_ms - message.at_ms > GIVEN_UP_MS:
            return None
        wait_ms = min(FIRST_RETRY_MS << min(message.tries, 20), LONGEST_RETRY_MS)
        return replace(message, to=tuple(left), due_ms=now_ms + wait_ms, tries=message.tries + 1)


def _settle(tx: Tx, message: Waiting, left: Waiting | None) -> None:
    waiting = _read(tx, OUTBOX, list[Waiting]) or []
    kept = [left if each == message else each for each in waiting]
    _save(tx, OUTBOX, [each for each in kept if each is not None])


def _read(tx: Tx, name: str, kind: type[T]) -> T | None:
    """What was kept; None if that is nothing, or of another release's form."""
    text = tx.meta(name)
    with suppress(msgspec.ValidationError, msgspec.DecodeError):
        return None if text is None else msgspec.json.decode(text, type=kind)
    return None


def _save(tx: Tx, name: str, value: object) -> None:
    tx.save_meta(name, msgspec.json.encode(value).decode() if value else None)
