"""From dataflow documents to the text of a `dataflow.yaml`.

Pairs and who may create come from the documents; where a pair is one that the shipped dataflow knows and its
table is empty, the shipped properties stand in, comments and all. What a document says and a dataflow can't
becomes a comment with the document's line, so that a person finds it where it matters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from instep.core.model import Both, Side
from instep.dataflow import yaml
from instep.dataflow.documents import Cell, DataflowDocument, Row, Section
from instep.dataflow.files import parse_dataflow_file
from instep.dataflow.line import LineError, parse

TYPES: Final[Mapping[str, str]] = {"integer": "integer", "float": "decimal", "boolean": "boolean"}
"""A document's data type to a transformation; "string" and none need none."""


@dataclass(frozen=True)
class Shipped:
    """The shipped dataflow as text, with the place of each pair in it."""

    lines: Sequence[str]
    document: yaml.Document
    entities: Mapping[str, Both[str]]
    match: Mapping[str, Sequence[str]]

    @classmethod
    def read(cls, text: str) -> Shipped:
        document, model = parse_dataflow_file(text, "the shipped dataflow")
        entities = {name: Both(pair.left, pair.right) for name, pair in model.pairs.items()}
        match = {
            name: [key for key in pair.match if isinstance(key, str)] for name, pair in model.pairs.items()
        }
        return cls(text.splitlines(), document, entities, match)

    def start(self, name: str) -> int:
        """Index of the first line of a pair, the comments above it among it."""
        at = self.document.keys["pairs", name][0] - 1
        while self.lines[at - 1].startswith("  #"):
            at -= 1
        return at

    def block(self, name: str) -> list[str]:
        """The lines of a pair, comments above it included, without blank lines at the end."""
        begins = [self.start(other) for other in self.entities]
        end = min((at for at in begins if at > self.start(name)), default=len(self.lines))
        block = list(self.lines[self.start(name) : end])
        while block and not block[-1].strip():
            block.pop()
        return block

    def head(self) -> list[str]:
        """The lines above the first pair."""
        return list(self.lines[: min(self.start(name) for name in self.entities)])

    def item_lines(self, name: str) -> Iterator[tuple[int, int]]:
        """First and last line index, within the block, of each property item, groups and the items inside."""
        offset = self.start(name)
        size = len(self.block(name))
        paths = sorted(
            (place[0] - 1 - offset, path)
            for path, place in self.document.values.items()
            if path[:2] == ("pairs", name)
            and len(path) > 2
            and path[-2] == "properties"
            and isinstance(path[-1], int)
        )
        for at, (begin, path) in enumerate(paths):
            later = (line for line, other in paths[at + 1 :] if other[: len(path)] != path)
            yield begin, next(later, size) - 1


@dataclass
class _Told:
    """All that the documents say of one pair, sides turned so that left is the site's left."""

    entity: Both[str]
    shipped: str = ""
    creates: dict[Side, tuple[str, Section, str]] = field(default_factory=dict)
    match: list[tuple[int, str, str]] = field(default_factory=list)
    rows: list[tuple[Row, bool]] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)


def convert(documents: Sequence[DataflowDocument], shipped_text: str) -> str:
    """The text of a dataflow that the documents state: one document, or both directions.

    The left of the first document is the left side, unless the shipped dataflow knows its pairs the other way
    round. The text is always one that can be read and built again.
    """
    shipped = Shipped.read(shipped_text)
    turned = _turned(documents, shipped)
    told: dict[Both[str], _Told] = {}
    for document in documents:
        left = documents[0].left if not turned else documents[0].right
        for section in document.sections:
            _tell(told, section, shipped, flipped=document.left != left, many=len(documents) > 1)
    names = _names(list(told.values()), shipped)
    lines = shipped.head()
    if not told:
        lines += ["  # The document has no pair; these are the shipped ones."]
        names = dict.fromkeys(shipped.entities)
    for document in documents:
        lines += [f"  # {_plain(document.file)}:{note.line}: {_plain(note.text)}" for note in document.notes]
    for name, pair in names.items():
        lines += [
            "",
            *(_shipped_pair(shipped, name, pair, names) if _fits(pair) else _own_pair(shipped, name, pair)),
        ]
    left_out = [name for name in shipped.entities if name not in names]
    if left_out:
        lines += ["", f"  # Not in the document, and so not here: {', '.join(left_out)}."]
    return "\n".join(lines).rstrip() + "\n"


def _fits(pair: _Told | None) -> bool:
    return pair is None or (bool(pair.shipped) and not pair.rows)


# --- What the documents say ------------------------------------------------------------------------------


def _turned(documents: Sequence[DataflowDocument], shipped: Shipped) -> bool:
    """Whether the first document's left is the shipped dataflow's right."""
    known = {entity.map(_key) for entity in shipped.entities.values()}
    sections = [Both(_key(s.left.name), _key(s.right.name)) for d in documents[:1] for s in d.sections]
    straight = sum(pair in known for pair in sections)
    return sum(Both(pair.right, pair.left) in known for pair in sections) > straight


