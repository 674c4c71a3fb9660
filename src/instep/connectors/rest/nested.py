"""Listing the records under each parent: several parents at a time, as one listing with one cursor.

The cursor names a moment and no parent, since their order may change: a listing that broke off begins again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing

from instep.connectors.contract import Page
from instep.connectors.rest.walk import Cursor

Under = Callable[[str, str], AsyncIterator[Page]]
"""The pages under one parent, from a cursor."""


async def nested_pages(
    parents: AsyncIterator[str],
    under: Under,
    cursor: str | None,
    *,
    at_once: int,
    latest_ms: Callable[[], int],
) -> AsyncGenerator[Page, None]:
    """`latest_ms`: the latest moment that the next listing may begin at. Raises what `parents` and `under` raise."""
    start_ms = Cursor.read(cursor).since_ms
    began = Cursor(start_ms).text()
    ends: list[int] = []
    async for group in _groups(parents, at_once):
        async with aclosing(_together(group, under, began, at_once)) as pages:
            async for page in pages:
                end_ms = Cursor.read(page.cursor).since_ms
                if page.last and end_ms is not None:
                    ends.append(end_ms)
                yield Page(page.records, began, last=False)
    if ends:
        # What changed under the first parents as the last were listed is after that moment, and so comes again.
        start_ms = max(start_ms or 0, min(max(ends), latest_ms()), 0)
    yield Page((), Cursor(start_ms).text(), last=True)


async def _groups(parents: AsyncIterator[str], size: int) -> AsyncIterator[Sequence[str]]:
    group: list[str] = []
    async for parent in parents:
        group.append(parent)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


async def _together(
    parents: Sequence[str], under: Under, cursor: str, most: int
) -> AsyncGenerator[Page, None]:
    """The pages under these parents as they come, of which no more than `most` wait to be taken."""
    queue: asyncio.Queue[Page] = asyncio.Queue(most)

    async def put(parent: str) -> None:
        async for page in under(parent, cursor):
            await queue.put(page)

    tasks = [asyncio.ensure_future(put(parent)) for parent in parents]
    finished = asyncio.gather(*tasks)
    try:
        while not finished.done() or not (queue.empty() or _failed(finished)):
            if queue.empty():
                taken = asyncio.ensure_future(queue.get())
                await asyncio.wait((taken, finished), return_when=asyncio.FIRST_COMPLETED)
                if not taken.done():
                    taken.cancel()
                    continue
                yield taken.result()
            else:
                yield queue.get_nowait()
        await finished
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(finished, *tasks, return_exceptions=True)


def _failed(finished: asyncio.Future[list[None]]) -> bool:
    return finished.cancelled() or finished.exception() is not None
