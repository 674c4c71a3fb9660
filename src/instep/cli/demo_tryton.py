"""The demonstration with a real Tryton as the ERP: what people do on both sides, and what has to be true then."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from instep.cli import servers
from instep.cli.demo_stage import Stage
from instep.cli.demo_story import GAP_S
from instep.cli.servers import Place
from instep.sandbox.tryton import Person
from instep.sandbox.tryton.world import fill
from instep.sandbox.world import build_world

SCALE = 0.3
REFERENCE = "PO 4711"
MODELS = (
    "party.party",
    "party.address",
    "party.contact_mechanism",
    "product.template",
    "product.product",
    "sale.sale",
)

Row = dict[str, Any]


@dataclass(frozen=True)
class Linked:
    """A Chargebee customer and a Tryton party that are one, as they were before the edits."""

    customer: str
    party: int
    name: str


@dataclass
class Tryton:
    """What a person sees in Tryton, and does there."""

    stage: Stage
    person: Person

    def party(self, id: int) -> Row:
        names = [
            "name",
            "active",
            "email",
            "identifiers.code",
            "addresses.city",
            "customer_payment_term.name",
        ]
        (row,) = self.person.find("party.party", [["id", "=", id]], names)
        return row

    def edit(self, id: int, **values: Any) -> None:
        self.stage.tell(f"  Tryton: party {id}: {', '.join(f'{k} = {v}' for k, v in values.items())}")
        self.person.write("party.party", id, **values)

    def state(self) -> dict[tuple[str, int], str]:
        """Every record with the moment of its last change: two that are equal, and nothing was written between."""
        return {
            (model, row["id"]): row["_timestamp"]
            for model in MODELS
            for row in self.person.find(model, [], ["_timestamp"])
        }

    def mails(self) -> Counter[str]:
        rows = self.person.find("party.contact_mechanism", [["type", "=", "email"]], ["value"])
        return Counter(row["value"].lower() for row in rows)


def play(stage: Stage, place: Place) -> None:
    """All acts. Claims that do not hold are kept in the stage; anything unforeseen is raised."""
    tryton = _open(stage, place)
    before = tryton.mails(), _mails(stage)
    _first_sync(stage, tryton)
    _expect_nobody_twice(stage, tryton, before)
    people = _choose(stage, tryton)
    _edits(stage, tryton, people)
    _deleted(stage, tryton, people[5])
    _taken_back(stage, tryton, people[0])
    _rest(stage, tryton)
    stage.title("What is left for people")
    stage.command("holds", "list", "--pair", "contact")
    stage.tell("for all pairs: instep holds list; for one record: instep explain PAIR ID")


def _open(stage: Stage, place: Place) -> Tryton:
    stage.title("Chargebee, and a real Tryton")
    stage.servers = servers.start(place, systems=("chargebee",))
    running = servers.start_tryton(place, stage.tell)
    person = Person(running.url, "person", running.installation.password("person"))
    world = build_world(1, SCALE)
    count = fill(person, world.erp)
    for entity, rows in world.chargebee.items():
        stage.servers["chargebee"].console("POST", "load", {entity: rows})
        count += len(rows)
    stage.tell("Nordlys, a maker of sensors, bills with Chargebee and runs its business with Tryton 8.2.")
    stage.tell(f"{count} records are in the two; some people and products are known to both, no order is.")
    stage.command("init", "--sandbox")
    code = stage.command("check", last=6)
    stage.expect(code == 0, "the configuration is right, and both systems answer")
    return Tryton(stage, person)


def _first_sync(stage: Stage, tryton: Tryton) -> None:
    stage.title("What would the first sync do? Nothing is written yet")
    stage.reset_counters()
    there = tryton.state()
    stage.command("plan", "--limit", "0")
    stage.expect(_untouched(stage, tryton, there), "neither system was written to")
    stage.title("The first sync")
    stage.command("sync")


def _untouched(stage: Stage, tryton: Tryton, there: dict[tuple[str, int], str]) -> bool:
    return tryton.state() == there and int(stage.counters()["chargebee"]["writes"]) == 0


def _mails(stage: Stage) -> Counter[str]:
    rows = stage.records("chargebee", "customer").values()
    return Counter(row["email"].lower() for row in rows if row.get("email"))


def _expect_nobody_twice(stage: Stage, tryton: Tryton, before: tuple[Counter[str], Counter[str]]) -> None:
    for name, now, then in (("Tryton", tryton.mails(), before[0]), ("Chargebee", _mails(stage), before[1])):
        twice = {mail for mail, count in now.items() if count > 1}
        stage.expect(
            twice == {mail for mail, count in then.items() if count > 1},
            f"{name} has {sum(now.values())} people with an e-mail, and none twice that it had not twice before",
        )
    items = stage.records("chargebee", "item")
    codes = Counter(row["code"] for row in tryton.person.find("product.product", [], ["code"]))
    stage.expect(
        set(items) <= set(codes) and max(codes.values()) == 1,
        f"each of the {len(items)} items is one product, with its id as the product's code",
    )
    links = stage.ask_lines("links", "list", "--pair", "order")
    sales = {str(row["id"]) for row in tryton.person.find("sale.sale", [], ["number"])}
    partners = Counter(link["right"] for link in links)
    stage.expect(
        set(partners) <= sales and set(partners.values()) == {1} and len(links) > 10,
        f"{len(partners)} of {len(sales)} sales have one Chargebee order each",
    )


def _choose(stage: Stage, tryton: Tryton) -> list[Linked]:
    """Linked people that nothing is held for, so that each act shows one thing."""
    held = {hold["record"] for hold in stage.ask_holds() if hold["pair"] == "contact"}
    sold = {row["party"] for row in tryton.person.find("sale.sale", [], ["party"])}
    customers = stage.records("chargebee", "customer")
    found = []
    for link in stage.ask_lines("links", "list", "--pair", "contact"):
        customer, party = customers[link["left"]], int(link["right"])
        whole = customer.get("vat_number") and customer.get("last_name") and customer.get("first_name")
        if link["left"] in held or not whole or party in sold:
            continue
        row = tryton.party(party)
        if row["active"] and row["addresses."] and row["identifiers."]:
            found.append(Linked(link["left"], party, row["name"]))
    return found


def _edits(stage: Stage, tryton: Tryton, people: list[Linked]) -> None:
    both, newer, unclear, cleared, moved = people[:5]
    stage.title("Meanwhile people work, on both sides")
    terms = {
        row["name"]: row["id"] for row in tryton.person.find("account.invoice.payment_term", [], ["name"])
    }
    stage.edit("chargebee", "customer", both.customer, "Chargebee", first_name="Renamed")
    tryton.edit(both.party, customer_payment_term=terms["60 days"])
    stage.tell("    ... which are two properties of one record: both are to survive")
    stage.edit("chargebee", "customer", newer.customer, "Chargebee", last_name="Earlier")
    identifiers = [
        row["id"] for row in tryton.party(cleared.party)["identifiers."] if "instep:" not in row["code"]
    ]
    tryton.edit(cleared.party, identifiers=[["delete", identifiers]])
    address = tryton.party(moved.party)["addresses."][0]["id"]
    stage.tell(f"  Tryton: address {address}, in the window of addresses: city = Bergen")
    tryton.person.write("party.address", address, city="Bergen")
    stage.tell("    ... which does not show at the party that it belongs to")
    product, code = _product(stage, tryton)
    stage.tell(f"  Tryton: product {code} is taken out of use")
    tryton.person.write("product.product", product, active=False)
    sale = _new_sale(tryton, both.party)
    stage.tell(f"  Tryton: a new sale of two things to {both.name}, quoted and confirmed")
    stage.pause(GAP_S)
    tryton.edit(newer.party, name=f"{newer.name.split()[0]} Later")
    stage.tell(
        f"    ... {GAP_S:.0f} seconds after Chargebee's edit of the same name: the later one is to win"
    )
    stage.edit("chargebee", "customer", unclear.customer, "Chargebee", last_name="Perhaps")
    tryton.edit(unclear.party, name=f"{unclear.name.split()[0]} Certainly")
    stage.tell("    ... at the same moment: nobody can say which is later, so neither is to be touched")
    stage.title("What has changed, and what would be written, old and new")
    stage.command("plan", "--limit", "9")
    stage.title("The second sync")
    stage.command("sync")
    customer, party = stage.record("chargebee", "customer", both.customer), tryton.party(both.party)
    stage.expect(
        party["name"].startswith("Renamed ")
        and customer["first_name"] == "Renamed"
        and customer["net_term_days"] == 60
        and party["customer_payment_term."]["name"] == "60 days",
        "edits of two properties of one record: each reached the other side, both survived",
    )
    customer, party = stage.record("chargebee", "customer", newer.customer), tryton.party(newer.party)
    stage.expect(
        customer["last_name"] == "Later" and party["name"].endswith(" Later"),
        "a conflict in a provable order: the later won",
    )
    customer, party = stage.record("chargebee", "customer", unclear.customer), tryton.party(unclear.party)
    stage.expect(
        customer["last_name"] == "Perhaps" and party["name"].endswith(" Certainly"),
        "a conflict that nobody can prove: held, and neither side was touched",
    )
    customer = stage.record("chargebee", "customer", cleared.customer)
    stage.expect(not customer.get("vat_number"), "an emptied tax number is empty on the other side too")
    customer = stage.record("chargebee", "customer", moved.customer)
    stage.expect(
        customer["billing_address"]["city"] == "Bergen",
        "an address that was edited by itself has reached Chargebee",
    )
    item = stage.record("chargebee", "item", code)
    stage.expect(item["status"] == "archived", f"the product taken out of use is an archived item: {code}")
    links = {link["right"]: link["left"] for link in stage.ask_lines("links", "list", "--pair", "order")}
    orders = stage.records("chargebee", "order")
    named = [row for row in orders.values() if row.get("reference_id") == REFERENCE]
    stage.expect(
        [row["id"] for row in named] == [links.get(str(sale))]
        and named[0]["customer_id"] == both.customer
        and len(named[0]["order_line_items"]) == 2,
        f"Tryton's sale {sale} is one order in Chargebee, with its two lines",
    )
    stage.tell("the value that lost is kept:")
    words = ("history", "contact", newer.customer, "--side", "left")
    stage.command(*words, "--limit", "4")
    stage.expect(
        any(entry["operation"] == "overruled" for entry in stage.ask_lines(*words)),
        "the journal has the value that lost",
    )


def _product(stage: Stage, tryton: Tryton) -> tuple[int, str]:
    """A product in use on both sides that nothing is held for."""
    held = {hold["record"] for hold in stage.ask_holds() if hold["pair"] == "product"}
    items = stage.records("chargebee", "item")
    rows = {
        str(row["id"]): row
        for row in tryton.person.find("product.product", [["active", "=", True]], ["code"])
    }
    return next(
        (int(link["right"]), link["left"])
        for link in stage.ask_lines("links", "list", "--pair", "product")
        if link["left"] not in held and link["right"] in rows and items[link["left"]]["status"] == "active"
    )


def _new_sale(tryton: Tryton, party: int) -> int:
    person = tryton.person
    address = tryton.party(party)["addresses."][0]["id"]
    euro = person.only("currency.currency", [["code", "=", "EUR"]])
    linked = {int(link["right"]) for link in tryton.stage.ask_lines("links", "list", "--pair", "product")}
    names = ["sale_uom", "code", "list_price_used", "type"]
    goods = [
        row
        for row in person.find("product.product", [["active", "=", True], ["type", "=", "goods"]], names)
        if row["id"] in linked and row["list_price_used"]
    ][-2:]
    lines = [
        {
            "type": "line",
            "product": row["id"],
            "unit": row["sale_uom"],
            "quantity": 3.0,
            "unit_price": Decimal(row["list_price_used"]["decimal"]),
            "description": row["code"],
        }
        for row in goods
    ]
    sale = person.new(
        "sale.sale",
        party=party,
        invoice_address=address,
        shipment_address=address,
        currency=euro,
        sale_date=date(2026, 9, 2),
        reference=REFERENCE,
        lines=[["create", lines]],
    )
    for step in ("quote", "confirm"):
        person.call("sale.sale", step, [sale])
    return sale


def _deleted(stage: Stage, tryton: Tryton, gone: Linked) -> None:
    stage.title("Somebody deletes a party in Tryton")
    stage.tell(f"  Tryton: party {gone.party} is deleted")
    tryton.person.delete("party.party", [gone.party])
    stage.command("--quiet", "sync", "--pair", "contact", "--full")
    hold = [hold for hold in stage.ask_holds() if hold["record"] == gone.customer]
    stage.expect(
        len(hold) == 1, "a complete reading finds it, and asks a person: nothing is deleted in Chargebee"
    )
    stage.expect(
        not stage.record("chargebee", "customer", gone.customer).get("deleted"), "the customer is there"
    )


def _taken_back(stage: Stage, tryton: Tryton, one: Linked) -> None:
    stage.title("A run is taken back")
    stage.edit("chargebee", "customer", one.customer, "Chargebee", net_term_days=14)
    stage.command("--quiet", "sync", "--pair", "contact")
    stage.expect(
        tryton.party(one.party)["customer_payment_term."]["name"] == "14 days", "the edit is in Tryton"
    )
    stage.command("--quiet", "undo", "last", "--yes")
    stage.expect(
        tryton.party(one.party)["customer_payment_term."]["name"] == "60 days",
        "and it is as it was before the run",
    )


def _rest(stage: Stage, tryton: Tryton) -> None:
    stage.title("Once more: a settled world is left alone")
    stage.command("--quiet", "sync", last=1)
    stage.reset_counters()
    there = tryton.state()
    stage.command("sync")
    stage.expect(_untouched(stage, tryton, there), "no record was written, in neither system")
