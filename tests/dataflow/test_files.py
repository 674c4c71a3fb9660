"""Configuration files to models, with every problem at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from instep.dataflow.files import (
    load_business_entities,
    load_site,
    parse_dataflow_file,
    parse_site,
)
from instep.dataflow.secrets import parse, resolve, resolver
from instep.dataflow.systems import ChargebeeSystem, RestSystem, Secret
from instep.errors import ConfigurationError
from tests.dataflow.texts import SITE, dataflow, problems, told


def test_a_site_names_two_systems_of_a_kind_each() -> None:
    site = parse_site(SITE, "instep.yaml")
    left, right = site.systems
    assert isinstance(left, ChargebeeSystem)
    assert isinstance(right, RestSystem)
    assert (left.site, left.name, left.api_key.env) == ("acme-test", "Chargebee", "CHARGEBEE_API_KEY")
    assert (right.describe, right.name) == ("erp.yaml", "Custom ERP")
    assert (site.settings.store, site.settings.dataflow) == ("instep.sqlite", "dataflow.yaml")


def test_paths_are_seen_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "instep.yaml").write_text(SITE)
    site = load_site(tmp_path / "instep.yaml")
    assert site.path(site.settings.store) == tmp_path / "instep.sqlite"


def test_a_site_that_is_not_there_is_told_with_what_makes_one(tmp_path: Path) -> None:
    (problem,) = problems(load_site, tmp_path / "instep.yaml")
    assert problem.what == "the configuration can't be read"
    assert problem.why == "No such file or directory"
    assert problem.fix == "write one with: instep init"


def test_a_file_that_is_not_utf8_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "instep.yaml").write_bytes(b"version: 1\n# caf\xe9\n")
    (problem,) = problems(load_site, tmp_path / "instep.yaml")
    assert (problem.line, problem.column, problem.what) == (2, 6, "the file is not UTF-8")


def test_every_problem_of_a_site_is_told_at_once() -> None:
    text = """\
version: 1
systems:
  left:
    kind: chargebe
  right:
    kind: chargebee
    sit: acme-test
    api_key: {env: KEY}
    requests_per_minute: "5"
    prices: [{currency: eur}]
    business_entities: 4
