"""The SQLite store keeps the store contract, in each of the ways in which it can be opened."""

from pathlib import Path

from instep.store.contract import Store
from instep.store.sqlite import MEMORY, open_store
from instep.testing.store_suite import StoreContract, TransientStoreContract


class TestThreaded(StoreContract):
    async def open(self, directory: Path) -> Store:
        return open_store(directory / "store.sqlite")


class TestInline(StoreContract):
    async def open(self, directory: Path) -> Store:
        return open_store(directory / "store.sqlite", threaded=False)


class TestInlineInMemory(TransientStoreContract):
    async def open(self, directory: Path) -> Store:
        return open_store(MEMORY, threaded=False)


class TestThreadedInMemory(TransientStoreContract):
    async def open(self, directory: Path) -> Store:
        return open_store(MEMORY)
