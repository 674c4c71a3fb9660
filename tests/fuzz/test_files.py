"""Files that are read: kept plans, tables of lookups, descriptions of systems, recorded traffic."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from instep.connectors.rest import Description, RestConnector
from instep.connectors.sql import Description as Database
from instep.connectors.sql import SqlConnector
from instep.core.model import Both, Side
from instep.core.state import Key
from instep.core.verdict import Change, Verdict, Write
from instep.dataflow import yaml
from instep.dataflow.build import load_dataflow, parse_dataflow
from instep.dataflow.files import parse_site, validate
from instep.dataflow.yaml import Document
from instep.desk.plan_file import PlanWriter, read_plan
from instep.runner.planning import Action
from instep.runner.run import Report
from instep.site import Site, load_site
from instep.testing.recording import read_recording, replaying
from tests.databases.company import described
from tests.dataflow.texts import SITE, dataflow

from .law import grows, quick, told
from .texts import odd_texts, spoilt, spoilt_bytes, spoilt_json, spoilt_value

ERP = yaml.read((files("instep.connectors.rest") / "sample_erp.yaml").read_text("utf-8"), "erp.yaml").value
DATABASE = {"url": "sqlite:///company.db", "page": 2, "entities": described()}
TRYTON = SITE.replace(
    "kind: rest\n    describe: erp.yaml",
    "kind: tryton\n    url: https://erp.example\n    database: acme\n    user: instep\n    password: {env: PASSWORD}",
)


# Kept plans


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Its files, and no system asked."""
    directory = tmp_path_factory.mktemp("site")
    (directory / "instep.yaml").write_text(SITE)
    (directory / "erp.yaml").write_text(
        (files("instep.connectors.rest") / "sample_erp.yaml").read_text("utf-8")
    )
    (directory / "dataflow.yaml").write_text(
        dataflow("first_name <-> given_name", pair="match: [first_name]")
    )
    yield load_site(directory, offline=True)


def action(id: str, old: Any, new: Any) -> Action:
    key = Key("contact", Side.LEFT, id)
    write = Write(
        Side.RIGHT,
        "update",
        id,
        {"given_name": new},
        (Change("first_name", (old,), (new,), (new,), "edited"),),
        "edited",
    )
    return Action(key, Both(id, id), Verdict(key, (write,)))


def kept(site: Site, path: Path, actions: list[Action]) -> Path:
    with path.open("w", encoding="utf-8") as file:
        writer = PlanWriter(file, site, Report(), ["contact"], 1_763_850_000_000)
        for each in actions:
            writer.add(each)
        writer.close()
    return path


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@quick(60)
@given(st.lists(st.tuples(texts.filter(bool), texts, texts), max_size=4))
def test_a_plan_is_read_as_it_was_kept(
    site: Site, tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]
) -> None:
    actions = [action(*row) for row in rows]
    read = read_plan(kept(site, tmp_path_factory.mktemp("plan") / "plan.json", actions), site)
    assert read.fingerprints == {print for each in actions for print in each.fingerprints}
    assert read.keys == {each.key for each in actions}


