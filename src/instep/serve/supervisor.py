"""Telling systemd what the process is at: ready, stopping, alive. Source: sd_notify(3). Without systemd, nothing."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress


def tell(message: str, environ: Mapping[str, str] = os.environ) -> None:
    """Send "READY=1" or the like; silence if nobody wants to hear it."""
    place = environ.get("NOTIFY_SOCKET", "")
    if not place.startswith(("/", "@")):
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(message.encode(), "\0" + place[1:] if place.startswith("@") else place)


async def keep_alive(alive: Callable[[], bool], environ: Mapping[str, str] = os.environ) -> None:
    """While `alive`, tell the watchdog so, at twice the pace that it wants, until cancelled; if it wants nothing,
    return. A process that is not told of is started anew by systemd."""
    wanted_us = environ.get("WATCHDOG_USEC", "")
    if not wanted_us.isdecimal() or int(wanted_us) <= 0:
        return
    while True:
        if alive():
            tell("WATCHDOG=1", environ)
        await asyncio.sleep(int(wanted_us) / 2_000_000)
