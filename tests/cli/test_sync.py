"""`instep plan` and `instep sync` against both systems over HTTP."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest

from tests.cli.company import CHARGEBEE_KEY, ERP_TOKEN, LONG_AGO, Company


def writes(acme: Company) -> int:
    """Requests of the API that were no readings, on both servers."""
    return sum(server.counters()["writes"] for server in (acme.chargebee, acme.erp))


def test_a_plan_shows_both_fields_the_new_value_and_where_it_comes_from(acme: Company) -> None:
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test", net_term_days=14)
    shown = acme.run("plan")
    assert shown.exit_code == 0, shown.output
    assert "create in Custom ERP: 1" in shown.stdout
    assert "c1 = (new)" in shown.stdout
    assert 'family_name: "Nordmann"   (Chargebee last_name)' in shown.stdout
    assert "payment_terms_days: 14   (Chargebee net_term_days)" in shown.stdout


def test_a_plan_writes_to_neither_system(acme: Company) -> None:
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test")
    acme.contact("7", "Ole", "Berg", "ole@example.test")
    acme.run("plan")
    assert writes(acme) == 0


def test_an_edit_is_planned_with_its_old_and_its_new_value(acme: Company) -> None:
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test")
    assert acme.run("sync").exit_code == 0
    acme.edit_erp(acme.in_erp()["ase@example.test"]["id"], family_name="Berg")
    shown = acme.run("plan")
    assert 'last_name: "Nordmann" -> "Berg"   (Custom ERP family_name; Custom ERP was edited)' in shown.stdout


def test_no_more_than_the_wanted_details_are_shown_and_all_are_counted(acme: Company) -> None:
    for number in range(4):
        acme.customer(f"c{number}", "Åse", f"Nordmann {number}", f"ase{number}@example.test")
    shown = acme.run("plan", "--limit", "1")
    assert "create in Custom ERP: 4" in shown.stdout
    assert "... and 3 more" in shown.stdout
    assert shown.stdout.count("(new)") == 1


def test_a_plan_as_json_has_every_action_with_what_it_was_decided_from(acme: Company) -> None:
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test")
    plan = acme.json("plan", "--pair", "contact")
    assert plan["version"] == 1
    assert plan["pairs"] == ["contact"]
    assert plan["counts"]["contact"]["writes"] == [{"operation": "create", "side": "right", "count": 1}]
    (action,) = plan["actions"]
    assert action["ids"] == {"left": "c1", "right": None}
    (write,) = action["writes"]
    change = next(c for c in write["changes"] if c["property"] == "last_name")
    assert change["fields"] == ["family_name"]
    assert change["from_fields"] == ["last_name"]
    assert change["new"] == ["Nordmann"]
    assert change["why"]


def test_a_sync_creates_links_and_says_so(acme: Company) -> None:
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test")
    acme.customer("c2", "Ole", "Berg", "ole@example.test")
    acme.contact("7", "Ole", "Berg", "OLE@example.test")
    done = acme.run("sync")
    assert done.exit_code == 0, done.output
    assert "contact   1 created in Custom ERP, 1 changed in Custom ERP, 1 linked\n" in done.stdout
    assert acme.in_erp()["ase@example.test"]["family_name"] == "Nordmann"


def test_our_own_write_does_not_blur_which_edit_of_another_property_was_the_later_one(acme: Company) -> None:
    old, new = {"line1": "Storgata 1", "country": "NO"}, {"street": "Storgata 2", "country": "NO"}
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test", billing_address=old)
    later = {"created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-02-01T00:00:00.000Z"}
    contact = {"id": "7", "given_name": "Asa", "family_name": "Nordmann", "email": "ase@example.test"}
    acme.erp.load({"contacts": [{**contact, "address": new, **later}]})
    done = acme.run("sync")
    assert done.exit_code == 0, done.output
    customer = acme.in_chargebee("c1")
    assert (customer["first_name"], customer["billing_address"]["line1"]) == ("Asa", "Storgata 2")


def test_a_second_sync_writes_nothing(acme: Company) -> None:
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test")
    acme.run("sync")
    before = writes(acme)
    done = acme.run("sync")
    assert done.exit_code == 0
    assert "contact   nothing to write" in done.stdout
    assert writes(acme) == before


def test_a_sync_as_json_tells_writes_requests_and_where_each_pair_stands(acme: Company) -> None:
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test")
    report = acme.json("sync")
    assert report["status"] == "done"
    assert report["writes"] == [{"pair": "contact", "operation": "create", "side": "right", "count": 1}]
    assert report["pairs"]["contact"] == {"linked": 1, "todo": 0, "failing": 0, "held": {}}
    assert report["requests"]["Chargebee"] > 0
    assert report["read"]["left:customer"] == 1


def test_what_is_held_ends_a_sync_with_exit_code_3_and_the_cause(acme: Company) -> None:
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test", net_term_days=15)
    done = acme.run("sync", quiet=False)
    assert done.exit_code == 3
    assert "1 held (1 refused)" in done.stdout
    assert "next: instep holds list" in done.stderr


def test_a_kept_plan_is_for_the_owner_alone_and_is_done_as_it_is(acme: Company) -> None:
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test")
    kept = acme.directory / "plan.json"
    acme.run("plan", "--out", str(kept))
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert json.loads(kept.read_text())["actions"]
    done = acme.run("sync", str(kept))
    assert done.exit_code == 0, done.output
    assert "had 1 write; 1 was made" in done.stdout
    assert acme.in_erp()["ase@example.test"]["family_name"] == "Nordmann"


def test_a_record_that_moved_since_the_plan_is_left_alone_and_told_of(acme: Company) -> None:
    acme.customer("c3", "Ida", "Vik", "ida@example.test")
    acme.run("sync")
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test")
    acme.customer("c2", "Ole", "Berg", "ole@example.test")
    kept = acme.directory / "plan.json"
    acme.run("plan", "--full", "--out", str(kept))
    acme.edit_chargebee("c1", last_name="Berg")
    acme.edit_chargebee("c3", last_name="Strand")
    done = acme.run("sync", str(kept))
    assert done.exit_code == 3
    assert "moved since the plan was made, and left alone: 1 (contact c1)" in done.stdout
    assert "not in the plan, and left for the next one: 1" in done.stdout
    assert set(acme.in_erp()) == {"ida@example.test", "ole@example.test"}
    assert acme.in_erp()["ida@example.test"]["family_name"] == "Vik"


def test_the_sync_after_a_refused_plan_does_what_was_left(acme: Company) -> None:
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test")
    kept = acme.directory / "plan.json"
    acme.run("plan", "--out", str(kept))
    acme.edit_chargebee("c1", last_name="Berg")
    acme.run("sync", str(kept))
    assert acme.run("sync").exit_code == 0
    assert acme.in_erp()["ase@example.test"]["family_name"] == "Berg"


def test_a_plan_of_another_dataflow_is_refused(acme: Company) -> None:
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test")
    kept = acme.directory / "plan.json"
    acme.run("plan", "--out", str(kept))
    dataflow = acme.directory / "dataflow.yaml"
    dataflow.write_text(dataflow.read_text().replace("policy: newest", "policy: hold"))
    refused = acme.run("sync", str(kept))
    assert refused.exit_code == 2
    assert "is not a plan for this site as it is now" in refused.stderr
    assert acme.in_erp() == {}


def test_a_comment_in_the_dataflow_makes_no_other_plan_of_it(acme: Company) -> None:
    kept = acme.directory / "plan.json"
    acme.run("plan", "--out", str(kept))
    dataflow = acme.directory / "dataflow.yaml"
    dataflow.write_text("# a word more\n" + dataflow.read_text())
    assert acme.run("sync", str(kept)).exit_code == 0


def test_a_file_that_is_no_plan_is_told_so(acme: Company, tmp_path: Path) -> None:
    for text in ("", "{}", "[1]", '{"version": 1}', '{"version": 1, "made_at": 1, "actions": [{}]}'):
        other = tmp_path / "other.json"
        other.write_text(text)
        refused = acme.run("sync", str(other))
        assert refused.exit_code == 2
        assert "is not a plan" in refused.stderr


def test_a_plan_is_not_mixed_with_other_wishes(acme: Company) -> None:
    refused = acme.run("sync", "plan.json", "--pair", "contact")
    assert refused.exit_code == 2
    assert "a plan is done as it is" in refused.stderr


def test_a_pair_that_is_not_there_is_told_with_the_one_that_was_meant(acme: Company) -> None:
    for command in ("plan", "sync"):
        refused = acme.run(command, "--pair", "contct")
        assert refused.exit_code == 2
        assert 'there is no pair "contct"' in refused.stderr
        assert "contact" in refused.stderr


def test_a_release_that_names_no_brake_is_refused(acme: Company) -> None:
    for text in ("contact", "contact:everything", "nobody:create", "contact:same", "contact:create:phone"):
        assert acme.run("sync", "--release", text).exit_code == 2


def test_a_refused_key_ends_a_sync_with_exit_code_4_and_is_not_shown(acme: Company) -> None:
    key = acme.directory / ".instep-sandbox" / "erp.key"
    key.write_text("quite_another_token")
    done = acme.run("sync")
    assert done.exit_code == 4, done.output
    assert "quite_another_token" not in done.output
    assert CHARGEBEE_KEY not in done.output


def test_a_store_that_is_none_ends_with_exit_code_5(acme: Company) -> None:
    (acme.directory / "instep.sqlite").write_bytes(b"this is a letter, not a store" * 100)
    done = acme.run("sync")
    assert done.exit_code == 5
    assert "instep.sqlite" in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.slow
def test_a_system_that_does_not_answer_is_told_of_and_the_others_go_on(acme: Company) -> None:
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test")
    acme.run("sync")
    acme.erp.add_fault({"kind": "status", "status": 503}, match={"path": "^/api/v1/orders"})
    done = acme.run("sync")
    assert done.exit_code == 3
    assert "not worked on: right:order" in done.stdout
    assert re.search(r"^run 2 done, but not worked on: Custom ERP \(order\): ", done.stdout, re.M)
    assert ERP_TOKEN not in done.output
    status = acme.run("status")
    assert status.exit_code == 3
    assert re.search(
        r"^last run: 2 \(sync\) done, \d+ s ago, but not worked on: Custom ERP \(order\)\n  why: \S",
        status.stdout,
        re.M,
    ), status.stdout
    [run] = acme.json("status")["runs"]
    assert run["status"] == "done" and list(run["troubles"]) == ["right:order"]
    latest = acme.run("history", "--runs").stdout.splitlines()[0]
    assert latest.endswith("0 writes, not worked on: Custom ERP (order)"), latest


def test_a_product_that_is_out_of_use_is_made_and_then_taken_out_of_use(acme: Company) -> None:
    """Chargebee makes every item active: that is nobody's edit, and what the ERP has follows."""
    product = {"id": "7", "code": "old-1", "name": "Old", "active": False, "family": "Sensors"}
    acme.erp.load({"products": [{**product, "created_at": LONG_AGO, "updated_at": LONG_AGO}]})
    done = acme.run("sync")
    assert done.exit_code == 0, done.output
    (item,) = acme.chargebee.console("GET", "records/items")["records"]
    (product,) = acme.erp.console("GET", "records/products")["records"]
    assert (item["id"], item["status"], product["active"]) == ("old-1", "archived", False)
    acme.erp.console("PATCH", "products/7", {"active": True})
    assert acme.run("sync").exit_code == 0
    (item,) = acme.chargebee.console("GET", "records/items")["records"]
    assert item["status"] == "active"


