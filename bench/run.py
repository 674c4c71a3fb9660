"""`make bench`: run every case, print a table, write it to `bench/results.md`, fail if a bound is broken.

Wall time says little on a shared machine; requests are exact, and CPU and memory are told as ratios within one
run where they are bounded.
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import apsw

from bench.cases import CASES, ROOT, Case, Measured, measure

RESULTS: Final = ROOT / "bench" / "results.md"
SIZE: Final = 10_000
LARGE: Final = 100_000
SMALL: Final = 1_000
PROFILED: Final = 3_000
MEMORY_RATIO: Final = 1.3
"""Peak memory of ten times as many records, to that of the fewer."""

IDLE_RATIO: Final = 2.0
"""CPU of an idle run, to that with a tenth of the records; generous, for it is milliseconds."""

FLAT: Final = ("contacts to the ERP", "contacts in both")
"""The cases that are run in several sizes."""

LIBRARIES: Final = ("aiohttp", "apsw", "msgspec")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("--count", type=int, default=SIZE, help="records of a case")
    parser.add_argument("--large", action="store_true", help=f"{LARGE:,} contacts too; takes long")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--no-profile", action="store_true")
    parser.add_argument("--write", type=Path, default=RESULTS, help="where the table goes")
    options = parser.parse_args(argv)
    cases = [case for name, case in CASES.items() if options.only in name]
    sizes = [SMALL, options.count, *([LARGE] if options.large else [])]
    found: list[Measured] = []
    for case in cases:
        for count in sizes if case.name in FLAT else [options.count]:
            found += _measured(case, count)
    profiled = [] if options.no_profile else [m for c in cases if c.name in FLAT for m in _profiled(c)]
    faults = [fault for measured in found for fault in measured.faults()] + list(ratio_faults(found))
    text = "\n".join([*_head(), *_table(found), *_ratios(found), *_profile(profiled), *_verdict(faults)])
    print(text)
    options.write.write_text(text + "\n", encoding="utf-8")
    return 1 if faults else 0


def _measured(case: Case, count: int, *, profile: bool = False) -> list[Measured]:
    print(f"{case.name}: {count:,}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="instep-bench-") as directory:
        return measure(case, count, Path(directory) / "stage", profile=profile)


def _profiled(case: Case) -> list[Measured]:
    return [m for m in _measured(case, PROFILED, profile=True)[:1] if m.run["profile"]]


def ratio_faults(found: Sequence[Measured]) -> Iterable[str]:
    """What grows with the number of records and must not."""
    for less, more in _tenfold(found):
        ratio = more.peak_mib / less.peak_mib
        if less.count >= SIZE and ratio > MEMORY_RATIO:
            yield f"{more.case}, {more.phase}: {more.count:,} records take {ratio:.2f} times the memory"
        if more.phase == "idle" and more.cpu_s / less.cpu_s > IDLE_RATIO and more.cpu_s - less.cpu_s > 0.1:
            yield (
                f"{more.case}: an idle run of {more.count:,} records takes {more.cpu_s:.2f} s of CPU,"
                f" {less.cpu_s:.2f} s with {less.count:,}"
            )


def _tenfold(found: Sequence[Measured]) -> Iterable[tuple[Measured, Measured]]:
    """Each phase with the same one of a tenth of the records."""
    by_place = {(m.case, m.phase, m.count): m for m in found}
    for m in by_place.values():
        less = by_place.get((m.case, m.phase, m.count // 10))
        if less is not None:
            yield less, m


def _head() -> list[str]:
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return [
        "# Benchmark",
        "",
        f"Made by `make bench` on {now}: {platform.system()} {platform.machine()}, {_processor()},"
        f" Python {platform.python_version()}, SQLite {apsw.sqlite_lib_version()}, {libraries}.",
        "",
        "The syncing process alone, against the two sandbox servers over HTTP on the same machine.",
        "Requests are counted by the servers. CPU is user and system time of the run, without the start of the"
        " process; memory is the peak of the whole process, some 57 MiB of which are the interpreter with all"
        " that is imported.",
        "Wall time is the sandbox's as much as Instep's, and means little.",
        "",
    ]


def _processor() -> str:
    place = Path("/proc/cpuinfo")
    lines = place.read_text("utf-8", "replace").splitlines() if place.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} × {names[0]}" if names else platform.processor()


def _table(found: Sequence[Measured]) -> list[str]:
    lines = [
        "| case | records | run | lists | reads | writes | CPU s | µs CPU per record | peak MiB | wall s |",
        "|---|---:|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for m in found:
        lines.append(
            f"| {m.case} | {m.count:,} | {m.phase} | {m.lists:,} | {m.reads:,} | {m.writes:,} | {m.cpu_s:.2f}"
            f" | {m.cpu_s / m.count * 1e6:.0f} | {m.peak_mib:.0f} | {m.wall_s:.1f} |"
        )
    return lines


def _ratios(found: Sequence[Measured]) -> list[str]:
    rows = [
        f"| {more.case} | {more.phase} | {less.count:,} → {more.count:,} | {more.peak_mib / less.peak_mib:.2f}"
        f" | {more.cpu_s / less.cpu_s:.2f} |"
        for less, more in _tenfold(found)
        if more.phase in ("first load", "linked", "idle")
    ]
    if not rows:
        return []
    return [
        "",
        "## Ten times as many records",
        "",
        "| case | run | records | memory, times | CPU, times |",
        "|---|---|---|---:|---:|",
        *rows,
    ]


def _profile(profiled: Sequence[Measured]) -> list[str]:
    lines: list[str] = []
    for m in profiled:
        told = m.run["profile"]
        shares = ", ".join(f"{part} {share:.0%}" for part, share in told["parts"].items() if share >= 0.005)
        lines += ["", f"## Where the CPU goes: {m.case}, {m.phase}", "", f"{shares}.", ""]
        lines += ["| own share | with callees | calls per record | function |", "|---:|---:|---:|---|"]
        lines += [
            f"| {row['share']:.1%} | {row['with_callees']:.1%} | {row['calls'] / m.count:.1f} |"
            f" `{row['function']}` |"
            for row in told["top"][:20]
        ]
    return lines


def _verdict(faults: Sequence[str]) -> list[str]:
    if not faults:
        return ["", "Every bound is kept."]
    return ["", "## Bounds that were broken", "", *(f"- {fault}" for fault in faults)]


if __name__ == "__main__":
    sys.exit(main())
