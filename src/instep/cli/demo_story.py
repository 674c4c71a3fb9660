"""The acts of the demonstration: what people do, what Instep makes of it, and what has to be true then."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from instep.cli import servers
from instep.cli.demo_stage import Stage
from instep.cli.servers import Place

GAP_S = 5.0
"""Between two edits whose order is to be provable: Chargebee's times, and clocks over HTTP, are in seconds."""
REFERENCE = "PO 4711"

Row = dict[str, Any]


@dataclass(frozen=True)
class Person:
    """A linked customer and contact, as they were before the edits."""

    left: str
    right: str
    customer: Row
    contact: Row

    @property
    def name(self) -> str:
        return f"{self.contact['given_name']} {self.contact['family_name']}"


@dataclass(frozen=True)
class Cast:
    """Who is edited, and in which way."""

    both: Person  # different properties, on either side
    newer: Person  # the same property, one clearly later
    unclear: Person  # the same property, at the same moment
    cleared: Person  # a field is emptied
    spelled: Person  # a phone number in another spelling
    product: Row  # taken out of use
    item: str


def play(stage: Stage, place: Place) -> None:
    """All acts. Claims that do not hold are kept in the stage; anything unforeseen is raised."""
    _open(stage, place)
    stage.title("What would the first sync do? Nothing is written yet")
    stage.command("plan", "--limit", "0")
    stage.expect(_writes(stage) == (0, 0), "neither system has been asked to write anything")
    stage.title("The first sync")
    stage.command("sync")
    _expect_no_duplicates(stage)
    cast = _choose(stage)
    order = _people_work(stage, cast)
    stage.title("What has changed, and what would be written, old and new")
    stage.reset_counters()
    stage.command("plan", "--limit", "9")
    stage.expect(_writes(stage) == (0, 0), "still nothing was written")
    stage.title("The second sync")
    stage.command("sync")
    _expect_in_step(stage, cast, order)
    _settle_by_hand(stage, cast)
    _rest(stage)
    stage.title("What is left for people")
    stage.command("holds", "list", "--pair", "contact")
    stage.tell("for all pairs: instep holds list; for one record: instep explain PAIR ID")


def _open(stage: Stage, place: Place) -> None:
    stage.title("Two systems that have grown apart")
    stage.servers = servers.start(place)
    count = servers.fill(stage.servers)
    stage.tell("Nordlys, a maker of sensors, bills with Chargebee and keeps its books in an ERP of its own.")
    stage.tell(f"{count} records are in the two; some people and products are known to both, no order is.")
    stage.command("init", "--sandbox")
    stage.reset_counters()
    code = stage.command("check", last=6)
    stage.expect(code == 0, "the configuration is right, and both systems answer")


def _writes(stage: Stage) -> tuple[int, int]:
    """Requests that could write, as each server counted them itself."""
    counts = stage.counters()
    return counts["chargebee"]["writes"], counts["erp"]["writes"]


# Nobody twice


def _expect_no_duplicates(stage: Stage) -> None:
    """Ask both systems for everything, as any client would, and look for records that are there twice."""
    customers, contacts = stage.records("chargebee", "customer"), stage.records("erp", "contact")
    for name, rows in (("Chargebee", customers), ("Custom ERP", contacts)):
        twice = [mail for mail, count in _mails(rows).items() if count > 1]
        stage.expect(
            len(twice) == 1,
            f"{name} has {len(rows)} people, and only the one e-mail twice that it had twice before",
        )
    items, products = stage.records("chargebee", "item"), stage.records("erp", "product")
    codes = Counter(row["code"] for row in products.values())
    stage.expect(
        set(codes) == set(items) and max(codes.values()) == 1,
        f"each of the {len(items)} items is one product, with its id as the product's code",
    )
    links = stage.ask_lines("links", "list", "--pair", "order")
    orders = stage.records("chargebee", "order"), stage.records("erp", "order")
    for side, rows in (("left", orders[0]), ("right", orders[1])):
        linked = Counter(link[side] for link in links)
        stage.expect(
            set(linked) <= set(rows) and set(linked.values()) == {1},
            f"{len(linked)} of {len(rows)} orders of the {side} system have one partner each",
        )


def _mails(rows: dict[str, Row]) -> Counter[str]:
    return Counter(row["email"].lower() for row in rows.values() if row.get("email"))


