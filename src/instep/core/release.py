"""What a person can choose for a hold, and what each choice does. The engine honours no other.

To add a choice, add it here with its sentence and honour it in `decide` or `match`; the commands, the console
and their tests pick it up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from instep.core.model import SIDES
from instep.core.state import Hold, Release
from instep.core.values import Json

SENTENCES: Final[Mapping[str, str]] = {
    "left": "the left side's value is written to the right; the other one is kept in the journal",
    "right": "the right side's value is written to the left; the other one is kept in the journal",
    "link": "the record is linked to the one that you name",
    "create": "a partner is created for it, whatever it looks like",
    "recreate": "a partner is created once more, under an id of its own",
    "ignore": "the record is left alone: no partner is looked for or created",
    "retry": "the same write is tried once more",
    "retire": "the partner is taken out of use in its system",
    "unlink": "the link is removed; what is left is matched anew, as at first contact",
}
"""Choice -> what the next run does with it."""

WHOLE: Final = ""
"""The property of a release that is about the record as a whole."""

_UNLINKED: Final[Mapping[str, tuple[str, ...]]] = {
    "ambiguous": ("link", "create", "ignore"),
    "duplicate": ("link", "create", "ignore"),
    "refused": ("retry", "link", "ignore"),
    "reference": ("link", "ignore"),
    "person": ("link", "ignore"),
    "required": ("link", "ignore"),
    "unfit": ("link", "ignore"),
    "doubt": ("link", "create", "recreate", "ignore"),
    "deleted": ("ignore",),
}
_LINKED: Final[Mapping[str, tuple[str, ...]]] = {
    "conflict": ("left", "right", "unlink"),
    "refused": ("retry", "unlink"),
    "reference": ("unlink",),
    "person": ("unlink",),
    "required": ("unlink",),
    "unfit": ("unlink",),
    "deleted": ("retire", "unlink"),
    "doubt": ("unlink",),
}


def choices(hold: Hold, *, linked: bool) -> tuple[str, ...]:
    """What makes sense for a hold, the likeliest first; () if it is not released by a choice (a brake, say).

    `linked`: whether its record has a partner.
    """
    return (_LINKED if linked else _UNLINKED).get(hold.cause, ())


def release_of(hold: Hold, choice: str, *, at_ms: int, value: Json = None) -> Release:
    """The release that a choice stands for; `value` is the id to link to.

    A side, or another try of a refused property, is about that property; everything else about the record.
    """
    of_property = choice in SIDES or choice == "retry"
    return Release(hold.key, hold.property if of_property else WHOLE, choice, hold.digest, value, at_ms)
