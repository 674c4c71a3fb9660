"""Runs as the console and the API tell them: planned, going on, undone."""

from __future__ import annotations

import re
from typing import Any

import apsw

from instep.core.model import Side
from instep.runner.run import Wish
from instep.store.contract import Entry
from tests.cli.company import Company
from tests.serve.served import Served, text, whole


def row(console: Served, run: int) -> str:
    """What the list of runs has of one."""
    page = console.browser("viewer").get("/runs").text
    rows = re.findall(r"<tr>.*?</tr>", page, re.S)
    found = next(each for each in rows if f'<a href="/runs/{run}">{run}</a>' in each)
    return text(found)


def paused(console: Served) -> Any:
    """An operator, with nobody else at work on contacts."""
    operator = console.client("operator")
    assert operator.send("POST", "/api/v1/pairs/contact/pause").status == 204
    return operator


def test_a_plan_says_in_its_run_how_much_it_would_write(own: Served, acme: Company) -> None:
    operator = paused(own)
    acme.edit_chargebee("c4", first_name="Evelyn")
    plan = whole(own, operator.send("POST", "/api/v1/plans", {}).json)
    assert plan["writes"] == 1
    latest = operator.get("/api/v1/runs").json["items"][0]
    assert (latest["kind"], latest["planned"], latest["writes"]) == ("plan", 1, 0)
    assert "contact 1 to be changed in Custom ERP" in row(own, latest["id"])
    assert "A plan writes nothing." in own.browser("viewer").get(f"/runs/{latest['id']}").text
    assert "1 write planned" in acme.run("history", "--runs", "--limit", "1").stdout


def test_an_undone_run_says_by_which_and_its_undoing_of_which(own: Served, acme: Company) -> None:
    operator = paused(own)
    acme.edit_chargebee("c4", first_name="Evelyn", last_name="Norberg")
    plan = whole(own, operator.send("POST", "/api/v1/plans", {}).json)
    run = whole(own, operator.send("POST", f"/api/v1/plans/{plan['number']}/approve").json)["run"]
    by: list[dict[str, Any]] = []
    assert operator.send("POST", "/api/v1/pairs/contact/resume").status == 204
    for part in ({"pair": "contact", "id": "c4", "side": "left", "property": "last_name"}, {}):
        back = whole(own, operator.send("POST", "/api/v1/plans/undo", {"run": run, **part}).json)
        page = own.browser("viewer").get(f"/runs/plans/{back['number']}").text
        assert "worth most while" not in page, "nothing but an approval takes anything back"
        back = whole(own, operator.send("POST", f"/api/v1/plans/{back['number']}/approve").json)
        by.append({"run": back["run"], "partly": bool(part)})
    told = operator.get(f"/api/v1/runs/{run}").json
    assert (told["undone_by"], told["undoes"]) == (by, 0)
    part, all_of_it = (operator.get(f"/api/v1/runs/{each['run']}").json for each in by)
    assert (part["undoes"], part["partly"], part["undone_by"]) == (run, True, [])
    assert (all_of_it["undoes"], all_of_it["partly"]) == (run, False)
    one, two = (each["run"] for each in by)
    assert f"undone in part by run {one} undone by run {two}" in row(own, run)
    assert f"takes back a part of run {run}" in row(own, one)
    assert f"takes back run {run}" in row(own, two)
    lines = acme.run("history", "--runs").stdout
    assert f"undone in part by run {one}, undone by run {two}" in lines
    assert f"1 write, undoes run {run}" in lines


def test_writes_are_counted_while_a_run_goes_on(own: Served) -> None:
    store = own.site.store
    run = own.do(store.write(lambda tx: tx.start_run("sync", 1))).id
    operator = own.client("operator")
    assert operator.get(f"/api/v1/runs/{run}").json["writes"] == 0
    assert "going on, nothing written so far" in row(own, run)
    for written in (1, 2):
        entry = Entry(written, run, "contact", "create", "done", Side.RIGHT, f"9{written}", "c9", 99)
        own.do(store.write(lambda tx, entry=entry: tx.append([entry])))
        told = operator.get(f"/api/v1/runs/{run}").json
        assert (told["writes"], told["finished_ms"]) == (written, None)
        assert f"contact {written} created in Custom ERP" in row(own, run)


