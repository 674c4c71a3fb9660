"""Calls to a Tryton server by JSON-RPC, and what their errors mean.

Every answer to a call that was understood is HTTP 200; an error is in its body, as a name and a text for people
in the language of the session (always English here). A call is one transaction: an error says that nothing of it
was done. The last parameter of every call is the context. Source: trytond/protocols of Tryton 8.2.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping
from urllib.parse import quote

from instep.connectors.http import Answer, HttpClient, Outgoing, redact
from instep.core.values import Json, encode
from instep.errors import BadAnswer, Moved, OutcomeError, Refused, RetryLater, Stop

Context = dict[str, Json]

_FRESH_S = 30.0
"""A session younger than this that is refused was not refused for its age."""


class Session:
    """The login of a user, made when it is first needed and anew when Tryton has ended it.

    A wrong password slows the server down and locks the user out after a few tries, so that one is never sent
    twice: after a refusal every later call fails at once.
    """

    def __init__(
        self,
        client: HttpClient,
        database: str,
        user: str,
        password: str,
        *,
        monotonic: Callable[[], float],
    ) -> None:
        self._client, self._user, self._password = client, user, password
        self._path, self._database = f"{quote(database, safe='')}/rpc/", database
        self._monotonic = monotonic
        self._lock = asyncio.Lock()
        self._authorization = ""
        self._since = float("-inf")
        self._refused: Stop | None = None

    async def headers(self, _: Outgoing) -> Mapping[str, str]:
        async with self._lock:
            if not self._authorization:
                await self._log_in()
            return {"Authorization": self._authorization}

    async def renew(self) -> bool:
        async with self._lock:
            if self._monotonic() - self._since > _FRESH_S:
                self._authorization = ""
            return True

    async def close(self) -> None:
        await self._client.close()

    async def _log_in(self) -> None:
        if self._refused is not None:
            raise self._refused
        body = {
            "id": 0,
            "method": "common.db.login",
            "params": [self._user, {"password": self._password}, "en"],
        }
        try:
            answer = await self._client.request(
                "POST", self._path, body=encode(body), route="/rpc/login", write=False
            )
        except BadAnswer as bad:
            raise RetryLater(f"{self._client.system} did not let us log in", why=bad.why) from None
        found = answer.value.get("result") if isinstance(answer.value, dict) else None
        if answer.status == 200 and isinstance(found, list) and len(found) >= 2:
            text = f"{self._user}:{found[0]}:{found[1]}"
            self._authorization = "Session " + base64.b64encode(text.encode()).decode()
            self._since = self._monotonic()
            return
        self._refused = self._not_let_in(answer)
        raise self._refused

    def _not_let_in(self, answer: Answer) -> Stop:
        what = f"{self._client.system} did not let {self._user} log in"
        if answer.status == 404:
            return Stop(
                what,
                why=f"404: it has no database {self._database!r}",
                fix="correct `database` (and `base_url`) of the system in instep.yaml",
            )
        if answer.status == 200:
            why = message_of(answer.value)
            fix = f"start it with its database named: trytond -c CONFIGURATION -d {self._database}"
            return Stop(what, why=why, fix=fix)
        return Stop(
            what,
            why=f"{answer.status}: the user or the password is wrong, or the user is locked for a while",
            fix="correct `user` or `password` of the system in instep.yaml; wait a few minutes before the next try",
        )


class Rpc:
    """One database of one Tryton server; `client` carries the session. Raises as `call` says."""

    def __init__(self, client: HttpClient, database: str) -> None:
        self.client = client
        self._path = f"{quote(database, safe='')}/rpc/"
        self._preferences: Context | None = None
        self._lock = asyncio.Lock()

    async def context(self) -> Context:
        """What every call is to be told: the user's company and language, and that inactive records count."""
        async with self._lock:
            if self._preferences is None:
                found = await self._send("model.res.user.get_preferences", [True, {}], write=False)
                if not isinstance(found, dict):
                    raise BadAnswer("the preferences of the user can't be read", why="they are no object")
                kept: Context = {name: found[name] for name in ("company", "employee") if name in found}
                self._preferences = {**kept, "language": "en", "active_test": False}
            return self._preferences

    async def call(
        self, method: str, *params: Json, write: bool = False, context: Mapping[str, Json] | None = None
    ) -> Json:
        """The result of one call, of the whole transaction or of nothing.

        Raises Refused, Moved (a `_timestamp` in the context is not that of the record), Stop, RetryLater; for a
        write InDoubt, for a read BadAnswer.
        """
        full = {**await self.context(), **(context or {})}
        return await self._send(method, [*params, full], write=write)

    async def _send(self, method: str, params: list[Json], *, write: bool) -> Json:
        body = encode({"id": 1, "method": method, "params": params})
        answer = await self.client.request("POST", self._path, body=body, route=f"/rpc/{method}", write=write)
        if answer.status >= 400:
            raise _not_understood(self.client.system, method, answer, write)
        if not isinstance(answer.value, dict) or not {"result", "error"} & answer.value.keys():
            raise BadAnswer(f"the answer of {self.client.system} to {method} can't be used")
        if "error" in answer.value:
            raise error_of(self.client.system, method, answer.value)
        return answer.value["result"]


def message_of(value: Json) -> str:
    """The text for people of an error, bounded and free of credentials."""
    error = value.get("error") if isinstance(value, dict) else None
    parts = error if isinstance(error, list) else [error]
    if len(parts) > 1 and isinstance(parts[1], list):
        texts = [part for part in parts[1][:2] if isinstance(part, str)]
    elif parts[0] == "UserWarning":
        texts = [part for part in parts[2:4] if isinstance(part, str)]
    elif parts[0] in ("ConcurrencyException", "UserError"):
        texts = [part for part in parts[1:2] if isinstance(part, str)]
    else:
        texts = [part for part in parts[:1] if isinstance(part, str)]  # the second one is a traceback
    return redact(" ".join(" ".join(texts).split()))[:300] or "no reason given"


def error_of(system: str, method: str, value: Json) -> OutcomeError:
    """What an error in the body of an answer means."""
    error = value.get("error") if isinstance(value, dict) else None
    name = error[0] if isinstance(error, list) and error else ""
    why = message_of(value)
    if name == "ConcurrencyException":
        return Moved(f"{system} has changed the record meanwhile", why=why)
    if name == "UserWarning":
        return Refused(
            f"{system} did not do it without being asked twice",
            code="warning",
            why=why,
            fix="do it in Tryton, where the question can be answered",
        )
    code = "user_error" if name == "UserError" else "server_error"
    return Refused(f"{system} refused {method}", code=code, why=why)


def _not_understood(system: str, method: str, answer: Answer, write: bool) -> OutcomeError:
    """A call that never began: the request itself was turned away."""
    if answer.status == 401:
        why = "401: the session is not valid"
        return Stop(f"{system} does not let us in", why=why, fix="check `user` and `password` in instep.yaml")
    if answer.status in (403, 404, 405):
        return Stop(
            f"{system} has no {method} for us",
            why=f"{answer.status}: it is another version, lacks a module, or has no such database",
            fix="see docs/guide/tryton.md for the modules that are needed; Instep speaks to Tryton 8.x",
        )
    if write:
        return Refused(
            f"{system} refused {method}", code=str(answer.status), why=f"it answered {answer.status}"
        )
    return BadAnswer(f"{system} refused {method}", why=f"it answered {answer.status}")
