"""What people spell in one line: conditions, transformations, secrets, names, durations, anchors."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from instep.cli import instep
from instep.cli.new_connector import package
from instep.core.conditions import Condition, parse_condition
from instep.core.model import Side
from instep.core.transformations.arguments import parse as parse_spelling
from instep.core.transformations.arguments import spelled
from instep.core.transformations.contract import Opaque
from instep.dataflow import secrets
from instep.dataflow.build import parse_dataflow
from instep.processes import is_dead
from tests.core.laws import Links
from tests.dataflow.texts import dataflow

from .law import grows, quick, told
from .texts import json_values, odd_texts, scalars, spoilt

CONDITIONS = (
    "company",
    "not company",
    "type = firm",
    "type != 'a, b'",
    "type in (firm, 'x y', 7)",
    "a.b not in (1.50, true)",
)
SPELLINGS = (
    "same", "text(trim, max=70)", "lookup(0=immediate, 30=net30, 'a b'=c)", "money(EUR, text=right)", "names",
    "phone", "decimal(places=2)", "integer", "boolean(yes=Y, no=N)", "date", "datetime(zone='Europe/Oslo')",
    "country", "email", "template('{1} - {2}')", "default(0, as=lookup(0=a))", "reference(customer, contact)",
    "join(' ', 2)", "a.b:c",
)  # fmt: skip


@quick(400)
@given(st.one_of(odd_texts, st.sampled_from(CONDITIONS).flatmap(spoilt)))
@example("a = \x85")
@example("a in ('b,c', \"d'e\")")
def test_any_condition_is_read_or_refused_in_a_sentence(text: str) -> None:
    told(lambda: parse_condition(text), ValueError)


@quick(300)
@given(
    st.builds(
        Condition,
        st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*(\.[a-z]+)?", fullmatch=True).filter(
            lambda p: p not in ("not", "in")
        ),
        st.lists(
            st.one_of(
                st.booleans(), st.none(), st.integers(-(10**17), 10**17), st.text(min_size=1, max_size=12)
            ),
            max_size=3,
        ).map(tuple),
        st.booleans(),
    )
)
def test_a_condition_is_read_as_it_is_spelled(condition: Condition) -> None:
    """Where it can be spelled: a text with both kinds of quotes can't."""
    if any(isinstance(v, str) and "'" in v and '"' in v for v in condition.values):
        return
    assert parse_condition(str(condition)) == condition


@quick(200)
@given(st.sampled_from(CONDITIONS), json_values)
def test_a_condition_holds_or_not_of_any_record(text: str, value: Any) -> None:
    condition = parse_condition(text)
    fields = {condition.path.partition(".")[0]: value}
    assert condition.holds(fields) in (True, False)
    assert condition.missed


@quick(400)
@given(st.one_of(odd_texts, st.sampled_from(SPELLINGS).flatmap(spoilt)))
def test_any_spelling_of_a_transformation_is_read_or_refused_in_a_sentence(text: str) -> None:
    read = told(lambda: parse_spelling(text), ValueError)
    written = told(lambda: spelled(*read), ValueError) if read is not None else None
    if written is not None:
        assert parse_spelling(written) == read, "what is written is read as the same"


@quick(250)
@given(
    st.sampled_from(["a <-> b", "a, b <-> c", "a -> b", "a with c <-> b"]),
    st.sampled_from(SPELLINGS).flatmap(lambda text: st.one_of(st.just(text), spoilt(text))),
    st.lists(scalars, min_size=4, max_size=4),
)
def test_whatever_a_line_says_its_transformation_takes_any_values(
    line: str, spelled: str, values: list[Any]
) -> None:
    quoted = f"{line} | {spelled}".replace("'", "''")
    built = told(
        lambda: parse_dataflow(dataflow(f"'{quoted}'" if quoted.isprintable() else quoted), "f.yaml")
    )
    if built is None:
        return
    (prop,) = built.pairs[0].properties
    links = Links({})
    for side in Side:
        count = len(prop.parts[side].fields) + len(prop.parts[side].context)
        raw = tuple(values[:count])
        canon = told(
            lambda side=side, raw=raw: prop.transformation.canon(
                side, prop.transformation.trim(side, raw), links
            )
        )
        if not isinstance(canon, Opaque):
            width = len(prop.parts[side.other].fields) + len(prop.parts[side.other].context)
            told(
                lambda side=side, canon=canon, width=width: prop.transformation.put(
                    side.other, canon, (None,) * width, links
                )
            )