def test_a_plan_says_what_another_run_has_made_of_it_meanwhile(own: Served, acme: Company) -> None:
    operator = paused(own)
    acme.edit_chargebee("c4", first_name="Evelyn")
    acme.customer("c6", "Uma", "Lind", "uma@example.test")
    acme.edit_erp("11", family_name="Norberg")
    plan = whole(own, operator.send("POST", "/api/v1/plans", {"full": True}).json)
    assert plan["writes"] == 3
    acme.edit_erp("11", family_name="Holm")  # so that one of the three is no more what was planned
    assert operator.send("POST", "/api/v1/pairs/contact/resume").status == 204
    own.do(own.live.ask(Wish()))
    done = whole(own, operator.send("POST", f"/api/v1/plans/{plan['number']}/approve").json)
    ((other, made),) = done["report"]["already"].items()
    assert (done["report"]["written"], made, operator.get(f"/api/v1/runs/{other}").json["writes"]) == (
        0,
        2,
        3,
    )
    page = text(own.browser("viewer").get(f"/runs/plans/{plan['number']}").text)
    assert "0 of 3 writes made" in page
    assert f"2 were made already by run {other} ." in page
    assert "1 was left alone, since what it was decided from has changed" in page


def test_a_plan_tells_a_value_that_loses_as_people_read_it(own: Served) -> None:
    operator = paused(own)
    conflicts = operator.get("/api/v1/holds?cause=conflict").json["items"]
    hold = next(each for each in conflicts if each["record"] == "c1")
    operator.send("POST", "/api/v1/holds/release", {"holds": [hold["id"]], "choice": "left"})
    plan = whole(own, operator.send("POST", "/api/v1/plans", {}).json)
    page = text(own.browser("viewer").get(f"/runs/plans/{plan['number']}").text)
    assert "first_name: Åsa of Custom ERP loses (a person chose this side)" in page


def test_a_plan_offers_to_pause_the_pairs_that_go_on(own: Served, acme: Company) -> None:
    operator, browser = paused(own), own.browser("operator")
    acme.edit_chargebee("c4", first_name="Evelyn")
    plan = whole(own, operator.send("POST", "/api/v1/plans", {}).json)
    there = f"/runs/plans/{plan['number']}"
    assert "worth most while" not in browser.get(there).text
    assert operator.send("POST", "/api/v1/pairs/contact/resume").status == 204
    page = browser.get(there).text
    assert "A plan is worth most while its pairs are paused" in page
    offered = re.findall(r'name="pair" value="(\w+)"><input type="hidden" name="plan" value="(\d+)"', page)
    assert offered == [("contact", str(plan["number"]))], "and no pair of which nothing is to be written"
    fields = {"pair": "contact", "plan": str(plan["number"]), "csrf": browser.csrf()}
    assert browser.form("/runs/pause", fields).headers["location"] == there
    assert "worth most while" not in browser.get(there).text


def test_a_run_that_was_broken_off_and_one_that_missed_a_system_are_told_as_such(
    own: Served, acme: Company
) -> None:
    operator = paused(own)
    for _ in range(2):
        whole(own, operator.send("POST", "/api/v1/plans", {}).json)
    found = operator.get("/api/v1/runs").json["items"]
    second, first = [run["id"] for run in found if run["kind"] == "plan"][:2]
    connection = apsw.Connection(str(acme.directory / "instep.sqlite"))
    connection.set_busy_timeout(5_000)
    connection.execute(
        "update runs set finished_ms = null, status = 'running', summary = 'null' where id = ?", (first,)
    )
    troubles = "json_set(summary, '$.troubles', json_object('right:order', 'it is down'))"
    connection.execute(f"update runs set summary = {troubles} where id = ?", (second,))
    connection.close()
    told = operator.get(f"/api/v1/runs/{first}").json
    assert (told["broken_off"], told["status"]) == (True, "running")
    assert operator.get(f"/api/v1/runs/{second}").json["troubles"] == {"right:order": "it is down"}
    assert "broken off" in row(own, first) and "goes on" not in row(own, first)
    assert "not all was worked on" in row(own, second) and "broken off" not in row(own, second)
    viewer = own.browser("viewer")
    assert "It wrote nothing." in viewer.get(f"/runs/{first}").text
    assert "it is down" in viewer.get(f"/runs/{second}").text