def _tell(
    told: dict[Both[str], _Told], section: Section, shipped: Shipped, *, flipped: bool, many: bool
) -> None:
    types = Both(section.right, section.left) if flipped else Both(section.left, section.right)
    key = types.map(lambda datatype: _key(datatype.name))
    pair = told.get(key)
    if pair is None:
        name = next((n for n, entity in shipped.entities.items() if entity.map(_key) == key), "")
        entity = shipped.entities[name] if name else types.map(lambda d: _entity(d.name))
        pair = told[key] = _Told(entity, name)
    target = Side.LEFT if flipped else Side.RIGHT
    said = {
        "always": "",
        "never": "the document only links the two and makes no new record",
        "when referred to": f"one is made as soon as it is referred to, by {', '.join(section.parents)}",
        "on a condition": f"the document makes one on a condition that is prose: {section.condition}",
        "not said": "the document does not say when one is made",
    }[section.creates]
    if target in pair.creates and pair.creates[target][0] != section.creates:
        pair.comments.append(f"line {section.line} has another rule for the same two; the first is kept")
    else:
        pair.creates.setdefault(target, (section.creates, section, said))
    facets = [str(side) for side in (section.left, section.right) if side.facet]
    if facets:
        pair.comments.append(f"line {section.line} speaks of a part only: {', '.join(facets)}")
    for match in section.match:
        left, right = (match.right, match.left) if flipped else (match.left, match.right)
        conditions = [cell for cell in (left, right) if cell.condition]
        if conditions:
            pair.comments.append(f"line {match.line}: not matched by, since {_condition(conditions[0])}")
        elif all((left.path, right.path) != before[1:] for before in pair.match):
            pair.match.append((match.line, left.path, right.path))
    for row in section.rows:
        turned = Row(row.line, row.right, row.left, row.type) if flipped else row
        if all((turned.left, turned.right) != (other.left, other.right) for other, _ in pair.rows):
            pair.rows.append((turned, many))


def _names(pairs: Sequence[_Told], shipped: Shipped) -> dict[str, _Told | None]:
    """A name per pair: the shipped one, else made from the right entity, and made unique."""
    names: dict[str, _Told | None] = {}
    for pair in pairs:
        base = pair.shipped or re.sub(r"[^A-Za-z0-9_]+", "_", pair.entity.right).strip("_")[:40]
        if not re.match("[A-Za-z]", base):
            base = f"pair_{base}".strip("_")
        name, number = base, 2
        while name in names or (name in shipped.entities and name != pair.shipped):
            name, number = f"{base}_{number}", number + 1
        names[name] = pair
    return names


# --- Pairs as text ---------------------------------------------------------------------------------------


def _shipped_pair(
    shipped: Shipped, name: str, pair: _Told | None, names: Mapping[str, _Told | None]
) -> Iterator[str]:
    """The shipped text of a pair, with what the document says of creating and matching."""
    if pair is not None:
        yield from _comments(pair)
    block = shipped.block(name)
    for begin, end in shipped.item_lines(name):
        wanted = re.search(r"reference\((\w+), (\w+)\)", block[begin])
        if wanted and Both(wanted[1], wanted[2]) not in (shipped.entities.get(other) for other in names):
            for at in range(begin, end + 1):
                if block[at].strip() and not block[at].lstrip().startswith("#"):
                    indent = len(block[at]) - len(block[at].lstrip())
                    block[at] = (
                        f"{block[at][:indent]}# no pair of {wanted[1]} and {wanted[2]} here: {block[at].lstrip()}"
                    )
    for line in block:
        if pair is not None and re.match(r"    create: ", line):
            yield f"    create: {_create(pair, line.split(': ')[1].split()[0])}"
        else:
            yield line


def _own_pair(shipped: Shipped, name: str, pair: _Told | None) -> Iterator[str]:
    """A pair made from the rows of a document."""
    assert pair is not None
    yield from _comments(pair)
    lines, names = _properties(pair, _spellings(shipped, pair.shipped))
    yield f"  {name}:"
    yield f"    left: {_text(pair.entity.left)}"
    yield f"    right: {_text(pair.entity.right)}"
    matches = []
    for line, left, right in pair.match:
        if (left, right) in names:
            matches.append(_text(names[left, right], flow=True))
        else:
            yield f"    # line {line}: matched by {_plain(left)} and {_plain(right)}, which no property maps"
    if not pair.match and pair.shipped:
        # The rule "every record" matches nothing and would make a second record of everything there already is.
        matches = [_text(name, flow=True) for name in shipped.match[pair.shipped] if name in names.values()]
        yield "    # the document names nothing to match by; this is the shipped one"
    yield f"    match: [{', '.join(matches)}]"
    yield f"    create: {_create(pair, 'none')}"
    if pair.shipped:
        yield from (line for line in shipped.block(pair.shipped) if line.startswith("    new_id: "))
    if any(not line.lstrip().startswith("#") for line in lines):
        yield "    properties:"
        yield from lines
    else:
        yield from lines
        yield "    properties: []  # the document names none: write them as left_field <-> right_field"


