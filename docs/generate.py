"""The reference under `docs/reference`, and the document of the default dataflow under `docs/document`, made from the
code: `make docs` writes them, a test compares them.

To add a page, add a module to `docs/pages` and a line to `PAGES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from docs.pages import api, commands, drift, holds, mapping, policies, settings, systems, transformations
from docs.pages.systems import entities
from instep.connectors.sql import reference as sql_reference
from instep.core.model import Both
from instep.dataflow.build import parse_dataflow
from instep.dataflow.documents.formats import files_of
from instep.dataflow.documents.writing import page_of
from instep.dataflow.scaffold import default_dataflow

DIRECTORY: Final = Path(__file__).parent / "reference"
DOCUMENT: Final = Path(__file__).parent / "document"


class Page(NamedTuple):
    """What a page is about, in a sentence for the index, and how it is made."""

    about: str
    make: Callable[[], str]


PAGES: Final[Mapping[str, Page]] = {
    "commands.md": Page("Every command with its options, and the exit codes.", commands.page),
    "mapping.md": Page(
        "What is kept in step by default, property by property, and what can't be mapped and why.",
        mapping.page,
    ),
    "transformations.md": Page("How a value is turned into the other side's terms.", transformations.page),
    "policies.md": Page("Who wins a conflict, and what a pair may create and retire.", policies.page),
    "holds.md": Page("What waits for a person, why, and what the person can choose.", holds.page),
    "drift.md": Page("What an audit can find, and what can be done about it.", drift.page),
    "dataflow.md": Page("Every key of `dataflow.yaml`.", settings.dataflow_page),
    "instep.md": Page("Every key of `instep.yaml`.", settings.site_page),
    "api.md": Page("Every call of the HTTP API of `instep serve`.", api.api_page),
    "chargebee.md": Page(
        "The entities of the Chargebee connector: every field, and who may write it.", systems.chargebee_page
    ),
    "database.md": Page("Every key of the description of a database.", sql_reference.reference),
    "custom-erp.md": Page("The same of the sample ERP, as `erp.yaml` describes it.", systems.erp_page),
}

_BY_HAND: Final = (
    ("../rest-description.md", "Every key of `erp.yaml`, the description of an ERP's API."),
    ("../chargebee.md", "What Instep does on a Chargebee site, can't do, and takes for granted."),
)


def index() -> str:
    """The page that names all others."""
    lines = [
        "# Reference",
        "",
        "These pages are made from the code by `make docs`; edit the code, not them.",
        "",
    ]
    lines += [f"- [{name}]({name}): {page.about}" for name, page in PAGES.items()]
    lines += [
        f"- [{Path(place).name}]({place}): {about}"
        for place, about in _BY_HAND
        if (DIRECTORY / place).resolve().exists()
    ]
    return "\n".join(lines) + "\n"


def reference() -> dict[str, str]:
    """Name of a page under `docs/reference` -> its text."""
    return {"README.md": index(), **{name: page.make() for name, page in PAGES.items()}}


def document() -> dict[str, str]:
    """Name of a file under `docs/document` -> its text: what `instep document` writes of the default dataflow."""
    page = page_of(parse_dataflow(default_dataflow()), entities(), Both("Chargebee", "Custom ERP"))
    names = ("dataflow.rst", "dataflow.html")
    return {name: text for file in names for name, text in files_of(page, file).items()}


def write() -> None:
    """Write every page."""
    for directory, files in ((DIRECTORY, reference()), (DOCUMENT, document())):
        directory.mkdir(exist_ok=True)
        for name, text in files.items():
            (directory / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
