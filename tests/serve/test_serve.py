"""`instep serve` in a process of its own: it keeps both systems in step, and answers over HTTP."""

from __future__ import annotations

import json
import signal
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.cli.company import Company
from tests.cli.test_stopping import WAIT_S, instep, read_until


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=WAIT_S) as answer:
            json.load(answer)
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.slow
def test_it_keeps_in_step_until_it_is_stopped_and_tells_its_address(acme: Company) -> None:
    acme.customer("c0", "Åse", "Nordmann", "ase0@example.test")
    with instep(acme.directory, "serve", "--port", "0") as process:
        said = read_until(process, "instep.token", error=False)
        url = said.split(": ")[0]
        assert url.startswith("http://127.0.0.1:")
        assert status_of(f"{url}/health/live") == 200
        while not acme.in_erp():
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0, err
    assert acme.json("status")["in_doubt"] == []


def test_the_token_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    from instep.serve.access import access_of, own_token

    path = tmp_path / "instep.token"
    token = own_token(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert own_token(path) == token
    access = access_of([(token, "admin", "admin")])
    found = access.person(token)
    assert found is not None
    assert found.may("operator")
    assert access.person(token[:-1]) is None
    assert access.person("") is None
