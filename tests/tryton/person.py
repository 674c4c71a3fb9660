"""Somebody who works in Tryton: a client of its own, which shares nothing with the connector."""

from __future__ import annotations

import base64
import json
import urllib.request
from decimal import Decimal
from typing import Any

from instep.sandbox.tryton import Tryton
from instep.sandbox.tryton.server import DATABASE


class Person:
    """Logged in as `login`. A call that Tryton refuses is an AssertionError with what it said."""

    def __init__(self, tryton: Tryton, login: str = "person") -> None:
        self._url = f"{tryton.url}/{DATABASE}/rpc/"
        self._headers = {"Content-Type": "application/json"}
        self._context: dict[str, Any] = {}
        password = tryton.installation.password(login)
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
        request = urllib.request.Request(self._url, body, self._headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            content = answer.read()
        told = json.loads(content)
        assert "error" not in told, told["error"]
        return told["result"]


def _encoded(value: object) -> dict[str, str]:
    assert isinstance(value, Decimal)
    return {"__class__": "Decimal", "decimal": str(value)}
