"""What came of each line of a checklist."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from instep.dataflow.documents.checklist import Line

Status = Literal["passed", "failed", "not applicable"]


@dataclass(frozen=True, slots=True)
class Result:
    """`expected` and `found`: in words, with values, of a line that failed; `why`: of one that was not applicable.
    `evidence`: numbers of entries in the journal of the checklist's own store."""

    line: Line
    status: Status
    expected: str = ""
    found: str = ""
    why: str = ""
    evidence: tuple[int, ...] = ()


@dataclass(slots=True)
class Outcome:
    """A whole checklist. `mark`: what its records bear; `expected_from`: the file that states what was expected;
    `made`: how many records were; `taken_back`: what became of them, in a word each, and of how many; `left`: what
    could not be taken back, in words."""

    mark: str
    began_ms: int
    versions: dict[str, str]
    systems: dict[str, str]
    expected_from: str
    results: Sequence[Result] = ()
    left: Sequence[str] = ()
    made: int = 0
    taken_back: Mapping[str, int] = field(default_factory=dict)
    took_ms: int = 0

    @property
    def counts(self) -> Counter[Status]:
        return Counter(result.status for result in self.results)
