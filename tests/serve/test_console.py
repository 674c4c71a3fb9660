"""The console's pages over HTTP, without a script: what they show, and what their forms do."""

from __future__ import annotations

import html
import re

import pytest

from instep.runner.run import Wish
from tests.cli.company import Company
from tests.serve.served import XSS, Client, Served, fill, served, text


def holds(console: Served, **like: str) -> list[int]:
    items = console.client("viewer").get("/api/v1/holds").json["items"]
    return [hold["id"] for hold in items if all(hold[name] == value for name, value in like.items())]


PAGES = [
    "/",
    "/?span=month",
    "/inbox",
    "/inbox?pair=contact&cause=conflict&property=first_name",
    "/matches",
    "/records",
    "/record?pair=contact&id=c1&side=left",
    "/record?pair=contact&id=c3&side=left",
    "/record?pair=contact&id=c5&side=left",
]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_whole_for_a_viewer_and_an_operator(console: Served, path: str) -> None:
    for role in ("viewer", "operator"):
        answer = console.browser(role).get(path)  # type: ignore[arg-type]
        assert answer.status == 200, answer.text
        assert answer.text.rstrip().endswith("</html>")
        assert "Both(" not in answer.text
        assert "object at 0x" not in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_no_value_of_a_record_becomes_part_of_the_page(console: Served, path: str) -> None:
    page = console.browser("operator").get(path).text
    assert XSS not in page
    assert "<script>alert" not in page


def test_the_overview_tells_first_what_needs_a_person(console: Served) -> None:
    page = text(console.browser("viewer").get("/").text)
    assert page.index("Needs you") < page.index("The flows") < page.index("Written in the last")
    assert "3 conflict in first_name" in page
    assert "4 linked" in page


def test_a_search_by_form_finds_and_leaves_nothing_in_an_address(console: Served) -> None:
    browser = console.browser("viewer")
    answer = browser.form("/records", {"query": "ase nordm", "csrf": browser.csrf()})
    assert answer.status == 200
    assert "2 records" in text(answer.text)
    links = re.findall(r'href="(/record\?[^"]*)"', answer.text)
    assert {html.unescape(link) for link in links} == {
        "/record?pair=contact&side=left&id=c1",
        "/record?pair=contact&side=right&id=7",
    }
    assert not any("example" in link or "Nordmann" in link for link in links)
    assert browser.form("/records", {"query": "ase"}).status == 403
    nothing = browser.form("/records", {"query": XSS, "csrf": browser.csrf()})
    assert XSS not in nothing.text


def test_a_record_shows_both_sides_and_why(console: Served) -> None:
    page = text(console.browser("viewer").get("/record?pair=contact&id=c1&side=left").text)
    assert "Why is this not in step?" in page
    assert "not in step: 1 of 15 properties (first_name)" in page
    assert "customer c1" in page
    assert "contact 7" in page
    assert page.index("Åse") < page.index("Property by property")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/record?pair=contact&id=nobody", 404),
        ("/record?pair=nothing&id=c1", 404),
        ("/record?pair=contact", 422),
        ("/inbox?hold=999999", 404),
        ("/inbox?hold=-1", 422),
        ("/inbox/always?hold=999999&side=left", 404),
        ("/matches?pair=nothing", 404),
        ("/no/such/page", 404),
    ],
)
def test_what_is_not_there_is_told_on_a_page(console: Served, path: str, status: int) -> None:
    answer = console.browser("viewer").get(path)
    assert answer.status == status
    assert "text/html" in answer.headers["content-type"]
    assert "To the overview" in answer.text


def test_a_viewer_is_offered_nothing_and_can_send_nothing(console: Served) -> None:
    browser = console.browser("viewer")
    number = holds(console, record="c1")[0]
    page = browser.get(f"/inbox?hold={number}").text
    assert 'name="one"' not in page
    csrf = browser.csrf()
    for path, fields in {
        "/inbox": {"one": f"{number}:left"},
        "/record/link": {"pair": "contact", "side": "left", "id": "c3", "other": "9"},
        "/record/unlink": {"pair": "contact", "side": "left", "id": "c1"},
        "/record/undo": {"pair": "contact", "side": "left", "id": "c1", "run": "1"},
        "/matches/link": {"pair": "contact", "side": "left", "id": "c3", "other": "9"},
    }.items():
        assert browser.form(path, {**fields, "csrf": csrf}).status == 403, path
    assert holds(console, record="c1") == [number]


