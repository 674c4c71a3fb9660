"""The guide to a connector of one's own, followed as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from instep.cli import instep
from tests.cli.company import CHARGEBEE_KEY
from tests.warm import start

from .pages import ROOT, blocks

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

PAGE = "docs/guide/connector.md"


def texts(language: str) -> list[str]:
    return [block.text for block in blocks(language) if block.page == PAGE]


def run(*words: str | Path, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        list(map(str, words)),
        cwd=cwd,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of the guide, with the lines that the guide puts into it."""
    folder = tmp_path_factory.mktemp("guide")
    (command, *_), *_ = (text.splitlines() for text in texts("console"))
    words = command.removeprefix("$ instep ").split()
    made = CliRunner().invoke(instep, ["-C", str(folder), *words])
    assert made.exit_code == 0, made.output
    package = folder / "instep-members"
    (field,), (fields,) = texts("text"), texts("python")
    connector, server = package / "src/instep_members/connector.py", package / "tests/server.py"
    city = '        Field("city", "text"),\n'
    assert city in connector.read_text()
    connector.write_text(connector.read_text().replace(city, city + field))
    known = next(line for line in server.read_text().splitlines() if line.startswith("FIELDS = "))
    server.write_text(server.read_text().replace(known, fields.strip()))
    return package


@pytest.fixture(scope="module")
def installed(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the package installed from its own files."""
    target = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    run(*pip, "--target", target, package, cwd=package)
    return target


def test_the_package_keeps_the_contract(package: Path) -> None:
    done = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=package)
    assert " passed" in done.stdout
    assert " failed" not in done.stdout
    assert " skipped" not in done.stdout


def test_the_package_is_of_the_form_that_this_project_has(package: Path) -> None:
    run(sys.executable, "-m", "mypy", "--strict", "-p", "instep_members", cwd=package, MYPYPATH="src")
    ruff = Path(sys.executable).parent / "ruff"
    run(ruff, "check", "--select", "E,F,W,UP,B,SIM,RET", "--line-length", "118", "src", "tests", cwd=package)


@contextmanager
def serving(package: Path) -> Iterator[str]:
    """The small system as the guide starts it, at a port of its own choice."""
    command = next(text for text in texts("console") if "server.py" in text)
    row = command.partition("'")[2].rpartition("'")[0]
    words = [sys.executable, "-u", "tests/server.py", "0", row]
    with subprocess.Popen(words, cwd=package, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = re.search(r"http://[\w.:]+", process.stdout.readline())
            assert told is not None
            yield told[0]
        finally:
            process.terminate()


def test_the_installed_package_keeps_contacts_in_step(package: Path, installed: Path, tmp_path: Path) -> None:
    (site,) = texts("yml")
    (dataflow,) = texts("yaml")
    options = ["--key", CHARGEBEE_KEY, "--switch", "rate_limit_per_min=0"]
    with serving(package) as url, start("chargebee", tmp_path / "chargebee.db", options=options) as chargebee:
        site = site.replace("http://127.0.0.1:8400", url)
        lag = f"    base_url: {chargebee.url}\n    list_lag_s: 0\n"
        site = site.replace("    site: acme-test\n", "    site: acme-test\n" + lag)
        (tmp_path / "instep.yaml").write_text(site)
        (tmp_path / "dataflow.yaml").write_text(dataflow)
        keys = {"CHARGEBEE_API_KEY": CHARGEBEE_KEY, "MEMBERS_TOKEN": "secret", "PYTHONPATH": str(installed)}
        program = [sys.executable, "-m", "instep", "-C", tmp_path]
        for words in (["check"], ["plan"], ["sync"]):
            run(*program, *words, cwd=ROOT, **keys)
        rows = chargebee.console("GET", "records/customers")["records"]
    [made] = [row for row in rows if not row.get("deleted")]
    assert (made["id"], made["first_name"], made["last_name"]) == ("member-1", "Ada", "Lovelace")
    assert made["billing_address"]["country"] == "NO"
