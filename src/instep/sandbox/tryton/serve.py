"""Run a program of Tryton's environment until the process that began it is gone:

    python serve.py PARENT PROGRAM ARGUMENTS...

PARENT is the id of that process, 0 to live on without it.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading
import time

_POLL_S = 0.5


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_S)
    os._exit(0)


if __name__ == "__main__":
    parent, program = int(sys.argv[1]), sys.argv[2]
    if parent:
        threading.Thread(target=_end_with, args=[parent], daemon=True).start()
    sys.argv = sys.argv[2:]
    runpy.run_path(program, run_name="__main__")
