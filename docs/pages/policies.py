"""The page of policies, from the registry of policies and the descriptions of a pair's keys."""

from __future__ import annotations

from docs.pages.markdown import code, sentence, table
from docs.pages.markdown import page as whole
from instep.core.brakes import KINDS
from instep.core.policy import POLICIES
from instep.dataflow.models import BrakesModel, PairModel

CREATE = {
    "both": "the missing partner is created, on whichever side it is missing",
    "left": "only on the left",
    "right": "only on the right",
    "none": "nowhere: records are linked if a partner is found, and left alone otherwise",
}
CREATING = {
    "always": "the missing partner is created there",
    "referred": "it is created there as soon as a record that is kept in step refers to it, and not before",
    "never": "it is never created there",
    "when": "it is created there for a record that meets the conditions: `{when: company}`",
}
ON_DELETE = {
    "hold": "the link is held until a person chooses; nothing is written",
    "retire": "the partner is taken out of use in its system's own way, if it was not edited since the two last "
    "agreed; where its system has no such way, or it was edited, it is held",
    "ignore": "the partner is left as it is, and the link is put to rest",
}
_DIRECTIONS = {
    "<->": ("both", "an edit on either side reaches the other"),
    "->": ("to-right", "the left side owns it; an edit on the right is overwritten, and kept in the journal"),
    "<-": ("to-left", "the right side owns it; an edit on the left is overwritten, and kept in the journal"),
}


def page() -> str:
    brakes = [
        (code(name), code(field.default), sentence(field.description or ""))
        for name, field in BrakesModel.model_fields.items()
    ]
    return whole(
        "Policies",
        "## Conflicts",
        "",
        "A conflict is a property that was edited on both sides since the two last agreed, to values that differ.",
        "`policy` can be said for the whole file, a pair, a group or a property; the nearest one counts.",
        "The value that loses is kept in the journal: `instep history` shows it as overruled.",
        "",
        *table(("policy", "what it does"), [(code(n), sentence(p.sentence)) for n, p in POLICIES.items()]),
        "## Directions",
        "",
        *table(
            ("arrow", "`direction`", "meaning"),
            [(code(arrow), code(name), sentence(about)) for arrow, (name, about) in _DIRECTIONS.items()],
        ),
        "## Creating",
        "",
        sentence(f"`create`: {PairModel.model_fields['create'].description}"),
        "",
        *table(("`create`", "meaning"), [(code(name), sentence(about)) for name, about in CREATE.items()]),
        "Where the two sides differ, `create` has a word for each: `create: {left: never, right: referred}`.",
        "",
        *table(("per side", "meaning"), [(code(name), sentence(about)) for name, about in CREATING.items()]),
        "## Deletes",
        "",
        sentence(f"`on_delete`: {PairModel.model_fields['on_delete'].description}"),
        "A delete is confirmed where the list itself marks the row as deleted, or where a record that is no longer "
        "listed can't be read twice while known others can.",
        "",
        *table(
            ("`on_delete`", "meaning"), [(code(name), sentence(about)) for name, about in ON_DELETE.items()]
        ),
        "## Brakes",
        "",
        "A brake trips when more records than its count, and more than its share, would be written with one kind of "
        "change within an hour; what earlier runs of that hour wrote counts too.",
        "It stops that kind on that pair before its first write, and is a hold until a person decides: "
        "`instep holds release ID --choose release`, or `drop`.",
        "`instep sync --release PAIR:KIND` lets all of a kind go for one run, and a kept plan that was approved "
        "is braked by nothing.",
        "",
        *table(("kind", "what is counted"), [(code(kind), sentence(what)) for kind, what in KINDS.items()]),
        *table(("`brakes`", "default", "meaning"), brakes),
    )
