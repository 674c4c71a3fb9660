"""The contract suite for stores: subclass `StoreContract`, say how to open one, and run pytest.

    class TestMyStore(StoreContract):
        async def open(self, directory):
            return open_my_store(directory / "store")

Each test is a sentence of `instep.store.contract`. A store that ends when it is closed (in memory) takes
`TransientStoreContract`, which leaves out what survives. Needs pytest and pytest-asyncio.
"""

from __future__ import annotations

from instep.testing.store_history import HistoryContract
from instep.testing.store_hooks import StoreHooks
from instep.testing.store_records import RecordsContract
from instep.testing.store_transactions import DurableContract, TransactionContract
from instep.testing.store_work import WorkContract

__all__ = ["StoreContract", "StoreHooks", "TransientStoreContract"]


class TransientStoreContract(RecordsContract, WorkContract, HistoryContract, TransactionContract):
    """Every sentence of the store contract that makes sense for a store in memory."""


class StoreContract(TransientStoreContract, DurableContract):
    """Every sentence of the store contract."""
