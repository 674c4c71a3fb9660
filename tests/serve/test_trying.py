"""Transformations and a changed dataflow tried out, and events that tell pages to look again: over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from instep.desk.trying import own_text
from instep.runner.run import Wish
from tests.cli.company import Company
from tests.serve.served import Served, fill, served


@pytest.fixture(scope="module")
def console(office: Company) -> Iterator[Served]:
    fill(office)
    with served(office.directory) as found:
        found.do(found.live.ask(Wish()))
        yield found


def tried(console: Served, **wish: Any) -> Any:
    answer = console.client("viewer").send("POST", "/api/v1/dataflow/try", wish)
    assert answer.status == 200, answer.text
    return answer.json


def test_a_value_is_shown_as_the_other_side_would_hold_it(console: Served) -> None:
    price = {"pair": "product", "property": "price.EUR"}
    assert tried(console, **price, values=["1250"])["target"] == ["12.50"]
    assert tried(console, **price, side="right", values=["12.50"])["target"] == [1250]
    odd = tried(console, **price, values=["twelve"])
    assert odd["target"] is None
    assert "twelve" in odd["why"]


def test_another_transformation_is_tried_in_its_place(console: Served) -> None:
    price = {"pair": "product", "property": "price.EUR", "values": ["1250"]}
    assert tried(console, **price, transformation="money(JPY, text=right)")["target"] == ["1250"]
    wrong = console.client("viewer").send(
        "POST", "/api/v1/dataflow/try", {**price, "transformation": "os:system"}
    )
    assert wrong.status == 409, "no program is loaded"
    assert "can't be loaded here" in wrong.json["why"]


def test_a_record_is_tried_with_what_it_holds(console: Served) -> None:
    email = tried(console, pair="contact", property="email", side="left", record="c1")
    assert email["source"] == email["target"] == ["ase@example.test"]
    missing = {"pair": "contact", "property": "email", "record": "nobody"}
    assert console.client("viewer").send("POST", "/api/v1/dataflow/try", missing).status == 404


def test_a_changed_dataflow_is_looked_through_with_places_and_not_saved(console: Served) -> None:
    own = own_text(console.site)
    viewer = console.client("viewer")

    def problems(text: str) -> list[Any]:
        return list(viewer.send("POST", "/api/v1/dataflow/check", {"text": text}).json)

    assert {each["severity"] for each in problems(own)} <= {"warning"}
    line = next(n for n, text in enumerate(own.splitlines(), 1) if "vat_number <-> tax_number" in text)
    found = problems(own.replace("tax_number | text(trim)", "tax_number | text(trm)"))
    assert [(each["line"], each["severity"]) for each in found] == [(line, "error")]
    program = problems(own.replace("tax_number | text(trim)", "tax_number | antigravity:fly"))
    assert "doesn't run yet" in program[0]["what"] + program[0]["why"]
    assert own_text(console.site) == own


def test_open_pages_are_told_that_something_changed_until_their_login_ends(console: Served) -> None:
    browser = console.browser("viewer")
    connection = HTTPConnection(urlsplit(console.url).netloc, timeout=30)
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    connection.request("GET", "/events", headers={"Cookie": cookie})
    answer = connection.getresponse()
    assert answer.getheader("content-type") == "text/event-stream; charset=utf-8"
    assert answer.readline().startswith(b"data: ")
    assert browser.form("/logout", {"csrf": browser.csrf()}).status == 303
    console.do(console.live.pause("contact", "Vera"))
    console.do(console.live.resume("contact", "Vera"))
    assert len(answer.read()) < 500, "it has ended"
    connection.close()
