"""The page of holds: causes in our words, choices from the code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from docs.pages.markdown import code, codes, sentence, table
from docs.pages.markdown import page as whole
from instep.core.model import Side
from instep.core.release import SENTENCES, choices
from instep.core.state import Hold, Key

CAUSES: Final[Mapping[str, tuple[str, str]]] = {
    "conflict": (
        "both sides edited a property and no policy decides",
        "an address was changed in both systems, within a second",
    ),
    "ambiguous": (
        "a record without a partner has more than one candidate",
        "two contacts in the ERP share the e-mail address of one Chargebee customer",
    ),
    "duplicate": (
        "it may be the same as a record that has a partner already, or share its match value with another",
        "a second Chargebee customer with the e-mail address of a linked one",
    ),
    "refused": (
        "the system looked at the write and said no",
        "the ERP knows no payment terms of 45 days",
    ),
    "reference": (
        "it refers to a record that has no partner yet; it goes on by itself as soon as that one has",
        "an order whose customer is held",
    ),
    "person": (
        "the other system's API can't do it at all, so a person has to",
        "a new ERP customer needs a business entity, which no API of Chargebee's can create",
    ),
    "deleted": (
        "its partner was deleted, and the pair says to ask; or it was edited since, and an edit outlives a delete",
        "a contact was deleted in the ERP",
    ),
    "required": (
        "a new record needs a value that the other side has not got",
        "an ERP product without a name",
    ),
    "unfit": (
        "a value can't be read, or does not fit the other side",
        "an item family that is in no line of the lookup",
    ),
    "doubt": (
        "it is not known whether a create was applied, and nothing in the system can tell",
        "an ERP without a reference field stopped answering in the middle of a create",
    ),
    "ignored": (
        "a person chose to leave the values, or the record, as they are until one of them changes",
        "a difference in the spelling of a name that both departments want to keep",
    ),
    "undone": (
        "the run that wrote it was undone, and it is not written again at once",
        "a wrong import was taken back with `instep undo`",
    ),
    "fight": (
        "another program keeps changing back what Instep writes",
        "a nightly job of the ERP that resets the language of every contact",
    ),
    "reused": (
        "the id of a linked record stands for another record now",
        "a product was deleted in the ERP, and a new one was given its number",
    ),
    "overwritten": (
        "an edit was replaced by a write of Instep that had not seen it, which the system's log told afterwards;"
        " nothing waits for it",
        "a customer's name was changed in Chargebee in the instant in which the ERP's name was written",
    ),
    "brake": (
        "more of one kind of change would be written to a pair than is made without asking; it holds all of them",
        "an import has emptied the phone number of half of the contacts",
    ),
}
"""Cause -> what it means, and an example."""


def page() -> str:
    return whole(
        "Holds",
        "A hold is one record or one property that waits for a person; everything else of the run goes on.",
        "It goes away by itself as soon as it no longer applies: the value was corrected, the record was linked.",
        "`instep holds list` shows them, `instep holds show ID` one of them with both values.",
        "`instep holds release` answers.",
        "",
        "## Causes",
        "",
        *table(
            ("cause", "meaning", "for example"),
            [(code(name), sentence(means), sentence(example)) for name, (means, example) in CAUSES.items()],
        ),
        "## Choices",
        "",
        "`instep holds release ID` with `--take left` or `--take right`, `--value VALUE`, `--link OTHER_ID`, or"
        " `--choose CHOICE` for any other; the next run acts on it.",
        "A choice counts for the values that it was made for: if they change first, Instep asks again.",
        "",
        *table(("choice", "what the next run does"), [(code(n), sentence(s)) for n, s in SENTENCES.items()]),
        "## Which choice fits which cause",
        "",
        *table(
            ("cause", "record without a partner", "linked record"),
            [(code(name), _fitting(name, linked=False), _fitting(name, linked=True)) for name in CAUSES],
        ),
        "What can't be done is not offered: no value for a group of properties, which are decided together, and no"
        " `retire` where the system can't put such a record out of use; `apart` keeps it as it is then.",
        "Where there is no choice, mending the cause in the system that the hold names is the answer.",
    )


def _fitting(cause: str, *, linked: bool) -> str:
    hold = Hold(Key("pair", Side.LEFT, "id"), "", cause, "")
    return codes(choices(hold, linked=linked)) or "none"
