"""How the id, or the external reference, of a record that Instep makes tells which record it is the copy of.

Both are made from the source record's id by the pair's template, so that a create that is repeated after a
crash asks for the same one, and a lost link is recognised without any match key.
"""

from __future__ import annotations

import re

from instep.core.values import digest

_ALLOWED = re.compile(r"[A-Za-z0-9._-]+")
_AGAIN = re.compile(r"(.+)-(?:[2-9]|[1-9]\d+)")


def made_id(template: str, source_id: str, *, generation: int, max_length: int) -> str:
    """The id or reference for the copy of `source_id`; a re-creation (generation > 0) gets one of its own.

    A result that is too long, or has characters that not every system takes in an id, is replaced by a digest
    of it: still the same for the same source, no longer readable.
    """
    made = template.replace("{id}", source_id)
    if generation:
        made = f"{made}-{generation + 1}"
    if is_id(made, max_length):
        return made
    return f"instep-{digest(made)}"[:max_length]


def is_id(value: object, max_length: int) -> bool:
    """Whether a value can be an id as it is, in every system."""
    return isinstance(value, str) and len(value) <= max_length and _ALLOWED.fullmatch(value) is not None


def claimed_id(template: str, made: str) -> list[str]:
    """The source ids that a record with this id or reference may be the copy of, the likeliest first."""
    before, _, after = template.partition("{id}")
    again = _AGAIN.fullmatch(made)
    forms = [made, again.group(1)] if again else [made]
    return [
        form[len(before) : len(form) - len(after)]
        for form in forms
        if form.startswith(before) and form.endswith(after) and len(form) > len(before) + len(after)
    ]
