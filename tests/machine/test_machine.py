"""Whatever people do in two systems and at the command line, in whatever order: every promise is kept."""

from __future__ import annotations

import pytest

from .machine import Machine, lived


@pytest.mark.slow
def test_people_and_commands_in_any_order_break_no_law() -> None:
    lived(Machine, 40)
