"""Faults on order: which requests go wrong, how often, and the middleware that makes them.

A rule, as `POST /_console/faults` takes it (everything but `effect` may be left out):

    {"match": {"method": "POST", "path": "^/api/v1/contacts", "query": "page=2",
               "headers": {"if-match": "."}, "body": "acme-42"},
     "after": 1,            skip the first matching request
     "times": 2,            then fire twice; null or absent: for ever
     "probability": 0.5,    of those that are due; drawn from "seed" (0), so that a run can be repeated
     "effect": {"kind": "status", "status": 429, "headers": {"Retry-After": "1"}}}

`path`, `query`, `body` and the headers are regular expressions, searched. Rules are tried in the order in
which they came: every `latency` or `pause` that fires delays, the first other effect that fires is the answer.
The effects are in `fault_effects`; a new one is added there. Requests to the console never fail.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from instep.sandbox.kit.counters import CONSOLE
from instep.sandbox.kit.fault_effects import DELAYS, EFFECTS, Call

_KEYS = frozenset({"match", "after", "times", "probability", "seed", "effect"})
_MATCH_KEYS = frozenset({"method", "path", "query", "headers", "body"})


@dataclass(frozen=True)
class Match:
    method: str | None = None
    path: re.Pattern[str] | None = None
    query: re.Pattern[str] | None = None
    headers: tuple[tuple[bytes, re.Pattern[str]], ...] = ()
    body: re.Pattern[str] | None = None

    def fits(self, scope: Scope, body: bytes) -> bool:
        if self.method is not None and scope["method"] != self.method:
            return False
        if self.path is not None and not self.path.search(scope["path"]):
            return False
        if self.query is not None and not self.query.search(scope["query_string"].decode("latin-1")):
            return False
        if self.body is not None and not self.body.search(body.decode("utf-8", "replace")):
            return False
        return all(
            any(
                name == wanted and pattern.search(value.decode("latin-1")) for name, value in scope["headers"]
            )
            for wanted, pattern in self.headers
        )


@dataclass
class Rule:
    """`seen` counts matching requests, `fired` those that went wrong."""

    number: int
    source: dict[str, Any]
    match: Match
    kind: str
    effect: dict[str, Any]
    after: int
    times: int | None
    probability: float
    draw: random.Random
    seen: int = 0
    fired: int = 0
    memory: dict[str, Any] = field(default_factory=dict)
    removed: asyncio.Event = field(default_factory=asyncio.Event)

    def fires(self, scope: Scope, body: bytes) -> bool:
        if self.times is not None and self.fired >= self.times:
            return False
        if not self.match.fits(scope, body):
            return False
        self.seen += 1
        if self.seen <= self.after:
            return False
        if self.probability < 1 and self.draw.random() >= self.probability:
            return False
        self.fired += 1
        return True

    def state(self) -> dict[str, Any]:
        return {"id": self.number, **self.source, "seen": self.seen, "fired": self.fired}


class Faults:
    """The rules in force, in the order in which they were added."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self._last = 0

    def add(self, wanted: Mapping[str, Any]) -> int:
        """Put a rule in force and return its number. ValueError lists everything that is wrong with it."""
        rule = read_rule(self._last + 1, wanted)
        self._last = rule.number
        self.rules.append(rule)
        return rule.number

    def remove(self, number: int) -> bool:
        """Take a rule out of force; requests that it keeps hanging are let go."""
        for rule in self.rules:
            if rule.number == number:
                rule.removed.set()
                self.rules.remove(rule)
                return True
        return False

    def clear(self) -> None:
        for rule in self.rules:
            rule.removed.set()
        self.rules.clear()

    def state(self) -> list[dict[str, Any]]:
        return [rule.state() for rule in self.rules]


class FaultMiddleware:
    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._faults.rules or scope["type"] != "http" or scope["path"].startswith(CONSOLE):
            await self._app(scope, receive, send)
            return
        body = b""
        if any(rule.match.body for rule in self._faults.rules):
            body, receive = await _read_ahead(receive)
        for rule in list(self._faults.rules):
            # A rule behind the first that answers has not met this request and doesn't count it.
            if not rule.fires(scope, body):
                continue
            call = Call(
                self._app,
                scope,
                receive,
                send,
                rule.effect,
                rule.fired,
                rule.memory,
                rule.removed,
            )
            if rule.kind in DELAYS:
                await DELAYS[rule.kind](call)
            else:
                await EFFECTS[rule.kind](call)
                return
        await self._app(scope, receive, send)


async def _read_ahead(receive: Receive) -> tuple[bytes, Receive]:
    """The whole body, and a `receive` that gives it once more."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        body.extend(message.get("body", b""))
        more = message.get("more_body", False)
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": bytes(body), "more_body": False}

    return bytes(body), again


def read_rule(number: int, wanted: Mapping[str, Any]) -> Rule:
    """Raises ValueError with all that is wrong, one per line."""
    wrong: list[str] = [f"{key}: unknown" for key in wanted if key not in _KEYS]
    effect = wanted.get("effect")
    kind = ""
    kinds = sorted([*DELAYS, *EFFECTS])
    if not isinstance(effect, Mapping) or effect.get("kind") not in kinds:
        wrong.append("effect.kind: must be one of " + ", ".join(kinds))
    else:
        kind = effect["kind"]
    times, after = wanted.get("times"), wanted.get("after", 0)
    probability, seed = wanted.get("probability", 1), wanted.get("seed", 0)
    if times is not None and not _count(times):
        wrong.append("times: must be a whole number from 0, or null for ever")
    if not _count(after):
        wrong.append("after: must be a whole number from 0")
    if isinstance(probability, bool) or not isinstance(probability, int | float) or not 0 <= probability <= 1:
        wrong.append("probability: must be a number from 0 to 1")
    if not _count(seed):
        wrong.append("seed: must be a whole number from 0")
    match = _read_match(wanted.get("match", {}), wrong)
    if wrong:
        raise ValueError("\n".join(wrong))
    return Rule(
        number=number,
        source=dict(wanted),
        match=match,
        kind=kind,
        effect=dict(effect or {}),
        after=after,
        times=times,
        probability=probability,
        draw=random.Random(seed),  # noqa: S311 - repeatable on purpose
    )


def _read_match(wanted: Any, wrong: list[str]) -> Match:
    if not isinstance(wanted, Mapping):
        wrong.append("match: must be an object")
        return Match()
    wrong += [f"match.{key}: unknown" for key in wanted if key not in _MATCH_KEYS]
    method = wanted.get("method")
    headers = wanted.get("headers", {})
    if not isinstance(headers, Mapping):
        wrong.append("match.headers: must be an object of header name to pattern")
        headers = {}
    return Match(
        method=method.upper() if isinstance(method, str) else None,
        path=_pattern("path", wanted.get("path"), wrong),
        query=_pattern("query", wanted.get("query"), wrong),
        headers=tuple(
            (name.lower().encode("latin-1"), pattern)
            for name, text in headers.items()
            if (pattern := _pattern(f"headers.{name}", text, wrong)) is not None
        ),
        body=_pattern("body", wanted.get("body"), wrong),
    )


def _pattern(name: str, text: Any, wrong: list[str]) -> re.Pattern[str] | None:
    if text is None:
        return None
    try:
        return re.compile(text)
    except (re.error, TypeError) as error:
        wrong.append(f"match.{name}: not a regular expression: {error}")
        return None


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
