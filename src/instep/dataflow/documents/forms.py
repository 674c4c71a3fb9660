"""The sentences that our own documents state a dataflow in, each written and read by the same form.

A form is a sentence with slots: `{name}` for one name or value, `{names*}` for one or more, `{Side}` (with a capital)
for a system as people call it, `{rest~}` for words that only explain. To state more of a dataflow, add a form here,
write it in `stating`, read it in `own_reader`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Final, TypeAlias

from instep.core.model import Both
from instep.dataflow.documents.page import Code, Text, joined, text

FORMS: Final[Mapping[str, str]] = {
    "systems": "It keeps {left}, the left side, and {right}, the right side, in step.",
    "pair": "Pair {pair}: records {left} of {Left} and records {right} of {Right} are the same things, one to one.",
    "where": "Only records of {Side} that meet all of these belong here: {conditions*}.",
    "create_always": "Where a record {source} of {Side} has no partner, Instep makes a record {target} in {Target}.",
    "create_by_hand": "Where a record {source} of {Side} has no partner, a person is asked for a record {target} in "
    "{Target}, which can't be made through its API.",
    "create_when": "Where a record {source} of {Side} has no partner and meets all of {conditions*}, Instep makes a "
    "record {target} in {Target}.",
    "create_referred": "Where a record {source} of {Side} has no partner, Instep makes a record {target} in {Target} "
    "as soon as a record that is kept in step refers to it.",
    "create_never": "Where a record {source} of {Side} has no partner, it is left alone: Instep makes no record "
    "{target} in {Target}.",
    "id": "A record {entity} that Instep makes in {Side} gets an id made from its partner's: {template}.",
    "constant": "A record {entity} that Instep makes in {Side} gets {value} in {path}.",
    "match": "Records that were made apart are taken for the same where these are equal: {properties*}.",
    "match_none": "Nothing tells whether records that were made apart are the same.",
    "policy": "What both sides changed since they last agreed is decided by {policy}: {rest~}",
    "delete": "What one side deletes is dealt with by {on_delete}: {rest~}",
    "clear": "What one side empties is emptied on the other side too, like any other edit.",
    "brakes": "Within an hour a person is asked before more of these happens than the count and the share of what is "
    "linked: {limits*}.",
    "brakes_usual": "The usual brakes ask a person before a run that would do unusually much.",
    "group": "In a conflict these win or lose together, as the group {group}: {properties*}.",
    "required": "No record is made before {property} has a value.",
    "required_when": "No record is made for one of {Side} that meets all of {conditions*} before {property} has a "
    "value.",
    "when": "{property} is kept in step only where the record of {Side} meets all of these: {conditions*}.",
    "default": "A record that is made in {Side} gets {value} for {property} where the other side has nothing.",
    "inside": "Inside {properties*}:",
}

Values: TypeAlias = Mapping[str, "str | Sequence[str]"]

_SLOT: Final = re.compile(r"\{(\w+)([*~]?)\}")


def said(form: str, values: Values) -> Text:
    """The sentence of a form; a value is one text, or several for a slot with a star."""
    found: list[str | Code] = []
    for words, slot, kind in _pieces(FORMS[form]):
        value = values[slot] if slot else ""
        found.append(words)
        if not isinstance(value, str):
            found += joined(list(value))
        else:
            found.append(Code(value) if slot and kind != "~" and not slot[0].isupper() else value)
    return text(*found)


def understood(sentence: Text, systems: Both[str]) -> tuple[str, Values] | None:
    """The form that a sentence has, and what stands in its slots; None if it has none of them."""
    codes = [piece.text for piece in sentence if isinstance(piece, Code)]
    number = iter(range(len(codes)))
    flat = "".join(piece if isinstance(piece, str) else f"\0{next(number)}\0" for piece in sentence)
    for form, template in FORMS.items():
        found = _reader(template, systems.left, systems.right).fullmatch(flat)
        if found is not None:
            slots = [(slot, kind) for _, slot, kind in _pieces(template) if slot]
            return form, {slot: _value(kind, found[slot], codes) for slot, kind in slots}
    return None


def _value(kind: str, matched: str, codes: Sequence[str]) -> str | list[str]:
    named = [codes[int(number)] for number in re.findall("\0(\\d+)\0", matched)]
    return named if kind == "*" else named[0] if named and kind != "~" else matched


@cache
def _reader(template: str, left: str, right: str) -> re.Pattern[str]:
    pattern = ""
    for words, slot, kind in _pieces(template):
        pattern += re.escape(words)
        if kind == "~":
            pattern += f"(?P<{slot}>.*)"
        elif slot and slot[0].isupper():
            pattern += f"(?P<{slot}>{re.escape(left)}|{re.escape(right)})"
        elif slot:
            more = "(?:, \0\\d+\0)*" if kind == "*" else ""
            pattern += f"(?P<{slot}>\0\\d+\0{more})"
    return re.compile(pattern, re.DOTALL)


def _pieces(template: str) -> Iterator[tuple[str, str, str]]:
    """Words, and the slot after them with its kind; the last words have none."""
    at = 0
    for found in _SLOT.finditer(template):
        yield template[at : found.start()], found[1], found[2]
        at = found.end()
    yield template[at:], "", ""
