"""`instep webhooks` against the emulator's webhook endpoints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from instep.connectors.chargebee.hints import EVENTS
from tests.cli.company import CHARGEBEE_KEY, Company, company
from tests.sandbox.chargebee_site import receiver

URL = "https://instep.example.test"
HOOK = f"{URL}/hooks/chargebee"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with company(tmp_path_factory.mktemp("company")) as made:
        yield made


@pytest.fixture
def acme(servers: Company) -> Iterator[Company]:
    path = servers.directory / "instep.yaml"
    before = path.read_text("utf-8")
    serve(servers, URL)
    yield servers
    path.write_text(before, "utf-8")
    for endpoint in servers.json("webhooks", "list"):
        assert servers.run("webhooks", "remove", endpoint["id"]).exit_code == 0


def serve(acme: Company, url: str) -> None:
    path = acme.directory / "instep.yaml"
    lines = [
        line for line in path.read_text("utf-8").splitlines() if not line.startswith(("serve:", "  url: "))
    ]
    path.write_text("\n".join([*lines, "serve:", f"  url: {url}", ""]), "utf-8")


def ask(acme: Company, method: str, path: str, **data: Any) -> Any:
    import base64
    import json
    import urllib.parse
    import urllib.request

    request = urllib.request.Request(
        f"{acme.chargebee.url}/api/v2/{path}",
        data=urllib.parse.urlencode(data).encode() if method == "POST" else None,
        headers={"authorization": "Basic " + base64.b64encode(f"{CHARGEBEE_KEY}:".encode()).decode()},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def whats(acme: Company) -> list[str]:
    found = acme.run("webhooks", "check", "--json")
    import json

    problems = json.loads(found.stdout)
    assert found.exit_code == (3 if problems else 0)
    assert all(problem["fix"] for problem in problems)
    return [problem["what"] for problem in problems]


def test_an_endpoint_is_made_for_the_events_that_the_dataflow_needs_and_found_right(acme: Company) -> None:
    made = acme.run("webhooks", "create")
    assert made.exit_code == 0, made.output
    assert HOOK in made.stdout
    (endpoint,) = acme.json("webhooks", "list")
    assert endpoint["ours"]
    assert endpoint["url"] == HOOK
    assert set(endpoint["events"]) == {name for names in EVENTS.values() for name in names}
    assert whats(acme) == []
    assert "are taken" in acme.run("webhooks", "check").stdout


def test_making_it_again_makes_no_second_one(acme: Company) -> None:
    for said in ("made: ", "set right: "):
        assert acme.run("webhooks", "create").stdout.startswith(said)
    assert len(acme.json("webhooks", "list")) == 1


def test_what_a_person_changed_is_told_and_set_right(acme: Company) -> None:
    acme.run("webhooks", "create")
    (endpoint,) = acme.json("webhooks", "list")
    change = {"disabled": "true", "api_version": "v1", "enabled_events[0]": "customer_created"}
    ask(acme, "POST", f"webhook_endpoints/{endpoint['id']}", **change)
    disabled, lacking, version = whats(acme)
    assert "is disabled" in disabled
    assert "not sent all" in lacking
    assert "v1" in version
    assert "customer_changed" in acme.run("webhooks", "check").stdout
    assert acme.run("webhooks", "create").exit_code == 0
    assert whats(acme) == []


def test_a_wrong_address_is_told_with_what_it_is(acme: Company) -> None:
    ask(acme, "POST", "webhook_endpoints", name="old", url=f"{URL}/hook")
    (what,) = whats(acme)
    assert what == f"no endpoint of the site has the address {HOOK}"
    assert f"old has {URL}/hook" in acme.run("webhooks", "check").stdout


def test_an_address_that_has_the_password_in_it_is_ours_and_is_not_shown(acme: Company) -> None:
    ask(acme, "POST", "webhook_endpoints", name="by hand", url=f"{HOOK}/{CHARGEBEE_KEY}")
    (endpoint,) = acme.json("webhooks", "list")
    assert endpoint["ours"]
    for command in (("list",), ("list", "--json"), ("check",)):
        assert CHARGEBEE_KEY not in acme.run("webhooks", *command).output
    assert whats(acme) == []


def test_two_endpoints_for_us_are_one_too_many(acme: Company) -> None:
    for name in "ab":
        ask(acme, "POST", "webhook_endpoints", name=name, url=HOOK)
    assert whats(acme) == ["each event is sent twice"]


def test_a_full_site_is_told_what_to_do(acme: Company) -> None:
    for number in range(5):
        ask(acme, "POST", "webhook_endpoints", name=f"n{number}", url=f"https://other.example/{number}")
    refused = acme.run("webhooks", "create")
    assert refused.exit_code == 1
    assert "at most 5" in refused.output
    assert "removed in Chargebee" in acme.run("webhooks", "check").stdout


def test_deliveries_that_failed_are_told(acme: Company) -> None:
    with receiver() as hook:
        serve(acme, hook.url.rstrip("/"))
        made = acme.run("webhooks", "create")
        assert made.exit_code == 0, made.output
        hook.answers.put(401)
        acme.chargebee.console("POST", "customers", {"id": "c-late", "first_name": "Ida"})
        hook.next()
        while not (found := whats(acme)):
            pass
        assert found[0].startswith("1 delivery to the endpoint Instep")
        said = acme.run("webhooks", "check").stdout
        assert "1 are tried again, 0 are not" in said


def test_a_port_that_chargebee_does_not_call_is_refused_with_what_it_calls(acme: Company) -> None:
    serve(acme, f"{URL}:9999")
    acme.chargebee.console("POST", "switches", {"webhook_ports": "documented"})
    refused = acme.run("webhooks", "create")
    assert refused.exit_code == 1
    assert "80, 443, 8080" in refused.output
    acme.chargebee.console("POST", "switches", {"webhook_ports": "any"})


def test_ours_is_removed_and_others_are_left(acme: Company) -> None:
    ask(acme, "POST", "webhook_endpoints", name="other", url="https://other.example/")
    acme.run("webhooks", "create")
    assert acme.run("webhooks", "remove").exit_code == 0
    assert [each["name"] for each in acme.json("webhooks", "list")] == ["other"]
    assert "no endpoint of the site" in acme.run("webhooks", "remove").stdout
    unknown = acme.run("webhooks", "remove", "nothing")
    assert (unknown.exit_code, "instep webhooks list" in unknown.output) == (2, True)


def test_an_endpoint_is_removed_by_its_name_or_its_address_too(acme: Company) -> None:
    for name in ("by name", "by address"):
        ask(acme, "POST", "webhook_endpoints", name=name, url=f"https://{name[3:]}.example/")
    assert acme.run("webhooks", "remove", "by name", "https://address.example/").exit_code == 0
    assert acme.json("webhooks", "list") == []


def test_a_name_that_two_endpoints_have_removes_neither(acme: Company) -> None:
    for number in range(2):
        ask(acme, "POST", "webhook_endpoints", name="twin", url=f"https://{number}.example/")
    refused = acme.run("webhooks", "remove", "twin")
    assert refused.exit_code == 2
    assert "instep webhooks remove whv2_" in refused.output
    assert len(acme.json("webhooks", "list")) == 2


@pytest.mark.parametrize("path", ["", "/", "/hooks", "/hooks/erp"])
def test_an_address_where_nothing_would_take_them_is_refused_with_the_right_one(
    acme: Company, path: str
) -> None:
    refused = acme.run("webhooks", "create", "--url", f"{URL}:8443{path}")
    assert refused.exit_code == 2
    assert f"instep webhooks create --url {URL}:8443/hooks/chargebee" in refused.output
    assert acme.json("webhooks", "list") == []


def test_only_create_advises_its_option(acme: Company) -> None:
    path = acme.directory / "instep.yaml"
    path.write_text(path.read_text("utf-8").replace("serve:\n", "").replace(f"  url: {URL}\n", ""))
    for command, advised in (("create", True), ("check", False), ("remove", False)):
        assert ("--url" in acme.run("webhooks", command).output) == advised


@pytest.mark.parametrize(
    "url", ["http://instep.example.test/hooks/chargebee", "ftp://x", "instep.example.test"]
)
def test_an_address_that_would_show_the_password_is_not_used(acme: Company, url: str) -> None:
    refused = acme.run("webhooks", "create", "--url", url)
    assert refused.exit_code == 2
    assert acme.json("webhooks", "list") == []


def test_what_is_not_configured_is_told_with_the_line_to_add(acme: Company, tmp_path: Path) -> None:
    path = acme.directory / "instep.yaml"
    before = path.read_text("utf-8")
    path.write_text("\n".join(line for line in before.splitlines() if "webhooks:" not in line))
    for command in ("create", "check"):
        said = acme.run("webhooks", command)
        assert (said.exit_code, "webhooks: {password" in said.output) == (2, True)
    path.write_text(before.replace("serve:\n", "").replace(f"  url: {URL}\n", ""))
    for command in ("create", "check", "remove"):
        said = acme.run("webhooks", command)
        assert (said.exit_code, "serve: {url: https://HOST}" in said.output) == (2, True)
    path.write_text(before)
