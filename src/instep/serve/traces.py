"""Traces, if an OpenTelemetry collector is named (`serve.traces`): a span per look, turn and request.

The only module that knows OpenTelemetry, which is an extra; everything else goes without it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from instep.connectors.exchange import Exchange
from instep.errors import ConfigurationError, Problem
from instep.runner.spans import Said, Told

try:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import Tracer, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import SpanKind, StatusCode

    MISSING = ""
except ImportError as error:
    MISSING = error.name or "opentelemetry"

_MS_NS = 1_000_000


class Traces:
    """`spans` and `exchanged` are given what goes on; `close` sends what is left, and waits for a moment at most."""

    def __init__(self, endpoint: str, version: str) -> None:
        """`endpoint`: of a collector, OTLP over HTTP. Raises ConfigurationError if OpenTelemetry is not installed."""
        if MISSING:
            problem = Problem(
                "instep.yaml",
                0,
                0,
                "serve.traces needs more than is installed",
                f"{MISSING} is not there",
                "pip install 'instep[otel]'",
            )
            raise ConfigurationError([problem])
        resource = Resource.create({"service.name": "instep", "service.version": version})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=5)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer: Tracer = self._provider.get_tracer("instep")  # type: ignore[assignment]

    def spans(self, name: str, said: dict[str, Said]) -> AbstractContextManager[Told]:
        """As `runner.spans.Spans`, with what is said in one dictionary."""
        return self._span(name, said)

    @contextmanager
    def _span(self, name: str, said: dict[str, Said]) -> Iterator[Told]:
        attributes = {f"instep.{key}": value for key, value in said.items()}
        with self._tracer.start_as_current_span(
            name, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:

            def told(**more: Said) -> None:
                span.set_attributes({f"instep.{key}": value for key, value in more.items()})

            try:
                yield told
            except (
                BaseException
            ) as error:  # an exception's message may quote a record: its kind alone is told
                span.set_status(StatusCode.ERROR, type(error).__name__)
                raise

    def exchanged(self, exchange: Exchange) -> None:
        """A request, as a span of the look that it was made for."""
        ends = time.time_ns()
        span = self._tracer.start_span(
            f"{exchange.method} {exchange.route}",
            kind=SpanKind.CLIENT,
            start_time=ends - exchange.ms * _MS_NS,
            attributes={
                "instep.system": exchange.system,
                "http.request.method": exchange.method,
                "http.route": exchange.route,
                "http.response.status_code": exchange.status,
                "instep.request_id": exchange.request_id,
                "instep.attempt": exchange.attempt,
            },
        )
        if exchange.error or exchange.status >= 500:
            span.set_status(StatusCode.ERROR, exchange.error or str(exchange.status))
        span.end(ends)

    def close(self) -> None:
        self._provider.shutdown()
