"""A live look at a Tryton, for `instep check`. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping

from instep.connectors.tryton.names import Names
from instep.connectors.tryton.reading import Reader
from instep.connectors.tryton.rpc import Rpc
from instep.connectors.tryton.settings import Settings
from instep.errors import InstepError, Problem


async def look(
    system: str, rpc: Rpc, settings: Settings, readers: Mapping[str, Reader]
) -> tuple[list[Problem], list[str]]:
    """Problems, and sentences worth knowing. Raises nothing that it can report."""
    problems: list[Problem] = []
    notes: list[str] = []
    try:
        context = await rpc.context()
    except InstepError as error:
        return [_problem(error)], notes
    if not isinstance(context.get("company"), int):
        problems.append(
            Problem(
                "", 0, 0, f"{system}: the user {settings.user} works for no company",
                "prices, payment terms and sales belong to a company",
                "give the user a company in Tryton (Administration > Users)",
            )
        )  # fmt: skip
    try:
        problems += await _conventions(system, rpc, settings)
    except InstepError as error:
        problems.append(_problem(error))
    for name, reader in readers.items():
        try:
            async for page in reader.pages(None):
                many = "" if page.last else " or more"
                notes.append(f"{name}: {len(page.records)}{many} records")
                break
        except InstepError as error:
            problems.append(_problem(error))
    return problems, notes


async def _conventions(system: str, rpc: Rpc, settings: Settings) -> list[Problem]:
    """What has to be there under the names of the configuration."""
    wanted = [
        ("party.category", settings.customer_category, "party category", "customer_category"),
        ("party.category", settings.contact_category, "party category", "contact_category"),
        ("party.relation.type", settings.relation, "type of party relation", "relation"),
    ]
    return [
        Problem(
            "", 0, 0, f"{system} has no {what} {name!r}",
            "it tells customers and contacts among the parties, and who belongs to whom",
            f"make it in Tryton, or give the name of another one as {setting} in instep.yaml",
        )
        for model, name, what, setting in wanted
        if await Names(rpc, model, "name").find(name) is None
    ]  # fmt: skip


def _problem(error: InstepError) -> Problem:
    return Problem("", 0, 0, error.what, error.why, error.fix)
