"""The contract suite for connectors: subclass `ConnectorContract`, fill in the hooks, and run pytest.

    class TestContacts(ConnectorContract):
        entity = "contact"
        ...the hooks of `ConnectorHooks`

Each test is a sentence of `instep.connectors.contract`. It adapts to what the entity declares: what is
declared must hold, and what is declared impossible must raise Unable before any request is sent. So a test
never asks for an ability; a connector that declares too little passes, and is then used for too little.
Needs pytest and pytest-asyncio.
"""

from __future__ import annotations

from instep.testing.connector_hooks import ConnectorHooks
from instep.testing.connector_log import LogContract
from instep.testing.connector_reading import ReadingContract
from instep.testing.connector_writing import WritingContract

__all__ = ["ConnectorContract", "ConnectorHooks"]


class ConnectorContract(ReadingContract, WritingContract, LogContract):
    """Every sentence of the connector contract, for one entity of one connector."""
