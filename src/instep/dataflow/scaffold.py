"""The texts of a new site: what `instep init` writes. Nothing is written here; the caller has the files.

Each text is one that can be read at once: only the secrets are missing, which are never in a file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import resources
from typing import Final

from instep.dataflow import schema
from instep.dataflow.documents.shipped import Shipped
from instep.dataflow.yaml import quoted

SCHEMAS: Final = ".instep"
"""Directory, beside `instep.yaml`, of the JSON Schemas that editors use."""

IGNORED: Final = (
    "# The store and plans that were kept hold customers' data; the others are secrets.",
    "instep.sqlite*",
    "instep-qa.*",
    "plan*.json",
    "instep.token",
    "*.secret",
    ".env",
)
"""Lines of the `.gitignore`: what must not get into version control of what lies beside `instep.yaml`."""

CURRENCIES: Final = ("EUR", "USD", "NOK", "JPY")


@dataclass(frozen=True, slots=True)
class TrytonChoice:
    """A Tryton as the ERP. `password`: the reference to the secret as it stands in the file."""

    url: str
    database: str
    user: str = "instep"
    password: str = "{env: TRYTON_PASSWORD}"  # noqa: S105 - where it is, not what


@dataclass(frozen=True, slots=True)
class Choices:
    """What a new site may differ in; everything can be changed in the files later.

    `chargebee_url` and `erp_url` replace the systems' own addresses (a sandbox). `currencies`: of the prices
    that are kept in step. `business_entities`: (id, name) of those that are known already. `companies`: the site
    has none, and its customers are the ERP's customers. `database`: the ERP is one, and not an API. `tryton`: the ERP
    is a Tryton; it has prices in one currency, the first one.
    """

    site: str = "acme-test"
    chargebee_url: str = ""
    erp_url: str = ""
    erp_name: str = "Custom ERP"
    currencies: Sequence[str] = CURRENCIES
    business_entities: Sequence[tuple[str, str]] = ()
    companies: bool = False
    database: bool = False
    tryton: TrytonChoice | None = None


def scaffold(choices: Choices, describe_text: str, *, stated: str = "", proposed: str = "") -> dict[str, str]:
    """File name -> text. `describe_text` is the description of the ERP that a new site begins with (Tryton needs
    none). `stated`: a dataflow in place of the shipped one, as documents state it; `proposed`: one with the prices
    that it is to have (see `currencies_of`)."""
    tryton = choices.tryton is not None
    if tryton:
        choices = replace(choices, currencies=choices.currencies[:1])
    dataflow = stated or default_dataflow(companies=choices.companies, tryton=tryton)
    return {
        "instep.yaml": _head("instep") + site_text(choices),
        "dataflow.yaml": _head("dataflow") + (proposed or _with_currencies(dataflow, choices.currencies)),
        **({} if tryton else {"erp.yaml": describe_text}),
        ".gitignore": "".join(f"{line}\n" for line in IGNORED),
        **{f"{SCHEMAS}/{name}.json": schema.shipped(name) for name in schema.NAMES},
    }


def default_dataflow(*, companies: bool = False, tryton: bool = False) -> str:
    """The text of the shipped dataflow; with `companies`, of the one for sites without business entities, whose
    customers are the ERP's customers where they name a company; with `tryton`, of the one for Tryton."""
    if tryton:
        return _shipped_text("chargebee-tryton")
    whole = _shipped_text("chargebee-customerp")
    if not companies:
        return whole
    shipped, others = Shipped.read(whole), Shipped.read(_shipped_text("companies"))
    blocks = [
        others.block(name) if name in others.entities else shipped.block(name) for name in shipped.entities
    ]
    lines = [*shipped.head(), *(line for block in blocks for line in (*block, ""))]
    return "\n".join(lines).rstrip() + "\n"


def _shipped_text(name: str) -> str:
    return (resources.files("instep.dataflow") / "defaults" / f"{name}.yaml").read_text(encoding="utf-8")


