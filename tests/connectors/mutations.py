"""What can be wrong with an answer, each drawn from a seed: applied to a good one, as bytes for the wire."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from .faulty_server import CLOSE, http

Chance = random.Random


@dataclass(frozen=True)
class Good:
    """An answer as the real server gave it."""

    status: int
    body: bytes
    headers: tuple[str, ...] = field(default=())

    def wire(self) -> bytes:
        return http(self.status, self.body, *self.headers)


Mutation = Callable[[Good, Chance], bytes]

RAW = "\N{SNOWMAN}raw:"
"""Marks a text that stands for JSON which Python would not write."""

ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 7, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 10**30, -(10**30),
    "", " ", "x", "null", "\x00", "a\nb", "\u202e", "..", "../../x", "a/b?c=d#e", "x" * 300, "x" * 100_000,
    [], {}, [None], [[]], [{}], {"": ""}, {"id": {"id": "x"}}, ["x"] * 3000,
    f"{RAW}1e400", f"{RAW}1e999999999", f"{RAW}-0", f"{RAW}0.1e-999999999", f"{RAW}1.0", f"{RAW}NaN",
    f"{RAW}Infinity",
    f"{RAW}\"\\ud800\"", f"{RAW}{'9' * 5000}", f"{RAW}{'9' * 400}", f"{RAW}{'[' * 900}{']' * 900}",
    f"{RAW}{'[' * 100_000}{']' * 100_000}", f"{RAW}{{\"a\":1,\"a\":2}}",
    "2026-13-45T99:99:99Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999-23:59", "1e9",
)  # fmt: skip


def encoded(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False)
    while RAW in text:
        before, _, rest = text.partition(f'"{RAW}')
        end = 0
        while rest[end] != '"' or rest[end - 1] == "\\":
            end += 1
        text = before + json.loads(f'"{rest[:end]}"') + rest[end + 1 :]
    return text.encode("utf-8", "surrogatepass")


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value inside."""
    found = [at] if at else []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        found += places(one, (*at, key))
    return found


def _changed(good: Good, change: Callable[[Any], Any]) -> bytes:
    try:
        value = json.loads(good.body)
    except ValueError:
        return good.wire()
    return replace(good, body=encoded(change(value))).wire()


