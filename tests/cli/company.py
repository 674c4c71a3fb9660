"""A small company for the command line: both systems as processes, a site that connects them, and its commands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from instep.cli import instep
from instep.sandbox.launch import Running
from tests.warm import start

LONG_AGO_S = 1_760_000_000
LONG_AGO = "2025-10-09T08:53:20.000Z"
CHARGEBEE_KEY = "test_chargebee_key_of_the_company"
ERP_TOKEN = "test_erp_token_of_the_company"


@dataclass
class Company:
    """`run` is `instep -C DIRECTORY ...` in this process; `json` the same with --json, read."""

    directory: Path
    chargebee: Running
    erp: Running

    def run(self, *words: str, quiet: bool = True) -> Result:
        options = ["-q"] if quiet else []
        return CliRunner().invoke(instep, [*options, "-C", str(self.directory), *words])

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json").stdout)

    def init(self) -> None:
        """The site's files, with every key by reference to a file."""
        keys = self.directory / ".instep-sandbox"
        keys.mkdir(exist_ok=True)
        (keys / "chargebee.key").write_text(CHARGEBEE_KEY)
        (keys / "erp.key").write_text(ERP_TOKEN)
        state = {
            "chargebee": {"url": self.chargebee.url, "key_file": "chargebee.key"},
            "erp": {"url": self.erp.url, "key_file": "erp.key"},
        }
        (keys / "state.json").write_text(json.dumps(state))
        made = self.run("init", "--sandbox")
        assert made.exit_code == 0, made.output

    def customer(self, id: str, first: str, last: str, email: str, **more: Any) -> None:
        """A Chargebee customer that is there for long."""
        row = {"id": id, "first_name": first, "last_name": last, "email": email, **more}
        times = {"created_at": LONG_AGO_S, "updated_at": LONG_AGO_S}
        self.chargebee.load({"customers": [{**row, **times}]})

    def contact(self, id: str, given: str, family: str, email: str, **more: Any) -> None:
        """An ERP contact that is there for long."""
        row = {"id": id, "given_name": given, "family_name": family, "email": email, **more}
        times = {"created_at": LONG_AGO, "updated_at": LONG_AGO}
        self.erp.load({"contacts": [{**row, **times}]})

    def in_chargebee(self, id: str) -> dict[str, Any]:
        rows = self.chargebee.console("GET", "records/customers")["records"]
        return next(dict(row) for row in rows if row["id"] == id)

    def in_erp(self) -> dict[str, dict[str, Any]]:
        """ERP contacts by e-mail address."""
        return {row["email"]: row for row in self.erp.console("GET", "records/contacts")["records"]}

    def edit_erp(self, id: str, **fields: Any) -> None:
        self.erp.console("PATCH", f"contacts/{id}", fields)

    def edit_chargebee(self, id: str, **fields: Any) -> None:
        self.chargebee.console("PATCH", f"customers/{id}", fields)


@contextmanager
def company(directory: Path) -> Iterator[Company]:
    """Both systems with nothing in them, and the site's files; everything ends with the block."""
    options = ["--key", CHARGEBEE_KEY, "--switch", "rate_limit_per_min=0"]
    servers = directory / "servers"
    servers.mkdir(parents=True)
    with (
        start("chargebee", servers / "chargebee.db", options=options) as chargebee,
        start("erp", servers / "erp.db", options=["--token", ERP_TOKEN]) as erp,
    ):
        site = Company(directory, chargebee, erp)
        site.init()
        yield site
