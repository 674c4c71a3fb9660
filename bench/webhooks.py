"""How many webhooks a second are taken: python -m bench.webhooks

`instep serve` runs in a process of its own, for a site whose systems are not there; events of customers that nobody
has heard of are sent from this one. Each is on disk before it is answered.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

from tests.serve.hooks_site import PASSWORD, basic, write_site

LANES = 64


async def burst(url: str, count: int) -> tuple[float, list[float]]:
    """Seconds for all of them, and milliseconds until each was answered."""
    took: list[float] = []

    async def lane(session: aiohttp.ClientSession, first: int) -> None:
        for number in range(first, count, LANES):
            event = {"event_type": "customer_changed", "content": {"customer": {"id": f"c-{number}"}}}
            begun = time.perf_counter()
            async with session.post(url, json=event, headers=basic("instep", PASSWORD)) as answer:
                if answer.status != 200:
                    raise SystemExit(f"a webhook was answered {answer.status}")
            took.append((time.perf_counter() - begun) * 1000)

    async with aiohttp.ClientSession() as session:
        begun = time.perf_counter()
        await asyncio.gather(*(lane(session, first) for first in range(LANES)))
        return time.perf_counter() - begun, took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    count = parser.parse_args().count
    with tempfile.TemporaryDirectory() as made:
        write_site(Path(made))
        command = [sys.executable, "-m", "instep", "-C", made, "serve", "--port", "0"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            try:
                if process.stdout is None:
                    raise SystemExit("nothing is heard of instep serve")
                url = process.stdout.readline().partition(": ")[0]
                seconds, took = asyncio.run(burst(f"{url}/hooks/chargebee", count))
            finally:
                process.terminate()
    cuts = statistics.quantiles(took, n=100)
    print(f"{count} webhooks in {seconds:.1f} s: {count / seconds:.0f} a second; answered within")
    print(f"{cuts[49]:.0f} ms (median), {cuts[98]:.0f} ms (99 %), with {LANES} at once")


if __name__ == "__main__":
    main()