@quick(300)
@given(st.one_of(odd_texts, st.sampled_from(["env:NAME", "file:keys/erp.key"]).flatmap(spoilt)))
@example("file:\x00")
@example("file:..")
@example("env:A=B")
@example("env:\x00")
@example("file:" + "a" * 5000)
@example("file:\ud800")
def test_any_reference_to_a_secret_leads_to_one_or_is_refused_in_words(text: str) -> None:
    find = secrets.resolver(directory=Path(__file__).parent / "nowhere", environ={"NAME": "s3cret"})
    found = told(lambda: find(text))
    assert found in (None, "s3cret")


@quick(100)
@given(st.one_of(odd_texts, spoilt("this-host process 71, started ticks 55 (ab12cd)")))
@example(f"{'x'} process {'9' * 5000}, started ticks 5")
def test_any_holder_of_a_lease_is_known_to_be_dead_or_not(name: str) -> None:
    assert is_dead(name) in (True, False)


@quick(60)
@given(
    st.one_of(
        odd_texts,
        spoilt("acme-books"),
        st.from_regex(r"[a-z][a-z0-9]{0,6}(-[a-z0-9]{1,4}){0,3}", fullmatch=True),
    )
)
@example("none")
@example("true")
@example("a" * 41)
@example("con")
@example("instep")
@example("test")
def test_any_name_becomes_a_package_that_python_can_read_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    directory = tmp_path_factory.mktemp("kit")
    result = CliRunner().invoke(instep, ["-q", "-C", str(directory), "new-connector", "--", name])
    assert result.exit_code in (0, 2), result.output
    if result.exit_code == 2:
        assert not list(directory.iterdir())
        return
    for path, text in package(name).items():
        if path.endswith(".py"):
            ast.parse(text, path)


@quick(60)
@given(
    st.one_of(odd_texts, st.sampled_from(["60s", "5m", "1h"]).flatmap(spoilt), st.just("nan"), st.just("1e3"))
)
def test_any_duration_is_one_or_is_refused(text: str) -> None:
    from instep.cli.sync import Duration

    try:
        seconds = Duration().convert(text, None, None)
    except Exception as error:  # noqa: BLE001 - click's own kind of refusal
        assert type(error).__name__ == "BadParameter"
    else:
        assert 0 < seconds <= 7 * 86_400


LONG_CONDITIONS = {
    "values": lambda n: "a in (" + "b, " * n + "c)",
    "quotes": lambda n: "a in (" + "'" * n,
    "brackets": lambda n: "(" * n,
    "blanks": lambda n: "a = " + " " * n + "b",
    "blanks before not": lambda n: " " * n + "not" + " " * n,
    "steps": lambda n: "a." * n,
    "letters": lambda n: "x" * n + " " * n + "= (",
}


@pytest.mark.parametrize("what", LONG_CONDITIONS)
def test_a_condition_is_read_in_time_in_proportion(what: str) -> None:
    grows(parse_condition, LONG_CONDITIONS[what], 1_000)


LONG_SPELLINGS = {
    "pairs": lambda n: "lookup(" + "1=a, " * n + "2=b)",
    "quoted pairs": lambda n: "lookup(" + "'a'=b, " * n + ")",
    "brackets in brackets": lambda n: "text(" + "(" * n + ")" * n + ")",
    "equals": lambda n: "text(" + " " * n + "=" * n + ")",
    "letters": lambda n: "a" * n + "(",
    "no end of a quote": lambda n: "text(" + "'" + "a" * n,
    "commas": lambda n: "text(" + ", " * n + ")",
    "blanks before a quote": lambda n: "text(a" + " " * n + "'b')",
    "quotes": lambda n: "text(a" + "'" * n + ")",
}


@pytest.mark.parametrize("what", LONG_SPELLINGS)
def test_a_spelling_is_read_in_time_in_proportion(what: str) -> None:
    grows(parse_spelling, LONG_SPELLINGS[what], 10_000 if what == "quotes" else 2_000)


def test_problems_of_a_dataflow_that_is_all_wrong_are_told_in_time_in_proportion() -> None:
    grows(
        lambda text: parse_dataflow(text, "f.yaml"), lambda n: dataflow("a <-> b | nonsense(1)\n" * n), 20, 5
    )
