"""What is shipped beside the program: each query of the dashboard has its metric, and the unit's process its life."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from instep.cli import EXIT_CODES
from instep.serve.metrics import Metrics
from tests.cli.company import Company

from .observed import observed

PACKAGING = Path(__file__).parents[2] / "packaging"
UNIT = PACKAGING / "systemd" / "instep.service"
WAIT_S = 30.0


def queries() -> list[str]:
    board = json.loads((PACKAGING / "grafana" / "instep.json").read_text("utf-8"))
    return [target["expr"] for panel in board["panels"] for target in panel["targets"]]


async def test_every_query_of_the_dashboard_is_of_a_metric_with_these_labels(office: Company) -> None:
    async with observed(office.directory) as here:
        families = {family.name: family for family in here.metrics.registry.collect()}
        labelled = [*vars(here.metrics).values(), *families.values()]
        labels = {each._name: set(each._labelnames) for each in labelled if hasattr(each, "_name")}
        labels |= {
            each.name: set(each._labelnames) for each in families.values() if hasattr(each, "_labelnames")
        }
    for query in queries():
        (name,) = set(re.findall(r"instep_[a-z_]+", query))
        family = families[re.sub(r"_(total|bucket)$", "", name)]
        assert (family.type == "counter") == name.endswith("_total")
        known = labels[family.name] | ({"le"} if name.endswith("_bucket") else set())
        asked = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"by \(([^)]*)\)", query))))
        asked |= set(re.findall(r"([a-z_]+)!?=~?\"", query))
        assert asked <= known, query


def test_every_metric_is_on_the_dashboard() -> None:
    shown = set(re.findall(r"instep_[a-z_]+", " ".join(queries())))
    source = Path(sys.modules[Metrics.__module__].__file__ or "").read_text("utf-8")
    made = set(re.findall(r'"(instep_[a-z_]+)"', source))
    assert {name.removesuffix("_total") for name in made} == {
        re.sub("_(total|bucket)$", "", name) for name in shown
    }


def test_panels_have_their_own_places() -> None:
    board = json.loads((PACKAGING / "grafana" / "instep.json").read_text("utf-8"))
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells


class Unit(configparser.RawConfigParser):
    """A unit's file; a key that comes twice adds to the first."""

    def __init__(self) -> None:
        super().__init__(strict=False)
        self.optionxform = str  # type: ignore[assignment,method-assign]


@pytest.fixture
def service() -> Any:
    unit = Unit()
    unit.read(UNIT)
    return unit["Service"]


def test_the_unit_is_hardened(service: Any) -> None:
    for name in (
        "NoNewPrivileges",
        "PrivateTmp",
        "PrivateDevices",
        "ProtectHome",
        "LockPersonality",
    ):
        assert service[name] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == ""
    assert service["StateDirectory"] == "instep"


def test_a_wrong_configuration_is_not_started_again(service: Any) -> None:
    assert "configuration" in EXIT_CODES[int(service["RestartPreventExitStatus"])]


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd is not here; the next test runs it"
)
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    copy = tmp_path / "instep.service"
    copy.write_text(UNIT.read_text("utf-8").replace("/opt/instep/bin/instep", "/bin/true"))
    said = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True)
    assert "instep.service" not in said.stderr, said.stderr


@pytest.fixture
def notify_socket(tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    place = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(place)
        heard.settimeout(WAIT_S)
        yield heard, place


@pytest.mark.slow
def test_the_units_command_says_when_it_is_ready_and_ends_with_sigterm(
    acme: Company, service: Any, notify_socket: tuple[socket.socket, str]
) -> None:
    heard, place = notify_socket
    program, *words = service["ExecStart"].split()
    assert program.endswith("/bin/instep")
    words = [
        str(acme.directory) if word == "/var/lib/instep" else "0" if word == "8480" else word
        for word in words
    ]
    environ = {"NOTIFY_SOCKET": place, "WATCHDOG_USEC": "200000", "PATH": "/usr/bin"}
    command = [sys.executable, "-m", "instep", *words]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert heard.recv(99) == b"READY=1"
        assert heard.recv(99) == b"WATCHDOG=1"
        process.send_signal(getattr(signal, service["KillSignal"]))
        while (said := heard.recv(99)) == b"WATCHDOG=1":
            pass
        assert said == b"STOPPING=1"
        _, err = process.communicate(timeout=int(service["TimeoutStopSec"]))
    assert process.returncode == 0, err
    assert all(json.loads(line) for line in err.splitlines())