def _comments(pair: _Told) -> Iterator[str]:
    for _, section, said in pair.creates.values():
        yield f"  # line {section.line}: {_plain(str(section.left))} to {_plain(str(section.right))}"
        if said:
            yield f"  # line {section.line}: {_plain(said)}"
    for comment in pair.comments:
        yield f"  # {_plain(comment)}"


def _create(pair: _Told, unsaid: str) -> str:
    """Where records may be created; a direction of which no document speaks keeps what `unsaid` has for it."""

    def when(side: Side) -> str:
        said = pair.creates.get(side)
        rule = said[0] if said else "not said"
        if rule == "when referred to":
            return "referred"
        return (
            "always"
            if rule == "always" or (rule == "not said" and unsaid in ("both", side.value))
            else "never"
        )

    creating = Both.of(when)
    if "referred" in (creating.left, creating.right):
        return f"{{left: {creating.left}, right: {creating.right}}}"
    allowed = [side.value for side in Side if creating[side] == "always"]
    return "both" if len(allowed) == 2 else allowed[0] if allowed else "none"


def _properties(
    pair: _Told, spellings: Mapping[tuple[str, str], str]
) -> tuple[list[str], dict[tuple[str, str], str]]:
    """Lines under `properties:`, and the names of those properties by their two paths."""
    lines: list[str] = []
    names: dict[tuple[str, str], str] = {}
    taken: set[str] = set()
    written: dict[Side, set[str]] = {Side.LEFT: set(), Side.RIGHT: set()}
    for row, _ in pair.rows:
        left, right = row.left.path, row.right.path
        refused = _not_taken(row)
        if refused:
            lines.append(f"      # line {row.line}: {_plain(left)} and {_plain(right)}: {_plain(refused)}")
            continue
        if right in written[Side.RIGHT]:
            lines.append(
                f"      # line {row.line}: {_plain(left)} and {_plain(right)}: another property writes "
                "the right one, and no precedence is said"
            )
            continue
        fan_out = left in written[Side.LEFT]
        name = f"{left} to {right}" if fan_out or left in taken else left
        transformation = TYPES.get(row.type.casefold(), "")
        spelled = f"{left} {'->' if fan_out else '<->'} {right}" + (
            f" | {transformation}" if transformation else ""
        )
        if not fan_out:
            spelled = spellings.get((_key(left), _key(right)), spelled)
        written[Side.LEFT].add(left)
        written[Side.RIGHT].add(right)
        taken.add(name)
        names[left, right] = name if name != left else ",".join(parse(spelled).parts.left.fields)
        if row.type and row.type.casefold() not in ("string", *TYPES):
            lines.append(f"      # line {row.line}: its data type is not known: {_plain(row.type)}")
        lines.append(f"      - {_text(spelled)}" if name == left else f"      - map: {_text(spelled)}")
        if name != left:
            lines.append(f"        name: {_text(name)}")
    return lines, names


def _not_taken(row: Row) -> str:
    """Why a row can't be a property; "" if it can."""
    for cell in (row.left, row.right):
        if cell.condition:
            return _condition(cell)
    if _key(row.left.path) == "id" and _key(row.right.path) == "id":
        return "each system has ids of its own; the link keeps which belong together"
    try:
        parsed = parse(f"{row.left.path} <-> {row.right.path}")
    except LineError as error:
        return str(error)
    if any(len(part.fields) != 1 or part.context for part in parsed.parts) or parsed.transformation != "same":
        return "it can't be written as a path"
    return ""


def _spellings(shipped: Shipped, name: str) -> dict[tuple[str, str], str]:
    """The shipped one-line properties of a pair by their two fields, to use where a document names the same."""
    found: dict[tuple[str, str], str] = {}
    if not name:
        return found
    for path, _ in shipped.document.values.items():
        if path[:2] == ("pairs", name) and len(path) > 2 and path[-2] == "properties":
            value: object = shipped.document.value
            for part in path:
                value = value[part]  # type: ignore[index]
            if isinstance(value, str) and "reference(" not in value:
                line = parse(value)
                if all(len(part.fields) == 1 for part in line.parts):
                    found[_key(line.parts.left.fields[0]), _key(line.parts.right.fields[0])] = value
    return found


def _condition(cell: Cell) -> str:
    assert cell.condition is not None
    return f'it depends on "{cell.condition[1]}" in {cell.condition[0]}, and a property has no condition'


def _key(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).casefold()


def _entity(name: str) -> str:
    """A datatype's name as an entity; only its first letter was raised by the document."""
    return (name[:1].lower() + name[1:])[:200] or "unnamed"


def _plain(text: str) -> str:
    """For a comment: one line of printable characters."""
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split()))[:300]


def _text(text: str, *, flow: bool = False) -> str:
    """A YAML text, in quotes only where it needs them."""
    plain = r"[A-Za-z_][\w .<>|()=+-]*" if flow else r"[A-Za-z_][\w ,.<>|()=+-]*"
    safe = re.fullmatch(plain, text, re.ASCII) and yaml.plain(text) == text and not text.endswith(" ")
    return text if safe else yaml.quoted(text)