stor: x
schedule: {full_every_s: no}
"""
    assert told(parse_site, text, "instep.yaml") == (
        'instep.yaml:4:11: error: "chargebe" is not a kind of system\n'
        '  fix: did you mean "chargebee"?\n'
        'instep.yaml:6:5: error: "site" is missing\n'
        "  fix: add site:\n"
        'instep.yaml:7:5: error: "sit" is not known here\n'
        '  fix: did you mean "site"?\n'
        "instep.yaml:9:26: error: this should be a whole number\n"
        "  why: it is a text\n"
        'instep.yaml:10:25: error: "eur" does not fit currency\n'
        "  why: it must look like ^[A-Z]{3}$\n"
        "instep.yaml:11:24: error: this should be a list or a text\n"
        "  why: it is a number\n"
        'instep.yaml:12:1: error: "stor" is not known here\n'
        '  fix: did you mean "store"?\n'
        "instep.yaml:13:26: error: this should be a whole number\n"
        "  why: it is a text"
    )


@pytest.mark.parametrize(
    ("prices", "what"),
    [
        (
            "{currency: EUR}, {currency: EUR, period_unit: month}",
            '"EUR" and "EUR month" are one and the same',
        ),
        (
            "{currency: EUR, period_unit: month}, {currency: EUR}",
            '"EUR month" and "EUR" are one and the same',
        ),
        ("{currency: EUR}, {currency: EUR, period: 3}", '"EUR" and "EUR per 3" are one and the same'),
        (
            "{currency: EUR, period: 1, period_unit: year}, {currency: EUR, period_unit: year}",
            '"EUR per 1 year" and "EUR year" are one and the same',
        ),
        ("{currency: EUR}, {currency: EUR}", "the price EUR stands here twice"),
    ],
)
def test_two_keys_for_one_item_price_are_refused(prices: str, what: str) -> None:
    text = SITE.replace("site: acme-test", f"site: acme-test\n    prices: [{prices}]")
    (problem,) = problems(parse_site, text, "instep.yaml")
    assert problem.line == 6
    assert problem.what.startswith(what)
    assert problem.fix.startswith("remove one of the two")


def test_a_currency_may_have_a_price_for_each_period() -> None:
    prices = (
        "{currency: EUR}, {currency: EUR, period_unit: year}, {currency: EUR, period: 3, period_unit: month}"
    )
    site = parse_site(SITE.replace("site: acme-test", f"site: acme-test\n    prices: [{prices}]"), "i.yaml")
    left = site.systems.left
    assert isinstance(left, ChargebeeSystem)
    assert len(left.prices) == 3


def test_an_empty_site_lacks_what_it_needs() -> None:
    assert [p.what for p in problems(parse_site, "", "instep.yaml")] == [
        '"version" is missing',
        '"systems" is missing',
    ]


def test_a_site_that_is_a_list_is_told_to_be_a_mapping() -> None:
    (problem,) = problems(parse_site, "- a", "instep.yaml")
    assert (problem.what, problem.why) == ("this should be a mapping", "it is a list")


def test_a_version_from_the_future_is_refused() -> None:
    (problem,) = problems(parse_site, SITE.replace("version: 1", "version: 2"), "instep.yaml")
    assert (problem.line, problem.what) == (1, 'version can\'t be "2"')


@pytest.mark.parametrize("secret", ["live_Wx81hQ", "12345678", "'env'", "'env:'"])
def test_a_secret_in_the_file_is_refused_and_never_shown(secret: str) -> None:
    text = SITE.replace("{env: CHARGEBEE_API_KEY}", secret)
    (problem,) = problems(parse_site, text, "instep.yaml")
    assert (problem.line, problem.what) == (6, "a secret stands in the file itself")
    assert "live_Wx81hQ" not in str(problem)
    assert "{env: NAME_OF_THE_VARIABLE}" in problem.fix


def test_a_password_in_an_address_is_refused_and_never_shown() -> None:
    text = SITE.replace("describe:", "base_url: https://me:hunter2@erp.example\n    describe:")
    (problem,) = problems(parse_site, text, "instep.yaml")
    assert (problem.line, problem.what) == (9, "this does not fit base_url")
    assert "hunter2" not in str(problem)


def test_a_key_that_looks_like_a_secret_is_not_shown_with_its_value() -> None:
    text = SITE.replace("describe:", "token: hunter2\n    describe:")
    assert "hunter2" not in told(parse_site, text, "instep.yaml")


def test_a_secret_needs_one_place() -> None:
    for given in ("{}", "{env: A, file: b}"):
        (problem,) = problems(parse_site, SITE.replace("{env: CHARGEBEE_API_KEY}", given), "instep.yaml")
        assert problem.what == "a secret needs either `env` or `file`"


def test_a_secret_is_found_in_a_variable_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "key.secret").write_text(" s3cret\n")
    environ = {"KEY": "from-env\n"}
    assert resolve(Secret(env="KEY", file=None), directory=tmp_path, environ=environ) == "from-env"
    assert resolve(Secret(env=None, file="key.secret"), directory=tmp_path, environ={}) == "s3cret"
    assert resolver(directory=tmp_path, environ=environ)("env:KEY") == "from-env"
    assert parse("file:key.secret") == Secret(env=None, file="key.secret")
    assert parse("s3cret") is None


@pytest.mark.parametrize("reference", ["env:MISSING", "env:EMPTY", "file:missing", "file:empty"])
def test_a_secret_that_is_not_there_says_what_needs_it_and_how_to_set_it(
    tmp_path: Path, reference: str
) -> None:
    (tmp_path / "empty").write_text("\n")
    secret = parse(reference)
    assert secret is not None
    with pytest.raises(ConfigurationError) as caught:
        resolve(secret, directory=tmp_path, environ={"EMPTY": ""}, used_for="systems.left.api_key")
    (problem,) = caught.value.problems
    assert reference.partition(":")[2] in problem.what
    assert "systems.left.api_key needs it" in problem.why
    assert problem.fix


def test_a_text_that_is_no_reference_is_not_taken_for_a_secret(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolver(directory=tmp_path, environ={})("hunter2")
    assert "hunter2" not in str(caught.value)


def test_business_entities_stand_in_the_site_or_in_a_file_of_their_own(tmp_path: Path) -> None:
    inline = SITE.replace("api_key:", "business_entities: [{id: be1, name: Acme NO}]\n    api_key:")
    site = parse_site(inline, "instep.yaml", directory=tmp_path)
    assert isinstance(site.systems.left, ChargebeeSystem)
    assert [e.name for e in load_business_entities(site, site.systems.left)] == ["Acme NO"]

    (tmp_path / "be.yaml").write_text("- {id: be1, name: Norway}\n- {id: be2, name: Sverige}\n")
    apart = SITE.replace("api_key:", "business_entities: be.yaml\n    api_key:")
    site = parse_site(apart, "instep.yaml", directory=tmp_path)
    assert isinstance(site.systems.left, ChargebeeSystem)
    assert [e.id for e in load_business_entities(site, site.systems.left)] == ["be1", "be2"]

    (tmp_path / "be.yaml").write_text("- {id: be1}\n- {id: be2, nam: x}\n")
    with pytest.raises(ConfigurationError) as caught:
        load_business_entities(site, site.systems.left)
    assert [(p.line, p.what) for p in caught.value.problems] == [
        (1, '"name" is missing'),
        (2, '"name" is missing'),
        (2, '"nam" is not known here'),
    ]


def test_every_problem_of_a_dataflow_is_told_at_once() -> None:
    text = """\
