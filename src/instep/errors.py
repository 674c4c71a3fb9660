"""Every error that Instep raises on purpose, named by what happens next.

A connector raises one of the *outcome* errors; the engine decides from the class alone what becomes of the
write, so a connector must never raise a milder class than it can prove (see `InDoubt`).
Each message answers three questions: *what* happened to which thing, *why*, and how to *fix* it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


class InstepError(Exception):
    """The root; `str()` of any of them is fit for a terminal and holds no secret.

    `what` is one sentence without a full stop; `why` gives the value and the limit; `fix` is a command or a
    line to edit. `why` and `fix` may be empty.
    """

    exit_code = 1

    def __init__(self, what: str, *, why: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what, self.why, self.fix = what, why, fix

    def __str__(self) -> str:
        lines = [self.what]
        lines += [f"  why: {self.why}"] if self.why else []
        lines += [f"  fix: {self.fix}"] if self.fix else []
        return "\n".join(lines)


# --- Fix the configuration -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a file or with a live system. `line` and `column` count from 1; 0 means unknown."""

    file: str
    line: int
    column: int
    what: str
    why: str = ""
    fix: str = ""
    severity: str = "error"  # "error" stops a run; "warning" does not
    where: str = ""  # dotted path inside the file, or the pair and property

    def __str__(self) -> str:
        place = (
            f"{self.file}:{self.line}:{self.column}: " if self.line else f"{self.file}: " if self.file else ""
        )
        lines = [f"{place}{self.severity}: {self.what}"]
        lines += [f"  why: {self.why}"] if self.why else []
        lines += [f"  fix: {self.fix}"] if self.fix else []
        return "\n".join(lines)


@dataclass(eq=False)
class ConfigurationError(InstepError):
    """What a person wrote can't be used; carries every problem of the file, not the first alone."""

    problems: Sequence[Problem] = field(default_factory=tuple)
    exit_code = 2

    def __post_init__(self) -> None:
        count = len(self.problems)
        noun = "problem" if count == 1 else "problems"
        super().__init__(f"{count} {noun} in the configuration")

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class UsageError(InstepError):
    """The command was asked for something that is not there or makes no sense."""

    exit_code = 2


class NotThere(UsageError):
    """What was named is not there: a record, a hold, a run, a plan."""


# --- The store -------------------------------------------------------------------------------------------


class StoreError(InstepError):
    """The store can't be used: damaged, locked, from a newer release, or out of space. Nothing was lost."""

    exit_code = 5


class Held(StoreError):
    """Another runner has the lease on this store; `holder` is its name."""

    def __init__(self, what: str, *, holder: str, why: str = "", fix: str = "") -> None:
        super().__init__(what, why=why, fix=fix)
        self.holder = holder


class LeaseLost(StoreError):
    """Another runner holds this site now; this one must stop before its next call or commit."""


# --- Outcomes of a call to a remote system ---------------------------------------------------------------


class OutcomeError(InstepError):
    """Why a call to a system did not give a record. `request`: the system's own ids of the requests of a write
    (`Record.request`), where it told them."""

    request = ""


class Refused(OutcomeError):
    """Definite: the system looked at this record and said no; sending the same again is useless.

    `field` is the field path in that system's own terms if it named one ("" otherwise); `code` is its own
    error code.
    """

    def __init__(self, what: str, *, field: str = "", code: str = "", why: str = "", fix: str = "") -> None:
        super().__init__(what, why=why, fix=fix)
        self.field, self.code = field, code


class Taken(Refused):
    """Definite: a create did not happen since its id, marker or unique field is in use.

    `existing_id` is the id of the record that has it, where the system says so or it was our chosen id.
    `field` tells which: "" or "id" means the chosen id, anything else another unique field.
    """

    def __init__(
        self, what: str, *, existing_id: str = "", field: str = "", why: str = "", fix: str = ""
    ) -> None:
        super().__init__(what, field=field, code="taken", why=why, fix=fix)
        self.existing_id = existing_id


class Moved(OutcomeError):
    """Definite: not written, since the record is no longer at the version that the decision was made from."""


class Gone(OutcomeError):
    """The system answered that there is no such record. By itself no proof of a delete."""


class Unable(OutcomeError):
    """Definite: the system's API can't do this at all; a person has to. Never sent."""


class RetryLater(OutcomeError):
    """Definite: not applied (429, refused connection, maintenance before anything was sent).

    `after_ms` is what the system asked for, or None.
    """

    def __init__(self, what: str, *, after_ms: int | None = None, why: str = "", fix: str = "") -> None:
        super().__init__(what, why=why, fix=fix)
        self.after_ms = after_ms


class InDoubt(OutcomeError):
    """Not known whether it was applied: a timeout, a broken connection, a 5xx, an unreadable answer."""


class Stop(OutcomeError):
    """Nothing will work until a person acts: wrong key, missing right, blocked or unknown site."""

    exit_code = 4


class BadAnswer(OutcomeError):
    """A read gave something that can't be believed (HTML, half a body, a paging loop); reading stops there."""
