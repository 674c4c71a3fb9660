"""Tryton 8, an open-source ERP, over JSON-RPC."""

from instep.connectors.tryton.connector import TrytonConnector
from instep.connectors.tryton.settings import Settings

__all__ = ["Settings", "TrytonConnector"]
