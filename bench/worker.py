"""One run of a site in a process of its own, measured from inside: `python -m bench.worker DIRECTORY`.

Prints one JSON object. A process of its own, since peak memory is a process's and never falls.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from bench.shares import profiled
from instep.runner.run import Report, Runner
from instep.site import load_site
from instep.store.sqlite import open_store


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.worker", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--profile", action="store_true", help="tell where the CPU goes; slower")
    options = parser.parse_args()
    asyncio.run(_measure(options.directory, options.profile))


async def _measure(directory: Path, profile: bool) -> None:
    site = load_site(directory)
    if profile:
        # All in one thread, so that the profiler sees the store's part too; and no waiting for the disk.
        site._open = open_store(site.store_path, threaded=False)
        site._open._writer.execute("pragma synchronous = off")
    try:
        runner = site.runner()
        began_s, cpu_s, idle_mib = time.monotonic(), _cpu_s(), _peak_mib()
        told: dict[str, Any] = {}
        if profile:
            report, told = await profiled(runner.run)
        else:
            report = await runner.run()
        measured = {
            "cpu_s": _cpu_s() - cpu_s,
            "wall_s": time.monotonic() - began_s,
            "peak_mib": _peak_mib(),
            "before_mib": idle_mib,
            "profile": told,
            **_told(report, runner),
        }
    finally:
        await site.close()
    json.dump(measured, sys.stdout)


def _told(report: Report, runner: Runner) -> dict[str, Any]:
    return {
        "status": report.status,
        "written": report.written,
        "failed": sum(report.failed.values()),
        "troubles": dict(report.troubles),
        "brakes": [brake.why for brake in report.brakes],
        "looked": sum(report.looked.values()),
        "links": runner.engine.store.read(
            lambda tx: {pair.name: tx.count_links(pair.name) for pair in runner.engine.dataflow.pairs}
        ),
    }


def _cpu_s() -> float:
    """User and system time of all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak_mib() -> float:
    """The most memory that this process has had. `ru_maxrss` would count the parent's before `exec`."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text("ascii", "replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1 << 20)


if __name__ == "__main__":
    main()
