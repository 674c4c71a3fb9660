"""What can go wrong with one request, each as a function of the call.

To add an effect, write a coroutine that takes a `Call` and name it in `EFFECTS` (it answers) or `DELAYS`
(the request goes on). "Applied" effects let the server do its work and then spoil the answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from instep.sandbox.kit.serving import TRANSPORT

_HTML = """<!DOCTYPE html>
<html><head><title>{status}</title></head>
<body><h1>Something went wrong</h1><p>The page is resting. Try again in a moment.</p></body></html>
"""
_CHUNK = b"x" * 65536


@dataclass(frozen=True)
class Call:
    """One request that a rule fired on. `args` is the rule's effect, `fired` counts from 1."""

    app: ASGIApp
    scope: Scope
    receive: Receive
    send: Send
    args: dict[str, Any]
    fired: int
    memory: dict[str, Any]
    rule_removed: asyncio.Event


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def with_body(self, body: bytes) -> Answer:
        """The same answer with another body and the length that goes with it."""
        kept = [(name, value) for name, value in self.headers if name.lower() != b"content-length"]
        return Answer(self.status, [*kept, (b"content-length", str(len(body)).encode())], body)


async def answer_of(call: Call) -> Answer:
    """Let the server do its work and keep the answer from the client."""
    status = 500
    headers: list[tuple[bytes, bytes]] = []
    body = bytearray()

    async def keep(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status = message["status"]
            headers = [(bytes(name), bytes(value)) for name, value in message.get("headers", ())]
        elif message["type"] == "http.response.body":
            body.extend(message.get("body", b""))

    await call.app(call.scope, call.receive, keep)
    return Answer(status, headers, bytes(body))


async def give(call: Call, answer: Answer) -> None:
    await call.send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await call.send({"type": "http.response.body", "body": answer.body})


async def latency(call: Call) -> None:
    """{"ms": 200}"""
    await asyncio.sleep(call.args.get("ms", 0) / 1000)


async def pause(call: Call) -> None:
    """{"limit_s": 30}: the request waits at the door until the rule is removed, or the limit, and then goes on."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(call.rule_removed.wait(), call.args.get("limit_s", 30))


async def status(call: Call) -> None:
    """{"status": 503, "headers": {}, "body": "text or JSON"}: refused, nothing was done."""
    await give(call, _made_answer(call, 503))


async def status_after_apply(call: Call) -> None:
    """{"status": 500, ...}: the work was done, the answer says that it was not."""
    await answer_of(call)
    await give(call, _made_answer(call, 500))


async def hang_before(call: Call) -> None:
    """{"limit_s": 30}: no answer and nothing done, until the client leaves or the limit."""
    await _hang(call)


async def hang_after_apply(call: Call) -> None:
    """{"limit_s": 30}: done, but no answer."""
    await answer_of(call)
    await _hang(call)


async def drop_before(call: Call) -> None:
    """The connection is reset before anything was done."""
    await _cut(call, flush=False)


async def drop_after_apply(call: Call) -> None:
    """The connection is reset after the work was done."""
    await answer_of(call)
    await _cut(call, flush=False)


async def html(call: Call) -> None:
    """{"status": 502}: a page for people, of a proxy in between; 200 for a login page."""
    code = call.args.get("status", 502)
    body = _HTML.format(status=code).encode()
    await give(call, Answer(code, [(b"content-type", b"text/html; charset=utf-8")], b"").with_body(body))


async def truncate_body(call: Call) -> None:
    """{"share": 0.5}: the full Content-Length, that share of the body, then the end of the connection."""
    answer = await answer_of(call)
    kept = answer.body[: int(len(answer.body) * call.args.get("share", 0.5))]
    await call.send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": answer.with_body(answer.body).headers,
        }
    )
    await call.send({"type": "http.response.body", "body": kept, "more_body": True})
    await _cut(call, flush=True)


async def trickle(call: Call) -> None:
    """{"pieces": 10, "ms": 100}: the right answer in so many pieces, with a pause before each."""
    answer = await answer_of(call)
    pieces = max(1, int(call.args.get("pieces", 10)))
    await call.send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    for number in range(pieces):
        await asyncio.sleep(call.args.get("ms", 100) / 1000)
        begin, end = (len(answer.body) * place // pieces for place in (number, number + 1))
        await call.send({"type": "http.response.body", "body": answer.body[begin:end], "more_body": True})
    await call.send({"type": "http.response.body", "body": b""})


async def garbage(call: Call) -> None:
    """{"body": "{\\"list\\": [}"}: applied; an answer that claims to be JSON and is not."""
    answer = await answer_of(call)
    await give(call, answer.with_body(str(call.args.get("body", '{"list": [{"id": 1}, {"id"')).encode()))


async def bom(call: Call) -> None:
    """A byte order mark before the right answer."""
    answer = await answer_of(call)
    await give(call, answer.with_body(b"\xef\xbb\xbf" + answer.body))


async def huge_body(call: Call) -> None:
    """{"bytes": 100000000}: valid JSON of that size; not applied."""
    left = max(0, int(call.args.get("bytes", 100_000_000)) - len(b'{"padding":""}'))
    headers = [(b"content-type", b"application/json")]
    await call.send({"type": "http.response.start", "status": 200, "headers": headers})
    await call.send({"type": "http.response.body", "body": b'{"padding":"', "more_body": True})
    while left > 0:
        chunk = _CHUNK[:left]
        left -= len(chunk)
        await call.send({"type": "http.response.body", "body": chunk, "more_body": True})
        await asyncio.sleep(0)
    await call.send({"type": "http.response.body", "body": b'"}'})


async def redirect(call: Call) -> None:
    """{"location": "/login", "status": 302}"""
    location = str(call.args.get("location", "/login")).encode("latin-1")
    headers = [(b"location", location), (b"content-length", b"0")]
    await give(call, Answer(call.args.get("status", 302), headers, b""))


async def rewrite_json(call: Call) -> None:
    """{"set": {"/next_offset": "p{n}"}, "remove": ["/total"]}: the right answer with values that lie.

    Keys are JSON pointers; "{n}" in a text becomes the number of this firing, so that a token can be new
    each time (an endless list) or the same each time (a list that repeats). Applied. A pointer into
    nowhere is left alone.
    """
    answer = await answer_of(call)
    try:
        document = json.loads(answer.body)
    except ValueError:
        await give(call, answer)
        return
    for pointer, value in call.args.get("set", {}).items():
        wanted = value.replace("{n}", str(call.fired)) if isinstance(value, str) else value
        document = _with_value(document, pointer, wanted)
    for pointer in call.args.get("remove", []):
        _remove(document, pointer)
    await give(call, answer.with_body(json.dumps(document, ensure_ascii=False).encode()))


async def repeat(call: Call) -> None:
    """Every second request is not applied and gets the answer of the one before: a page listed twice."""
    before = call.memory.pop("answer", None)
    if isinstance(before, Answer):
        await give(call, before)
        return
    answer = await answer_of(call)
    call.memory["answer"] = answer
    await give(call, answer)


Effect = Callable[[Call], Awaitable[None]]

DELAYS: dict[str, Effect] = {"latency": latency, "pause": pause}
EFFECTS: dict[str, Effect] = {
    effect.__name__: effect
    for effect in (
        status,
        status_after_apply,
        hang_before,
        hang_after_apply,
        drop_before,
        drop_after_apply,
        html,
        truncate_body,
        trickle,
        garbage,
        bom,
        huge_body,
        redirect,
        rewrite_json,
        repeat,
    )
}


def _made_answer(call: Call, default_status: int) -> Answer:
    code = call.args.get("status", default_status)
    body = call.args.get(
        "body", {"message": "This fault was ordered at the console.", "http_status_code": code}
    )
    if isinstance(body, str):
        content, kind = body.encode(), b"text/plain; charset=utf-8"
    else:
        content, kind = json.dumps(body).encode(), b"application/json"
    headers = {b"content-type": kind}
    for name, value in call.args.get("headers", {}).items():
        headers[str(name).lower().encode("latin-1")] = str(value).encode("latin-1")
    return Answer(code, list(headers.items()), b"").with_body(content)


async def _hang(call: Call) -> None:
    limit_s = call.args.get("limit_s", 30)

    async def client_leaves() -> None:
        while (await call.receive())["type"] != "http.disconnect":
            pass

    waits = [asyncio.create_task(client_leaves()), asyncio.create_task(call.rule_removed.wait())]
    try:
        await asyncio.wait(waits, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    await _cut(call, flush=False)


async def _cut(call: Call, *, flush: bool) -> None:
    """End the connection; `flush` sends first what was written, otherwise the client sees a reset."""
    transport = call.scope.get("extensions", {}).get(TRANSPORT, {}).get("transport")
    if transport is None:
        raise ConnectionResetError("a fault cut the connection")
    if flush:
        transport.close()
    else:
        transport.abort()
    # The server learns of the end in its next turn; only then may this call return without an answer.
    while (await call.receive())["type"] != "http.disconnect":
        pass


def _steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _parent(document: Any, steps: list[str]) -> Any:
    for step in steps[:-1]:
        if isinstance(document, list) and step.isdigit() and int(step) < len(document):
            document = document[int(step)]
        elif isinstance(document, dict) and step in document:
            document = document[step]
        else:
            return None
    return document


def _with_value(document: Any, pointer: str, value: Any) -> Any:
    steps = _steps(pointer)
    if not steps:
        return value
    parent = _parent(document, steps)
    if isinstance(parent, dict):
        parent[steps[-1]] = value
    elif isinstance(parent, list) and steps[-1].isdigit() and int(steps[-1]) < len(parent):
        parent[int(steps[-1])] = value
    elif isinstance(parent, list) and steps[-1] == "-":
        parent.append(value)
    return document


def _remove(document: Any, pointer: str) -> None:
    steps = _steps(pointer)
    parent = _parent(document, steps) if steps else None
    if isinstance(parent, dict):
        parent.pop(steps[-1], None)
    elif isinstance(parent, list) and steps[-1].isdigit() and int(steps[-1]) < len(parent):
        parent.pop(int(steps[-1]))
