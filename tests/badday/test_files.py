"""Files that are wrong, cut, copied or out of reach, and terminals that are no good."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import apsw
import pytest

from tests.badday.days import ended, has_three_parts, in_step, instep, living, plain_words
from tests.cli.company import CHARGEBEE_KEY, Company, company

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join(['*' + old] * 10)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
BROKEN = {
    "nothing": "",
    "a list": "- 1\n",
    "an open bracket": "version: 1\nsystems: [\n",
    "a tab": "version: 1\nsystems:\n\tleft: 1\n",
    "a bomb": BOMB,
    "a NUL": "version: 1\x00\n",
    "half an emoji": "version: \ud83d\n",
    "a tag that makes objects": "!!python/object/apply:os.system ['true']\n",
    "two documents": "version: 1\n---\nversion: 1\n",
    "an endless nest": "[" * 5000,
    "a key that is a list": "? [a, b]\n: 1\n",
    "an anchor to itself": "&a [*a]\n",
}


@pytest.mark.slow
def test_a_broken_file_is_named_and_nothing_is_asked(acme: Company) -> None:
    for file in ("instep.yaml", "dataflow.yaml", "erp.yaml"):
        path = acme.directory / file
        whole = path.read_bytes()
        for name, text in BROKEN.items():
            path.write_bytes(text.encode("utf-8", "surrogatepass"))
            for command in ("sync", "plan", "check", "status"):
                assert file in ended(acme.run(command), 2), (file, name, command)
        path.write_bytes(whole)
    assert acme.erp.counters()["total"] == 0


def test_unknown_and_doubled_keys_are_told_together_with_their_lines(acme: Company) -> None:
    path = acme.directory / "instep.yaml"
    path.write_text(path.read_text().replace("store: ", "stores: 1\ndataflow: other.yaml\nstore: "))
    said = ended(acme.run("sync"), 2)
    assert "dataflow" in said
    assert "instep.yaml:" in said


def test_a_secret_in_the_clear_is_refused_and_not_repeated(acme: Company) -> None:
    path = acme.directory / "instep.yaml"
    path.write_text(path.read_text().replace('{file: ".instep-sandbox/chargebee.key"}', CHARGEBEE_KEY))
    said = ended(acme.run("sync"), 2)
    assert has_three_parts(said), said


def test_a_variable_that_is_not_set_is_named(acme: Company) -> None:
    path = acme.directory / "instep.yaml"
    path.write_text(path.read_text().replace('{file: ".instep-sandbox/chargebee.key"}', "{env: NO_SUCH_KEY}"))
    said = ended(acme.run("sync"), 2)
    assert "NO_SUCH_KEY" in said


def test_a_mapping_to_a_field_that_is_not_there_says_which_and_nothing_is_asked(acme: Company) -> None:
    path = acme.directory / "dataflow.yaml"
    path.write_text(path.read_text().replace("vat_number <-> tax_number |", "vat_nmber <-> tax_nmber |"))
    said = ended(acme.run("sync"), 2)
    assert "vat_nmber" in said
    assert "tax_nmber" in said
    assert acme.erp.counters()["total"] == 0


def test_every_command_in_an_empty_directory_says_how_to_begin(tmp_path: Path) -> None:
    for words in (
        "sync",
        "plan",
        "check",
        "status",
        "holds list",
        "links list",
        "history",
        "explain contact c1",
    ):
        done = instep(tmp_path, *words.split())
        plain_words(done.stdout + done.stderr)
        assert done.returncode == 2, (words, done.stderr)
        assert "instep init" in done.stdout + done.stderr, (words, done.stderr)
    assert list(tmp_path.iterdir()) == []


def test_a_plan_that_was_cut_or_edited_is_refused_or_does_less(acme: Company) -> None:
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test")
    acme.customer("c2", "Ida", "Vik", "ida@example.test")
    kept = acme.directory / "plan.json"
    acme.run("plan", "--out", str(kept))
    whole = kept.read_text()
    for share in (0.1, 0.5, 0.9, 0.99):
        kept.write_text(whole[: int(len(whole) * share)])
        assert "is not a plan" in ended(acme.run("sync", str(kept)), 2)
    edited = json.loads(whole)
    edited["actions"] = [a for a in edited["actions"] if a["key"]["id"] == "c1"]
    edited["actions"][0]["writes"][0]["changes"][0]["new"] = ["Mallory"]
    kept.write_text(json.dumps(edited))
    ended(acme.run("sync", str(kept)), 3)
    assert [row["family_name"] for row in living(acme, "erp", "contacts")] == ["Nordmann"]
    for key, value in (
        ("actions", {}),
        ("actions", [1]),
        ("pairs", 5),
        ("pairs", [["x"]]),
        ("actions", None),
    ):
        kept.write_text(json.dumps({**edited, key: value}))
        ended(acme.run("sync", str(kept)), 2)


def test_releases_that_make_no_sense_are_refused_and_change_nothing(acme: Company) -> None:
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test", net_term_days=15)
    ended(acme.run("sync"), 3)
    (hold,) = acme.json("holds", "list")
    number = str(hold["id"])
    for words in (
        ["999999", "--choose", "retry"], ["-5", "--choose", "retry"], [number], [number, "--take", "nobody"],
        [number, "--choose", "everything"], [number, "--link", "no-such"], ["--pair", "nobody", "--cause", "x"],
        [number, "--choose", "retire"], ["99999999999999999999999", "--choose", "retry"],
        [number, "--take", "left", "--choose", "retry"],
    ):  # fmt: skip
        ended(acme.run("holds", "release", *words), 2)
    assert acme.json("holds", "list") == [hold]


def test_a_damaged_store_is_told_of(acme: Company) -> None:
    for number in range(40):
        acme.customer(f"c{number}", "Åse", "x" * 50, f"ase{number}@example.test")
    ended(acme.run("sync"), 0)
    store = acme.directory / "instep.sqlite"
    content = bytearray(store.read_bytes())
    for cut in (len(content) // 3, 5000):
        store.write_bytes(content[:cut])
        said = ended(acme.run("sync"), 5)
        assert has_three_parts(said), said
    content[4096 : 4096 + 12000] = random.Random(12).randbytes(12000)
    store.write_bytes(content)
    said = ended(acme.run("sync"), 5)
    assert has_three_parts(said), said


def test_a_store_of_a_newer_release_is_left_alone(acme: Company) -> None:
    ended(acme.run("sync"), 0)
    connection = apsw.Connection(str(acme.directory / "instep.sqlite"))
    connection.execute("pragma user_version = 9999")
    connection.close()
    said = ended(acme.run("sync"), 5)
    assert has_three_parts(said), said


@pytest.mark.slow
def test_a_disk_without_room_stops_the_run_and_nothing_is_made_twice_afterwards(acme: Company) -> None:
    for number in range(150):
        acme.customer(f"c{number}", "Åse", f"Nordmann {number}", f"ase{number}@example.test")
    limit = "import resource,signal,sys;resource.setrlimit(resource.RLIMIT_FSIZE,(int(sys.argv[1]),)*2);"
    limit += "signal.signal(signal.SIGXFSZ,signal.SIG_IGN);from instep.cli import main;sys.argv=sys.argv[1:];main()"
    for size in (100_000, 200_000, 300_000):
        done = subprocess.run(
            [sys.executable, "-c", limit, str(size), "-q", "sync"],
            cwd=acme.directory, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        plain_words(done.stdout + done.stderr)
        assert done.returncode == 5, (size, done.stdout, done.stderr)
        assert has_three_parts(done.stderr)
    in_step(acme)


def test_a_directory_that_can_not_be_reached_or_written_is_told_of(tmp_path: Path) -> None:
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    as_another = [] if os.geteuid() else nobody
    with tempfile.TemporaryDirectory() as place, company(Path(place)) as acme:
        for mode, codes in ((0o555, (5,)), (0o000, (2,))):
            Path(place).chmod(mode)
            done = subprocess.run(
                [*as_another, sys.executable, "-m", "instep", "-C", place, "sync"],
                capture_output=True,
                text=True,
            )
            Path(place).chmod(0o755)
            plain_words(done.stdout + done.stderr)
            assert done.returncode in codes, done.stderr
            assert has_three_parts(done.stderr) or "not readable" in done.stderr, done.stderr
        assert living(acme, "erp", "contacts") == []


@pytest.mark.parametrize(
    "env", [{"LANG": "C", "LC_ALL": "C"}, {"COLUMNS": "20"}, {"TERM": "dumb", "COLUMNS": "1"}]
)
def test_a_poor_terminal_shows_every_name(acme: Company, env: dict[str, str]) -> None:
    acme.customer("c1", "Åse", "Nordmann 日本 🙂", "ase@example.test")
    for words in (
        ["plan"],
        ["sync"],
        ["status"],
        ["history"],
        ["links", "list"],
        ["--help"],
        ["explain", "contact", "c1"],
    ):
        done = instep(
            acme.directory, *words, env={**os.environ, **env, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
        )
        plain_words(done.stdout + done.stderr)
        assert done.returncode == 0, (words, done.stderr)


def test_output_whose_reader_left_is_no_mistake(acme: Company) -> None:
    for number in range(60):
        acme.customer(f"c{number}", "Åse", f"Nordmann {number}", f"ase{number}@example.test")
    ended(acme.run("sync"), 0)
    for words in (
        ["history", "--limit", "5000"],
        ["plan", "--json"],
        ["links", "list", "--json"],
        ["status"],
    ):
        line = f'"{sys.executable}" -m instep {" ".join(words)} | head -1'
        done = subprocess.run(line, shell=True, cwd=acme.directory, capture_output=True, text=True)
        plain_words(done.stdout + done.stderr)
        assert "Broken pipe" not in done.stderr, done.stderr