def test_the_page_of_the_brakes_decides_nothing_else(console: Served) -> None:
    browser, number = console.browser("operator"), holds(console, record="c1")[0]
    form = {"csrf": browser.csrf(), "choice": "left"}
    assert browser.form(f"/runs/brakes/{number}", form).status == 422
    assert browser.form(f"/runs/brakes/{number}", {**form, "choice": "release"}).status == 409
    chosen = console.site.store.read(lambda tx: (hold := tx.hold(number)) and tx.releases_of(hold.key))
    assert chosen == []


def test_always_like_this_is_shown_as_a_change_that_says_so(console: Served) -> None:
    number = holds(console, record="c1")[0]
    page = html.unescape(console.browser("viewer").get(f"/inbox/always?hold={number}&side=right").text)
    assert "-      - first_name <-> given_name | text(trim, max=60)" in page
    assert "+      - map: first_name <-> given_name | text(trim, max=60)\n+        policy: right" in page


def decide(browser: Client, *fields: tuple[str, str]) -> str:
    """Send the inbox's form, and read what the next page says."""
    answer = browser.form("/inbox", [*fields, ("csrf", browser.csrf()), ("back", "/inbox")])
    assert answer.status == 303, answer.text
    return text(browser.get(answer.headers["location"]).text)


def test_conflicts_are_decided_singly_checked_and_all_alike(own: Served) -> None:
    browser = own.browser("operator")
    first, second, third = sorted(holds(own, cause="conflict"))
    assert "1 decision is kept" in decide(browser, ("one", f"{first}:left"))
    assert "1 decision is kept" in decide(browser, ("checked", "right"), ("hold", str(second)))
    own.do(own.live.ask(Wish()))
    assert holds(own, cause="conflict") == [third]
    kind = (("pair", "contact"), ("cause", "conflict"), ("property", "first_name"))
    assert "1 decision is kept" in decide(browser, ("kind", "left"), *kind)
    own.do(own.live.ask(Wish()))
    assert holds(own, cause="conflict") == []
    assert "Nothing is ticked: tick some" in decide(browser, ("checked", "left"))
    for fields in ([("one", f"{third}:left")], [("one", "1:nonsense")], []):
        answer = browser.form("/inbox", [*fields, ("csrf", browser.csrf())])
        assert answer.status in (404, 409), fields


def test_a_value_that_lost_is_told_as_not_taken_and_a_choice_by_its_property_alone(own: Served) -> None:
    browser = own.browser("operator")
    (number,) = holds(own, record="c1")
    decide(browser, ("one", f"{number}:left"))
    own.do(own.live.ask(Wish()))
    lost = own.client("viewer").get("/api/v1/journal?operation=overruled").json["items"][0]
    for path in (f"/runs/{lost['run']}", "/record?pair=contact&id=c1&side=left"):
        page = text(browser.get(path).text)
        assert "first_name given_ name Åsa was not taken" in page
        assert "Åsa → empty" not in page
    release = page[page.index("release") :]
    assert "first_name" in release
    assert "empty" not in release[: release.index("first_name")]
    assert not release.startswith("release in ")


def test_a_run_that_goes_on_is_not_said_to_have_nothing_to_write(own: Served) -> None:
    run = own.do(own.site.store.write(lambda tx: tx.start_run("live", 1)))
    browser = own.browser("viewer")
    row = text(browser.get("/runs").text).split(f" {run.id} live ")[1]
    assert "nothing to write" not in row[: row.index(" sync ")]
    assert "going on" in row[: row.index(" sync ")]
    assert "It goes on, and has written nothing yet." in text(browser.get(f"/runs/{run.id}").text)


def test_a_brake_comes_first_with_the_records_that_it_has_stopped(acme: Company) -> None:
    fill(acme)
    for number in range(14):
        acme.customer(f"b{number}", "Åse", f"Nordmann {number}", f"ase{number}@example.test")
        acme.contact(f"9{number}", "Åse", f"Nordmann {number}", f"ase{number}@example.test")
    with served(acme.directory) as console:
        console.do(console.live.ask(Wish()))
        for number in range(14):
            acme.edit_chargebee(f"b{number}", last_name=f"Berg {number}")
        console.do(console.live.ask(Wish()))
        (brake,) = console.site.store.read(lambda tx: tx.holds(cause="brake", limit=9))
        stopped = int(brake.what.split()[0])
        assert stopped > 3, "more than there are conflicts, whatever was written before it tripped"
        browser = console.browser("viewer")
        needs = text(browser.get("/").text).split("Needs you")[1]
        assert needs.startswith(f" {stopped} brake : {stopped} records of contact would be changed")
        kinds = browser.get("/inbox").text
        nav = text(
            kinds[kinds.index("Kinds of holds") : kinds.index("</nav>", kinds.index("Kinds of holds"))]
        )
        assert nav.index(f"brake in change contact {stopped}") < nav.index("conflict in first_name contact 3")


