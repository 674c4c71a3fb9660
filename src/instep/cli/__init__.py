"""The command line: words in, words out. It decides nothing about records; `instep.site` and the runner do.

A command is a module of this package with a click command called `command`, and a line in `COMMANDS`. Only the
module of the command that was asked for is imported, so that `instep --help` answers at once. A command takes
the `Terminal` with `@click.pass_obj`, raises an `InstepError` for what a person can mend, and returns its exit
code (None is 0).
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from instep.cli.terminal import Terminal
from instep.cli.trouble import report_trouble
from instep.errors import InstepError

COMMANDS: Final[Mapping[str, str]] = {
    "init": "Write the files of a new site.",
    "check": "Look for mistakes in the files and at the systems.",
    "suggest": "Which fields most likely mean the same.",
    "plan": "Show what a sync would do, without doing it.",
    "sync": "Bring both systems in step.",
    "serve": "Keep both in step day and night, with a console.",
    "notify": "Whether those who are to be told can be told.",
    "webhooks": "Let Chargebee tell by itself when a record changes.",
    "status": "How far each pair is in step.",
    "explain": "Why a record is or is not in step.",
    "holds": "What waits for a person, and the person's choice.",
    "links": "Which records are the same thing.",
    "document": "What is kept in step, as a document with a checklist.",
    "qa": "Run the document's checklist against the systems.",
    "audit": "Compare both systems fully, and tell what nobody knew of.",
    "sql": "Triggers and rights in an ERP's database.",
    "undo": "Take back what a run wrote.",
    "history": "Every write that was meant, and what came of it.",
    "forget": "Erase one person's values from the store.",
    "rest": "Try one call of a described API.",
    "new-connector": "Begin a connector of your own.",
    "sandbox": "Two systems on this machine to try things with.",
    "demo": "See it all work, in a minute, with the sandbox.",
}
"""Name of a command -> its sentence in `instep --help`; the module is `instep.cli.<name>`, with _ for -."""

STOPPED: Final = 130

EXIT_CODES: Final[Mapping[int, str]] = {
    0: "all is done, nothing waits for a person",
    1: "unexpected trouble, or a mistake of ours",
    2: "the command or the configuration is wrong",
    3: "done, but something is held, failing, braked or not as it was written: it needs a person",
    4: "a system said stop: wrong key, missing right, blocked",
    5: "the store can't be used",
    STOPPED: "stopped by Ctrl-C; what was done is kept",
}


class Program(click.Group):
    """The group of all commands: imports them when they are asked for, and turns errors into exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        found = importlib.import_module(f"instep.cli.{cmd_name.replace('-', '_')}").command
        if not isinstance(found, click.Command):
            raise TypeError(f"instep.cli.{cmd_name}.command is not a click command")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in EXIT_CODES.items()])

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        """Run a command and end the process with its exit code; never a traceback on the terminal."""
        extra["standalone_mode"] = False
        terminal = extra.setdefault("obj", Terminal())
        try:
            code = super().main(args, *rest, **extra)
        except click.ClickException as error:
            error.show()
            code = 2
        except (click.Abort, KeyboardInterrupt):
            terminal.warn("stopped")
            code = STOPPED
        except InstepError as error:
            terminal.warn(str(error))
            code = error.exit_code
        except Exception as error:  # noqa: BLE001 - the last resort: told in a sentence, kept in a file
            report_trouble(error, terminal)
            code = 1
        sys.exit(code if isinstance(code, int) else 0)


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-C",
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Directory of instep.yaml; the current one if it isn't given.",
)
@click.option("-q", "--quiet", is_flag=True, help="No progress and no hints; results and errors only.")
@click.version_option(package_name="instep", prog_name="instep")
@click.pass_obj
def instep(terminal: Terminal, directory: Path, quiet: bool) -> None:
    """Keeps a Chargebee site and a company's own ERP in step, in both directions.

    Begin with: instep init, instep check, instep plan, instep sync.
    """
    terminal.directory, terminal.quiet = directory, quiet


def main() -> None:
    """The `instep` command."""
    instep.main()
