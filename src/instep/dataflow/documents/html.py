"""A page as HTML that stands alone: one file, no script, nothing from elsewhere, in light and in dark.

Everything that comes from a dataflow or a system is escaped; a policy in the page forbids what an escape would miss.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from instep.dataflow.documents.page import (
    Block,
    Heading,
    Items,
    Page,
    Paragraph,
    Picture,
    Table,
    Text,
    one_line,
)

STYLE: Final = """\
:root{color-scheme:light dark;--ink:#1f2933;--soft:#52606d;--paper:#fff;--line:#d5dae1;--code:#f0f3f7;--link:#2b6cb0}
@media (prefers-color-scheme:dark){:root{--ink:#e4e7eb;--soft:#9aa5b1;--paper:#12181f;--line:#323f4b;--code:#1f2933;\
--link:#63b3ed}}
body{margin:0 auto;max-width:76rem;padding:1.5rem;background:var(--paper);color:var(--ink);\
font:16px/1.5 system-ui,sans-serif}
h1,h2,h3{line-height:1.25}h1,h2,h3,p,li{overflow-wrap:anywhere}
h2{margin-top:2.5rem;border-top:1px solid var(--line);padding-top:1rem}
a{color:var(--link)}nav ul{columns:2;padding-left:1.2rem}
code{background:var(--code);border-radius:3px;padding:.1em .3em;font-size:.9em;overflow-wrap:anywhere}
.table{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.92em}
th,td{border:1px solid var(--line);padding:.35rem .5rem;text-align:left;vertical-align:top}
th{background:var(--code)}svg{max-width:100%;height:auto}
@media print{body{max-width:none}h2{break-before:page}tr{break-inside:avoid}}
"""

POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
)


def write_html(page: Page) -> str:
    """The whole file."""
    return "\n".join(_lines(page)) + "\n"


def _lines(page: Page) -> Iterator[str]:
    title = escape(one_line(page.title))
    yield "<!doctype html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title>"
    yield f"<style>\n{STYLE}</style>"
    yield "</head>"
    yield "<body>"
    yield "<main>"
    anchors = [block for block in page.blocks if isinstance(block, Heading) and block.anchor]
    for block in page.blocks:
        yield from _block(block)
        if isinstance(block, Heading) and block.level == 1:
            yield "<nav><ul>"
            yield from (
                f'<li><a href="#{escape(one.anchor)}">{escape(one_line(one.text))}</a></li>'
                for one in anchors
                if one.level == 2
            )
            yield "</ul></nav>"
    yield "</main>"
    yield "</body>"
    yield "</html>"


def _block(block: Block) -> Iterator[str]:
    match block:
        case Heading(level, text, anchor):
            place = f' id="{escape(anchor)}"' if anchor else ""
            yield f"<h{level}{place}>{escape(one_line(text))}</h{level}>"
        case Paragraph(text):
            yield f"<p>{_text(text)}</p>"
        case Items(texts):
            yield "<ul>"
            yield from (f"<li>{_text(text)}</li>" for text in texts)
            yield "</ul>"
        case Picture(svg, _):
            yield svg.rstrip()
        case Table():
            yield from _table(block)


def _table(table: Table) -> Iterator[str]:
    yield '<div class="table" tabindex="0"><table>'
    heads = "".join(f'<th scope="col">{escape(column)}</th>' for column in table.columns)
    yield f"<thead><tr>{heads}</tr></thead>"
    yield "<tbody>"
    for row in table.rows:
        yield f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>"
    yield "</tbody></table></div>"


def _text(text: Text) -> str:
    return "".join(
        escape(piece) if isinstance(piece, str) else f"<code>{escape(one_line(piece.text))}</code>"
        for piece in text
    )
