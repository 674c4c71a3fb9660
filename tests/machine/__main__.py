"""Offices at work for a given time, each seed a few others; the first that breaks a law is made small and told.

.venv/bin/python -m tests.machine --seconds 60
.venv/bin/python -m tests.machine --seed 4711
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

from .machine import Machine, lived

OFFICES = 20
"""Per seed."""


class Counted(Machine):
    """Remembers what has happened in all offices."""

    happened: ClassVar[Counter[str]] = Counter()

    def teardown(self) -> None:
        super().teardown()
        if self.opened:
            self.happened.update({"offices": 1, **self.office.happened})


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.machine", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--seed", type=int, help="this seed alone")
    given = parser.parse_args(arguments)
    began, number = time.monotonic(), given.first if given.seed is None else given.seed
    try:
        while True:
            lived(Counted, OFFICES, number, stateful_step_count=40)
            number += 1
            if given.seed is not None or time.monotonic() - began > given.seconds:
                return 0
    except BaseException:
        print(f"seed {number}:", flush=True)
        raise
    finally:
        for what, count in sorted(Counted.happened.items()):
            print(f"{count:8,}  {what}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
