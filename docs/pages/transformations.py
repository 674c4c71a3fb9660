"""The page of transformations, from the registry."""

from __future__ import annotations

from collections.abc import Iterator

from docs.pages.markdown import code, codes, sentence, table
from docs.pages.markdown import page as whole
from instep.core.transformations.contract import Maker
from instep.core.transformations.registry import MAKERS

_HEAD = (
    "A transformation stands after the bar of a property: `net_term_days <-> terms | integer`.",
    "Its arguments stand in parentheses; where they are many, `as:` takes a mapping of the name to them.",
    "Each side is compared with its own past, so what a transformation loses on its way never looks like an edit.",
    "A value that it can't read, or that does not fit the other side, holds that property and nothing else.",
    "",
    "One of your own is named `module:name`; see [writing a dataflow](../guide/dataflow.md).",
    "",
)


def page() -> str:
    rows = [(f"[{name}](#{name})", sentence(maker.summary)) for name, maker in MAKERS.items()]
    lines = [line for maker in MAKERS.values() for line in _section(maker)]
    return whole("Transformations", *_HEAD, *table(("name", "what it does"), rows), *lines)


def _section(maker: Maker) -> Iterator[str]:
    yield from (f"## {maker.name}", "", sentence(maker.summary), "")
    yield from ("```yaml", f"- {maker.example}", "```", "")
    if maker.arguments:
        yield from table(
            ("argument", "meaning"), [(code(name), about) for name, about in maker.arguments.items()]
        )
    if maker.shape == "join":
        yield "- One field on one side, two or more on the other."
    if maker.shape == "gather":
        yield "- One field, made from one or more on the other side."
    if maker.one_way:
        yield "- One way only: `->` or `<-`."
    if maker.contexts:
        many = "any number of fields" if maker.contexts < 0 else "one field"
        yield f"- It can read {many} along: `field with other_field`."
    if maker.types != ("any",):
        yield f"- Field types: {codes(maker.types)}."
    yield f"- Loses: {maker.loses or 'nothing'}."
    yield ""
