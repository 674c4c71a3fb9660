"""`instep undo` over real HTTP: the way back is shown, asked about, done, and can be undone."""

from __future__ import annotations

import json

from .company import Company


def linked(acme: Company) -> str:
    """A contact that is in both, and whose ERP id is returned."""
    acme.customer("c1", "Ann", "Lee", "ann@x.example", phone="+4930111111")
    assert acme.run("sync").exit_code in (0, 3)
    return str(acme.in_erp()["ann@x.example"]["id"])


def test_a_run_is_shown_taken_back_and_taken_back_again(acme: Company) -> None:
    erp_id = linked(acme)
    acme.edit_chargebee("c1", last_name="Li")
    run = acme.json("sync")["run"]
    assert acme.in_erp()["ann@x.example"]["family_name"] == "Li"

    shown = acme.run("undo", str(run))
    assert shown.exit_code == 2, "nobody said yes, and a script must not take it for done"
    assert 'family_name: "Li" -> "Lee"' in shown.stdout
    assert "nothing was done\n" in shown.stderr and "1 record would be as before run 2" in shown.stderr
    assert "fix: say so with --yes" in shown.stderr
    as_json = acme.run("undo", str(run), "--json")
    assert as_json.exit_code == 2 and json.loads(as_json.stdout)["done"] is None
    assert acme.in_erp()["ann@x.example"]["family_name"] == "Li", "nothing is done unasked"

    done = acme.run("undo", str(run), "--yes")
    assert "1 of 1 write to undo" in done.output, done.output
    assert acme.in_erp()["ann@x.example"]["family_name"] == "Lee"
    assert acme.in_chargebee("c1")["last_name"] == "Li"
    acme.run("sync")
    assert acme.in_erp()["ann@x.example"]["family_name"] == "Lee"
    told = acme.run("history", "contact", erp_id, "--side", "right", "--property", "last_name")
    assert f"run {run} is undone" in told.output

    again = acme.json("undo", "last", "contact", "c1", "--yes")
    assert again["done"]["writes"][0]["count"] == 1
    assert acme.in_erp()["ann@x.example"]["family_name"] == "Li"
    assert [h for h in acme.json("holds", "list") if h["cause"] == "undone"] == []


def test_a_record_that_a_run_made_is_taken_out_of_use(acme: Company) -> None:
    linked(acme)
    done = acme.run("undo", "last", "--yes")
    assert done.exit_code == 0, done.output
    assert acme.in_erp()["ann@x.example"]["active"] is False
    acme.run("sync", "--full")
    assert acme.in_erp()["ann@x.example"]["active"] is False
    assert len(acme.in_erp()) == 1


def test_a_run_that_is_not_there_is_told_in_a_sentence(acme: Company) -> None:
    linked(acme)
    for words in (("99",), ("x",), ("1", "nope"), ("1", "contact", "nobody"), ("1", "--property", "phone")):
        refused = acme.run("undo", *words)
        assert refused.exit_code == 2, refused.output
        assert "Traceback" not in refused.output