# People at work


def _choose(stage: Stage) -> Cast:
    """Linked records that nothing is held for, so that each act shows one thing."""
    held = {(hold["pair"], hold["record"]) for hold in stage.ask_holds()}
    customers, contacts = stage.records("chargebee", "customer"), stage.records("erp", "contact")
    people = [
        Person(link["left"], link["right"], customers[link["left"]], contacts[link["right"]])
        for link in stage.ask_lines("links", "list", "--pair", "contact")
        if ("contact", link["left"]) not in held and link["made_by"].startswith("match")
    ]
    people = [p for p in people if p.contact["family_name"] and p.customer.get("phone")]
    people.sort(key=lambda person: person.right)
    cleared = next(p for p in people if p.contact["tax_number"] and p.customer.get("vat_number"))
    spelled = next(p for p in people if p is not cleared and p.contact["phone"].startswith("+47"))
    both, newer, unclear = [p for p in people if p not in (cleared, spelled)][:3]
    products = stage.records("erp", "product")
    product, item = next(
        (products[link["right"]], link["left"])
        for link in stage.ask_lines("links", "list", "--pair", "product")
        if ("product", link["left"]) not in held and products[link["right"]]["active"]
    )
    return Cast(both, newer, unclear, cleared, spelled, product, item)


def _people_work(stage: Stage, cast: Cast) -> str:
    """What happens on both sides until the next sync; the id of the order that is made in the ERP."""
    stage.title("Meanwhile people work, on both sides")
    billing, sales = "Chargebee", "Custom ERP"
    one = cast.both
    stage.edit("chargebee", "customer", one.left, billing, first_name="Renamed")
    stage.edit("erp", "contact", one.right, sales, payment_terms_days=_other_terms(one))
    stage.tell("    ... which are two properties of one record: both are to survive")
    stage.edit("chargebee", "customer", cast.newer.left, billing, last_name="Earlier")
    stage.edit("chargebee", "customer", cast.cleared.left, billing, vat_number=None)
    stage.edit("erp", "product", cast.product["id"], sales, active=False)
    digits = cast.spelled.contact["phone"].replace(" ", "").replace("-", "")
    spelled = f"{digits[:3]} {digits[3:5]}-{digits[5:7]}-{digits[7:]}"
    stage.edit("erp", "contact", cast.spelled.right, sales, phone=spelled)
    stage.tell("    ... the same number in another spelling, which is no reason to write")
    order = stage.new("erp", "order", **_order(stage, cast))
    stage.tell(f"  {sales}: a new order {order} of {one.name}")
    stage.pause(GAP_S)
    stage.edit("erp", "contact", cast.newer.right, sales, family_name="Later")
    stage.tell(
        f"    ... {GAP_S:.0f} seconds after Chargebee's edit of the same name: the later one is to win"
    )
    stage.edit("chargebee", "customer", cast.unclear.left, billing, last_name="Perhaps")
    stage.edit("erp", "contact", cast.unclear.right, sales, family_name="Perhaps not")
    stage.tell("    ... at the same moment: nobody can say which is later, so neither is to be touched")
    return order


def _other_terms(person: Person) -> int:
    return 60 if person.contact["payment_terms_days"] != 60 else 30


def _order(stage: Stage, cast: Cast) -> Row:
    """An order of two things by somebody who is in both systems."""
    currency = "EUR"
    goods = [
        row
        for row in stage.records("erp", "product").values()
        if row["active"] and row["kind"] == "goods" and currency in row["prices"]
    ][:2]
    lines = [
        {
            "product_id": row["id"],
            "description": row["name"],
            "quantity": "3",
            "unit_price": row["prices"][currency],
        }
        for row in goods
    ]
    return {
        "contact_id": cast.both.right,
        "order_date": "2026-09-02",
        "status": "confirmed",
        "currency": currency,
        "reference": REFERENCE,
        "lines": lines,
    }


# What has to be true after the second sync


