"""The page of commands, from the click commands themselves."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import cleandoc
from textwrap import dedent

import click

from docs.pages.markdown import code, sentence, table
from docs.pages.markdown import page as whole
from instep.cli import COMMANDS, EXIT_CODES, instep


def every() -> Iterator[tuple[str, click.Command]]:
    """Every command by its full name ("holds list"), groups before what they hold."""
    context = click.Context(instep, info_name="instep")
    for name in COMMANDS:
        command = instep.get_command(context, name)
        if command is not None:
            yield from _with_inner(name, command)


def _with_inner(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        for inner in sorted(command.commands):
            yield from _with_inner(f"{name} {inner}", command.commands[inner])


def page_lines() -> Iterator[str]:
    yield "`instep` alone, or any command with `--help`, prints the same."
    yield ""
    yield "## Options of every command"
    yield ""
    yield "They stand before the command: `instep -C acme plan`."
    yield ""
    yield from _parameters(instep)
    for name, command in every():
        yield from _section(name, command)
    yield "## Exit codes"
    yield ""
    yield from table(("code", "means"), [(str(number), means) for number, means in EXIT_CODES.items()])


def page() -> str:
    return whole("Commands", *page_lines())


def _section(name: str, command: click.Command) -> Iterator[str]:
    yield f"## instep {name}"
    yield ""
    for paragraph in cleandoc(command.help or "").split("\n\n"):
        if paragraph.startswith("\b\n"):  # lines that stand as they are
            yield from ("```text", *dedent(paragraph.removeprefix("\b\n")).splitlines(), "```", "")
        else:
            yield from (sentence(paragraph), "")
    if isinstance(command, click.Group):
        return
    context = click.Context(command, info_name=f"instep {name}")
    usage = " ".join(command.collect_usage_pieces(context))
    yield from ("```", f"instep {name} {usage}", "```", "")
    yield from _parameters(command)


def _parameters(command: click.Command) -> list[str]:
    context = click.Context(command)
    rows = []
    for option in command.params:
        if not isinstance(option, click.Option) or option.hidden:
            continue
        value = "" if option.is_flag else f" {option.make_metavar(context)}"
        spelled = ", ".join(code(f"{name}{value}") for name in option.opts)
        default = option.default
        shown = option.show_default and default is not None
        rows.append((spelled, sentence(option.help or "") + (f" Default: {code(default)}." if shown else "")))
    return table(("option", "meaning"), rows) if rows else []
