"""The log of a whole company's first day, faults among it: ids and counts, no person and no secret."""

from __future__ import annotations

import io
import json
import logging
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from instep.sandbox.world import build_world
from instep.serve import logs
from tests.cli.company import CHARGEBEE_KEY, ERP_TOKEN, Company
from tests.cli.test_stopping import WAIT_S, instep, read_until

QUIET_S = 3.0
"""When nothing was linked for so long, what there was to do is done."""
PERSONAL = {
    "first_name", "last_name", "given_name", "family_name", "email", "phone", "company", "line1", "line2", "line3",
    "street", "city", "zip", "postal_code", "vat_number", "tax_number", "name", "note", "notes",
}  # fmt: skip


def values(value: Any, key: str = "") -> Iterator[str]:
    """What a record holds of a person, wherever in it."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from values(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from values(inner, key)
    elif isinstance(value, str) and key in PERSONAL and len(value) > 3:
        yield value


@pytest.mark.slow
def test_the_log_of_a_whole_company_names_no_person_and_no_secret(acme: Company) -> None:
    world = build_world(1, 0.05)
    acme.chargebee.load(world.chargebee)
    acme.erp.load(world.erp)
    post = {"method": "POST", "path": "^/api/v1/contacts"}
    acme.erp.add_fault({"kind": "status", "status": 500}, match=post, times=2)
    acme.chargebee.add_fault({"kind": "html", "status": 502}, times=3)
    acme.chargebee.add_fault({"kind": "drop_after_apply"}, match={"method": "POST"}, times=2)
    log = acme.directory / "log"
    with instep(acme.directory, "serve", "--port", "0") as process:
        read_until(process, "instep.token", error=False)
        linked, since = 0, time.monotonic()
        while not linked or time.monotonic() - since < QUIET_S:
            assert process.poll() is None
            found = sum(pair["linked"] for pair in acme.json("status")["pairs"].values())
            if found != linked:
                linked, since = found, time.monotonic()
            time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=WAIT_S)
    log.write_bytes(err)
    text = err.decode()
    lines = [json.loads(line) for line in text.splitlines()]
    assert process.returncode == 0, text[-2000:]
    looks = [line for line in lines if line["event"] == "look"]
    requests = [line for line in lines if line["event"] == "request"]
    assert len(looks) > 20
    assert {line["status"] for line in requests} >= {500, 502, 201}
    assert all(line["run"] and line["pair"] and line["record"] for line in looks)
    people = {each for system in (world.chargebee, world.erp) for each in values(list(system.values()))}
    people |= {json.dumps(each)[1:-1] for each in people}
    assert len(people) > 300
    assert [each for each in people if each in text] == []
    token = (acme.directory / "instep.token").read_text().strip()
    for secret in (CHARGEBEE_KEY, ERP_TOKEN, token):
        assert secret not in text


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = root.handlers, root.level
    stream = io.StringIO()
    logs.configure({"a_secret"}, stream)
    yield stream
    root.handlers, root.level = before
    structlog.reset_defaults()


def test_an_exception_is_told_by_its_kind_and_places_and_not_by_its_message(stream: io.StringIO) -> None:
    try:
        raise ValueError("ida@example.test is no date")
    except ValueError as error:
        structlog.get_logger().error("trouble", exc_info=error)
        logging.getLogger("uvicorn.error").error("trouble of a library", exc_info=True)
    for line in map(json.loads, stream.getvalue().splitlines()):
        assert line["error"] == "ValueError"
        assert line["at"][-1].startswith("test_logs.py:")
        assert "ida" not in json.dumps(line)


def test_a_secret_is_hidden_wherever_it_stands(stream: io.StringIO) -> None:
    structlog.get_logger().info("a_secret", why="x a_secret y", many=["a_secret"], count=3)
    logging.getLogger("library").warning("it is %s", "a_secret")
    assert "a_secret" not in stream.getvalue()
    assert json.loads(stream.getvalue().splitlines()[0])["why"] == "x [secret] y"


def test_a_person_at_a_terminal_reads_words(tmp_path: Path) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    logs.configure(set(), terminal)
    structlog.get_logger().info("look", pair="contact")
    assert not terminal.getvalue().startswith("{")
    assert "look" in terminal.getvalue()
    structlog.reset_defaults()


def test_a_line_begins_with_when_how_bad_and_what(stream: io.StringIO) -> None:
    structlog.get_logger().info("look", run=7, end="done")
    assert list(json.loads(stream.getvalue())) == ["timestamp", "level", "event", "run", "end"]
