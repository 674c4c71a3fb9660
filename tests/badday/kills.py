"""A campaign against the real process: `python -m tests.badday.kills --kills 100 --seed 1` (`make kill`).

The world of the demonstration is brought in step twice, over real HTTP and on a real SQLite file: once in
peace, once by `instep sync` processes that are killed with SIGKILL at random moments and started again. People
edit both sides before the processes are started, and while they work. At the end both systems, asked through
their own APIs, hold the same in both worlds, nothing is there twice, and one more sync writes nothing.

A pass is one such world; passes go on, each with another seed, until enough kills hit a process at work.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from instep.cli import servers
from instep.cli.demo_stage import Stage
from instep.cli.servers import Place
from instep.cli.terminal import Terminal
from instep.sandbox.world import World, build_world
from tests.badday.days import plain_words
from tests.badday.edits import Edit, edits, make
from tests.badday.picture import Picture, differences, picture, twice

BRAKES = ("contact:change", "contact:same:net_term_days")
"""The people of a campaign edit in minutes what others do in hours: these are let go."""
SYNC = [sys.executable, "-m", "instep", "-q", "sync", *(f"--release={brake}" for brake in BRAKES)]
AT_START = 0.15
"""This share of the kills comes at a moment after the start, whether a request was made or not."""
SOON = "\ndefaults:\n  lags: {late_apply_s: 10}\n"
"""This ERP does at once what it does at all."""
REST_S = 480.0
"""A create whose answer was lost is looked for until it can't be applied any more: here for a minute or two, and
360 s in Chargebee if it was refused when it was sent again."""
LATENCY_MS = 8


@dataclass
class Kills:
    """What was hit: processes killed while they lived (`hit`), those after a request (`at_work`), by round.
    `edited`: edits that people made while one was at work."""

    hit: int = 0
    at_work: int = 0
    finished: int = 0
    edited: int = 0
    rounds: list[int] = field(default_factory=list)


@dataclass
class Company:
    """The demonstration's company in a directory of its own, with both servers running.

    `twice_before`: what the two systems had twice before Instep knew them.
    """

    directory: Path
    world: World
    stage: Stage
    began_s: float
    twice_before: frozenset[str] = frozenset()

    def writes(self) -> int:
        return sum(int(counts["writes"]) for counts in self.stage.counters().values())

    def requests(self) -> int:
        return sum(int(counts["total"]) for counts in self.stage.counters().values())

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            SYNC, cwd=self.directory, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )

    def sync(self) -> None:
        """One run to its end."""
        done = subprocess.run(
            [*SYNC, "--json"], cwd=self.directory, capture_output=True, text=True, timeout=300
        )
        plain_words(done.stderr)
        assert done.returncode in (0, 3), done.stderr
        report = json.loads(done.stdout)
        assert report["status"] == "done", report
        assert not report["troubles"], report

    def rest(self) -> int:
        """Run after run until one writes nothing and nothing is in doubt; how many that took."""
        until, number = time.monotonic() + REST_S, 0
        while time.monotonic() < until:
            number += 1
            before = self.writes()
            self.sync()
            if self.writes() == before and not self.waiting():
                return number
            time.sleep(0.5)  # what failed is tried again after a while
        raise AssertionError(f"no rest after {number} runs: {self.waiting()}")

    def waiting(self) -> dict[str, Any]:
        """What is in doubt or still to do, by pair."""
        status = json.loads(self.stage.ask("status", "--json"))
        found = {name: pair for name, pair in status["pairs"].items() if pair["todo"] or pair["failing"]}
        return {**found, "in doubt": status["in_doubt"]} if status["in_doubt"] else found

    def held(self) -> frozenset[str]:
        """ "PAIR ID" of every record, of either side, that something is held for."""
        return frozenset(
            f"{hold['pair']} {id}"
            for hold in self.stage.ask_holds()
            for id in (hold["record"], hold["partner"])
        )


@contextmanager
def company(directory: Path, world: World) -> Iterator[Company]:
    """The two systems with the world in them, and a site that connects them; all ends with the block."""
    directory.mkdir(parents=True)
    began_s = time.time()
    place = Place(directory)
    try:
        running = servers.start(place)
        for system, records in (("chargebee", world.chargebee), ("erp", world.erp)):
            for entity, rows in records.items():
                running[system].console("POST", "load", {entity: rows})
            fault = {"effect": {"kind": "latency", "ms": LATENCY_MS}}
            running[system].console("POST", "faults", fault)
        stage = Stage(Terminal(quiet=True), directory, running)
        stage.ask("init", "--sandbox")
        with (directory / "erp.yaml").open("a") as description:
            description.write(SOON)
        yield Company(directory, world, stage, began_s, frozenset(twice(stage)))
    finally:
        servers.stop(place)


@dataclass(frozen=True)
class Peace:
    """How it goes undisturbed: the edits that the story has, requests of each round, and the end."""

    story: list[list[Edit]]
    requests: list[int]
    end: Picture


def in_peace(directory: Path, world: World, rounds: int, seed: int) -> Peace:
    """The first sync, then rounds of edits on both sides and a sync."""
    chance = random.Random(seed)
    story, requests = [edits(chance, world, 0, frozenset())], []
    with company(directory, world) as calm:
        for number in range(rounds + 1):
            if number:
                story.append(edits(chance, world, number, calm.held()))
            before = calm.requests()
            for edit in story[number]:
                make(calm.stage, edit)
            calm.rest()
            requests.append(calm.requests() - before)
        _nothing_twice(calm)
        return Peace(story, requests, picture(calm.stage, calm.began_s))


def killed(directory: Path, world: World, peace: Peace, kills: int, seed: int) -> Kills:
    """The same story with kills spread over its rounds. AssertionError if the end differs."""
    chance, found = random.Random(seed), Kills()
    with company(directory, world) as wild:
        for number, story in enumerate(peace.story):
            wanted = max(1, round(kills * peace.requests[number] / sum(peace.requests)))
            hit = _round(wild, chance, story, wanted, peace.requests[number], found)
            found.rounds.append(hit)
            wild.rest()
        _same(wild, peace, found)
    return found


def _round(
    wild: Company, chance: random.Random, story: list[Edit], kills: int, requests: int, found: Kills
) -> int:
    """Kill so often; how many kills hit. Every other edit of the story is made before a start, the others while the
    process works, or before the next start if it did not come to work."""
    hit, before, meanwhile = 0, list(story[::2]), list(story[1::2])
    for turn in range(kills):
        left = kills - turn
        _make(wild, before, -(-len(before) // left))
        share = -(-len(meanwhile) // left)
        due = meanwhile[:share]
        hit += _kill(wild, chance, requests * 2 // kills, found, due)
        meanwhile[:share] = due
    _make(wild, meanwhile, len(meanwhile))
    return hit


def _make(wild: Company, waiting: list[Edit], most: int) -> None:
    """Make so many of the edits that wait."""
    for edit in waiting[:most]:
        make(wild.stage, edit)
    del waiting[:most]


def _kill(wild: Company, chance: random.Random, most: int, found: Kills, due: list[Edit]) -> bool:
    """Start a sync and kill it: after so many requests and a little, or a moment after its start. What is due is
    edited in between, once a request was made, as far as there is time."""
    before = wild.requests()
    process = wild.start()
    try:
        if chance.random() < AT_START:
            _until(process, chance.uniform(0, 1.2))
        else:
            after = before + chance.randint(1, max(most, 2))
            while process.poll() is None and (made := wild.requests()) < after:
                if due and made > before:
                    _make(wild, due, 1)
                    found.edited += 1
                time.sleep(0.03)  # asking more often would slow the servers down
            _until(process, chance.uniform(0, 0.06))
    finally:
        process.kill()
        plain_words(process.communicate()[1])
    hit = process.returncode == -signal.SIGKILL
    found.hit += hit
    found.at_work += hit and wild.requests() > before
    found.finished += not hit
    return hit


def _until(process: subprocess.Popen[str], seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


def _same(wild: Company, peace: Peace, found: Kills) -> None:
    _nothing_twice(wild)
    lines = differences(peace.end, picture(wild.stage, wild.began_s))
    assert lines == [], f"after {found.hit} kills the systems differ from peace:\n" + "\n".join(lines)
    before = wild.writes()
    wild.sync()
    assert wild.writes() == before, "a settled world is left alone"


def _nothing_twice(company: Company) -> None:
    again = set(twice(company.stage)) - company.twice_before
    assert not again, "there twice:\n" + "\n".join(sorted(again))


def one_pass(directory: Path, *, seed: int, scale: float, rounds: int, kills: int) -> Kills:
    """A world in peace, the same world under kills. AssertionError with what differs."""
    world = build_world(seed, scale)
    peace = in_peace(directory / "calm", world, rounds, seed)
    return killed(directory / "wild", world, peace, kills, seed)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    words.add_argument("--kills", type=int, default=100, help="so many that hit a process at work")
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--scale", type=float, default=1.0)
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--keep", type=Path, help="keep the worlds in this directory")
    given = words.parse_args()
    total: dict[str, Any] = {"hit": 0, "at_work": 0, "finished": 0, "edited": 0}
    began, seed = time.monotonic(), given.seed
    root = Path(tempfile.mkdtemp(prefix="instep-kills-", dir=given.keep))
    try:
        while total["at_work"] < given.kills:
            left = given.kills - total["at_work"]
            hits = one_pass(
                root / str(seed), seed=seed, scale=given.scale, rounds=given.rounds, kills=min(40, left + 4)
            )
            for name in total:
                total[name] += getattr(hits, name)
            print(
                f"seed {seed}: {hits.at_work} kills at work, by round {hits.rounds}: the same end", flush=True
            )
            seed += 1
    finally:
        if given.keep is None:
            shutil.rmtree(root, ignore_errors=True)
    print(
        f"{total['hit']} processes killed, {total['at_work']} of them at work, {total['finished']} were done"
        f" before; {total['edited']} edits while one worked; {seed - given.seed} worlds ended as in peace, nothing"
        f" twice; {time.monotonic() - began:.0f} s"
    )


if __name__ == "__main__":
    os.nice(5)
    main()
