"""The API over a real site: what can be asked, what can be decided, and by whom."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from instep.runner.run import Wish
from tests.cli.company import Company
from tests.serve.served import XSS, Served, whole


def held(console: Served, **like: Any) -> list[dict[str, Any]]:
    items = console.client("viewer").get("/api/v1/holds").json["items"]
    return [hold for hold in items if all(hold[name] == value for name, value in like.items())]


def run(console: Served) -> None:
    console.do(console.live.ask(Wish()))


def test_pairs_say_where_they_stand(console: Served) -> None:
    pairs = {pair["name"]: pair for pair in console.client("viewer").get("/api/v1/pairs").json}
    assert set(pairs) == {pair.name for pair in console.site.dataflow.pairs}
    contact = pairs["contact"]
    assert contact["records"] == {"left": 5, "right": 6}
    assert contact["linked"] == 4
    assert contact["held"]["conflict"] == 3
    assert contact["held"]["ambiguous"] >= 1
    assert contact["for_person"] == sum(contact["held"].values())


def test_a_record_is_found_by_id_name_and_address_on_either_side(console: Served) -> None:
    viewer = console.client("viewer")

    def found(query: str, **only: str) -> set[tuple[str, str]]:
        answer = viewer.send("POST", "/api/v1/records/search", {"query": query, **only})
        assert answer.status == 200, answer.text
        return {(each["side"], each["id"]) for each in answer.json}

    assert found("ase@example.test") == {("left", "c1"), ("right", "7")}
    assert found("ase nordm") == {("left", "c1"), ("right", "7")}
    assert found("asa") == {("right", "7")}
    assert found("c1") == {("left", "c1")}
    assert found("berg", side="right", pair="contact") == {("right", "9"), ("right", "10")}
    assert found("") == found("nobody") == set()


def test_a_record_is_shown_with_both_sides_origins_and_an_explanation(console: Served) -> None:
    record = console.client("viewer").get("/api/v1/records/one?pair=contact&id=c1").json
    assert (record["left"]["id"], record["right"]["id"]) == ("c1", "7")
    assert not record["in_step"]
    (name,) = [prop for prop in record["properties"] if prop["name"] == "first_name"]
    assert (name["left"], name["right"], name["state"]) == (["Åse"], ["Åsa"], "held")
    assert {origin["how"] for origin in name["origins"].values()} == {"read"}
    (hold,) = record["holds"]
    assert hold["cause"] == "conflict"
    assert [entry["operation"] for entry in record["journal"]][-1] == "link"
    in_step = console.client("viewer").get("/api/v1/records/one?pair=contact&id=11&side=right").json
    assert in_step["in_step"], in_step["summary"]


def test_a_hold_is_released_and_the_journal_says_who_chose(own: Served) -> None:
    (hold,) = held(own, record="c1")
    operator = own.client("operator")
    assert "left" in [choice["choice"] for choice in hold["choices"]]
    done = operator.send("POST", "/api/v1/holds/release", {"holds": [hold["id"]], "choice": "left"})
    assert (done.status, done.json["released"]) == (200, 1)
    run(own)
    assert held(own, record="c1") == []
    record = operator.get("/api/v1/records/one?pair=contact&id=c1").json
    (name,) = [prop for prop in record["properties"] if prop["name"] == "first_name"]
    assert (name["left"], name["right"], name["state"]) == (["Åse"], ["Åse"], "same")
    assert name["origins"]["right"]["how"] == "written"
    entries = operator.get("/api/v1/journal?pair=contact&id=c1&operation=release").json["items"]
    assert [entry["reason"] for entry in entries] == ["conflict: Olaf chose left"]


def test_all_holds_of_a_kind_are_released_together(own: Served) -> None:
    kinds = own.client("viewer").get("/api/v1/holds/kinds").json
    (kind,) = [kind for kind in kinds if kind["cause"] == "conflict"]
    assert (kind["count"], kind["property"]) == (3, "first_name")
    wish = {"pair": "contact", "cause": "conflict", "property": "first_name", "choice": "right"}
    done = own.client("operator").send("POST", "/api/v1/holds/release", wish)
    assert done.json["released"] == 3
    run(own)
    assert held(own, cause="conflict") == []


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({"holds": [999_999], "choice": "left"}, 404),
        ({"choice": "left"}, 409),
        ({"holds": [1], "pair": "contact", "cause": "conflict", "choice": "left"}, 409),
        ({"pair": "nothing", "cause": "conflict", "choice": "left"}, 404),
        ({"holds": [0], "choice": "left"}, 422),
        ({"holds": [1], "choice": "left", "more": 1}, 422),
        ({"holds": "all"}, 422),
    ],
)
def test_a_release_that_can_not_be_meant_is_told_why(console: Served, wish: Any, status: int) -> None:
    answer = console.client("operator").send("POST", "/api/v1/holds/release", wish)
    assert answer.status == status, answer.text
    assert set(answer.json) == {"what", "why", "fix"}
    assert answer.json["what"]


def test_an_ambiguous_record_is_linked_taken_apart_and_linked_again(own: Served) -> None:
    operator = own.client("operator")
    (hold,) = held(own, record="c3", cause="ambiguous")
    assert set(hold["values"]["candidates"]) == {"9", "10"}
    made = operator.send("POST", "/api/v1/links", {"pair": "contact", "left": "c3", "right": "9"})
    assert made.status == 201, made.text
    again = operator.send("POST", "/api/v1/links", {"pair": "contact", "left": "c3", "right": "10"})
    assert (again.status, again.json["why"]) == (409, "a record has one partner")
    run(own)  # a link is not taken apart while a write to one of its records is on its way
    removed = operator.send("POST", "/api/v1/links/remove", {"pair": "contact", "id": "c3"})
    assert (removed.status, removed.json["right"]) == (200, "9")
    run(own)
    assert not operator.get("/api/v1/records/one?pair=contact&id=c3").json["linked"], "kept apart"
    wish = {"pair": "contact", "id": "c3"}
    assert operator.send("POST", "/api/v1/links/match-again", wish).status == 204
    assert operator.send("POST", "/api/v1/links/match-again", wish).status == 409
    former = operator.send(
        "POST", "/api/v1/links/match-again", {"pair": "contact", "id": "9", "side": "right"}
    )
    assert former.status == 409, "the one that it was parted from may be its partner again"
    reasons = [entry["reason"] for entry in operator.get("/api/v1/journal?pair=contact&id=c3").json["items"]]
    assert [reason for reason in reasons if "Olaf" in reason] == [
        "kept apart no more: Olaf",
        "by hand: Olaf",
        "by hand: Olaf",
    ]


def test_lists_come_in_pages_that_together_are_all_of_it(console: Served) -> None:
    viewer = console.client("viewer")
    for path in ("/api/v1/journal?", "/api/v1/holds?", "/api/v1/links?pair=contact&", "/api/v1/runs?"):
        whole = viewer.get(f"{path}limit=200").json
        assert whole["next"] is None
        pages, cursor = [], ""
        while cursor is not None:
            page = viewer.get(f"{path}limit=2&cursor={cursor}").json
            pages += page["items"]
            cursor = page["next"]
        assert pages == whole["items"], path
        assert viewer.get(f"{path}limit=201").status == 422
        assert viewer.get(f"{path}cursor=x").status == 409


def test_a_plan_is_made_looked_at_approved_and_undone(own: Served, acme: Company) -> None:
    operator = own.client("operator")
    operator.send("POST", "/api/v1/pairs/contact/pause")  # else the loop would write it by itself
    acme.edit_chargebee("c4", first_name="Evelyn")
    plan = whole(own, operator.send("POST", "/api/v1/plans", {}).json)
    assert (plan["state"], plan["writes"], plan["by"]) == ("ready", 1, "Olaf")
    assert {"pair": "contact", "kind": "update", "about": "right", "count": 1} in plan["groups"]
    page = operator.get(f"/api/v1/plans/{plan['number']}/actions?pair=contact&kind=update&about=right").json
    (write,) = page["items"][0]["writes"]
    assert [(c["property"], c["old"], c["new"]) for c in write["changes"]] == [
        ("first_name", ["Eva"], ["Evelyn"])
    ]
    assert acme.in_erp()["eva@example.test"]["given_name"] == "Eva", "nothing is written yet"
    done = whole(own, operator.send("POST", f"/api/v1/plans/{plan['number']}/approve").json)
    assert (done["state"], done["report"]["written"], done["approved_by"]) == ("done", 1, "Olaf")
    assert acme.in_erp()["eva@example.test"]["given_name"] == "Evelyn"
    assert operator.send("POST", f"/api/v1/plans/{plan['number']}/approve").status == 409
    run = operator.get(f"/api/v1/runs/{done['run']}").json
    assert (run["kind"], run["writes"]) == ("sync", 1)
    back = whole(own, operator.send("POST", "/api/v1/plans/undo", {"run": done["run"]}).json)
    assert (back["state"], back["undoes"], back["counts"]["records"]) == ("ready", done["run"], 1)
    undone = whole(own, operator.send("POST", f"/api/v1/plans/{back['number']}/approve").json)
    assert undone["state"] == "done", undone
    assert acme.in_erp()["eva@example.test"]["given_name"] == "Eva"
    told = [e["reason"] for e in operator.get("/api/v1/journal?operation=decide").json["items"]]
    assert told == [
        f"Olaf approved plan {back['number']} (1 write), to undo run {done['run']}",
        f"Olaf approved plan {plan['number']} (1 write)",
    ]


def test_a_plan_whose_approval_could_not_be_kept_is_as_before(own: Served) -> None:
    operator = own.client("operator")
    plan = whole(own, operator.send("POST", "/api/v1/plans", {}).json)
    own.app.state.plans.get(plan["number"]).fingerprints.add("a write")
    own.do(own.site.store.close())
    assert operator.send("POST", f"/api/v1/plans/{plan['number']}/approve").status == 503
    after = operator.get(f"/api/v1/plans/{plan['number']}").json
    assert (after["state"], after["approved_by"]) == ("ready", "")


def test_a_plan_that_finds_no_room_for_its_file_has_failed_and_says_why(
    own: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    plan = whole(own, own.client("operator").send("POST", "/api/v1/plans", {}).json)
    assert (plan["state"], plan["problem"]) == (
        "failed",
        "the plan's file can't be written\n  why: No such file or directory",
    )


def test_runs_are_told_begun_and_stopped(own: Served) -> None:
    operator = own.client("operator")
    runs = operator.get("/api/v1/runs").json["items"]
    assert runs[0]["status"] == "done"
    assert operator.get("/api/v1/runs/999999").status == 404
    assert operator.send("POST", "/api/v1/runs").status == 202
    assert operator.send("POST", "/api/v1/runs/stop").status == 202


def test_a_pair_is_paused_and_goes_on(own: Served) -> None:
    operator = own.client("operator")

    def paused() -> list[str]:
        return [p["paused_by"] for p in operator.get("/api/v1/pairs").json if p["name"] == "contact"]

    assert operator.send("POST", "/api/v1/pairs/contact/pause").status == 204
    assert paused() == ["Olaf"]
    assert operator.send("POST", "/api/v1/pairs/contact/resume").status == 204
    assert paused() == [None]
    assert operator.send("POST", "/api/v1/pairs/nothing/pause").status == 404


def test_an_admin_lets_a_person_be_forgotten_and_nobody_else_does(own: Served) -> None:
    wish = {"pair": "contact", "id": "c4"}
    assert own.client("operator").send("POST", "/api/v1/records/forget", wish).status == 403
    admin = own.client("admin")
    before = admin.get("/api/v1/journal?pair=contact&id=c4").json["items"]
    assert not any(entry["forgotten"] for entry in before)
    would = admin.send("POST", "/api/v1/records/forget", wish).json
    assert (would["done"], would["entries"] > 0, would["kept"]) == (False, True, 2)
    assert admin.get("/api/v1/journal?pair=contact&id=c4").json["items"] == before
    done = admin.send("POST", "/api/v1/records/forget", {**wish, "sure": True})
    assert (done.status, done.json["done"]) == (200, True), done.text
    after = admin.get("/api/v1/journal?pair=contact&id=c4").json["items"]
    assert all(entry["forgotten"] for entry in after if entry["operation"] != "forget")
    told = admin.get("/api/v1/journal?operation=decide").json["items"]
    assert [entry["reason"] for entry in told] == ["Ada let contact c4 be forgotten"]


WRITING = [
    ("/api/v1/pairs/contact/pause", None),
    ("/api/v1/pairs/contact/resume", None),
    ("/api/v1/plans", {}),
    ("/api/v1/plans/undo", {"run": 1}),
    ("/api/v1/plans/1/approve", None),
    ("/api/v1/runs", None),
    ("/api/v1/runs/stop", None),
    ("/api/v1/holds/release", {"holds": [1], "choice": "left"}),
    ("/api/v1/links", {"pair": "contact", "left": "c3", "right": "9"}),
    ("/api/v1/links/remove", {"pair": "contact", "id": "c1"}),
    ("/api/v1/links/match-again", {"pair": "contact", "id": "c1"}),
]


def test_a_viewer_reads_and_changes_nothing(console: Served) -> None:
    viewer = console.client("viewer")
    before = viewer.get("/api/v1/journal").json
    for path, wish in WRITING:
        answer = viewer.send("POST", path, wish)
        assert (answer.status, answer.json["what"]) == (403, "that is for the role operator; Vera has viewer")
    assert viewer.get("/api/v1/journal").json == before


def test_a_session_changes_something_only_with_its_token_and_its_origin(own: Served) -> None:
    browser = own.browser("operator")
    csrf = browser.csrf()
    (hold,) = held(own, record="c1")
    wish = {"holds": [hold["id"]], "choice": "left"}
    path = "/api/v1/holds/release"
    assert browser.send("POST", path, wish).status == 403
    assert browser.send("POST", path, wish, **{"X-CSRF-Token": csrf}).status == 403
    assert browser.send("POST", path, wish, Origin=own.url).status == 403
    headers = {"X-CSRF-Token": csrf, "Origin": "https://evil.test"}
    assert browser.send("POST", path, wish, **headers).status == 403
    assert browser.send("POST", path, wish, **{"X-CSRF-Token": csrf, "Origin": own.url}).status == 200


def test_every_call_is_described_with_a_summary_and_its_failures(console: Served) -> None:
    described = console.client("viewer").get("/api/openapi.json").json
    for path, methods in described["paths"].items():
        for method, call in methods.items():
            assert call["summary"], path
            assert call["description"], path
            if path.startswith("/api/"):
                assert {"401", "403", "404", "409", "422"} <= set(call["responses"]), (method, path)
    assert "Problem" in described["components"]["schemas"]


def test_values_of_records_come_as_they_are(console: Served) -> None:
    record = console.client("viewer").get("/api/v1/records/one?pair=contact&id=c5").json
    assert XSS in json.dumps(record["properties"], ensure_ascii=False).replace('\\"', '"')