def site_text(choices: Choices) -> str:
    """`instep.yaml` for these choices, with comments that teach."""
    chargebee_url = (
        f"    base_url: {quoted(choices.chargebee_url)}"
        if choices.chargebee_url
        else "    # base_url: http://127.0.0.1:8801   # to use a sandbox in place of the site"
    )
    webhooks = "webhooks: {password: {env: CHARGEBEE_API_KEY}}"
    if not choices.chargebee_url:
        webhooks = "# webhooks: {password: {env: CHARGEBEE_WEBHOOK_PASSWORD}}   # see docs/guide/live.md"
    entities = [
        f"      - {{id: {quoted(id)}, name: {quoted(name)}}}" for id, name in choices.business_entities
    ] or ["      # - {id: be_1, name: Acme Norway}"]
    prices = [f"      - {{currency: {currency}}}" for currency in choices.currencies]
    return "\n".join(
        [
            "# One site of Instep: the two systems, and where things are. Paths are seen from this file.",
            "# A secret is never written here, only where to find it: {env: NAME} or {file: PATH}.",
            "version: 1",
            "",
            "systems:",
            "  left:",
            "    kind: chargebee",
            "    name: Chargebee",
            f"    site: {quoted(choices.site)}   # acme-test of acme-test.chargebee.com",
            chargebee_url,
            "    # A full-access key that nothing else uses, so that Instep's own writes can be told apart.",
            "    api_key: {env: CHARGEBEE_API_KEY}",
            "    # A password of your own making, for instep serve: Chargebee shows it with each webhook.",
            f"    {webhooks}",
            "    # Of your plan: 150 on a test site. A tenth is left to other tools (reserve: 0.1).",
            "    requests_per_minute: 150",
            "    # Seconds by which Chargebee's listings may trail behind an edit; the last part is read again.",
            "    list_lag_s: 300",
            "    # Items that come from the ERP are put into this family, unless the dataflow says which.",
            "    item_family: instep",
            "    # Currencies of item prices that are kept in step. Each needs a line in dataflow.yaml.",
            "    prices:" if prices else "    prices: []",
            *prices,
            "    # Chargebee's API does not list business entities. Copy id and name from",
            "    # Settings > Business entities; later changes are seen by themselves.",
            "    business_entities:" if choices.business_entities else "    business_entities: []",
            *entities,
            "",
            "  right:",
            *(_tryton_lines(choices.tryton) if choices.tryton is not None else _erp_lines(choices)),
            "",
            "# Everything that Instep knows: links, what was last agreed, the journal.",
            "store: instep.sqlite",
            "dataflow: dataflow.yaml",
            "keep_history_days: 730  # how long the journal is kept; null: for ever",
            "",
            "schedule:",
            "  full_every_s: 86400  # how often it reads everything, which is what finds deletes",
            "",
        ]
    )


def _erp_lines(choices: Choices) -> list[str]:
    erp_url = (
        f"    base_url: {quoted(choices.erp_url)}"
        if choices.erp_url
        else "    # base_url: http://127.0.0.1:8802/api/v1   # in place of the one in erp.yaml"
    )
    return [
        "    kind: sql" if choices.database else "    kind: rest",
        f"    name: {quoted(choices.erp_name)}",
        "    # What it can do, entity by entity and field by field. Make it yours.",
        "    describe: erp.yaml",
        *([] if choices.database else [erp_url]),
    ]


def _tryton_lines(choice: TrytonChoice) -> list[str]:
    return [
        "    kind: tryton",
        "    name: Tryton",
        f"    base_url: {quoted(choice.url)}",
        f"    database: {quoted(choice.database)}",
        "    # A user that only Instep is, so that its writes can be told from those of people.",
        f"    user: {quoted(choice.user)}",
        f"    password: {choice.password}",
        "    # Tryton has parties: these categories tell customers and contacts apart, and a relation of this type",
        "    # leads from a contact to its customer.",
        "    customer_category: Customer",
        "    contact_category: Contact",
        "    relation: is contact of",
        "    # Longer than the longest transaction: Tryton stamps a record with the moment at which its began.",
        "    overlap_s: 300",
    ]


def _head(name: str) -> str:
    return f"# yaml-language-server: $schema={SCHEMAS}/{name}.json\n"


_PRICE: Final = re.compile(
    r"^ +- price\.[A-Z]{3} <-> (prices\.[A-Z]{3}|list_price) \| money\([A-Z]{3}(.*)\)$"
)


def currencies_of(text: str) -> tuple[str, ...]:
    """The currencies of the prices that a dataflow keeps in step."""
    return tuple(dict.fromkeys(re.findall(r"\bprice\.([A-Z]{3}) (?:<->|->|<-) ", text)))


def _with_currencies(text: str, currencies: Sequence[str]) -> str:
    """The price lines of a dataflow for these currencies instead of the shipped ones."""
    lines: list[str] = []
    done = False
    for line in text.splitlines():
        found = _PRICE.match(line)
        if found is None:
            lines.append(line)
        elif not done:
            done = True
            indent = line[: len(line) - len(line.lstrip())]
            one = found[1] == "list_price"
            lines += [
                f"{indent}- price.{c} <-> {'list_price' if one else f'prices.{c}'} | money({c}{found[2]})"
                for c in currencies
            ]
    return "\n".join(lines) + "\n"
