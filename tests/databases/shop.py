"""A shop's database as a stranger finds it, and a Chargebee site, kept in step by what `instep init --sql` writes."""

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

from .company import Company, PostgresCompany
from .postgres import USER

KEY = "test_chargebee_key_of_the_shop"
LONG_AGO_S = 1_760_000_000
SHOP = """
CREATE TABLE clients (
  id {serial}, first_name varchar(60), last_name varchar(60) NOT NULL, company varchar(100),
  email varchar(100) UNIQUE, phone varchar(40), street varchar(100), postal_code varchar(20), city varchar(50),
  country varchar(2), currency varchar(3), payment_terms_days integer, vat_number varchar(20),
  loyalty_points integer NOT NULL DEFAULT 0, active boolean NOT NULL DEFAULT true, instep_ref varchar(64) UNIQUE,
  version integer NOT NULL DEFAULT 1, updated_at {time} NOT NULL DEFAULT {now},
  created_at {time} NOT NULL DEFAULT {now}
);
CREATE INDEX clients_updated ON clients (updated_at);
CREATE TABLE articles (
  id {serial}, sku varchar(40) NOT NULL UNIQUE, name varchar(80) NOT NULL, description varchar(500),
  price numeric(12,2), active boolean NOT NULL DEFAULT true, shelf varchar(10), instep_ref varchar(64) UNIQUE,
  version integer NOT NULL DEFAULT 1, updated_at {time} NOT NULL DEFAULT {now}
);
CREATE TABLE sales_orders (
  id {serial}, client_id integer NOT NULL REFERENCES clients (id), reference varchar(50), order_date date NOT NULL,
  delivery_date date,
  status varchar(20) NOT NULL DEFAULT 'draft'
    CHECK (status IN ('draft', 'confirmed', 'on_hold', 'shipped', 'delivered', 'returned', 'cancelled')),
  currency varchar(3), carrier varchar(50), note varchar(600), instep_ref varchar(64) UNIQUE,
  version integer NOT NULL DEFAULT 1, updated_at {time} NOT NULL DEFAULT {now}
);
CREATE TABLE sales_order_lines (
  id {serial}, sales_order_id integer NOT NULL REFERENCES sales_orders (id), line_no integer NOT NULL,
  article_id integer REFERENCES articles (id), description varchar(250), quantity numeric(12,3) NOT NULL,
  unit_price numeric(12,2) NOT NULL, tax_rate numeric(5,2)
);
CREATE TABLE sessions (token varchar(40), data varchar(100))
"""


@dataclass
class Shop:
    """`run` is `instep -C DIRECTORY ...`; `erp` is the database, seen by the shop's people."""

    directory: Path
    chargebee: Running
    erp: Company

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(instep, ["-q", "-C", str(self.directory), *words])

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json").stdout)

    def rest(self) -> None:
        """Let all rows be there for long: a new one waits as long as Chargebee's listing may trail behind."""
        for table in ("clients", "articles", "sales_orders"):
            self.erp.run(f"UPDATE {table} SET updated_at = '2025-10-09 08:53:20'")
        self.erp.run("UPDATE clients SET created_at = '2025-10-09 08:53:20'")

    def init(self) -> Result:
        """The site's files as the program proposes them, and the rights that it asks for."""
        keys = self.directory / ".instep-sandbox"
        keys.mkdir()
        (keys / "chargebee.key").write_text(KEY)
        server = {"url": self.chargebee.url, "key_file": "chargebee.key"}
        (keys / "state.json").write_text(json.dumps({"chargebee": server, "erp": server}))
        made = self.run("init", "--sandbox", "--currency", "EUR", *self.as_owner())
        if isinstance(self.erp, PostgresCompany):
            self._as_instep(self.erp)
        return made

    def as_owner(self) -> list[str]:
        """The options of a look by somebody who sees every table."""
        if isinstance(self.erp, PostgresCompany):
            url = self.erp.url.replace(f"//{USER}@", "//postgres@")
            return ["--sql", url, "--sql-password", "env:ERP_DB_PASSWORD"]
        return ["--sql", self.erp.url]

    def _as_instep(self, erp: PostgresCompany) -> None:
        """From now on with a user who may do what `instep sql grants` says."""
        place = self.directory / "erp.yaml"
        place.write_text(place.read_text().replace("//postgres@", f"//{USER}@"))
        printed = self.run("sql", "grants", "--user", USER).stdout
        for line in printed.splitlines():
            line = line.partition("is serial: ")[2] or line
            if not line.startswith(("--", "GRANT pg_")):
                erp.run(line)

    def customers(self) -> dict[str, dict[str, Any]]:
        rows = self.chargebee.console("GET", "records/customers")["records"]
        return {str(row["id"]): row for row in rows}

    def orders(self) -> list[dict[str, Any]]:
        return list(self.chargebee.console("GET", "records/orders")["records"])

    def customer(self, id: str, **fields: Any) -> None:
        times = {"created_at": LONG_AGO_S, "updated_at": LONG_AGO_S}
        self.chargebee.load({"customers": [{"id": id, **fields, **times}]})


@contextmanager
def shop(directory: Path, erp: Company) -> Iterator[Shop]:
    directory.mkdir(exist_ok=True)
    with start(
        "chargebee", directory / "chargebee.db", options=["--key", KEY, "--switch", "rate_limit_per_min=0"]
    ) as chargebee:
        yield Shop(directory, chargebee, erp)