def test_a_plan_counts_what_its_run_then_writes_also_what_follows_a_create(acme: Company) -> None:
    """Prices, and that an item is archived, are calls of their own; that it is active is none."""
    for id, code, active, family in (("7", "old-1", False, "Sensors"), ("8", "new-1", True, "Services")):
        product = {"id": id, "code": code, "name": code, "active": active, "family": family}
        prices = {"prices": {"EUR": "12.00", "USD": "13.00"}}
        acme.erp.load({"products": [{**product, **prices, "created_at": LONG_AGO, "updated_at": LONG_AGO}]})
    planned = acme.run("plan").stdout
    assert "  create in Chargebee: 2\n" in planned
    assert "  change in Chargebee right after the create: 5\n" in planned
    assert "\n7 writes (5 of them right after a create), 0 new links, 0 held\n" in planned
    plan = acme.json("plan", "--out", str(acme.directory / "plan.json"))
    counts = plan["counts"]["product"]["writes"]
    done = acme.run("sync", str(acme.directory / "plan.json"))
    assert "2 created in Chargebee, 5 changed in Chargebee" in done.stdout
    assert "had 7 writes; 7 were made" in done.stdout
    latest = json.loads(acme.run("history", "--runs", "--limit", "1", "--json").stdout)
    assert [{"pair": "product", **each} for each in counts] == latest["made"]


def test_a_sync_of_one_pair_tells_of_that_pair_alone(acme: Company) -> None:
    shown = acme.run("sync", "--pair", "contact").stdout.splitlines()
    assert [line.split()[0] for line in shown] == ["contact", "run"]
