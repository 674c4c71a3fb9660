"""The generated reference says what the code does, and all of it."""

from __future__ import annotations

from pathlib import Path

from docs.checklist import PAGES as CHECKLISTS
from docs.generate import DIRECTORY, DOCUMENT, PAGES, document, reference
from docs.pages import holds, policies
from docs.pages.commands import every
from docs.pages.mapping import IMPOSSIBLE
from instep.cli import COMMANDS
from instep.core import release
from instep.core.model import Side
from instep.core.policy import POLICIES
from instep.core.release import SENTENCES, choices
from instep.core.state import Hold, Key
from instep.core.transformations.registry import MAKERS
from instep.dataflow.models import PairModel, SidesOfCreating


def test_the_committed_pages_are_those_of_the_code() -> None:
    committed = {path.name: path.read_text("utf-8") for path in DIRECTORY.glob("*.md")}
    assert committed == reference(), "run: make docs"


def test_the_committed_document_is_that_of_the_default_dataflow() -> None:
    run = {Path(page).stem for page in CHECKLISTS}
    committed = {path.name: path.read_text("utf-8") for path in DOCUMENT.iterdir() if path.stem not in run}
    assert committed == document(), "run: make docs"


def test_every_command_and_option_has_its_place() -> None:
    page = reference()["commands.md"]
    names = [name for name, _ in every()]
    assert set(COMMANDS) <= set(names)
    for name, command in every():
        assert f"## instep {name}\n" in page
        for parameter in command.params:
            for spelled in parameter.opts if parameter.param_type_name == "option" else ():
                assert spelled in page


def test_every_transformation_and_policy_has_its_place() -> None:
    pages = reference()
    assert all(f"## {name}\n" in pages["transformations.md"] for name in MAKERS)
    assert all(f"| `{name}` |" in pages["policies.md"] for name in POLICIES)


def test_every_cause_of_a_hold_that_a_person_can_answer_is_explained() -> None:
    answered = {
        cause
        for cause in holds.CAUSES
        if any(
            choices(Hold(Key("p", Side.LEFT, "1"), "", cause, ""), linked=linked) for linked in (True, False)
        )
    }
    assert answered == set(release.CAUSES)


def test_every_choice_is_offered_for_some_cause() -> None:
    page = reference()["holds.md"]
    table = page[page.index("## Which choice") :]
    assert all(f"`{name}`" in table for name in SENTENCES)


def test_the_words_of_create_and_delete_are_those_of_the_model() -> None:
    schema = PairModel.model_json_schema()["properties"]
    plain, *_ = schema["create"]["anyOf"]
    assert set(policies.CREATE) == set(plain["enum"])
    words, *_ = SidesOfCreating.model_json_schema()["properties"]["left"]["anyOf"]
    assert set(policies.CREATING) == {*words["enum"], "when"}
    assert set(policies.ON_DELETE) == set(schema["on_delete"]["enum"])


def test_what_can_not_be_mapped_says_why_and_what_happens_instead() -> None:
    assert len(IMPOSSIBLE) == len({what for what, _, _ in IMPOSSIBLE})
    assert all(all(len(cell) > 2 for cell in row) for row in IMPOSSIBLE)


def test_the_index_names_every_page() -> None:
    index = reference()["README.md"]
    assert all(f"]({name})" in index for name in PAGES)


def test_examples_in_the_help_of_a_command_stand_line_by_line() -> None:
    page = (DIRECTORY / "commands.md").read_text("utf-8")
    assert "\ninstep rest try contact list\ninstep rest try contact read 1001\n" in page
    assert "\ninstep suggest contact --accept all --least 0.8\n" in page
    assert "\b" not in page