def test_each_card_has_its_own_reason_and_says_what_its_times_are_of(console: Served) -> None:
    browser = console.browser("operator")
    page = browser.get("/inbox?pair=contact&cause=ambiguous").text
    items = console.client("viewer").get("/api/v1/holds?cause=ambiguous").json["items"]
    cards = {text(card) for card in re.findall(r"<article.*?</article>", page, re.S)}
    assert items and len(cards) == len(items)
    for hold in items:
        assert any(hold["what"] in card and hold["why"] in card for card in cards)
    conflicts = browser.get("/inbox?pair=contact&cause=conflict&property=first_name").text
    assert "record last changed" in text(conflicts)
    assert not re.search(r'<button[^>]*class="main"', page + conflicts), "nothing looks like a proposal"


def test_a_match_is_made_taken_back_and_made_again(own: Served) -> None:
    browser = own.browser("operator")
    page = text(browser.get("/matches").text)
    assert "same match key" in page
    assert "100 %" in page
    csrf = browser.csrf()
    fields = {"pair": "contact", "side": "left", "id": "c3", "other": "9", "csrf": csrf}
    assert browser.form("/matches/link", fields).status == 303
    there = "/record?pair=contact&side=left&id=c3"
    assert "Linked: a person linked them" in text(browser.get(there).text)
    own.do(
        own.live.ask(Wish())
    )  # a link is not taken apart while a write to one of its records is on its way
    assert browser.form("/record/unlink", {**fields, "rematch": ""}).headers["location"] == there
    assert "kept apart" in text(browser.get(there).text)
    assert browser.form("/record/link", fields).status == 303
    assert "Linked: a person linked them" in text(browser.get(there).text)


def test_the_way_back_from_a_write_begins_at_the_record(own: Served) -> None:
    browser = own.browser("operator")
    run = (
        own.client("viewer")
        .get("/api/v1/journal?pair=contact&id=c4&operation=update")
        .json["items"][0]["run"]
    )
    fields = {"pair": "contact", "side": "left", "id": "c4", "run": str(run), "csrf": browser.csrf()}
    answer = browser.form("/record/undo", fields)
    assert (answer.status, answer.headers["location"]) == (303, "/runs/plans/1")
    plan = own.client("viewer").get("/api/v1/plans/1").json
    assert (plan["undoes"], plan["by"]) == (run, "Olaf")


def test_a_decision_that_waits_is_shown_as_one_and_taken_back(own: Served) -> None:
    browser = own.browser("operator")
    own.client("operator").send("POST", "/api/v1/pairs/contact/pause")
    number = holds(own, cause="conflict")[0]
    decide(browser, ("one", f"{number}:left"))
    there = f"/inbox?hold={number}"
    page = browser.get(there).text
    assert "It is done with the next run, once contact is resumed." in text(page)
    assert f'value="{number}:left"' not in page, "what is decided is not asked again"
    assert "is taken back; it waits for you again" in decide(browser, ("back_to_undecided", str(number)))
    page = browser.get(there).text
    assert "Take this decision back" not in page and f'value="{number}:left"' in page
    operator = own.client("operator")
    operator.send("POST", "/api/v1/holds/release", {"holds": [number], "choice": "left"})
    assert operator.send("POST", f"/api/v1/holds/{number}/take-back").status == 204
    assert operator.send("POST", f"/api/v1/holds/{number}/take-back").status == 409
    operator.send("POST", "/api/v1/pairs/contact/resume")
    own.do(own.live.ask(Wish()))
    assert number in holds(own, cause="conflict"), "nothing was written"
    again = [("back_to_undecided", str(number)), ("csrf", browser.csrf())]
    assert browser.form("/inbox", again).status == 409


def test_a_match_folds_what_is_the_same_and_asks_before_what_can_not_be_seen_at_once(console: Served) -> None:
    page = console.browser("operator").get("/matches").text
    assert "more properties are the same" in page
    table, folded = page.split("<details", 1)[0], page.split("<details", 1)[1].split("</details>")[0]
    assert "email" in text(table), "a key is shown"
    assert "last_name" not in text(table) and "last_name" in text(folded)
    asked = [html.unescape(each) for each in re.findall(r'data-sure="([^"]*)"', page)]
    assert any(each.startswith("A new record is made in ") for each in asked)
    assert any("is kept apart for ever" in each for each in asked)