def _expect_in_step(stage: Stage, cast: Cast, order: str) -> None:
    def pair_of(person: Person) -> tuple[Row, Row]:
        return stage.record("chargebee", "customer", person.left), stage.record(
            "erp", "contact", person.right
        )

    chargebee = stage.counters()["chargebee"]
    customer, contact = pair_of(cast.both)
    stage.expect(
        contact["given_name"] == "Renamed"
        and customer["first_name"] == "Renamed"
        and customer["net_term_days"] == contact["payment_terms_days"] == _other_terms(cast.both),
        "edits of two properties of one record: each reached the other side, both survived",
    )
    customer, contact = pair_of(cast.newer)
    stage.expect(
        customer["last_name"] == contact["family_name"] == "Later",
        "a conflict in a provable order: the later won",
    )
    customer, contact = pair_of(cast.unclear)
    stage.expect(
        (customer["last_name"], contact["family_name"]) == ("Perhaps", "Perhaps not"),
        "a conflict that nobody can prove: held, and neither side was touched",
    )
    customer, contact = pair_of(cast.cleared)
    stage.expect(
        contact["tax_number"] is None and not customer.get("vat_number"),
        "an emptied VAT number is empty on the other side too",
    )
    customer, contact = pair_of(cast.spelled)
    stage.expect(
        customer["phone"] == cast.spelled.customer["phone"],
        "a phone number in another spelling caused no write",
    )
    item = stage.record("chargebee", "item", cast.item)
    stage.expect(
        item["status"] == "archived", f"the product taken out of use is an archived item: {cast.item}"
    )
    links = {link["right"]: link["left"] for link in stage.ask_lines("links", "list", "--pair", "order")}
    orders = stage.records("chargebee", "order")
    named = [row for row in orders.values() if row.get("reference_id") == REFERENCE]
    imports = sum(entry["count"] for entry in chargebee["by"] if entry["route"].endswith("/import_invoice"))
    stage.expect(
        [row["id"] for row in named] == [links.get(order)]
        and named[0]["customer_id"] == cast.both.left
        and len(named[0]["order_line_items"]) == 2
        and imports == 1,
        f"the ERP's order {order} is one order in Chargebee, of an invoice that was imported once",
    )
    stage.tell("the value that lost is kept:")
    stage.command("history", "contact", cast.newer.left, "--side", "left", "--property", "last_name")
    lost = stage.ask_lines("history", "contact", cast.newer.left, "--side", "left", "--property", "last_name")
    stage.expect(
        any(
            entry["operation"] == "overruled" and entry["changes"][0]["old"] == ["Earlier"] for entry in lost
        ),
        'the journal has "Earlier" as the value that lost',
    )


def _settle_by_hand(stage: Stage, cast: Cast) -> None:
    stage.title("A person decides what Instep would not")
    hold = next(
        hold
        for hold in stage.ask_holds()
        if hold["record"] == cast.unclear.left and hold["property"] == "last_name"
    )
    stage.command("holds", "show", str(hold["id"]))
    stage.command("holds", "release", str(hold["id"]), "--take", "right")
    stage.reset_counters()
    stage.command("--quiet", "sync", "--pair", "contact")
    stage.expect(sum(_writes(stage)) == 1, "one decision, one write")
    customer = stage.record("chargebee", "customer", cast.unclear.left)
    stage.expect(customer["last_name"] == "Perhaps not", "the chosen value is on both sides")


def _rest(stage: Stage) -> None:
    stage.title("Once more: a settled world is left alone")
    stage.reset_counters()
    stage.command("sync")
    counts = stage.counters()
    stage.expect(_writes(stage) == (0, 0), "both servers counted no request that could write")
    asked = {name: count["reads"] for name, count in counts.items()}
    stage.expect(
        sum(asked.values()) < 40,
        f"a look at everything cost {asked['chargebee']} requests to Chargebee and {asked['erp']} to the ERP",
    )
    _expect_no_duplicates(stage)
    stage.expect(stage.command("audit") == 0, "an audit of both systems found nothing that was not known")


def tell_how_to_go_on(stage: Stage) -> None:
    """What to type next, with the systems left running."""
    where = stage.directory
    stage.tell(f"\nBoth systems go on running. Their files and the configuration are in {where}")
    stage.tell("Edit either side as a person would, then bring them in step:")
    stage.tell(f"  cd {where}")
    stage.tell("  instep sandbox edit erp contact 1002 family_name=Newname")
    stage.tell("  instep sandbox edit chargebee customer ID billing_address.city=Oslo")
    stage.tell("  instep plan && instep sync")
    stage.tell("  instep holds list; instep explain contact 1002 --side right")
    stage.tell("  instep sandbox stop")
