"""Chargebee's way to answer: one object or one page, or a refusal, each as the outcome class it is.

Source: Chargebee API, "error handling" and "idempotent requests". Not for entities: it knows no resource.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, TypeGuard
from urllib.parse import quote

from instep.connectors.chargebee import forms
from instep.connectors.http import Answer, HttpClient
from instep.core.values import Json
from instep.errors import BadAnswer, Gone, InDoubt, OutcomeError, Refused, Stop, Taken

Payload = dict[str, Any]
Query = Sequence[tuple[str, str]]

IDEMPOTENCY_HEADER = "chargebee-idempotency-key"
REPLAYED_HEADER = "chargebee-idempotency-replayed"
MAX_KEY = 100
FAR_S = 253_402_300_800
"""The year 10000: no moment that is later, or before 1970, is believed."""

_STOP_FIXES = {
    "api_authentication_failed": "put a valid API key where the configuration reads it from",
    "basic_authentication_failed": "put a valid API key where the configuration reads it from",
    "api_authorization_failed": "use a key with full access (Chargebee: Settings > API keys)",
    "request_blocked": "the site is blocked or over its limits: ask Chargebee, or lower requests_per_minute",
    "site_not_found": "correct the name of the site",
    "configuration_incompatible": "turn the feature on in Chargebee, or take the pair out of the dataflow",
}


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list: the resource objects, and the offset of the next page if there is one."""

    rows: list[Payload]
    next_offset: str | None


class Api:
    """Calls on one site. `subject` in each call is what a message calls the record ("customer acme-42")."""

    def __init__(self, http: HttpClient) -> None:
        self.http = http
        self.system = http.system
        self._data_skew_ms: int | None = None

    def server_s(self, local_ms: int) -> int | None:
        """Chargebee's time when ours was `local_ms`, rather too early than too late; None if nothing told it.

        The `Date` of an answer may come from another clock than the times of records, so the times that our
        own writes were given count as well, and the earlier of the two is taken.
        """
        skew = self.http.skew
        bounds = [] if skew.skew_ms is None else [skew.skew_ms - skew.error_ms]
        bounds += [] if self._data_skew_ms is None else [self._data_skew_ms]
        return (local_ms + min(bounds)) // 1000 if bounds else None

    async def get(self, resource: str, path: str, *, route: str, subject: str) -> Payload:
        """One object. Raises Gone, Stop, RetryLater, BadAnswer."""
        answer = await self.http.request("GET", path, route=route)
        if answer.status != 200:
            raise self._refusal(answer, f"{subject} was not read", write=False)
        found = answer.value.get(resource) if isinstance(answer.value, dict) else None
        if not _has_id(found):
            raise BadAnswer(f"{subject} was not read", why=f"{self.system} sent no {resource}")
        return found

    async def page(self, resource: str, path: str, query: Query, *, subject: str, route: str = "") -> Page:
        """One page of a list; `route` is the shape of a path that holds an id.

        Raises Refused (a filter or an offset was not accepted), Stop, RetryLater, BadAnswer.
        """
        answer = await self.http.request("GET", path, query=query, route=route or path)
        if answer.status != 200:
            raise self._refusal(answer, f"{subject} were not listed", write=False)
        value = answer.value
        rows = value.get("list") if isinstance(value, dict) else None
        if not isinstance(value, dict) or not isinstance(rows, list):
            raise BadAnswer(f"{subject} were not listed", why=f"{self.system} sent no list")
        found = [each for row in rows if isinstance(row, dict) and _has_id(each := row.get(resource))]
        if len(found) < len(rows):
            raise BadAnswer(f"{subject} were not listed", why=f"a row holds no {resource} with an id")
        offset = value.get("next_offset")
        if offset is not None and (not isinstance(offset, str) or not offset):
            raise BadAnswer(f"{subject} were not listed", why="next_offset is there and says nothing")
        return Page(found, offset)

    async def post(
        self,
        resource: str,
        path: str,
        parameters: Mapping[str, Json],
        *,
        route: str,
        subject: str,
        idempotency: str = "",
        new_id: str = "",
    ) -> Payload:
        """One write, sent once; `new_id` is the chosen id if it makes a record.

        Raises Refused, Taken, Gone (not for a create), Stop, RetryLater, InDoubt.
        """
        what = f"{subject} was not {'created' if new_id else 'updated'}"
        headers = {IDEMPOTENCY_HEADER: idempotency} if idempotency else {}
        answer = await self.http.request(
            "POST",
            path,
            body=forms.encode(parameters),
            content_type=forms.CONTENT_TYPE,
            headers=headers,
            route=route,
        )
        if answer.status != 200:
            raise self._refusal(answer, what, write=True, new_id=new_id, sent=parameters)
        found = answer.value.get(resource) if isinstance(answer.value, dict) else None
        if not _has_id(found):
            raise InDoubt(f"{subject}: not known whether written", why=f"the answer holds no {resource}")
        version = whole(found.get("resource_version"), FAR_S * 1000)
        if version is not None and not answer.headers.get(REPLAYED_HEADER):
            self._data_skew_ms = version - self.http.now_ms()
        return found

    def _refusal(
        self,
        answer: Answer,
        what: str,
        *,
        write: bool,
        new_id: str = "",
        sent: Mapping[str, Json] | None = None,
    ) -> OutcomeError:
        """The outcome that an answer other than 200 stands for."""
        status = answer.status
        body = answer.value if isinstance(answer.value, dict) else {}
        code, message = _text(body.get("api_error_code")), _text(body.get("message"))
        param = field_path(_text(body.get("param")) or _leading_param(message))
        why = f"{status} {code}: {message}".strip(": ")[:400]
        if status in (401, 403) or code in _STOP_FIXES:
            fix = _STOP_FIXES.get(code, "check the site's name, its address and the API key")
            return Stop(what, why=why or f"{self.system} answered {status}", fix=fix)
        if not code:
            # Something between us and Chargebee answered; only a body that was too large is surely not
            # applied.
            unknown = f"{self.system} answered {status} without an error of its own"
            if write and status not in (413, 414, 431):
                return InDoubt(what.replace("was not", "may not have been"), why=unknown)
            return Refused(what, code=str(status), why=unknown) if write else BadAnswer(what, why=unknown)
        if code == "duplicate_entry":
            if param in ("", "id"):
                return Taken(what, existing_id=new_id, field="id" if param else "", why=why)
            return Taken(what, field=param, why=why)
        if code == "resource_not_found" and not new_id and param.partition(".")[0] not in (sent or {}):
            return Gone(what, why=why)
        if status == 422 and write and "idempotency" in message.lower():
            # The key was used before, with other parameters: an earlier request of this write has arrived.
            return InDoubt(what.replace("was not", "may have been"), why=why)
        return Refused(what, field=param, code=code, why=why)


