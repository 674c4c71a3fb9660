"""Any ERP that is a database, described in YAML: tables, views and queries as entities.

Needs the extra `sql` (SQLAlchemy and drivers); nothing else of Instep imports this package unasked.
"""

from instep.connectors.sql.connector import SqlConnector
from instep.connectors.sql.description import Description

__all__ = ["Description", "SqlConnector"]
