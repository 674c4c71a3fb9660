"""Whatever people do in two systems and at the command line, in whatever order: every promise is kept."""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import blake2b

import pytest
from hypothesis import Phase

from .machine import Machine, lived


@pytest.mark.slow
@pytest.mark.timeout(900)  # Hypothesis makes a failing one small for up to five minutes
def test_people_and_commands_in_any_order_break_no_law() -> None:
    lived(Machine, 16)


class Told(Machine):
    """Notes what became of each office."""

    stories = blake2b(digest_size=8)

    def teardown(self) -> None:
        super().teardown()
        if self.opened:
            done = [
                what for what in self.office.story if what[1] != "instep"
            ]  # whose words have random seals
            self.stories.update(repr((done, sorted(self.office.happened.items()))).encode())


def tell(offices: int) -> str:
    """What so many offices come to, in a few digits."""
    lived(Told, offices, phases=(Phase.generate,))
    return Told.stories.hexdigest()


def _told_elsewhere(loaded: str, seed: str) -> str:
    program = f"import {loaded}; from tests.machine.test_machine import tell; print(tell(4))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.slow
def test_offices_are_the_same_in_every_process() -> None:
    """Whatever it has loaded, and in whatever order it goes through a set."""
    assert _told_elsewhere("sys", "1") == _told_elsewhere("instep.sandbox.chargebee, instep.qa.run", "2")
