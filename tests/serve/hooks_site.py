"""The web application over real HTTP in this process, for a site whose systems don't run: for what asks neither."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from click.testing import CliRunner

from instep.cli import instep
from instep.core.state import Key
from instep.serve.access import access_of
from instep.serve.app import build_app
from instep.serve.live import Live
from instep.serve.serving import listener, serving, url_of
from instep.site import Site, opened

PASSWORD = "a_password_for_webhooks"
ERP_TOKEN = "a_token_for_the_erp_of_the_tests"
TOKENS = {"viewer": "v" * 32, "operator": "o" * 32, "admin": "a" * 32}


@dataclass
class Served:
    url: str
    site: Site
    live: Live
    app: Any
    client: aiohttp.ClientSession

    async def post(self, path: str, **options: Any) -> int:
        """The status of the answer."""
        async with self.client.post(self.url + path, **options) as answer:
            return answer.status

    def marked(self, pair: str) -> set[str]:
        """Ids of the records of a pair that are to be looked at."""
        return {
            todo.key.id
            for todo in self.site.store.read(lambda tx: tx.todo_after(pair, after=0, limit=20_000))
        }

    def is_marked(self, key: Key) -> bool:
        return self.site.store.read(lambda tx: tx.is_todo(key))


def basic(user: str, password: str) -> dict[str, str]:
    """The header of HTTP Basic."""
    return {"Authorization": aiohttp.encode_basic_auth(user, password)}


def write_site(directory: Path) -> None:
    """The files of a site, with every secret in a file."""
    made = CliRunner().invoke(instep, ["-q", "-C", str(directory), "init", "--site", "acme-test"])
    assert made.exit_code == 0, made.output
    for name, secret in (("cb.key", "test_key"), ("hook.key", PASSWORD), ("erp.key", ERP_TOKEN)):
        (directory / name).write_text(secret)
    replace(directory / "instep.yaml", "{env: CHARGEBEE_API_KEY}", "{file: cb.key}")
    replace(
        directory / "instep.yaml",
        "# webhooks: {password: {env: CHARGEBEE_WEBHOOK_PASSWORD}}",
        "webhooks: {password: {file: hook.key}}",
    )
    replace(directory / "erp.yaml", "env:ERP_TOKEN", "file:erp.key")


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


@asynccontextmanager
async def served(directory: Path) -> AsyncIterator[Served]:
    async with opened(directory) as site, aiohttp.ClientSession() as client:
        live = Live(site)
        access = access_of([(token, name, name) for name, token in TOKENS.items()])  # type: ignore[misc]
        app = build_app(site, live, access)
        listening = listener("127.0.0.1", 0)
        async with serving(app, listening):
            yield Served(url_of(listening), site, live, app, client)