def locked(body: Json) -> bool:
    """Whether a 429 is about one record that another request is changing, and not about the quota."""
    return isinstance(body, dict) and body.get("api_error_code") == "lock_timeout"


def segment(id: str) -> str:
    """An id as a part of a path. Raises Gone for one that would ask for something other than a record."""
    if id.strip() in ("", ".", ".."):
        raise Gone(f"there is no record {id!r}")
    return quote(id, safe="")


def derived_key(key: str, part: str) -> str:
    """The idempotency key of one call of several that make up one write."""
    longer = f"{key}-{part}"
    return longer if len(longer) <= MAX_KEY else blake2b(longer.encode(), digest_size=32).hexdigest()


def field_path(param: str) -> str:
    """A parameter's name as a dotted path, without places in lists ("billing_address[zip]")."""
    parts = [part for part in re.split(r"[\[\].]+", param) if part]
    return ".".join(part for part in parts if not part.isdigit())


def _leading_param(message: str) -> str:
    """Messages begin with the parameter and a colon where the body doesn't name it."""
    found = re.match(r"([a-z][a-z0-9_\[\]]*) ?:", message)
    return found.group(1) if found else ""


def whole(value: object, below: int = 2**63) -> int | None:
    """A whole number that a store can keep, from 0 to less than `below`; None for whatever else was sent."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < below else None


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _has_id(payload: object) -> TypeGuard[Payload]:
    if not isinstance(payload, dict):
        return False
    id = payload.get("id")
    return isinstance(id, str) and id != ""
