"""The page of what an audit can find, from the core's table of kinds."""

from __future__ import annotations

from docs.pages.markdown import code, sentence, table
from docs.pages.markdown import page as whole
from instep.core.drift import KINDS


def page() -> str:
    return whole(
        "Drift",
        "Drift is a difference that nobody knew of: nothing waits to look at it, and nothing is held for it.",
        "`instep audit` finds it, and `instep audit --json` tells it under these names.",
        "",
        *table(
            ("kind", "the record", "what can be done"),
            [
                (code(name), sentence(kind.means), sentence(kind.fix or kind.leads_to))
                for name, kind in KINDS.items()
            ],
        ),
    )
