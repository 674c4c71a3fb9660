"""What goes on is counted, logged and traced, with ids and without a value; and health says the truth."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families

from instep.connectors.exchange import Exchange
from instep.serve import supervisor
from instep.serve.health import STALLED_MS
from instep.serve.metrics import Metrics, outcome
from instep.serve.traces import Traces
from instep.site import now_ms, opened
from tests.cli.company import Company

from .living import at_rest, until
from .observed import Observed, observed


@pytest.fixture(autouse=True)
def alone(office: Company) -> None:
    """Each test has its own people, in the systems that all of this module share."""
    for file in office.directory.glob("instep.sqlite*"):
        file.unlink()


async def in_step(here: Observed, email: str, office: Company) -> None:
    await until(lambda: email in office.in_erp())
    await until(lambda: here.live.now.state == "idle")


def samples(text: str) -> dict[tuple[str, ...], float]:
    """(name, label values...) -> value."""
    return {
        (sample.name, *(sample.labels[key] for key in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_a_synchronised_record_is_counted_and_its_lines_name_run_pair_and_record(
    office: Company,
) -> None:
    office.customer("c-obs", "Åse", "Nordmann", "ase.obs@example.test")
    async with observed(office.directory) as here:
        await in_step(here, "ase.obs@example.test", office)
        status, text = await here.get("/metrics")
    assert status == 200
    found = samples(text)
    assert found["instep_linked", "contact"] >= 1
    assert found["instep_writes_total", "create", "contact", "right"] >= 1
    assert found["instep_looks_total", "done", "contact"] >= 1
    assert found["instep_turns_total", "contact"] >= 2
    assert found["instep_requests_total", "POST", "ok", "Custom ERP"] >= 1
    assert found["instep_request_seconds_count", "Chargebee"] > 3
    assert found["instep_budget_requests_per_minute", "Custom ERP"] == 2700
    assert 0 < found["instep_budget_left", "Custom ERP"] < 2700
    assert found["instep_loop_state", "idle"] + found["instep_loop_state", "running"] == 1
    assert found["instep_last_poll_timestamp_seconds", "contact", "Custom ERP"] > 1.7e9
    assert found["instep_lag_seconds", "contact"] >= 0
    assert found["instep_troubles",] == 0
    (look,) = (line for line in here.lines("look") if line["record"] == "c-obs")
    assert look["writes"] == ["create right"]
    assert (look["pair"], look["side"], look["record"], look["end"]) == ("contact", "left", "c-obs", "done")
    (request,) = (line for line in here.lines("request") if line.get("record") == "c-obs")
    assert request["run"] == look["run"] > 0
    assert (request["method"], request["route"], request["status"]) == ("POST", "/contacts", 201)
    assert "Nordmann" not in here.log.getvalue()


async def test_only_who_may_look_sees_the_metrics(office: Company) -> None:
    async with observed(office.directory) as here:
        for role, status in (("viewer", 200), ("admin", 200), ("nobody", 401)):
            assert (await here.get("/metrics", role))[0] == status


async def test_a_system_that_fails_is_counted_logged_and_not_ready_until_it_is_back(office: Company) -> None:
    async with observed(office.directory) as here:
        await until(lambda: here.live.behind_ms() is not None)
        await until(lambda: not here.live.now.troubles)
        assert await here.get("/health/ready") == (200, '{"status":"ready"}')
        office.erp.add_fault({"kind": "status", "status": 418})
        try:
            await until(lambda: here.live.now.troubles)
            status, said = await here.get("/health/ready")
            assert (status, json.loads(said)) == (503, {"status": "troubled"})
            assert (await here.get("/health/live"))[0] == 200
            found = samples((await here.get("/metrics"))[1])
            assert found["instep_troubles",] > 0
            assert found["instep_requests_total", "GET", "refused", "Custom ERP"] > 0
            assert any(line["status"] == 418 for line in here.lines("request"))
        finally:
            office.erp.clear_faults()
        await until(lambda: not here.live.now.troubles)
        assert (await here.get("/health/ready"))[0] == 200


async def test_a_store_that_takes_no_write_is_not_ready(office: Company) -> None:
    async with observed(office.directory) as here:
        await until(lambda: here.live.behind_ms() is not None)
        await until(lambda: here.live.now.state == "idle")
        here.live.stop()
        await until(lambda: here.live.now.state == "stopped")
        assert json.loads((await here.get("/health/ready"))[1]) == {"status": "stopped"}
        assert (await here.get("/health/live"))[0] == 503


async def test_a_loop_that_does_not_begin_what_is_due_is_not_alive(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with observed(office.directory, slow_ms=600_000, busy_ms=600_000) as here:
        await at_rest(here.live)
        polls = here.live._runner.polls
        monkeypatch.setattr(polls, "start", lambda: None)  # as if the loop hung before it came to this
        for poll in polls.all:
            poll.due_ms = now_ms() - STALLED_MS - 1000
        monkeypatch.setattr(here.live, "_began_ms", 1)
        assert json.loads((await here.get("/health/live"))[1]) == {"status": "stalled"}
        assert samples((await here.get("/metrics"))[1])["instep_loop_late_seconds",] > STALLED_MS / 1000


async def test_a_store_that_another_runner_has_is_no_reason_to_start_anew(office: Company) -> None:
    async with observed(office.directory) as here:
        await until(lambda: here.live.behind_ms() is not None)
    async with opened(office.directory) as other, other.at_rest(), observed(office.directory) as here:
        await until(lambda: "store" in here.live.now.troubles)
        assert here.live.late_ms() == 0
        assert json.loads((await here.get("/health/ready"))[1]) == {"status": "troubled"}
        assert (await here.get("/health/live"))[0] == 200


@asynccontextmanager
async def collector() -> AsyncIterator[tuple[str, list[Any]]]:
    """What an OpenTelemetry collector receives: an address, and the spans that came."""
    spans: list[Any] = []

    async def take(request: web.Request) -> web.Response:
        sent = ExportTraceServiceRequest()
        sent.ParseFromString(await request.read())
        spans.extend(
            span for each in sent.resource_spans for scope in each.scope_spans for span in scope.spans
        )
        return web.Response(content_type="application/x-protobuf")

    app = web.Application()
    app.router.add_post("/v1/traces", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", spans
    finally:
        await runner.cleanup()


def told(span: Any) -> dict[str, Any]:
    kinds = ("string_value", "int_value")
    return {
        each.key: next((getattr(each.value, kind) for kind in kinds if each.value.HasField(kind)), None)
        for each in span.attributes
    }


async def test_a_look_is_a_trace_with_its_turns_and_requests_in_it(office: Company) -> None:
    office.customer("c-otel", "Ole", "Hansen", "ole.otel@example.test")
    async with collector() as (url, spans):
        async with observed(office.directory, Traces(url, "1")) as here:
            await in_step(here, "ole.otel@example.test", office)
        looks = {span.span_id: told(span) for span in spans if span.name == "look"}
    look_id = next(id for id, said in looks.items() if said["instep.record"] == "c-otel")
    assert looks[look_id]["instep.pair"] == "contact"
    inner = {span.name: told(span) for span in spans if span.parent_span_id == look_id}
    assert inner["POST /contacts"]["http.response.status_code"] == 201
    assert inner["turn"] == {"instep.pair": "contact"}
    assert "Hansen" not in str(spans)


def test_without_opentelemetry_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    from instep.errors import ConfigurationError
    from instep.serve import traces

    monkeypatch.setattr(traces, "MISSING", "opentelemetry")
    with pytest.raises(ConfigurationError, match=r"pip install 'instep\[otel\]'"):
        Traces("http://127.0.0.1:4318", "1")


@pytest.mark.parametrize(
    ("status", "name"),
    [(0, "none"), (200, "ok"), (304, "ok"), (404, "refused"), (429, "throttled"), (503, "failed")],
)
def test_outcomes_of_requests(status: int, name: str) -> None:
    assert outcome(Exchange("s", "GET", "/x", status, 1, "", 1)) == name


def test_the_budget_is_that_of_the_last_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    metrics = Metrics()
    for _ in range(3):
        metrics.exchanged(Exchange("s", "GET", "/x", 200, 1, "", 1))
    assert metrics.in_the_last_minute("s") == 3
    now[0] = 61.0
    assert metrics.in_the_last_minute("s") == 0


async def test_systemd_is_told_when_it_is_ready_and_that_it_is_alive(tmp_path: Path) -> None:
    place = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(place))
        heard.settimeout(5)
        environ = {"NOTIFY_SOCKET": str(place), "WATCHDOG_USEC": "20000"}
        supervisor.tell("READY=1", environ)
        assert heard.recv(99) == b"READY=1"
        alive = [True, False, False]
        task = asyncio.ensure_future(supervisor.keep_alive(lambda: alive.pop(0) if alive else True, environ))
        assert await asyncio.to_thread(heard.recv, 99) == b"WATCHDOG=1"
        assert await asyncio.to_thread(heard.recv, 99) == b"WATCHDOG=1"
        assert not alive
        task.cancel()
    supervisor.tell("READY=1", {"NOTIFY_SOCKET": str(place)})
    supervisor.tell("READY=1", {})
