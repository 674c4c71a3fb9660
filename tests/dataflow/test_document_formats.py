"""A document as Markdown, as HTML, and its picture: complete, escaped, and nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from docs.pages.systems import entities
from instep.core.dataflow import Dataflow
from instep.core.model import Abilities, Both, Entity, Field, Side
from instep.dataflow.build import parse_dataflow
from instep.dataflow.documents.formats import WRITERS, differing, files_of
from instep.dataflow.documents.html import POLICY, write_html
from instep.dataflow.documents.markdown import write_markdown
from instep.dataflow.documents.page import Code, Page, Paragraph, Picture, Table, one_line
from instep.dataflow.documents.picture import picture
from instep.dataflow.documents.writing import page_of
from instep.dataflow.scaffold import default_dataflow
from tests.dataflow.stated import NO_ENTITIES, dataflows
from tests.dataflow.texts import dataflow

SYSTEMS = Both("Chargebee", "Custom ERP")
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=y>',
    "&amp;",
    "'",
    "</style>",
    "]]>",
    "a|b",
    "`x`",
    "[a](b)",
]
PAGE = "html head meta title style body main nav ul li a h1 h2 h3 p code div table thead tbody tr th td"
DRAWING = "svg defs marker path rect text"
TAGS = {*PAGE.split(), *DRAWING.split()}
some = settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


class Seen(HTMLParser):
    """Every tag, attribute and text of a page; fails where tags don't close."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.events: list[str] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.events += [name] if name.startswith("on") or name == "src" else []
            self.links += [value or ""] if name in ("href", "xlink:href") else []
            self.anchors |= {value or ""} if name == "id" else set()
        if tag != "meta" and not self.get_starttag_text().endswith("/>"):  # type: ignore[union-attr]
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def hostile() -> Dataflow:
    """A dataflow and descriptions in which everything that comes from elsewhere is meant to do harm."""
    flow = parse_dataflow(dataflow("a <-> b", pair="match: [a]"))
    (pair,) = flow.pairs
    (prop,) = pair.properties
    evil = replace(prop, name=HOSTILE[0], as_written=HOSTILE[1], group=HOSTILE[4])
    return Dataflow((replace(pair, entity=Both(HOSTILE[0], HOSTILE[1]), properties=(evil,), match=()),))


def known(text: str) -> Mapping[str, Entity]:
    fields = (
        Field("a", "text", choices=tuple(HOSTILE[:5]), update=False, reason=text),
        Field("b", "text", reference=text),
    )
    return {
        name: Entity(name, fields, Abilities(create=False, reasons={"create": text})) for name in HOSTILE[:2]
    }


def test_the_html_page_escapes_everything_and_takes_nothing_from_elsewhere() -> None:
    evil = Both(HOSTILE[0], HOSTILE[1])
    whole = write_html(page_of(hostile(), Both(known(HOSTILE[0]), known(HOSTILE[1])), evil))
    seen = Seen(whole)
    assert seen.tags <= TAGS
    assert not seen.events
    assert all(link.startswith("#") for link in seen.links)
    assert "".join(seen.texts).count(HOSTILE[0]) > 5
    assert "url(" not in whole.replace("url(#head)", "")
    assert "@import" not in whole


def test_an_html_page_that_does_not_escape_would_show() -> None:
    seen = Seen("<p><script>x</script><a href='http://x'>y</a></p>")
    assert "script" in seen.tags - TAGS
    assert not all(link.startswith("#") for link in seen.links)


@some
@given(dataflows())
def test_the_html_page_of_any_dataflow_is_whole_and_its_links_lead_somewhere(flow: Dataflow) -> None:
    seen = Seen(write_html(page_of(flow, NO_ENTITIES, SYSTEMS)))
    assert seen.tags <= TAGS
    assert {link.removeprefix("#") for link in seen.links} <= seen.anchors


def test_the_html_page_forbids_what_it_does_not_need_and_knows_light_and_dark() -> None:
    whole = write_html(page_of(parse_dataflow(default_dataflow()), entities(), SYSTEMS))
    assert "default-src &#x27;none&#x27;" in whole
    assert "script-src" not in POLICY
    assert whole.count("prefers-color-scheme:dark") == 2
    assert "<svg" in whole


