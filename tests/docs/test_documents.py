"""What the documents show exists: commands, options, files, headings, names."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from instep.cli import EXIT_CODES, instep

from .pages import PAGES, ROOT, blocks, name, prose

COMMANDS = [
    (f"{block}: {line[2:]}", line[2:])
    for block in blocks("console")
    for line in block.text.splitlines()
    if line.startswith("$ ")
]
OTHERS = {".", "export", "cd", "cp", "sqlite3", "pip", "pytest", "python"}
LINK = re.compile(r"\]\(([^)\s]+)\)")
MENTIONED = re.compile(r"`(instep [a-z][^`]*)`")


def parsed(words: list[str]) -> None:
    """Parse a command line as the program would, and do nothing. Raises ClickException."""
    command: click.Command = instep
    context = instep.make_context("instep", words, resilient_parsing=False)
    while isinstance(command, click.Group):
        rest = [*context._protected_args, *context.args]
        assert rest, f"{context.command_path} needs a command"
        found = command.get_command(context, rest[0])
        assert found is not None, f"{context.command_path} has no command {rest[0]}"
        command = found
        context = found.make_context(rest[0], rest[1:], parent=context)


@pytest.mark.parametrize("line", [line for _, line in COMMANDS], ids=[where for where, _ in COMMANDS])
def test_every_command_that_is_shown_can_be_given(line: str) -> None:
    words = shlex.split(line)
    if words[0] == "make":
        targets = (ROOT / "Makefile").read_text("utf-8")
        assert all(f"\n{target}:" in targets for target in words[1:])
    elif words[0] == "instep":
        parsed(words[1:])
    else:
        assert words[0] in OTHERS


def mentions() -> list[tuple[str, str]]:
    return [
        (name(page), found[1])
        for page in PAGES
        for found in MENTIONED.finditer(prose(page))
        if "docs/reference" not in name(page)
    ]


@pytest.mark.parametrize(("page", "text"), mentions())
def test_every_command_that_is_mentioned_exists(page: str, text: str) -> None:
    command: click.Command = instep
    for word in text.split()[1:]:
        if word.startswith("-"):
            spelled = {option for parameter in command.params for option in parameter.opts}
            top = {option for parameter in instep.params for option in parameter.opts}
            assert word in spelled | top | {"--help"}, f"{page}: {text}: no option {word}"
        elif isinstance(command, click.Group):
            found = command.get_command(click.Context(command), word)
            if found is None and command is instep and word.isupper():
                return
            assert found is not None, f"{page}: {text}: no command {word}"
            command = found


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text("utf-8")):
        if target.startswith(("http://", "https://")):
            continue
        place, _, heading = target.partition("#")
        file = (page.parent / place).resolve() if place else page
        assert file.exists(), f"{name(page)} links to {target}"
        if heading:
            assert heading in headings(file), f"{name(page)} links to {target}"


def headings(page: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them."""
    found = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", "-") for text in found}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_file_that_is_named_exists(page: Path) -> None:
    for path in re.findall(r"`((?:src|tests|docs|bench)/[\w./-]+)`", page.read_text("utf-8")):
        assert (ROOT / path).exists(), f"{name(page)} names {path}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_page_names_this_machine_or_a_registry(page: Path) -> None:
    text = page.read_text("utf-8")
    for word in ("/work/", "/tmp/", "/home/", "py" + "pi.", "npm" + "js.", "docker" + ".io"):
        assert word not in text, f"{name(page)} has {word}"


def test_the_exit_codes_of_the_readme_are_those_of_the_program() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert re.findall(r"^\| (\d+) \| (.+) \|$", readme, re.MULTILINE) == [
        (str(code), means) for code, means in EXIT_CODES.items()
    ]


def test_the_readme_opens_with_the_two_commands_that_show_it_all() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert readme.index("$ make demo") < readme.index("$ make test") < readme.index("## ")


def test_every_dependency_has_a_line_that_says_why() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(one for some in project["optional-dependencies"].values() for one in some),
    ]
    named = {re.split(r"[<>=\[;]", requirement)[0] for requirement in wanted}
    rows = re.findall(r"^\| (`[^|]+) \|", (ROOT / "DECISIONS.md").read_text("utf-8"), re.MULTILINE)
    assert {library for row in rows for library in re.findall(r"`([^`]+)`", row)} == named


def test_the_changelog_begins_with_the_version_that_is_built() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    released = re.findall(r"^## \[(\d[^\]]*)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert released[0] == project["version"]


BY_HAND = [page for page in PAGES if page.parent in (ROOT, ROOT / "docs" / "guide")]


@pytest.mark.parametrize("page", BY_HAND, ids=name)
def test_a_line_holds_one_sentence(page: Path) -> None:
    for line in prose(page).splitlines():
        if not line.startswith(("|", "    ", "#")):
            assert not re.search(r"[a-z)`]\.\*{0,2} [A-Z]", line), line
