"""Whatever is sent: the emulator answers in Chargebee's terms, reads what the SDK writes, and pages miss
nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from chargebee import util
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from instep.sandbox.chargebee.forms import Tree, parse, text_list
from instep.sandbox.chargebee.routes import ROUTES
from instep.sandbox.chargebee.specs_catalog import ITEM, ITEM_FAMILY, ITEM_PRICE
from instep.sandbox.chargebee.specs_customer import CUSTOMER
from instep.sandbox.chargebee.specs_order import INVOICE, ORDER

from .chargebee_site import NOON, Emulator, emulator

# One site for all examples of a test: what an earlier one left behind is part of "whatever".
EXAMPLES = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def site() -> Iterator[Emulator]:
    with emulator() as running:
        running.freeze(NOON + 100)
        running.post("customers", {"id": "c"})
        running.post("item_families", {"id": "f", "name": "f"})
        running.post("items", {"id": "i", "name": "i", "type": "charge", "item_family_id": "f"})
        running.post("item_prices", {"id": "p", "name": "p", "item_id": "i", "price": "1"})
        invoice = {"id": "v", "customer_id": "c", "date": str(NOON), "total": "0"}
        running.post("invoices/import_invoice", invoice)
        times = dict.fromkeys(("created_at", "order_date", "shipping_date"), str(NOON))
        running.post("orders/import_order", {"id": "o", "invoice_id": "v", "status": "queued", **times})
        yield running


SPECS = (CUSTOMER, ITEM_FAMILY, ITEM, ITEM_PRICE, INVOICE, ORDER)
NAMES = sorted({name for spec in SPECS for name in spec})
PARTS = [
    "",
    "[0]",
    "[1]",
    "[id]",
    "[id][0]",
    "[email]",
    "[country]",
    "[x][0][y]",
    "[",
    "[]",
    "[-1]",
    "[asc]",
    "[in]",
]
VALUES = st.one_of(
    st.sampled_from(
        ["", "true", "0", "1", "-1", "x", "{}", "[]", "[1,2]", "null", "deleted", "cancelled", str(NOON)]
    ),
    st.text(max_size=20),
    st.text(min_size=290, max_size=300),
)
PARAMS = st.dictionaries(
    st.builds(
        "{}{}".format,
        st.sampled_from(
            [*NAMES, "limit", "offset", "sort_by", "contact", "credit_note", "cf_erp_id", "cf_x"]
        ),
        st.sampled_from(PARTS),
    ),
    VALUES,
    max_size=6,
)
CALLS = sorted(ROUTES)


@pytest.mark.slow
@EXAMPLES
@given(
    call=st.sampled_from(CALLS), record=st.sampled_from(["c", "f", "i", "p", "v", "o", "x"]), params=PARAMS
)
def test_no_request_is_ever_an_internal_error(
    site: Emulator, call: tuple[str, str], record: str, params: dict[str, str]
) -> None:
    method, template = call
    path = template.replace("{id}", record)
    answer = site.get(path, params) if method == "GET" else site.post(path, params)
    assert answer.status_code < 500, answer.text
    body = answer.json()
    if answer.status_code >= 400:
        assert body["api_error_code"]
        assert body["message"]
    else:
        assert "null" not in answer.text or None not in flat(body)


def flat(value: Any) -> list[Any]:
    """Every value within a JSON answer, but not what is inside the free JSON of a user."""
    if isinstance(value, dict):
        return [each for name, below in value.items() if "meta" not in name for each in flat(below)]
    if isinstance(value, list):
        return [each for below in value for each in flat(below)]
    return [value]


KEYS = st.from_regex(r"[a-z_]{1,8}", fullmatch=True).filter(
    lambda name: name not in ("in", "not_in", "between")
)
SCALARS = st.one_of(st.text(max_size=10), st.integers(), st.booleans(), st.none())
ROWS = st.lists(st.fixed_dictionaries({"id": SCALARS, "status": SCALARS}), min_size=1, max_size=4)
FORMS = st.dictionaries(
    KEYS,
    st.one_of(
        SCALARS, st.lists(SCALARS, min_size=1, max_size=4), ROWS, st.dictionaries(KEYS, SCALARS, min_size=1)
    ),
)


def expected(value: Any) -> str | Tree:
    """What the SDK means by a value, as a tree."""
    if isinstance(value, dict):
        return {name: expected(below) for name, below in value.items()}
    if isinstance(value, list) and isinstance(value[0], dict):
        return {
            name: {str(place): expected(each[name]) for place, each in enumerate(value)} for name in value[0]
        }
    if isinstance(value, list):
        return {str(place): expected(each) for place, each in enumerate(value)}
    return str(util.get_val(value))


@given(FORMS)
def test_a_form_that_the_sdk_writes_is_read_as_it_was_meant(form: dict[str, Any]) -> None:
    assert parse(urlencode(util.serialize(form))) == expected(form)


@given(st.lists(st.text("abcXYZ019-_. ", min_size=1).filter(lambda text: text == text.strip()), min_size=1))
def test_a_list_is_read_alike_in_every_spelling(elements: list[str]) -> None:
    spellings = [
        str(elements),
        "[" + ",".join(elements) + "]",
        "'[" + ", ".join(elements) + "]'",
        ",".join(elements),
    ]
    assert [text_list(spelling) for spelling in spellings] == [elements] * 4


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(
    seconds=st.lists(st.integers(0, 5), min_size=1, max_size=30),
    limit=st.integers(1, 7),
    edits=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 29)), max_size=6),
    descending=st.booleans(),
)
def test_pages_show_every_unedited_record_exactly_once(
    site: Emulator, seconds: list[int], limit: int, edits: list[tuple[int, int]], descending: bool
) -> None:
    """`edits` are (before which page, which record)."""
    run = f"r{site.console('GET', 'counters')['total']}-"
    records = [
        {"id": f"{run}{number}", "company": run, "created_at": NOON, "updated_at": NOON + second}
        for number, second in enumerate(seconds)
    ]
    site.console("POST", "load", {"customers": records})
    edited = {f"{run}{number}" for _, number in edits if number < len(seconds)}
    direction = "desc" if descending else "asc"
    params = {"company[is]": run, "limit": str(limit), f"sort_by[{direction}]": "updated_at"}
    seen: list[str] = []
    turn = 0
    offset = ""
    while True:
        for when, number in edits:
            if when == turn and number < len(seconds):
                site.post(f"customers/{run}{number}", {"phone": str(turn)})
        answer = site.get("customers", {**params, "offset": offset}).json()
        seen += [entry["customer"]["id"] for entry in answer["list"]]
        turn += 1
        offset = answer.get("next_offset", "")
        if not offset:
            break
    for record in records:
        if record["id"] not in edited:
            assert seen.count(str(record["id"])) == 1
    if not descending:
        assert set(seen) == {record["id"] for record in records}
