"""Somebody who works in Tryton: a client of its own, which shares nothing with the connector."""

from __future__ import annotations

import base64
import json
import urllib.request
from datetime import date
from decimal import Decimal
from typing import Any

from instep.sandbox.launch import SandboxError
from instep.sandbox.tryton.server import DATABASE


class Person:
    """Logged in as `login`. A call that Tryton refuses is a SandboxError with what it said."""

    def __init__(self, url: str, login: str, password: str) -> None:
        self._url = f"{url}/{DATABASE}/rpc/"
        self._headers = {"Content-Type": "application/json"}
        self._context: dict[str, Any] = {}
        user, token, *_ = self._post("common.db.login", [login, {"password": password}, "en"])
        session = base64.b64encode(f"{login}:{user}:{token}".encode()).decode()
        self._headers["Authorization"] = f"Session {session}"
        self._context = {**self.call("res.user", "get_preferences", True), "active_test": False}

    def call(self, model: str, method: str, *args: Any) -> Any:
        return self._post(f"model.{model}.{method}", [*args, self._context])

    def find(self, model: str, domain: list[Any], fields: list[str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call(
            model, "search_read", domain, 0, None, [["id", "ASC"]], fields
        )
        return found

    def only(self, model: str, domain: list[Any]) -> int:
        (row,) = self.find(model, domain, ["id"])
        return int(row["id"])

    def new(self, model: str, **values: Any) -> int:
        (id,) = self.call(model, "create", [values])
        return int(id)

    def write(self, model: str, id: int, **values: Any) -> None:
        self.call(model, "write", [id], values)

    def delete(self, model: str, ids: list[int]) -> None:
        self.call(model, "delete", ids)

    def _post(self, method: str, params: list[Any]) -> Any:
        body = json.dumps({"id": 1, "method": method, "params": params}, default=_encoded).encode()
        request = urllib.request.Request(self._url, body, self._headers)  # noqa: S310 - our own server
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310 - as above
                told = json.loads(answer.read())
        except OSError as error:
            raise SandboxError(f"Tryton did not answer {method}\n  why: {error}") from None
        if "error" in told:
            raise SandboxError(f"Tryton refused {method}\n  why: {told['error']}")
        return told["result"]


def _encoded(value: object) -> dict[str, Any]:
    if isinstance(value, date):
        return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    raise TypeError(type(value).__name__)
