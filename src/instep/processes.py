"""Processes of this machine: which one an id means, and whether it is still there."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from pathlib import Path
from typing import Final

SERVING: Final = "instep serve, "
"""What the name of a process begins with that is always on."""

_NAMED = re.compile(
    rf"(?:{SERVING})?(?P<host>\S+) process (?P<pid>\d+), started (?P<started>[^()]+)(?: \(\w+\))?"
)


def moment_of_start(pid: int) -> str:
    """When a process started, in words that differ for another process of the same id; "" if it is gone."""
    try:
        # The 22nd word; the second is the name in parentheses, which may hold anything.
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return "" if stat[0] == "Z" else f"ticks {stat[19]}"
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return ""
    except OSError:
        return ""
    told = subprocess.run(  # noqa: S603 - a number, no shell
        ["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return told.stdout.strip()


def this_process() -> str:
    """A name for this process that no other one has, and that tells a person which it is."""
    pid = os.getpid()
    return f"{socket.gethostname()} process {pid}, started {moment_of_start(pid)}"


def is_dead(name: str) -> bool:
    """Whether that name, with or without `SERVING` and a word in parentheses, is `this_process` of one that is gone.

    False for a process of another machine, of which nothing is known here.
    """
    named = _NAMED.fullmatch(name)
    if named is None or named["host"] != socket.gethostname():
        return False
    return moment_of_start(int(named["pid"])) != named["started"]
