"""Guesses from the names of parameters and of what answers hold: paging, changes since, errors, credentials."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from instep.connectors.rest.openapi.document import Document, Node, objects
from instep.connectors.rest.openapi.schemas import field_type, kind_of, properties

PAGE: Final = ("page", "page_number", "pagenumber", "page[number]", "pagenr", "p")
OFFSET: Final = ("offset", "skip", "start", "startindex", "start_index", "$skip", "limit_start", "skippages")
CURSOR: Final = (
    "cursor",
    "page_token",
    "pagetoken",
    "next_token",
    "page_info",
    "after",
    "page[after]",
    "page[cursor]",
    "next_cursor",
    "continuation_token",
    "bookmark",
)
KEYSET: Final = ("starting_after", "since_id", "after_id")
SIZE: Final = (
    "per_page",
    "perpage",
    "page_size",
    "pagesize",
    "limit",
    "page[size]",
    "size",
    "$top",
    "top",
    "max_results",
    "maxresults",
    "count",
    "rows",
    "take",
    "limit_page_length",
    "results_per_page",
)
SINCE: Final = re.compile(
    r"(?:last_?)?(?:updated?|modif\w*|chang\w*)_?(?:at|date|on|time)?_?(?:since|after|from|gte?|min|start)"
    r"|(?:since|min)_?(?:updated|modified|changed)\w*|(?:updated|modified)_at_min|(?:updated|modified)_?(?:since|after)"
)
NEXT: Final = (
    "next_cursor",
    "nextcursor",
    "next_page_token",
    "nextpagetoken",
    "next_token",
    "cursor",
    "after",
    "next",
)
LINK: Final = ("next", "next_url", "nextlink", "next_link", "@odata.nextlink", "next_page_url", "next_page")
TOTAL: Final = (
    "total",
    "total_count",
    "totalcount",
    "totalitems",
    "total_items",
    "total_elements",
    "totalelements",
)
PAGES: Final = ("total_pages", "totalpages", "page_count", "pagecount", "last_page", "lastpage", "pages")
MORE: Final = (
    "has_more",
    "hasmore",
    "more_records",
    "has_next",
    "hasnext",
    "hasnextpage",
    "more_items_in_collection",
)


def plain(name: str) -> str:
    """A name as these lists have it."""
    return name.lower()


def paging(
    document: Document, item: Node, operation: Node, items: str, id: str
) -> tuple[dict[str, Any], str]:
    """How the next page is asked for, and what to look at; kind none if nothing is known."""
    query = document.parameters(item, operation, "query")
    told = _told(document, document.answered(operation), items)
    size = _named(query, SIZE)
    sized: dict[str, Any] = {}
    if size:
        sized = {"size_param": size, "size": _size(document.follow(query[size].get("schema")))}
    link = next((p for p in told if plain(p).endswith("next.href")), "") or _first(told, LINK, "string")
    token = _first(told, NEXT, "")
    cursor = _named(query, CURSOR)
    page, offset = _named(query, PAGE), _named(query, OFFSET)
    # Where pages can be counted, too, that is the safer guess: a cursor may have to be begun in some way.
    counted = (page or offset) and _ends(told, "pages", "total")
    if cursor and token and not counted:
        return {"kind": "cursor", "param": cursor, "next": token, **_ends(told, "more"), **sized}, ""
    if (keyset := _named(query, KEYSET)) and id:
        return {"kind": "keyset", "param": keyset, "field": id, **_ends(told, "more"), **sized}, ""
    if link and (not page or link.endswith(".href")):
        return {"kind": "link", "next": link, **sized}, ""
    following = _first(told, ("next_page", "nextpage", "next"), "integer")
    if following and not page and not offset:
        look = "answers tell the next page, and the document names no parameter for it: page is a guess"
        return {"kind": "page", "param": "page", "next": following, **sized}, look
    if page:
        first = document.follow(query[page].get("schema"))
        zero = 0 in (first.get("default"), first.get("minimum")) and first.get("default") != 1
        begin = {"first": 0} if zero else {}
        ends = {"next": following} if following else _ends(told, "pages", "total", "more")
        return {"kind": "page", "param": page, **begin, **ends, **sized}, ""
    if offset:
        return {"kind": "offset", "param": offset, **_ends(told, "total", "more"), **sized}, ""
    why = f"it takes {size}, and nothing that asks for the next page" if size else "no paging was found"
    if cursor:
        why = f"it takes {cursor}, and no answer holds a token for it"
    return {"kind": "none"}, f"{why}: one page is then taken for all"


def _ends(told: Mapping[str, str], *wanted: str) -> dict[str, str]:
    names = {"pages": (PAGES, "integer"), "total": (TOTAL, "integer"), "more": (MORE, "boolean")}
    found = {key: _first(told, *names[key]) for key in wanted}
    return {key: pointer for key, pointer in found.items() if pointer}


def _told(document: Document, schema: Node, items: str) -> dict[str, str]:
    """Pointer -> type of what an answer holds beside its rows, two levels down."""
    found: dict[str, str] = {}

    def look(node: Node, before: str, depth: int) -> None:
        for name, prop in list(properties(document, node).items())[:60]:
            pointer = before + name
            if pointer == items:
                continue
            kind = kind_of(prop.node)
            if kind == "object" and depth:
                look(prop.node, pointer + ".", depth - 1)
            elif kind in ("string", "integer", "number", "boolean", ""):
                found[pointer] = "integer" if kind == "number" else kind

    look(schema, "", 2)
    return found


def _first(told: Mapping[str, str], names: Sequence[str], kind: str) -> str:
    for name in names:
        for pointer, own in told.items():
            last = pointer if pointer.startswith("@") else pointer.rpartition(".")[2]
            if plain(last) == name and (not kind or own in (kind, "")):
                return pointer
    return ""


def _named(parameters: Mapping[str, Node], names: Sequence[str]) -> str:
    by_name = {plain(name): name for name in parameters}
    return next((by_name[name] for name in names if name in by_name), "")


def _size(schema: Node) -> int:
    most = schema.get("maximum")
    usual = schema.get("default")
    size = most if isinstance(most, int) and not isinstance(most, bool) else usual
    size = size if isinstance(size, int) and not isinstance(size, bool) and size > 0 else 100
    return min(size, 1000)


def changed_since(document: Document, item: Node, operation: Node) -> dict[str, Any]:
    """How changes since a moment are asked for: keys of a list call; empty if nothing says so."""
    for name, parameter in document.parameters(item, operation, "query").items():
        bare = plain(name).replace("-", "_").strip("[]")
        if SINCE.fullmatch(re.sub(r"[\[\].]", "_", bare).strip("_")):
            return {"changed_since": {"param": name, "format": _format(document, parameter)}}
    headers = {plain(name): name for name in document.parameters(item, operation, "header")}
    if "if-modified-since" in headers:
        return {
            "headers": {headers["if-modified-since"]: "{since}"},
            "changed_since": {"format": "http"},
        }
    return {}


def _format(document: Document, parameter: Node) -> str:
    schema = document.follow(parameter.get("schema"))
    if kind_of(schema) in ("integer", "number"):
        return "epoch_s"
    return "date" if field_type(schema) == "date" else "iso"


def moment_format(node: Node) -> str:
    """How a field with this schema tells a time."""
    example = node.get("example")
    if kind_of(node) in ("integer", "number"):
        return "epoch_ms" if isinstance(example, int) and example > 10**11 else "epoch_s"
    if isinstance(example, str) and example.startswith("/Date("):
        return "ms_date"
    return "date" if field_type(node) == "date" else "iso"


def errors(document: Document, operations: Sequence[Node]) -> dict[str, str]:
    """How the system says no, from the first answer of refusal that is described."""
    for operation in operations:
        schema = document.answered(operation, failed=True)
        if not properties(document, schema):
            continue
        told = dict(_inside(document, schema))
        lists = [
            name for name, (kind, _) in told.items() if kind == "list" and plain(name) in ("errors", "error")
        ]
        within = told[lists[0]][1] if lists else {}
        inner = {name: node for name, (_, node) in _inside(document, within)} if within else {}
        own = inner if inner else {name: node for name, (_, node) in told.items()}
        found = {"items": lists[0]} if inner else {}
        for key, names in (
            ("message", ("message", "detail", "description", "error_description", "title", "msg", "error")),
            ("code", ("code", "error_code", "errorcode", "type")),
            (
                "field",
                ("field", "source.pointer", "pointer", "property", "path", "location", "param", "attribute"),
            ),
        ):
            pointer = next((p for name in names for p in own if plain(p).endswith(name)), "")
            if pointer and pointer not in found.values():
                found[key] = pointer
        if "message" in found:
            return found
    return {}


def _inside(document: Document, schema: Node) -> Iterator[tuple[str, tuple[str, Node]]]:
    for name, prop in list(properties(document, schema).items())[:40]:
        kind = kind_of(prop.node)
        if kind == "array":
            yield name, ("list", document.follow(prop.node.get("items")))
        elif kind == "object":
            for inner, below in list(properties(document, prop.node).items())[:20]:
                if kind_of(below.node) in ("string", "integer", ""):
                    yield f"{name}.{inner}", ("text", below.node)
        else:
            yield name, ("text", prop.node)


_CLIENT: Final = {"client_id": "env:ERP_CLIENT_ID", "client_secret": "env:ERP_CLIENT_SECRET"}


def auth(document: Document) -> tuple[dict[str, Any], str]:
    """Keys of the description that get in, and what to look at."""
    known = objects(objects(document.value.get("components")).get("securitySchemes"))
    asked = document.value.get("security")
    first = [str(name) for each in asked for name in objects(each)] if isinstance(asked, list) else []
    names = [*[name for name in first if name in known], *known]
    ways = [way for name in names if (way := _way(document.follow(known[name])))]
    if not ways:
        why = "the document does not say how to get in"
        return {"auth": {"kind": "bearer", "token": "env:ERP_TOKEN"}}, why
    order = ("basic", "bearer", "header", "params", "oauth2")
    ways.sort(key=lambda way: order.index(way["auth"]["kind"] if "auth" in way else "params"))
    best = next((way for way in ways if way == _way(document.follow(known[names[0]]))), ways[0])
    others = len({str(way) for way in ways}) - 1
    return best, f"{others} other ways to get in are described" if others else ""


def _way(scheme: Node) -> dict[str, Any]:
    kind, name = scheme.get("type"), scheme.get("name")
    if kind == "http" and str(scheme.get("scheme")).lower() == "basic":
        return {"auth": {"kind": "basic", "user": "env:ERP_USER", "password": "env:ERP_PASSWORD"}}
    if kind == "http":
        return {"auth": {"kind": "bearer", "token": "env:ERP_TOKEN"}}
    if kind == "apiKey" and isinstance(name, str):
        if scheme.get("in") == "header" and re.fullmatch(r"[A-Za-z0-9-]+", name):
            return {"auth": {"kind": "header", "name": name, "value": "env:ERP_TOKEN"}}
        if scheme.get("in") == "query":
            return {"params": {name: "env:ERP_TOKEN"}}
    flows = objects(scheme.get("flows")) if kind == "oauth2" else {}
    for flow in ("clientCredentials", "authorizationCode"):
        url = objects(flows.get(flow)).get("tokenUrl")
        if isinstance(url, str) and url.startswith(("https://", "/")):
            refresh = (
                {"refresh_token": "file:erp-refresh-token.secret"} if flow == "authorizationCode" else {}
            )
            return {"auth": {"kind": "oauth2", "token_url": url, **_CLIENT, **refresh}}
    return {}
