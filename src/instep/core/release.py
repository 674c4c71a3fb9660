"""What a person can choose for a hold, and what each choice does. The engine honours no other.

To add a choice, add it here with its sentence and honour it in `decide` or `match`; the commands, the console
and their tests pick it up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from instep.core.model import SIDES, Both
from instep.core.state import Hold, Key, Link, Release
from instep.core.values import Json

SENTENCES: Final[Mapping[str, str]] = {
    "left": "the left side's value is written to the right; the other one is kept in the journal",
    "right": "the right side's value is written to the left; the other one is kept in the journal",
    "value": "the value that you give is written to both sides; theirs are kept in the journal",
    "restore": "the value that was overwritten is written to both sides; theirs are kept in the journal",
    "link": "the record is linked to the one that you name",
    "create": "a partner is created for it, whatever it looks like",
    "recreate": "a partner is created once more, under an id of its own",
    "leave": "nothing is written until one of its values changes",
    "apart": "kept apart for ever: a link is removed, and no partner is looked for or created",
    "retry": "what was held is written after all, or tried once more",
    "retire": "the partner is taken out of use in its system",
    "unlink": "the link is removed; what is left is matched anew, as at first contact",
    "release": "the next run makes the writes that the brake stopped: those that it has counted, and no others",
    "drop": "what the brake stopped is not written; each record stays as it is until it changes again",
}
"""Choice -> what the next run does with it."""

WHOLE: Final = ""
"""The property of a release that is about the record as a whole."""

PARTING: Final = ("unlink", "apart")
"""Choices about two linked records as a whole that remove their link."""

STANDING: Final = ("ignored", "undone", "fight", "reused")
"""Causes of holds that stand although nothing is unclear: a person's choice, or the engine's caution, keeps
what was decided from being written."""

GIVING: Final = ("value", "restore")
"""Choices of a value that both sides are to hold."""

_OF_PROPERTY: Final = (*SIDES, *GIVING, "leave", "retry")

_UNLINKED: Final[Mapping[str, tuple[str, ...]]] = {
    "ambiguous": ("link", "create", "leave", "apart"),
    "duplicate": ("link", "create", "leave", "apart"),
    "refused": ("retry", "link", "leave", "apart"),
    "reference": ("link", "leave", "apart"),
    "person": ("link", "leave", "apart"),
    "required": ("link", "leave", "apart"),
    "unfit": ("link", "leave", "apart"),
    "doubt": ("link", "create", "recreate", "apart"),
    "deleted": ("apart",),
    "ignored": ("retry", "link", "apart"),
    "brake": ("release", "drop"),
}
_LINKED: Final[Mapping[str, tuple[str, ...]]] = {
    "conflict": ("left", "right", "value", "leave", "unlink", "apart"),
    "refused": ("retry", "leave", "unlink", "apart"),
    "reference": ("leave", "unlink", "apart"),
    "person": ("leave", "unlink", "apart"),
    "required": ("leave", "unlink", "apart"),
    "unfit": ("leave", "unlink", "apart"),
    "deleted": ("retire", "leave", "unlink", "apart"),
    "doubt": ("unlink", "apart"),
    "ignored": ("retry", "left", "right", "unlink", "apart"),
    "undone": ("retry", "left", "right", "unlink", "apart"),
    "fight": ("left", "right", "leave", "unlink", "apart"),
    "reused": ("retry", "unlink", "apart"),
    "overwritten": ("restore", "value", "leave", "unlink", "apart"),
}
_WHOLE: Final[Mapping[str, tuple[str, ...]]] = {
    "undone": ("retry", "unlink", "apart"),
    "ignored": ("retire", "unlink", "apart"),
}
"""Of linked records as a whole: those whose making was undone, and those of which a deleted one is left alone."""


CAUSES: Final = tuple(dict.fromkeys((*_LINKED, *_UNLINKED)))
"""Why something can be held."""


def kept_apart(link: Link, at_ms: int) -> Both[Release]:
    """What keeps two records apart when their link is removed; the value of each names the other one."""
    return Both.of(
        lambda side: Release(
            Key(link.pair, side, link.ids[side]), WHOLE, "apart", "", link.ids[side.other], at_ms
        )
    )


def choices(hold: Hold, *, linked: bool) -> tuple[str, ...]:
    """What makes sense for a hold, the likeliest first; () if it is not released by a choice.

    `linked`: whether its record has a partner; a brake has no record.
    """
    if linked and hold.property == WHOLE and hold.cause in _WHOLE:
        return _WHOLE[hold.cause]
    if hold.cause == "brake" and hold.property == "empty":
        return ("release",)
    return (_LINKED if linked else _UNLINKED).get(hold.cause, ())


def release_of(hold: Hold, choice: str, *, at_ms: int, value: Json = None) -> Release:
    """The release that a choice stands for.

    `value`: the id to link to; for "value" and "restore" what `Given` makes of the value. A side, a value, or another
    try of a refused property is about that property; everything else about the record.
    """
    property = hold.property if choice in _OF_PROPERTY else WHOLE
    return Release(hold.key, property, choice, hold.digest, value, at_ms)
