"""A Chargebee site and a shop's database, brought in step both ways by what `instep init --sql` proposes."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from .company import Dialect, SqliteCompany, in_postgres
from .postgres import PASSWORD
from .shop import SHOP, Shop, shop


@pytest.fixture
def acme(
    dialect: Dialect, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    monkeypatch.setenv("ERP_DB_PASSWORD", PASSWORD)
    if dialect == "sqlite":
        with shop(tmp_path / "site", SqliteCompany(tmp_path / "erp.db", (), SHOP)) as made:
            yield made
        return
    with (
        in_postgres(request.getfixturevalue("postgres"), (), SHOP) as erp,
        shop(tmp_path / "site", erp) as made,
    ):
        yield made


def test_people_and_orders_travel_both_ways_and_then_rest(acme: Shop) -> None:
    erp = acme.erp
    address = {"line1": "Storgata 1", "zip": "9008", "city": "Tromsø", "country": "NO"}
    acme.customer(
        "c1", first_name="Åse", last_name="Nordmann", email="ase@x.example", billing_address=address
    )
    erp.run("INSERT INTO clients (first_name, last_name, email) VALUES ('Ole', 'Berg', 'ole@x.example')")
    erp.run("INSERT INTO articles (sku, name, price) VALUES ('S-1', 'Sensor', 19.90)")
    erp.run(
        "INSERT INTO sales_orders (client_id, reference, order_date, status, currency) "
        "VALUES (1, 'PO-1', '2026-01-31', 'confirmed', 'EUR')"
    )
    erp.run(
        "INSERT INTO sales_order_lines (sales_order_id, line_no, article_id, description, quantity, unit_price, "
        "tax_rate) VALUES (1, 1, 1, 'Sensor', 2, 19.90, 25)"
    )
    acme.rest()
    assert acme.init().exit_code == 0
    checked = acme.run("check")
    assert checked.exit_code == 0, checked.output
    planned = acme.run("plan")
    assert "create in Chargebee: 1" in planned.stdout and "create in Custom ERP: 1" in planned.stdout
    assert erp.run("SELECT count(*) FROM clients") == [(1,)]  # a plan writes nothing

    synced = acme.run("sync")
    assert synced.exit_code == 0, synced.output + acme.run("holds", "list").output
    assert erp.run(
        "SELECT first_name, city, country, version FROM clients WHERE email = 'ase@x.example'"
    ) == [("Åse", "Tromsø", "NO", 1)]
    assert acme.customers()["erp-1"]["last_name"] == "Berg"
    (order,) = acme.orders()
    assert order["reference_id"] == "PO-1"
    (line,) = order["order_line_items"]
    assert (line["unit_price"], Decimal(line["fulfillment_quantity"])) == (1990, 2)
    assert line["entity_id"].startswith("S-1")

    # An edit on either side, and a person in the database who raises the version as the shop's program does.
    acme.chargebee.console("PATCH", "customers/c1", {"first_name": "Aase"})
    erp.run(f"UPDATE clients SET city = 'Bodø', version = version + 1, updated_at = {erp.now} WHERE id = 1")
    erp.run(f"UPDATE sales_orders SET status = 'shipped', version = version + 1, updated_at = {erp.now}")
    assert acme.run("sync").exit_code == 0
    assert erp.run("SELECT first_name, version FROM clients WHERE email = 'ase@x.example'") == [("Aase", 2)]
    assert acme.customers()["erp-1"]["billing_address"]["city"] == "Bodø"
    assert acme.orders()[0]["status"] == "shipped"

    before = acme.chargebee.counters()["writes"], erp.run("SELECT id, version FROM clients ORDER BY id")
    rest = acme.run("sync")
    assert rest.exit_code == 0
    assert (
        acme.chargebee.counters()["writes"],
        erp.run("SELECT id, version FROM clients ORDER BY id"),
    ) == before


def test_an_order_of_chargebee_is_one_order_with_its_lines(acme: Shop) -> None:
    erp = acme.erp
    erp.run("INSERT INTO articles (sku, name, price) VALUES ('S-1', 'Sensor', 19.90)")
    erp.run("INSERT INTO clients (last_name, email) VALUES ('Berg', 'ole@x.example')")
    erp.run("INSERT INTO sales_orders (client_id, order_date, currency) VALUES (1, '2026-01-31', 'EUR')")
    erp.run(
        "INSERT INTO sales_order_lines (sales_order_id, line_no, article_id, quantity, unit_price) "
        "VALUES (1, 1, 1, 2, 19.90)"
    )
    acme.rest()
    acme.init()
    synced = acme.run("sync")
    assert (synced.exit_code, len(acme.orders())) == (0, 1), synced.output + acme.run("status").output
    (order,) = acme.orders()
    # The same order again, as if it had been made in Chargebee: a second one, that the shop knows nothing of.
    copy = {key: value for key, value in order.items() if key != "made_as"}
    acme.chargebee.load({"orders": [{**copy, "id": "o-2", "reference_id": "WEB-2", "invoice_id": None}]})
    synced = acme.run("sync", "--full")
    assert synced.exit_code == 0, synced.output + acme.run("holds", "list").output
    assert erp.run("SELECT reference, client_id FROM sales_orders WHERE id > 1") == [("WEB-2", 1)]
    ((article, quantity, price),) = erp.run(
        "SELECT article_id, quantity, unit_price FROM sales_order_lines WHERE sales_order_id > 1"
    )
    assert (article, Decimal(str(quantity)), Decimal(str(price))) == (1, 2, Decimal("19.9"))


def test_two_people_who_edit_one_field_are_told_of_each_other(acme: Shop) -> None:
    acme.customer("c1", first_name="Åse", last_name="Nordmann", email="ase@x.example")
    acme.init()
    assert acme.run("sync").exit_code == 0
    site = acme.directory / "dataflow.yaml"
    site.write_text(site.read_text().replace("policy: newest", "policy: hold"))
    acme.chargebee.console("PATCH", "customers/c1", {"first_name": "Theirs"})
    acme.erp.run(
        f"UPDATE clients SET first_name = 'Ours', version = version + 1, updated_at = {acme.erp.now}"
    )
    assert acme.run("sync").exit_code == 3
    assert acme.erp.run("SELECT first_name FROM clients") == [("Ours",)]
    assert acme.customers()["c1"]["first_name"] == "Theirs"
    (hold,) = acme.json("holds", "list")
    assert hold["cause"] == "conflict"


def test_the_proposal_says_what_a_person_should_look_at(acme: Shop) -> None:
    made = acme.init()
    assert "sessions is left out: it has no primary key" in made.output
    described = (acme.directory / "erp.yaml").read_text()
    assert "client_id, reference: client" in described
    assert "choices: [draft, confirmed, on_hold, shipped, delivered, returned, cancelled]" in described
    flow = (acme.directory / "dataflow.yaml").read_text()
    assert "price.EUR <-> price | money(EUR)" in flow
    assert "# not in step, since no name tells with what: shelf" in flow


def test_a_database_that_is_not_there_writes_no_file(acme: Shop) -> None:
    where = acme.as_owner()
    where[1] = (
        where[1].replace("127.0.0.1:", "127.0.0.1:1")
        if "127.0.0.1" in where[1]
        else "sqlite:///no/such/erp.db"
    )
    made = acme.run("init", *where)
    assert made.exit_code != 0 and "why:" in made.output
    assert not (acme.directory / "instep.yaml").exists()


def test_an_address_with_a_password_in_it_is_refused_and_not_repeated(acme: Shop) -> None:
    made = acme.run("init", "--sql", "postgresql://instep:hunter2@127.0.0.1/erp")
    assert made.exit_code == 2 and "hunter2" not in made.output
    assert "password: env:NAME" in made.output
