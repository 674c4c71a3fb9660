"""From an OpenAPI document to a proposed description: what it says, and comments where it leaves something open.

What a name says is only a guess. The result is a text for a person to correct, that can be read as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from pydantic import ValidationError

from instep.connectors.proposing import Proposal, nested, scalar
from instep.connectors.rest.description import Description
from instep.connectors.rest.openapi.document import Document, objects
from instep.connectors.rest.openapi.finding import Collection, collections
from instep.connectors.rest.openapi.guessing import auth
from instep.connectors.rest.openapi.records import Proposed, Records
from instep.errors import UsageError

MOST: Final = 30
BUSINESS: Final = re.compile(
    r"(^|_)(customer|client|contact|compan(y|ie)|partner|account|person|people|organi[sz]ation|debtor|supplier|vendor"
    r"|party|product|item|article|service|part|material|order|quote|invoice|deal|price|subscription)s?$"
)
UNKNOWN: Final = "https://erp.example"


def propose(document: Document, source: str) -> Proposal:
    """`source`: the address that the document came from, "" for a file. Raises UsageError if it lists no records."""
    found = [each for each in collections(document) if each.name]
    if not found:
        raise UsageError(
            "nothing was written",
            why="no path of the document answers with a list of records",
            fix="describe the API by hand: docs/guide/rest.md",
        )
    chosen, left = _chosen(found)
    named = {each.name: each for each in chosen}
    head, comments = _head(document, source)
    notes: list[str] = [comments["base_url"]] if "base_url" in comments else []
    entities: dict[str, Proposed] = {}
    for name, collection in named.items():
        records = Records(document, collection, named)
        proposed = records.proposed()
        head.setdefault("errors", {}).update({} if head.get("errors") else records.errors())
        entities[name] = proposed
    if not head.get("errors"):
        head.pop("errors", None)
    kept = _usable(head, entities, notes)
    if not kept:
        raise UsageError("nothing was written", why=notes[-1] if notes else "no list could be described")
    for name in kept:
        notes += kept[name].notes
        if "path" in kept[name].comments:
            notes.append(f"{name}: {kept[name].comments['path']}")
    title = _line(str(objects(document.value.get("info")).get("title") or "the ERP"))
    lines = [
        f"# The API of {title}, as its OpenAPI document has it: a proposal. Correct it, take out what is of no",
        "# interest, and ask `instep check` whether it fits. docs/guide/rest.md says what each thing is for.",
        *_block(head, comments, ""),
        "",
        "entities:",
    ]
    for name, proposed in kept.items():
        lines += [f"  {scalar(name)}:", *_block(proposed.keys, proposed.comments, "    "), "    fields:"]
        lines += [f"      - {nested(line)}" for line in proposed.fields]
        lines.append("")
    if left:
        lines.append("# Further lists of records, which were left out:")
        lines += [f"#   {_line(each.path)}" for each in left[:100]]
    return Proposal("\n".join(lines).rstrip() + "\n", notes)


def _chosen(found: Sequence[Collection]) -> tuple[list[Collection], list[Collection]]:
    """Those that are proposed, and those that are only named: below other records, or too many."""
    flat = [each for each in found if not each.parents]
    known = {each.name for each in flat}
    shared = _shared_words(found)
    for each in found:
        below = len(set(each.parents) - shared)
        if (
            each.parents
            and each.name not in known
            and (below == 0 or (below == 1 and BUSINESS.search(each.name)))
        ):
            flat.append(each)
            known.add(each.name)
    if len(flat) > MOST:
        business = [each for each in flat if BUSINESS.search(each.name)]
        flat = (business or flat)[:MOST]
    chosen = {id(each) for each in flat}
    return flat, [each for each in found if id(each) not in chosen]


def _shared_words(found: Sequence[Collection]) -> set[str]:
    """The words that most paths have, such as the company that all belongs to."""
    counted: dict[str, int] = {}
    for each in found:
        for word in set(each.parents):
            counted[word] = counted.get(word, 0) + 1
    return {word for word, count in counted.items() if count * 2 > len(found)}


def _head(document: Document, source: str) -> tuple[dict[str, Any], dict[str, str]]:
    comments: dict[str, str] = {}
    listed = document.value.get("servers")
    server = objects(listed[0]) if isinstance(listed, list) and listed else {}
    url = str(server.get("url") or "")
    for name, variable in objects(server.get("variables")).items():
        default = objects(variable).get("default")
        url = url.replace("{" + name + "}", str(default) if isinstance(default, str | int) else name)
    url = urljoin(source, url or "/") if source.startswith(("http://", "https://")) else url
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not re.fullmatch(r"[\w.-]+(:\d+)?", parts.netloc):
        comments["base_url"] = "the document does not say where the API is: write its address as base_url"
        url = UNKNOWN + (parts.path if re.fullmatch(r"[\w./-]*", parts.path) else "")
    head: dict[str, Any] = {"base_url": url.split("?")[0].split("#")[0].rstrip("/") or UNKNOWN}
    way, look = auth(document)
    head |= way
    if look:
        comments["auth" if "auth" in way else "params"] = look
    return head, comments


def _usable(
    head: Mapping[str, Any], entities: Mapping[str, Proposed], notes: list[str]
) -> dict[str, Proposed]:
    """Those that make a description which can be read; one that doesn't is told, and left out with those under it."""
    kept = dict(entities)
    for name, proposed in entities.items():
        alone = {**proposed.keys, "fields": _without_references(proposed.fields)}
        alone.pop("parent", None)
        if "parent" in proposed.keys:
            alone["path"] = "/" + "-".join(re.findall(r"\w+", str(proposed.keys["path"])))
            alone = {key: value for key, value in alone.items() if key not in ("read", "create", "update")}
            alone["list"] = {key: value for key, value in alone["list"].items() if key != "path"}
        try:
            Description.model_validate({**head, "entities": {name: alone}})
        except ValidationError as error:
            why = "; ".join(str(each["msg"]).removeprefix("Value error, ") for each in error.errors()[:2])
            notes.append(f"{name} is left out: {_line(why)}")
            del kept[name]
    for name, proposed in list(kept.items()):
        parent = proposed.keys.get("parent", {})
        if "entity" in parent and parent["entity"] not in kept:
            notes.append(f"{name} is left out: it is under {parent['entity']}, which is")
            del kept[name]
        for line in proposed.fields:
            if line.get("reference") not in kept:
                line.pop("reference", None)
    while kept:
        whole = {n: {**p.keys, "fields": p.fields} for n, p in kept.items()}
        try:
            Description.model_validate({**head, "entities": whole})
        except ValidationError as error:
            first = error.errors()[0]
            named = re.match(r"(?:Value error, )?(\w+)[.:]", str(first["msg"]))
            name = named[1] if named and named[1] in kept else next(reversed(kept))
            notes.append(f"{name} is left out: {_line(str(first['msg']))}")
            del kept[name]
            continue
        break
    return kept


def _without_references(fields: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in line.items() if key != "reference"} for line in fields]


def _block(keys: Mapping[str, Any], comments: Mapping[str, str], indent: str) -> Iterator[str]:
    for key, value in keys.items():
        comment = f"  # {_line(comments[key])}" if key in comments else ""
        text = nested(value)
        if len(comment) > 60:
            yield f"{indent}#{comment[3:]}"
            comment = ""
        if isinstance(value, Mapping) and len(text) > 70 and len(value) > 1:
            yield f"{indent}{key}:{comment}"
            for inner, below in value.items():
                yield f"{indent}  {scalar(inner)}: {nested(below)}"
        else:
            yield f"{indent}{key}: {text}{comment}"
    for key, comment in comments.items():
        if key not in keys:
            yield f"{indent}# {_line(comment)}"


def _line(text: str) -> str:
    """A text of the document as part of a comment: one line, and nothing that could end it."""
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split()))[:240]
