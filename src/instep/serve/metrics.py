"""What the process counts, for Prometheus: `/metrics`, with a token of the role viewer.

Counts of what happened are kept here; what stands now is read from the store when it is asked for. To add one: a
line in `Metrics` or in `_stands`, and it is in the dashboard's test at once.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from instep.connectors.contract import Paced
from instep.connectors.exchange import Exchange
from instep.desk.standing import lag_ms, standing
from instep.serve.api.models import Problem
from instep.serve.hooks import Heard
from instep.serve.live import Live
from instep.serve.parts import Viewer
from instep.site import Site

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS: Final = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)
STATES: Final = ("starting", "idle", "running", "stopping", "stopped")
MINUTE_S: Final = 60.0


router = APIRouter(tags=["metrics"])
REFUSED: Final[dict[int | str, dict[str, Any]]] = {
    401: {"model": Problem, "description": "No token, or a wrong one"},
    429: {"model": Problem, "description": "Too many attempts with a wrong token"},
}


@router.get("/metrics", summary="For Prometheus", response_class=PlainTextResponse, responses=REFUSED)
async def metrics(request: Request, _: Viewer) -> Response:
    """Everything that is counted, in the form of Prometheus."""
    found: Metrics = request.app.state.metrics
    return Response(found.text(), media_type=CONTENT_TYPE)


class Metrics:
    """Made before the site, since its connectors tell it of their requests; `watch` adds the rest."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "instep_requests_total", "Requests sent.", ("system", "method", "outcome"), registry=self.registry
        )
        self.latency = Histogram(
            "instep_request_seconds",
            "Until an answer was there.",
            ("system",),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.looks = Counter(
            "instep_looks_total",
            "Looks at a record, by how they ended.",
            ("pair", "end"),
            registry=self.registry,
        )
        self.turns = Counter("instep_turns_total", "Steps of looks.", ("pair",), registry=self.registry)
        self.writes = Counter(
            "instep_writes_total",
            "Writes that were made.",
            ("pair", "operation", "side"),
            registry=self.registry,
        )
        self.unsent = Counter(
            "instep_notifications_failed_total",
            "Tries to notify that failed.",
            ("channel",),
            registry=self.registry,
        )
        self._sent: dict[str, deque[float]] = {}

    def watch(self, site: Site, live: Live, heard: Heard) -> None:
        """Tell what stands now as well, from here on."""
        self.registry.register(_Stands(site, live, heard, self))

    def exchanged(self, exchange: Exchange) -> None:
        """A request was answered, or was not."""
        self.requests.labels(exchange.system, exchange.method, outcome(exchange)).inc()
        self.latency.labels(exchange.system).observe(exchange.ms / 1000)
        self._sent.setdefault(exchange.system, deque()).append(time.monotonic())

    def in_the_last_minute(self, system: str) -> int:
        """How many requests that system was sent."""
        sent, since = self._sent.get(system, deque()), time.monotonic() - MINUTE_S
        while sent and sent[0] < since:
            sent.popleft()
        return len(sent)

    def text(self) -> bytes:
        return generate_latest(self.registry)


def outcome(exchange: Exchange) -> str:
    """ok, refused (4xx), throttled (429), failed (5xx), or none for no answer."""
    status = exchange.status
    if status == 429:
        return "throttled"
    return "none" if not status else "ok" if status < 400 else "refused" if status < 500 else "failed"


def budgets(site: Site, metrics: Metrics) -> list[tuple[str, int, int]]:
    """Of each system that has a limit: its name, requests that may be sent in a minute, and how many are left."""
    limits = {c.name: c.requests_per_minute for c in site.connectors if isinstance(c, Paced)}
    return [
        (name, most, max(most - metrics.in_the_last_minute(name), 0))
        for name, most in limits.items()
        if most is not None
    ]


class _Stands(Collector):
    """What stands now, looked up when it is asked for."""

    def __init__(self, site: Site, live: Live, heard: Heard, metrics: Metrics) -> None:
        self._site, self._live, self._heard, self._metrics = site, live, heard, metrics

    def collect(self) -> Iterable[Metric]:
        yield from _pairs(self._site)
        yield from _systems(self._site, self._metrics)
        yield from _readings(self._site, self._live)
        yield from _loop(self._live, self._heard)


def _pairs(site: Site) -> Iterator[Metric]:
    linked = GaugeMetricFamily("instep_linked", "Linked records.", labels=("pair",))
    waiting = GaugeMetricFamily("instep_waiting", "Records that wait for a look.", labels=("pair",))
    failing = GaugeMetricFamily("instep_failing", "Records that fail, and are tried again.", labels=("pair",))
    held = GaugeMetricFamily("instep_held", "Holds.", labels=("pair", "cause"))
    lag = GaugeMetricFamily(
        "instep_lag_seconds", "For how long the record has waited that waits longest.", labels=("pair",)
    )
    stands = standing(site)
    for pair in site.dataflow.pairs:
        stand, behind_ms = stands[pair.name], lag_ms(site, pair)
        linked.add_metric((pair.name,), stand.linked)
        waiting.add_metric((pair.name,), stand.todo)
        failing.add_metric((pair.name,), stand.failing)
        lag.add_metric((pair.name,), (behind_ms or 0) / 1000)
        for cause, count in stand.held.items():
            held.add_metric((pair.name, cause), count)
    yield from (linked, waiting, failing, held, lag)


def _systems(site: Site, metrics: Metrics) -> Iterator[Metric]:
    budget = GaugeMetricFamily(
        "instep_budget_requests_per_minute", "Requests that may be sent in a minute.", labels=("system",)
    )
    left = GaugeMetricFamily(
        "instep_budget_left", "How many of them are left in this one.", labels=("system",)
    )
    for name, most, remaining in budgets(site, metrics):
        budget.add_metric((name,), most)
        left.add_metric((name,), remaining)
    yield from (budget, left)


def _readings(site: Site, live: Live) -> Iterator[Metric]:
    last = GaugeMetricFamily(
        "instep_last_poll_timestamp_seconds",
        "When an entity was last read to its end, since 1970.",
        labels=("system", "entity"),
    )
    for (side, entity), at_ms in live.read_ms().items():
        if at_ms:
            last.add_metric((site.systems[side], entity), at_ms / 1000)
    yield last


def _loop(live: Live, heard: Heard) -> Iterator[Metric]:
    now = live.now
    state = GaugeMetricFamily("instep_loop_state", "1 for the state that the loop is in.", labels=("state",))
    for name in STATES:
        state.add_metric((name,), now.state == name)
    trouble = GaugeMetricFamily("instep_troubles", "Why something can't be done now: how many.")
    trouble.add_metric((), len(now.troubles))
    hints = CounterMetricFamily("instep_hints", "Webhooks and hints by API.", labels=("source", "outcome"))
    for (source, came), count in heard.items():
        hints.add_metric((source, came), count)
    late = GaugeMetricFamily("instep_loop_late_seconds", "For how long something is due that was not begun.")
    late.add_metric((), live.late_ms() / 1000)
    yield from (state, trouble, late, hints)
