"""What both sandbox servers share: clock, faults, counters, document tables, and the way to be served.

A server builds one `Kit`, adds `kit.routes()` under `/_console` and serves `kit.wrap(app)`.
"""

from instep.sandbox.kit.clock import Clock
from instep.sandbox.kit.console import Kit, console_body, console_errors
from instep.sandbox.kit.counters import Counters
from instep.sandbox.kit.documents import Column, Documents, Duplicate, Rows, Table
from instep.sandbox.kit.faults import FaultMiddleware, Faults
from instep.sandbox.kit.serving import listening, serve

__all__ = [
    "Clock",
    "Column",
    "Counters",
    "Documents",
    "Duplicate",
    "FaultMiddleware",
    "Faults",
    "Kit",
    "Rows",
    "Table",
    "console_body",
    "console_errors",
    "listening",
    "serve",
]
