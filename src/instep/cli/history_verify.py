"""`instep history --verify`: whether the journal is as it was written, and the anchor to keep elsewhere."""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from instep.cli.records import known_site
from instep.cli.terminal import Terminal
from instep.core.values import Json
from instep.desk import words
from instep.errors import UsageError
from instep.store.verify import Verified, verify

NEEDS_A_PERSON: Final = 3
_ANCHOR: Final = re.compile(r"([0-9]{1,18}:)?[0-9a-fA-F]{64}")


async def verify_history(terminal: Terminal, anchor: str, as_json: bool) -> int:
    """Say what was found; the exit code is 3 if the journal does not verify."""
    if anchor and _ANCHOR.fullmatch(anchor.strip()) is None:
        raise UsageError(
            f"{anchor[:80]} is no anchor",
            why="an anchor is the number of an entry, a colon and 64 hex digits",
            fix="take the one that an earlier instep history --verify printed",
        )
    async with known_site(terminal) as site:
        found = site.store.read(partial(verify, anchor=anchor))
    if as_json:
        terminal.json(as_json_object(found))
    else:
        for line in told(found, anchor):
            terminal.say(line)
    return NEEDS_A_PERSON if found.trouble else 0


def told(found: Verified, anchor: str) -> list[str]:
    """What was found, in words."""
    if found.trouble:
        good = words.counted(found.entries, "entry", "entries")
        return [
            f"the journal does not verify: {found.trouble}",
            f"  {good} before that {'is' if found.entries == 1 else 'are'} as written",
            "  fix: put this file away as it is, and compare it with a backup of the store",
        ]
    start, head = found.chain.start, found.chain.head
    lines = [f"the journal is as it was written: {words.counted(found.entries, 'entry', 'entries')}"]
    if start.seq:
        at = words.moment(start.at_ms)
        lines.append(f"  pruned: {words.counted(start.count, 'entry', 'entries')}, the last one of {at} UTC")
    if found.forgotten:
        lines.append(
            f"  forgotten: the values of {words.counted(found.forgotten, 'entry', 'entries')}, on request"
        )
    if anchor:
        lines.append("  the anchor is in it: nothing up to there was written anew")
    lines.append(f"  anchor: {head}")
    lines.append("  keep it elsewhere; later: instep history --verify --anchor ANCHOR")
    return lines


def as_json_object(found: Verified) -> dict[str, Json]:
    """What was found, for a program."""
    start, head = found.chain.start, found.chain.head
    return {
        "verified": not found.trouble,
        "trouble": found.trouble or None,
        "at": found.at or None,
        "entries": found.entries,
        "forgotten": found.forgotten,
        "pruned": start.count,
        "pruned_until_ms": start.at_ms or None,
        "count": head.count,
        "anchor": str(head),
    }
