"""What the process logs, to standard error: JSON, a line an event; readable lines where a person looks on.

Each line of a look or of a request names run, pair, side and record, by `structlog`'s context. Nothing that a record
holds is in a line, and no secret: what is logged are names, ids, counts and shapes of addresses. A traceback has
places and no messages, since a message may quote anything.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Collection, MutableMapping
from typing import Any, TextIO

import structlog
from structlog.typing import Processor, WrappedLogger

Line = MutableMapping[str, Any]


def configure(secrets: Collection[str], stream: TextIO | None = None) -> None:
    """Log to that stream, standard error by default. `secrets` is looked at as it is at the time of each line."""
    out = stream or sys.stderr
    readable = out.isatty()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _places,
        _without(secrets),
        _ordered,
    ]
    last: Processor = (
        structlog.dev.ConsoleRenderer(sort_keys=False, pad_event_to=0)
        if readable
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers, root.level = [handler], logging.WARNING


def _ordered(_: WrappedLogger, __: str, line: Line) -> Line:
    """When, how bad and what come first, then what it is about."""
    first = [name for name in ("timestamp", "level", "event") if name in line]
    return {name: line[name] for name in (*first, *(name for name in line if name not in first))}


def _places(_: WrappedLogger, __: str, line: Line) -> Line:
    """In place of an exception: its kind, and where it came from, innermost last."""
    info = line.pop("exc_info", None)
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        line["error"] = type(error).__name__
        frames = traceback.extract_tb(error.__traceback__)[-8:]
        line["at"] = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames]
    return line


def _without(secrets: Collection[str]) -> Processor:
    def clean(value: Any) -> Any:
        if isinstance(value, str):
            for secret in secrets:
                value = value.replace(secret, "[secret]") if secret else value
        elif isinstance(value, list):
            value = [clean(each) for each in value]
        return value

    def process(_: WrappedLogger, __: str, line: Line) -> Line:
        return {name: clean(value) for name, value in line.items()}

    return process
