"""What the tests of the process that is always on share."""

from __future__ import annotations

from tests.cli.conftest import acme as acme
