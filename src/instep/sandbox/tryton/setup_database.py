"""Fill a fresh Tryton database with what a small company has before its first sale. Run by `install`, with the
interpreter of Tryton's own environment:

    python setup_database.py CONFIGURATION DATABASE PASSWORDS

PASSWORDS is a JSON file {"sync": ..., "person": ...}: of the login that Instep uses, and of one who works in
Tryton. This is the one file that imports Tryton, which is a program of its own (GPL-3); nothing imports it.
Nothing in here depends on the day: a database that is made once can be copied for years.
"""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from proteus import Model
from proteus import config as proteus_config
from trytond.modules.account.tests.tools import create_chart, create_tax, get_accounts
from trytond.modules.company.tests.tools import create_company, get_company
from trytond.modules.currency.tests.tools import get_currency

COUNTRIES = {
    "AT": "Austria", "BE": "Belgium", "BR": "Brazil", "CH": "Switzerland", "DE": "Germany", "DK": "Denmark",
    "ES": "Spain", "FI": "Finland", "FR": "France", "GB": "United Kingdom", "GR": "Greece", "IE": "Ireland",
    "IN": "India", "IS": "Iceland", "IT": "Italy", "JP": "Japan", "NL": "Netherlands", "NO": "Norway",
    "PL": "Poland", "PT": "Portugal", "SE": "Sweden", "US": "United States",
}  # fmt: skip
CURRENCIES = {"NOK": "0.01", "SEK": "0.01", "GBP": "0.01", "USD": "0.01", "JPY": "1"}
TAX_PERCENT = ("6", "8", "10", "12", "13", "14", "15", "17", "18", "19", "20", "21", "22", "23", "24", "25")
TERM_DAYS = (0, 14, 30, 45, 60, 90)
LANGUAGES = {
    "da": "Dansk", "el": "Ελληνικά", "is": "Íslenska", "ja": "日本語", "nb": "Norsk bokmål", "sv": "Svenska",
}  # fmt: skip
"""Beside those that Tryton brings along."""
ACCOUNTING_CATEGORIES = ("Sensors", "Spare parts", "Services", "Subscriptions")
GROUPS = (
    "Party Administration",
    "Product Administration",
    "Account Product Administration",
    "Sales",
    "Sales Administrator",
    "Accounting",
)


def main(configuration: str, database: str, passwords: Path) -> None:
    proteus_config.set_trytond(f"sqlite:///{database}", user="admin", config_file=configuration)
    secrets = json.loads(passwords.read_text("utf-8"))
    create_company(party=_new("party.party", name="Nordlys AS"), currency=get_currency("EUR"))
    create_chart()
    _lands()
    _books()
    _people(secrets)


def _lands() -> None:
    for code, name in COUNTRIES.items():
        _new("country.country", code=code, name=name)
    for code, rounding in CURRENCIES.items():
        currency = get_currency(code)
        currency.rounding = Decimal(rounding)
        currency.digits = len(rounding.partition(".")[2])
        currency.save()
    for code, name in LANGUAGES.items():
        _new("ir.lang", code=code, name=name)


def _books() -> None:
    accounts = get_accounts()
    for percent in TAX_PERCENT:
        tax = create_tax(Decimal(percent) / 100)
        tax.name = tax.description = f"{percent} %"
        tax.save()
    for name in ACCOUNTING_CATEGORIES:
        _new(
            "product.category",
            name=name,
            accounting=True,
            account_expense=accounts["expense"],
            account_revenue=accounts["revenue"],
        )
    for days in TERM_DAYS:
        term = Model.get("account.invoice.payment_term")(name=f"{days} days")
        line = term.lines.new(type="remainder")
        line.relativedeltas.new(days=days)
        term.save()


def _people(secrets: dict[str, str]) -> None:
    for name in ("Customer", "Contact"):
        _new("party.category", name=name)
    relation = Model.get("party.relation.type")
    of, has = relation(name="is contact of"), relation(name="has contact")
    of.save()
    has.save()
    of.reverse, has.reverse = has, of
    of.save()
    has.save()
    _user("sync", "Instep", secrets["sync"], GROUPS)
    _user("person", "Kari Nordmann", secrets["person"], ())


def _user(login: str, name: str, password: str, groups: tuple[str, ...]) -> None:
    """A user of the groups, of all if none is named. Found anew, since a record belongs to one list alone."""
    user = Model.get("res.user")(name=name, login=login, password=password, email=f"{login}@example.test")
    company = get_company()
    user.companies.append(company)
    user.company = company
    for group in Model.get("res.group").find([("name", "in", groups)] if groups else []):
        user.groups.append(group)
    user.save()


def _new(model: str, **values: Any) -> Any:
    record = Model.get(model)(**values)
    record.save()
    return record


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