@st.composite
def tables(draw: st.DrawFn) -> Table:
    words = st.text(st.sampled_from("ab*_|`\\<>[]()#&!~$-+ "), min_size=1, max_size=8)
    cell = st.tuples(words, words.map(Code), words, words.map(Code)).map(
        lambda four: four[: draw(st.integers(0, 4))]
    )
    return Table(("A", "B"), tuple((draw(cell), draw(cell)) for _ in range(draw(st.integers(1, 3)))), (1, 1))


@settings(some, max_examples=150)
@given(tables())
def test_any_cell_of_a_markdown_table_shows_what_it_says(table: Table) -> None:
    html = MarkdownIt("gfm-like", {"linkify": False}).render(write_markdown(Page("t", (table,)), ""))
    seen = Seen(html)
    assert seen.tags <= {"table", "thead", "tbody", "tr", "th", "td", "code"}
    cells = re.findall(r"<td>(.*?)</td>", html, re.DOTALL)
    for cell, shown in zip([cell for row in table.rows for cell in row], cells, strict=True):
        text = "".join(Seen(f"<p>{shown}</p>").texts)
        meant = "".join(piece if isinstance(piece, str) else one_line(piece.text) for piece in cell)
        assert "".join(text.split()) == "".join(meant.split())


def test_markdown_has_every_table_and_no_html_of_its_own() -> None:
    page = page_of(parse_dataflow(default_dataflow()), entities(), SYSTEMS)
    html = MarkdownIt("gfm-like", {"linkify": False}).render(write_markdown(page, "x.svg"))
    assert html.count("<table>") == sum(isinstance(block, Table) for block in page.blocks)
    assert '<img src="x.svg"' in html
    assert "<script" not in MarkdownIt().render(write_markdown(page_of(hostile(), NO_ENTITIES, SYSTEMS), ""))


@pytest.mark.parametrize("to", [None, *Side])
def test_the_picture_has_every_pair_and_an_arrow_to_where_is_written(to: Side | None) -> None:
    flow = parse_dataflow(default_dataflow())
    svg = picture(flow, SYSTEMS, to=to)
    tree = ElementTree.fromstring(svg)
    texts = ["".join(element.itertext()) for element in tree.iter("{http://www.w3.org/2000/svg}text")]
    labels = {f"{pair.name}: {len(pair.properties)}" for pair in flow.pairs}
    assert {"Chargebee", "Custom ERP", "business_entity", "product", *labels} <= set(texts)
    joins = [element for element in tree.iter() if element.get("class") == "join"]
    assert len(joins) == len(flow.pairs)
    for join in joins:
        ends = {side for side, end in zip(Side, ("marker-start", "marker-end"), strict=True) if join.get(end)}
        assert ends == (set(Side) if to is None else {to})


@some
@given(dataflows())
def test_the_picture_of_any_dataflow_is_xml(flow: Dataflow) -> None:
    assert ElementTree.fromstring(picture(flow, Both("<&>", '"'))).tag.endswith("svg")


@pytest.mark.parametrize("end", WRITERS)
def test_a_form_that_can_not_hold_a_picture_has_it_beside_it(end: str) -> None:
    page = Page("t", (Paragraph(("x",)), Picture("<svg/>", "a picture")))
    files = files_of(page, f"some/where/flow{end}")
    beside = {} if end == ".html" else {"some/where/flow.svg": "<svg/>"}
    assert {name: text for name, text in files.items() if not name.endswith(end)} == beside
    assert ("flow.svg" in files[f"some/where/flow{end}"]) == bool(beside)


def test_what_differs_is_told_in_few_lines() -> None:
    told = list(differing("a", "\n".join(map(str, range(90))), "\n".join(map(str, range(30)))))
    assert told[:3] == ["--- a", "+++ a now", "@@ -30,0 +31,60 @@"]
    assert told[-1] == "… and 43 more lines"