@pytest.fixture(scope="module")
def plan(site: Site, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = kept(
        site, tmp_path_factory.mktemp("plan") / "plan.json", [action("1", "a", "b"), action("2", None, "c")]
    )
    return path.read_bytes()


@quick(200)
@given(data=st.data())
def test_any_file_is_a_plan_or_is_refused_in_words(
    site: Site, plan: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_bytes(data.draw(st.one_of(spoilt_json(json.loads(plan)), spoilt_bytes(plan))))
    told(lambda: read_plan(path, site))


@quick(60)
@given(odd_texts)
@example("\x00")
@example("/")
@example("/dev/null/x")
def test_any_path_of_a_plan_is_read_or_refused_in_words(site: Site, name: str) -> None:
    told(lambda: read_plan(Path(name), site))


# Tables of lookups

TABLE = "left,right\n0,immediate\n14,net14\n'a',\"b, c\"\n"


@quick(150)
@given(
    data=st.one_of(
        spoilt_bytes(TABLE.encode()), spoilt(TABLE).map(lambda text: text.encode("utf-8", "surrogatepass"))
    )
)
@example(b"left,right\n" + b'"' * 99_999)
@example(b"left,right\n\x00,b\n")
@example(b"left,right\na," + b"b" * 200_000)
def test_any_table_is_read_or_refused_in_words(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / "terms.csv").write_bytes(data)
    (folder / "dataflow.yaml").write_text(dataflow("days <-> terms | lookup(file=terms.csv)"))
    told(lambda: load_dataflow(folder / "dataflow.yaml"))


@quick(60)
@given(
    st.one_of(
        odd_texts,
        st.sampled_from([".", "..", "/etc/passwd", "a/../../b", "dataflow.yaml", "\x00", "a" * 300]),
    )
)
def test_any_name_of_a_table_is_found_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    text = json.dumps(
        {
            "version": 1,
            "pairs": {
                "p": {
                    "left": "a",
                    "right": "b",
                    "properties": [{"map": "a <-> b", "as": {"lookup": {"file": name}}}],
                }
            },
        }
    )
    path = tmp_path_factory.getbasetemp() / "named.yaml"
    path.write_text(text)
    told(lambda: load_dataflow(path))


def test_a_large_table_is_read_in_time_in_proportion(tmp_path: Path) -> None:
    path = tmp_path / "dataflow.yaml"
    path.write_text(dataflow("days <-> terms | lookup(file=terms.csv)"))

    def read(rows: str) -> Any:
        (tmp_path / "terms.csv").write_text("left,right\n" + rows)
        return load_dataflow(path)

    grows(read, lambda n: "".join(f"{i},t{i}\n" for i in range(n)), 1_000)


# Descriptions of systems


@quick(150)
@given(spoilt_value(ERP))
@example({**ERP, "base_url": "http://[::1"})
def test_any_description_of_an_api_is_taken_or_refused_in_words(value: Any) -> None:
    description = told(lambda: validate(Document("erp.yaml", value), Description))
    if description is not None:
        connector = told(lambda: RestConnector(description, lambda reference: "secret", name="ERP"))
        assert connector is None or connector.entities()


@quick(150)
@given(spoilt_value(DATABASE))
def test_any_description_of_a_database_is_taken_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, value: Any
) -> None:
    description = told(lambda: validate(Document("db.yaml", value), Database))
    if description is not None:
        folder = tmp_path_factory.getbasetemp()
        connector = told(
            lambda: SqlConnector(description, lambda reference: "secret", name="DB", directory=folder)
        )
        assert connector is None or connector.entities() is not None


@quick(80)
@given(spoilt(TRYTON))
def test_any_site_with_tryton_is_read_or_told_apart(text: str) -> None:
    told(lambda: parse_site(text, "instep.yaml"))


LONG_YAML = {
    "items": lambda n: "a: [" + "x, " * n + "]\n",
    "a long text": lambda n: "a: '" + "x" * n + "'\n",
    "lists in lists": lambda n: "- " * n + "x\n",
    "lines": lambda n: "a: |\n" + "  line\n" * n,
    "words": lambda n: "a: " + "x " * n + "\n",
    "keys": lambda n: "".join(f"k{i}: v\n" for i in range(n)),
    "comments": lambda n: "#" + "#" * n + "\n" + "\n" * n,
    "anchors": lambda n: "a: " + "&a " * n + "\n",
    "keys of keys": lambda n: "? " * n + "\n",
}


@pytest.mark.parametrize("what", LONG_YAML)
def test_yaml_is_read_in_time_in_proportion(what: str) -> None:
    grows(lambda text: yaml.read(text, "f.yaml"), LONG_YAML[what], 200)


def test_pairs_that_refer_to_each_other_are_put_in_order_in_time_in_proportion() -> None:
    """However many ways lead from one pair to another."""

    def text(n: int) -> str:
        pairs = {}
        for i in range(n):
            refers = [f"r{j} <-> r{j} | reference(e{j}, e{j})" for j in (i + 1, i + 2) if j < n]
            pairs[f"p{i}"] = {"left": f"e{i}", "right": f"e{i}", "properties": ["a <-> a", *refers]}
        return json.dumps({"version": 1, "pairs": pairs})

    grows(lambda given: parse_dataflow(given, "f.yaml"), text, 12, 4)
    order = parse_dataflow(text(60), "f.yaml").pairs
    place = {pair.name: number for number, pair in enumerate(order)}
    assert all(place[other] < place[pair.name] for pair in order for other in pair.after)


# Recorded traffic

RECORDED = [
    {
        "request": {"method": "GET", "path": "/a", "query": ["x=1"], "body": None},
        "response": {"status": 200, "headers": {"x-id": "1"}, "body": {"a": 1}},
    }
]


@quick(80)
@given(st.one_of(spoilt_json(RECORDED), spoilt_bytes(json.dumps(RECORDED).encode())))
@example(b"")
@example(b"{}")
@example(b"[1]")
async def test_any_recording_is_served_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "recorded.json"
    path.write_bytes(data)
    exchanges = told(lambda: read_recording(path))
    if exchanges is not None:
        async with replaying(deepcopy(exchanges)) as replay:
            assert replay.url
