"""The results of a checklist in files: JUnit XML, JSON, or the document with each line's result."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Final
from xml.etree import ElementTree

from instep.core.dataflow import Dataflow
from instep.core.model import Both
from instep.core.phrases import moment
from instep.dataflow.documents.formats import WRITERS, files_of
from instep.dataflow.documents.page import Text, one_line
from instep.dataflow.documents.types import Entities
from instep.dataflow.documents.writing import page_of
from instep.qa.results import Outcome, Result
from instep.qa.telling import as_json, plain, taken_back

FORMS: Final = (*WRITERS, ".json", ".xml")
"""Ends of the names of files that a report can be written to."""


def report_files(
    outcome: Outcome, name: str, suffix: str, stated: Dataflow, entities: Entities, systems: Both[str]
) -> dict[str, str]:
    """Name of a file to its text; one of `FORMS` says which."""
    if suffix == ".json":
        return {name: json.dumps(as_json(outcome), indent=2) + "\n"}
    if suffix == ".xml":
        return {name: junit(outcome)}
    results = {result.line.id: _cell(result) for result in outcome.results}
    return files_of(page_of(stated, entities, systems, results=results, about=(about(outcome),)), name)


def about(outcome: Outcome) -> str:
    """When this was, with what, and what came of it, in a sentence or two."""
    versions = ", ".join(f"{name} {version}" for name, version in outcome.versions.items())
    counts = outcome.counts
    return one_line(
        f"Run {outcome.mark} of {moment(outcome.began_ms)} UTC with {versions}: "
        f"{counts['passed']} passed, {counts['failed']} failed, "
        f"{counts['not applicable']} not applicable. {taken_back(outcome)}."
    )


def _cell(result: Result) -> Text:
    evidence = ", ".join(map(str, result.evidence))
    told = {
        "passed": "passed",
        "failed": f"failed: expected {result.expected}; found {result.found}",
        "not applicable": f"not applicable: {result.why}",
    }[result.status]
    return (one_line(f"{told} (journal {evidence})" if evidence else told),)


def junit(outcome: Outcome) -> str:
    """One test suite, a test case per line."""
    counts = outcome.counts
    suite = ElementTree.Element(
        "testsuite",
        name=f"instep qa {outcome.mark}",
        tests=str(len(outcome.results)),
        failures=str(counts["failed"]),
        skipped=str(counts["not applicable"]),
        timestamp=datetime.fromtimestamp(outcome.began_ms / 1000, UTC).isoformat(timespec="seconds"),
        time=f"{outcome.took_ms / 1000:.3f}",
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in {**outcome.versions, **outcome.systems}.items():
        ElementTree.SubElement(properties, "property", name=name, value=value)
    for result in outcome.results:
        case = ElementTree.SubElement(suite, "testcase", classname=result.line.pair, name=result.line.id)
        if result.status == "failed":
            message = f"expected {result.expected}; found {result.found}"
            failure = ElementTree.SubElement(case, "failure", message=_safe(message))
            failure.text = _safe(f"{plain(result.line.do)} {plain(result.line.find)}")
        elif result.status == "not applicable":
            ElementTree.SubElement(case, "skipped", message=_safe(result.why))
        if result.evidence:
            out = ElementTree.SubElement(case, "system-out")
            out.text = f"journal {', '.join(map(str, result.evidence))}"
    ElementTree.indent(suite)
    return f"<?xml version='1.0' encoding='utf-8'?>\n{ElementTree.tostring(suite, encoding='unicode')}\n"


def _safe(text: str) -> str:
    """Without the characters that XML can't hold."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)
