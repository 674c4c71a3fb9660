"""Everybody who is told what goes on, behind one pair of functions: metrics always, the log, and traces if wanted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import structlog

from instep.connectors.exchange import Exchange
from instep.runner.spans import Said, Told
from instep.serve.metrics import Metrics
from instep.serve.traces import Traces

READING: Final = ("GET", "HEAD")
_LOG: Final = structlog.get_logger()


class Observing:
    """`exchanged` is given to the connectors, `spans` to the engine."""

    def __init__(self, metrics: Metrics, traces: Traces | None = None) -> None:
        self.metrics, self.traces = metrics, traces

    def exchanged(self, exchange: Exchange) -> None:
        self.metrics.exchanged(exchange)
        if self.traces is not None:
            self.traces.exchanged(exchange)
        # A reading that went well is no news: the metrics have how many there were.
        if exchange.method not in READING or not exchange.status or exchange.status >= 400:
            _LOG.info(
                "request",
                system=exchange.system,
                method=exchange.method,
                route=exchange.route,
                status=exchange.status,
                ms=exchange.ms,
                request_id=exchange.request_id,
                attempt=exchange.attempt,
                **({"why": exchange.error} if exchange.error else {}),
            )

    @contextmanager
    def spans(self, name: str, /, **said: Said) -> Iterator[Told]:
        with ExitStack() as stack:
            traced = stack.enter_context(self.traces.spans(name, said)) if self.traces else None
            if name == "turn":
                self.metrics.turns.labels(str(said["pair"])).inc()
            else:
                stack.enter_context(structlog.contextvars.bound_contextvars(**said))

            def told(**more: Any) -> None:
                if traced is not None:
                    traced(**more)
                if name == "look":
                    self._looked(str(said["pair"]), **more)

            yield told

    def _looked(self, pair: str, *, end: str, held: int, writes: list[str]) -> None:
        self.metrics.looks.labels(pair, end).inc()
        for write in writes:
            self.metrics.writes.labels(pair, *write.split()).inc()
        if writes or held or end in ("failed", "skipped"):
            _LOG.info("look", end=end, held=held, writes=writes)