def _at(value: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        value = value[key]
    return value


def odd_value(good: Good, chance: Chance) -> bytes:
    """One value of the body is another, of whatever type."""

    def change(value: Any) -> Any:
        at = places(value)
        if not at:
            return chance.choice(ODD_VALUES)
        place = chance.choice(at)
        _at(value, place[:-1])[place[-1]] = chance.choice(ODD_VALUES)
        return value

    return _changed(good, change)


def odd_head(good: Good, chance: Chance) -> bytes:
    """A value that pages, identifies or dates is another: where most is decided."""
    heads = ("id", "next_offset", "next_cursor", "list", "items", "resource_version", "version", "updated_at",
             "created_at", "deleted", "customer", "item", "order", "item_price", "item_id", "status", "price",
             "order_line_items", "line_item_taxes", "tax_rate", "lines")  # fmt: skip

    def change(value: Any) -> Any:
        at = [place for place in places(value) if place[-1] in heads]
        for place in chance.sample(at, min(len(at), 2)):
            try:
                _at(value, place[:-1])[place[-1]] = chance.choice(ODD_VALUES)
            except (TypeError, KeyError, IndexError, AttributeError):
                continue  # the other change took it away
        return value

    return _changed(good, change)


def missing(good: Good, chance: Chance) -> bytes:
    """Something is not there, an id rather often."""

    def change(value: Any) -> Any:
        at = places(value)
        ids = [place for place in at if place[-1] == "id"]
        place = chance.choice(ids if ids and chance.random() < 0.4 else at) if at else ()
        if place:
            del _at(value, place[:-1])[place[-1]]
        return value

    return _changed(good, change)


def twice(good: Good, chance: Chance) -> bytes:
    """Each list of objects names its rows twice, or one row many times."""

    def change(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {
            name: chance.choice([rows * 2, rows[:1] * 50, rows[::-1] + rows])
            if isinstance(rows, list) and rows and isinstance(rows[0], dict)
            else change(rows)
            for name, rows in value.items()
        }

    return _changed(good, change)


def endless(good: Good, chance: Chance) -> bytes:
    """There is always a next page: the same, a new one, or an empty one."""

    def change(value: Any) -> Any:
        if isinstance(value, dict):
            token = chance.choice(["again", f"p{chance.randrange(10**9)}", "x" * 3000])
            value = {**value, "next_offset": token, "next_cursor": token}
            if chance.random() < 0.4:
                value = {name: [] if isinstance(one, list) else one for name, one in value.items()}
        return value

    return _changed(good, change)


def another_answer(good: Good, chance: Chance) -> bytes:
    """A body of another kind altogether."""
    bodies = [b"", b"null", b"[]", b"{}", b"0", b'""', b"true", b'{"list": {}}', b'{"list": [], "items": []}',
              b"<html><body>Bad gateway</body></html>", b"\xff\xfe\x00", b"\xef\xbb\xbf{}", b"{} {}",
              b"[" * 100_000, b'{"a":' * 50_000, b'"' + b"\xc3" * 10 + b'"', b"\x00" * 100]  # fmt: skip
    return replace(good, body=chance.choice(bodies)).wire()


def cut(good: Good, chance: Chance) -> bytes:
    """Half a body: with an honest length, a length that is not kept, or nothing at all."""
    half = good.body[: chance.randrange(len(good.body) + 1)]
    return chance.choice(
        [
            http(good.status, half, *good.headers),
            http(good.status, half, "Connection: close", length=len(good.body) + 7),
            CLOSE,
        ]
    )


def packed(good: Good, chance: Chance) -> bytes:
    """Packed: a bomb, something that is not what it says it is, or half of it."""
    bomb = gzip.compress(b'{"list":[' + b" " * 40_000_000 + b"]}", 1)
    content = chance.choice([bomb, b"\x1f\x8b" + good.body, gzip.compress(good.body)[:-9], good.body])
    return http(good.status, content, f"Content-Encoding: {chance.choice(['gzip', 'deflate', 'br', 'zip'])}")


def another_status(good: Good, chance: Chance) -> bytes:
    """Another status with the body, or with what a gateway says."""
    status = chance.choice([201, 202, 203, 204, 205, 206, 207, 226, 400, 401, 402, 403, 404, 405, 406, 408, 409, 410,
                            411, 412, 413, 414, 415, 422, 423, 425, 428, 429, 431, 451, 499, 500, 501, 502, 503, 504,
                            507, 520, 599, 700])  # fmt: skip
    bodies = [good.body, b"", b"<html>", b'{"message": 5, "api_error_code": [], "param": {}, "errors": 1}']
    bodies += [b'{"errors": [{"field": {}, "code": 1, "message": []}]}', b'{"api_error_code": "x"}']
    odd = ["Retry-After: -5", "Retry-After: 9" + "9" * 300, "Retry-After: nan", "Retry-After: soon", "X: y"]
    return http(status, chance.choice(bodies), chance.choice(odd))


def redirect(good: Good, chance: Chance) -> bytes:
    """Another address: the same again and again, another host, none, or nonsense."""
    where = chance.choice(["Location: /", "Location: http://127.0.0.1:9/", "Location: http://[::1/", "X: y",
                           "Location: file:///etc/passwd", "Location: //", "Location: javascript:1", "Location: \xff",
                           "Location: http://a b/", "Location: http://127.0.0.1:99999/x", "Location: ?"])  # fmt: skip
    return http(chance.choice([300, 301, 302, 303, 304, 305, 307, 308, 399]), good.body, where)


def odd_headers(good: Good, chance: Chance) -> bytes:
    """The right body with headers that say something else."""
    odd = chance.choice(
        [
            "Content-Type: text/html", "Content-Type: application/json; charset=utf-16",
            "Content-Type: application/json; charset=rot13", "Content-Type: application/json; charset=nonsense",
            "Content-Type: application/json; charset=\xff", "Date: yesterday", "Date: Thu, 01 Jan 1970 00:00:00 GMT",
            "Date: Fri, 31 Dec 9999 23:59:59 GMT", "Date: Mon, 99 Foo 2026 99:99:99 +9999", "ETag: " + "x" * 5000,
            "Date: Mon, 01 Jan 0001 00:00:00 -2359",
            "Link: <>; rel=next", "Link: <http://[::1>; rel=next", "Transfer-Encoding: chunked",
            "Content-Length: 3", "Content-Length: -1", "Content-Length: x", "No colon", "X: " + "y" * 20_000,
        ]
    )  # fmt: skip
    headers = [f"HTTP/1.1 {good.status} X", f"Content-Length: {len(good.body)}", odd]
    return "\r\n".join(headers).encode("latin-1") + b"\r\n\r\n" + good.body


def noise(good: Good, chance: Chance) -> bytes:
    """A few bytes of the answer are others."""
    wire = bytearray(good.wire())
    begin = 0 if chance.random() < 0.3 else len(wire) - len(good.body)
    for _ in range(chance.randint(1, 5)):
        if begin < len(wire):
            wire[chance.randrange(begin, len(wire))] = chance.randrange(256)
    return bytes(wire)


MUTATIONS: tuple[Mutation, ...] = (
    odd_value, odd_value, odd_value, odd_head, odd_head, odd_head, missing, missing, twice, endless,
    another_answer, cut, packed, another_status, redirect, odd_headers, noise,
)  # fmt: skip
