"""The wiring of a site."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Literal

import pytest
from click.testing import CliRunner

from instep import site as site_module
from instep.cli import instep
from instep.cli.sync import full_due
from instep.connectors.contract import Connector
from instep.connectors.memory import MemoryConnector
from instep.connectors.memory_system import MemorySystem
from instep.core.model import Side
from instep.dataflow.systems import System
from instep.errors import ConfigurationError
from instep.site import Kind, Wiring, load_site, now_ms
from instep.store.sqlite import open_store
from tests.cli.company import Company

SECRETS = {"CHARGEBEE_API_KEY": "key-of-chargebee", "ERP_TOKEN": "token-of-the-erp"}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    CliRunner().invoke(instep, ["-C", str(tmp_path), "init"])
    return tmp_path


def edit(path: Path, change: Callable[[str], str]) -> None:
    before = path.read_text()
    path.write_text(change(before))
    assert path.read_text() != before


def test_the_secrets_that_were_read_are_known_so_that_no_message_shows_them(files: Path) -> None:
    assert load_site(files, environ=SECRETS).secrets == set(SECRETS.values())
    assert load_site(files, environ={}, offline=True).secrets == set()


def test_the_store_is_made_only_when_it_is_asked_for(files: Path) -> None:
    found = load_site(files, environ=SECRETS)
    assert found.existing_store() is None
    assert not found.store_path.exists()
    assert found.store is found.store
    assert found.existing_store() is found.store
    asyncio.run(found.close())
    assert found.store_path == files / "instep.sqlite"


def test_a_plan_belongs_to_what_it_was_decided_from_and_not_to_how_it_is_written(files: Path) -> None:
    first = load_site(files, environ=SECRETS).digest
    edit(files / "instep.yaml", lambda text: text.replace("full_every_s: 86400 ", "full_every_s: 3600 "))
    edit(files / "dataflow.yaml", lambda text: "# words\n" + text)
    assert load_site(files, environ=SECRETS).digest == first
    edit(files / "erp.yaml", lambda text: text.replace("max_length: 60", "max_length: 61", 1))
    other = load_site(files, environ=SECRETS).digest
    assert other != first
    edit(files / "dataflow.yaml", lambda text: text.replace("on_delete: hold", "on_delete: retire"))
    assert load_site(files, environ=SECRETS).digest not in (first, other)


def test_a_plan_belongs_to_the_tables_that_it_was_decided_by(files: Path) -> None:
    before = load_site(files, environ=SECRETS).digest
    line = "net_term_days <-> payment_terms_days | integer"
    edit(
        files / "dataflow.yaml",
        lambda text: text.replace(line, line.replace("integer", "lookup(file=t.csv)")),
    )
    (files / "t.csv").write_text("left,right\n14,15\n")
    with_table = load_site(files, environ=SECRETS).digest
    (files / "t.csv").write_text("left,right\n14,16\n")
    assert len({before, with_table, load_site(files, environ=SECRETS).digest}) == 3


def test_an_installed_package_can_offer_a_kind_of_system(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ledger(System):
        kind: Literal["ledger"]
        book: str

    def connect(wiring: Wiring) -> Connector:
        assert isinstance(wiring.system, Ledger)
        assert wiring.side is Side.RIGHT
        return MemoryConnector(wiring.system.book, MemorySystem([], now_ms=now_ms))

    offered = EntryPoint("ledger", "the.package:kind", site_module.ENTRY_POINTS)
    monkeypatch.setattr(EntryPoint, "load", lambda _: Kind(Ledger, connect))
    monkeypatch.setattr(site_module, "entry_points", lambda group: EntryPoints([offered]))

    def right_is_a_ledger(text: str) -> str:
        before, after = text.index("    kind: rest"), text.index("# Everything that Instep knows")
        return text[:before] + "    kind: ledger\n    name: Ledger\n    book: Main book\n\n" + text[after:]

    edit(files / "instep.yaml", right_is_a_ledger)
    assert load_site(files, environ=SECRETS).systems.right == "Main book"
    edit(files / "instep.yaml", lambda text: text.replace("    book: Main book\n", ""))
    with pytest.raises(ConfigurationError, match='"book" is missing'):
        load_site(files, environ=SECRETS)


def test_business_entities_may_stand_in_a_file_of_their_own(files: Path) -> None:
    edit(
        files / "instep.yaml",
        lambda text: text.replace("business_entities: []", "business_entities: entities.yaml"),
    )
    with pytest.raises(ConfigurationError, match=r"entities\.yaml"):
        load_site(files, environ=SECRETS)
    (files / "entities.yaml").write_text("- {id: be_1, name: Acme Norway}\n")
    load_site(files, environ=SECRETS)


def test_a_complete_reading_comes_due_as_the_schedule_says(acme: Company) -> None:
    found = load_site(acme.directory)
    assert not full_due(found, now_ms())
    assert acme.run("sync").exit_code == 0
    assert not full_due(found, now_ms())
    assert full_due(found, now_ms() + 86_400_000)
    asyncio.run(found.close())


def test_two_runs_at_once_are_refused_with_the_name_of_the_first(acme: Company) -> None:
    async def hold_the_lease() -> None:
        store = open_store(acme.directory / "instep.sqlite")
        await store.acquire("the other machine", now_ms(), 60_000)
        command = [sys.executable, "-m", "instep", "-C", str(acme.directory), "sync"]
        sync = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        _, said = await sync.communicate()
        await store.release()
        await store.close()
        assert sync.returncode == 5
        assert b"the other machine" in said

    asyncio.run(hold_the_lease())
    assert acme.run("sync").exit_code == 0
