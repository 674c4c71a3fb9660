"""The results of a checklist as JSON and as words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from instep.dataflow.documents.page import Code, Text
from instep.qa.results import Outcome, Result


def as_json(outcome: Outcome) -> dict[str, Any]:
    """One object with all of it."""
    return {
        "run": outcome.mark,
        "began_ms": outcome.began_ms,
        "took_ms": outcome.took_ms,
        "expected_from": outcome.expected_from,
        "versions": outcome.versions,
        "systems": outcome.systems,
        "counts": {
            name.replace(" ", "_"): outcome.counts[name] for name in ("passed", "failed", "not applicable")
        },
        "records_made": outcome.made,
        "taken_back": dict(outcome.taken_back),
        "not_taken_back": list(outcome.left),
        "lines": [_line(result) for result in outcome.results],
    }


def _line(result: Result) -> dict[str, Any]:
    line = result.line
    told = {"expected": result.expected, "found": result.found, "why": result.why}
    return {
        "line": line.id,
        "pair": line.pair,
        "property": line.prop,
        "do": plain(line.do),
        "find": plain(line.find),
        "result": result.status,
        **{name: text for name, text in told.items() if text},
        "journal": list(result.evidence),
    }


def plain(text: Text) -> str:
    return "".join(piece.text if isinstance(piece, Code) else piece for piece in text)


def taken_back(outcome: Outcome) -> str:
    """What became of the records that were made, in a sentence."""
    words = [f"{word}: {count}" for word, count in {**outcome.taken_back, "left": len(outcome.left)}.items()]
    return f"{outcome.made} records were made; {', '.join(words)}"


def in_words(result: Result) -> Iterator[str]:
    """A line that did not pass, with what there is to know of it."""
    yield f"{result.status}  {result.line.id}"
    yield f"  do: {plain(result.line.do)}"
    if result.status == "failed":
        yield f"  expected: {result.expected}"
        yield f"  found: {result.found}"
    else:
        yield f"  why: {result.why}"
