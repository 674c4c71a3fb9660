"""Dataflows of any kind, and what of two of them has to be the same."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import reject
from hypothesis import strategies as st

from instep.core.dataflow import Dataflow, Pair, Property
from instep.core.model import Both
from instep.core.transformations.contract import SubProperty
from instep.dataflow.build import parse_dataflow
from instep.errors import ConfigurationError

LETTERS = "abcXYZ019_-é#&*:\"'`~{}[]()<>=!%@$/\\?;^+ß漢"
ANYTHING = st.text(st.sampled_from(LETTERS + " ,|\t"), min_size=1, max_size=9)
FIELD = st.text(st.sampled_from(LETTERS), min_size=1, max_size=6)
PATH = st.lists(FIELD, min_size=1, max_size=3).map(".".join)
NAME = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,10}", fullmatch=True)
WORD = st.from_regex(r"[a-z][a-z0-9_.]{0,8}", fullmatch=True)
VALUE = st.sampled_from(["30", "a", "'30'", "12.50", "true", "null", '"x y"', "NO", "'a, b'"])
CONDITION = st.one_of(
    WORD,
    WORD.map(lambda path: f"not {path}"),
    st.tuples(WORD, st.sampled_from(["=", "!="]), VALUE).map(" ".join),
    st.tuples(WORD, VALUE, VALUE).map(lambda three: f"{three[0]} in ({three[1]}, {three[2]})"),
)
POLICY = st.sampled_from(["newest", "hold", "left", "right"])
JSON = st.recursive(
    st.one_of(st.booleans(), st.integers(-(10**6), 10**6), ANYTHING, st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(ANYTHING, inner, max_size=2)),
    max_leaves=3,
)
TRANSFORMATIONS: list[Any] = [
    "same",
    "text(trim, max=60)",
    "email",
    "integer",
    "decimal(text=right)",
    "money(EUR)",
    "lookup(a=1, b='x, y', c=\"it's\")",
    "country",
    {"lookup": {"a": "both \"kinds\" and 'kinds'", "0": 7}},
    {"text": ["trim"]},
    {"lookup": {"a`b": "``c``", "\\": "|"}},
]


def sides(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={"left": inner, "right": inner}).filter(bool)


@st.composite
def properties(draw: st.DrawFn, place: int, *, inner: bool = False) -> dict[str, Any]:
    """One property as a mapping; `place` makes its fields its own, so that no two write the same."""
    context = draw(st.booleans()) and not inner
    money = context and draw(st.booleans())
    left = f"l{place}.{draw(PATH)}"
    right = f"r{place}.{draw(PATH)}"
    found: dict[str, Any] = {"left": [left], "right": [right]}
    kind = draw(st.sampled_from(["one", "one", "one", "names"] + ([] if inner else ["lines", "nested"])))
    if money:
        found |= {"context": {"left": ["currency"], "right": "cur.code"}, "as": "money"}
    elif kind == "names":
        found |= {"left": [left, f"{left}2"], "as": "names"}
    elif kind in ("lines", "nested"):
        count = draw(st.integers(1, 2))
        found |= {"as": kind, "properties": [draw(properties(n, inner=True)) for n in range(count)]}
    else:
        found["as"] = draw(st.sampled_from(TRANSFORMATIONS))
    if draw(st.booleans()):
        found["name"] = f"n{place} {draw(ANYTHING)}"
    if inner:
        return found
    more = {
        "direction": st.sampled_from(["both", "to-right", "to-left"]),
        "policy": POLICY,
        "group": ANYTHING,
        "required": st.one_of(st.just(True), sides(st.lists(CONDITION, min_size=1, max_size=2))),
        "when": sides(st.lists(CONDITION, min_size=1, max_size=2)),
        "default": sides(JSON),
    }
    found |= draw(st.fixed_dictionaries({}, optional=more))
    return found


@st.composite
def pairs(draw: st.DrawFn) -> dict[str, Any]:
    """One pair with all that can be said of it."""
    found: dict[str, Any] = {"left": draw(ANYTHING), "right": draw(ANYTHING)}
    found["properties"] = [draw(properties(n)) for n in range(draw(st.integers(0, 4)))]
    names = [p.get("name", ",".join(p["left"])) for p in found["properties"]]
    if names:
        key = st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True)
        found["match"] = draw(st.lists(key, max_size=2, unique_by=tuple))
    create = st.one_of(
        st.sampled_from(["always", "never", "referred"]),
        st.fixed_dictionaries({"when": st.lists(CONDITION, min_size=1, max_size=2)}),
    )
    more = {
        "create": st.one_of(
            st.sampled_from(["both", "left", "right", "none"]),
            st.fixed_dictionaries({"left": create, "right": create}),
        ),
        "where": sides(st.lists(CONDITION, min_size=1, max_size=2)),
        "on_delete": st.sampled_from(["hold", "retire", "ignore"]),
        "policy": POLICY,
        "new_id": sides(st.tuples(ANYTHING, ANYTHING).map("{id}".join)),
        "constants": sides(st.dictionaries(ANYTHING, JSON, max_size=2)),
        "brakes": st.fixed_dictionaries(
            {},
            optional={
                "create_count": st.integers(0, 999),
                "clear_share": st.sampled_from([0, 0.5, 1, 1e-7, 0.123456789]),
                "least": st.just(3),
            },
        ),
    }
    found |= draw(st.fixed_dictionaries({}, optional=more))
    return found


@st.composite
def dataflows(draw: st.DrawFn) -> Dataflow:
    """A dataflow that can be built; what can't, as with two properties of one name, is drawn anew."""
    whole = {
        "version": 1,
        "policy": draw(POLICY),
        "pairs": draw(st.dictionaries(NAME, pairs(), min_size=1, max_size=3)),
    }
    try:
        return parse_dataflow(json.dumps(whole))
    except ConfigurationError:
        reject()


def stated(dataflow: Dataflow) -> tuple[Pair, ...]:
    """The pairs without what no document says: where a file had them, and the objects that its words became."""
    return tuple(
        replace(pair, source=("", 0), properties=tuple(map(_stated, pair.properties)))
        for pair in dataflow.pairs
    )


def _stated(prop: Property) -> Any:
    words = _words(prop.as_written)
    inside = tuple(map(_inner, prop.inside))
    return replace(prop, transformation=None, as_written=words, inside=inside, source=("", 0))  # type: ignore[arg-type]


def _inner(inner: SubProperty) -> Any:
    return inner.name, inner.paths, inner.contexts, _words(inner.as_written), tuple(map(_inner, inner.inside))


def _words(as_written: str) -> str:
    """Blanks that a file has around a word don't count."""
    return as_written.strip()


NO_ENTITIES: Both[dict[str, Any]] = Both({}, {})
