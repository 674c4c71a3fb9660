"""The command line of the ERP and how its parts are put together.

python -m instep.sandbox erp --db erp.db --token-env ERP_TOKEN --setting list_lag_ms=2000
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from pydantic import ValidationError
from starlette.types import ASGIApp

from instep.sandbox.erp.api import create_app
from instep.sandbox.erp.books import Books
from instep.sandbox.erp.identity import Identity
from instep.sandbox.erp.sender import Sender
from instep.sandbox.kit import Documents, Kit

DEFAULT_TOKEN = "test_token"  # noqa: S105 - a sandbox on loopback, no secret


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--token", default=DEFAULT_TOKEN, help="the one secret: token, password, API key")
    parser.add_argument("--token-env", metavar="NAME", help="take it from this environment variable")
    parser.add_argument(
        "--setting",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="VALUE is JSON; kept in the file",
    )


def build(options: argparse.Namespace) -> ASGIApp:
    """Raises SystemExit with a sentence for what the command line got wrong."""
    token = options.token
    if options.token_env:
        token = os.environ.get(options.token_env, "")
        if not token:
            raise SystemExit(f"the environment variable {options.token_env} is not set")
    settings = {}
    for text in options.setting:
        name, _, value = text.partition("=")
        try:
            settings[name] = json.loads(value)
        except ValueError:
            raise SystemExit(
                f'--setting {text}: the value is not JSON, such as true, 5 or ["basic"]'
            ) from None
    return application(options.db, token, settings)


def application(
    db: Path | str, token: str = DEFAULT_TOKEN, settings: dict[str, object] | None = None
) -> ASGIApp:
    """The ERP on the file `db`. Raises SystemExit for a wrong setting."""
    kit = Kit()
    books = Books(Documents(db), kit.clock)
    if settings:
        try:
            books.change_settings(settings)
        except ValidationError as error:
            raise SystemExit(f"--setting: {error}") from None
    sender = Sender(books, token)
    return kit.wrap(create_app(books, Identity(token, kit.clock), kit, sender.sending))
