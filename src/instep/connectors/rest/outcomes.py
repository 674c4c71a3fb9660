"""From an answer that is not a success to the error that says what happens next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from instep.connectors.http import Answer, redact
from instep.connectors.rest.description_base import Outcome
from instep.connectors.rest.description_calls import Errors
from instep.connectors.rest.pointers import at, text_at
from instep.core.values import Absent, Json, is_empty
from instep.errors import BadAnswer, Gone, InDoubt, Moved, OutcomeError, Refused, RetryLater, Stop, Taken

READ = "read"
LIST = "list"
CREATE = "create"
UPDATE = "update"
RETIRE = "retire"
DELETE = "delete"
_ABSENT = (404, 410)
_LOCKED = (423, 425)


@dataclass(frozen=True, slots=True)
class Said:
    """What the body of a refusal says, each "" if it says nothing; `message` is bounded and redacted."""

    message: str = ""
    field: str = ""
    code: str = ""
    existing_id: str = ""


def said(errors: Errors, value: Json) -> Said:
    """The first error that names a field; else the first of all."""
    items = at(value, errors.items) if errors.items else None
    if isinstance(items, dict) and items:
        by_field = list(_by_field(items, ""))
        if by_field:
            return by_field[0]
    entries: list[Json] = items if isinstance(items, list) and items else [value]
    read = [
        Said(
            message=redact(" ".join(text_at(entry, errors.message).split()))[:300],
            field=_dotted(text_at(entry, errors.field), errors.strip),
            code=text_at(entry, errors.code)[:100],
            existing_id=text_at(entry, errors.existing_id)[:255],
        )
        for entry in entries[:50]
    ]
    return next((entry for entry in read if entry.field), read[0])


def _by_field(messages: Mapping[str, Json], before: str) -> Iterator[Said]:
    """{"name": ["can't be blank"]}: a field, and what is wrong with it; of objects within, too."""
    for name, told in list(messages.items())[:50]:
        first = told[0] if isinstance(told, list) and told else told
        if isinstance(first, dict):
            yield from _by_field(first, f"{before}{name}.")
        elif isinstance(first, str) and first:
            text = redact(" ".join(first.split()))[:300]
            yield Said(message=text, field=f"{before}{name}"[:200])


def says_no(errors: Errors, answer: Answer) -> bool:
    """Whether an answer is a refusal, though it may be one of success. One that lacks the sign says nothing."""
    sign, value = errors.failed, answer.value
    if _status(errors, answer) >= 400:
        return True
    if sign is None:
        return False
    found = at(value, sign.field)
    if isinstance(found, Absent):
        return False
    if sign.unless is not None:
        return found != sign.unless
    if sign.value is not None:
        return found == sign.value
    return not is_empty(found) and found is not False


def _dotted(field: str, strip: str) -> str:
    """A field's path as we write it; "/data/attributes/name" is a JSON pointer to it."""
    if field.startswith("/"):
        field = field[1:].replace("/", ".")
    return field.removeprefix(strip)[:200]


def refusal(
    system: str, what: str, operation: str, answer: Answer, errors: Errors, *, chosen_id: str = ""
) -> OutcomeError:
    """`what` is the thing it happened to ("contact 1001"); `operation` the ability; `chosen_id` the id that a
    create asked for, which a bare 409 or 412 is then about."""
    heard = said(errors, answer.value)
    status = _status(errors, answer)
    meant = errors.codes.get(heard.code) or errors.statuses.get(status)
    if meant is None:
        meant = "taken" if chosen_id and status in (409, 412) else _usual(status, operation)
    why = heard.message or "no reason given"
    if status >= 400:
        why = f"{status}: {why}"
    if heard.field and heard.field not in why:
        why = f"{heard.field}: {why}"
    not_done = f"{what} was not {_PAST.get(operation, 'read')} in {system}"
    match meant:
        case "stop":
            fix = "check the credentials of the description, and the rights of their owner"
            return Stop(f"{system} does not let us in", why=why, fix=fix)
        case "gone":
            return Gone(f"{system} has no {what}", why=why)
        case "retry_later":
            after = answer.headers.get("retry-after", "")
            after_ms = int(after) * 1000 if after.isdecimal() and len(after) < 7 else None
            return RetryLater(f"{system} can't do it now: {what}", after_ms=after_ms, why=why)
        case "in_doubt":
            return InDoubt(f"{system} did not say whether {what} was written", why=why)
    if operation in (READ, LIST):
        fix = "compare the description's path and parameters with the system's own documentation"
        return BadAnswer(f"{system} refused to {operation} {what}", why=why, fix=fix)
    match meant:
        case "moved":
            return Moved(not_done, why=why)
        case "taken":
            own = chosen_id if heard.field in ("", "id") else ""
            return Taken(not_done, existing_id=heard.existing_id or own, field=heard.field, why=why)
    fix = "describe version.if_match for this entity" if status == 428 else ""
    return Refused(not_done, field=heard.field, code=heard.code or str(status), why=why, fix=fix)


def _status(errors: Errors, answer: Answer) -> int:
    told = text_at(answer.value, errors.status)
    return int(told) if told.isdecimal() and len(told) == 3 else answer.status


_PAST = {CREATE: "created", UPDATE: "updated", RETIRE: "retired", DELETE: "deleted"}


def _usual(status: int, operation: str) -> Outcome:
    """What a status means where nothing else is described (RFC 9110)."""
    if status in (401, 403):
        return "stop"
    if status in _ABSENT and operation not in (CREATE, LIST):
        return "gone"
    if status in _LOCKED:
        return "retry_later"
    return "moved" if status == 412 else "refused"