version: 1
pairs:
  contact:
    left: customer
    rigth: contact
    match: email
    create: bth
    policy: neweest
    properties:
      - 5
      - {map: a <-> b, left: c}
      - {map: a <-> b, required: yes, defalt: 4}
      - left: c
      - group: billing
        polcy: left
        properties: [a <-> b, {left: [], right: b}, {lft: a}]
  1x: {left: a, right: b}
"""
    found = [(p.line, p.column, p.what, p.fix) for p in problems(parse_dataflow_file, text, "dataflow.yaml")]
    assert found == [
        (4, 5, '"right" is missing', "add right:"),
        (5, 5, '"rigth" is not known here', 'did you mean "right"?'),
        (6, 12, "this should be a list", ""),
        (7, 13, 'create can\'t be "bth"', 'did you mean "both"?'),
        (8, 13, 'policy can\'t be "neweest"', 'did you mean "newest"?'),
        (10, 9, "this should be a mapping", ""),
        (11, 9, "`map` already names both sides", "remove `left` and `right`, or `map`"),
        (12, 34, "this should be true or false or a mapping", ""),
        (12, 39, '"defalt" is not known here', 'did you mean "default"?'),
        (13, 9, "a property needs both sides", "write map: left_field <-> right_field"),
        (15, 9, '"polcy" is not known here', 'did you mean "policy"?'),
        (16, 38, "left: list should have at least 1 item after validation, not 0", ""),
        (16, 54, '"lft" is not known here', 'did you mean "left"?'),
        (17, 7, '"1x" does not fit as a name', ""),
    ]


def test_a_line_with_more_to_say_is_told_how_to_be_written() -> None:
    (problem, *_) = problems(parse_dataflow_file, dataflow("items <-> lines: [a <-> b]"), "dataflow.yaml")
    assert problem.what == '"items <-> lines" is a property and no key'
    assert problem.fix == "a line with more to say is written as map: LINE, with the rest beside it"
