"""What a story asks at its end. Each check returns sentences about broken laws, [] if all is well."""

from __future__ import annotations

from collections import Counter

from instep.core.model import SIDES, Side
from instep.core.values import Json
from tests.runner.site import LEFT, Site

from .laws import broken

ID = "company"


def must(law: str, so: object, what: str) -> list[str]:
    """The sentence that says that a law is broken, unless something is as it must be."""
    return [] if so else [broken(law, what)]


def twice(site: Site, kind: str = ID) -> list[str]:
    """Promise 7: no two live records of a side have one address, unless people entered both."""
    found = []
    for side in SIDES:
        system = site.systems[side]
        made = {id for operation, id, _ in site.written(side) if operation == "create"}
        mails = Counter(str(system.fields(kind, id).get("mail")).lower() for id in system.ids(kind))
        for id in system.ids(kind):
            mail = str(system.fields(kind, id).get("mail")).lower()
            if id in made and mails[mail] > 1:
                found.append(broken("7", f"{mail} is there {mails[mail]} times on the {side}"))
    return found


def unlike(site: Site, **values: Json) -> list[str]:
    """Promise 1: every live record of both sides has these values, called by their left names."""
    found = []
    for side in SIDES:
        system = site.systems[side]
        for id in system.ids(ID):
            for name, wanted in values.items():
                path = name if side is LEFT else {"name": "title", "city": "town"}.get(name, name)
                value = system.fields(ID, id).get(path)
                if value != wanted:
                    found.append(broken("1", f"{path} of {id} on the {side} is {value!r}, not {wanted!r}"))
    return found


def lost(site: Site, *values: str) -> list[str]:
    """Promise 3: each value stands in one of the systems, or in the journal."""
    journal = " ".join(str(entry.changes) for entry in site.journal())
    shown = [
        site.systems[side].fields(ID, id).values() for side in SIDES for id in site.systems[side].ids(ID)
    ]
    there = {value for fields in shown for value in fields}
    return [
        broken("3", f"{value} left no trace")
        for value in values
        if value not in there and f"'{value}'" not in journal
    ]


def retired(site: Site, side: Side, id: str) -> bool:
    """Whether a record is out of use, or gone."""
    return id not in site.systems[side].ids(ID) or site.fields(side, id)["active"] is False
