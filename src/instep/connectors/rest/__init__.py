"""Any ERP with a JSON API, described in YAML alone. `sample_erp.yaml` is a complete description to copy; `examples`
has those of public APIs."""

from instep.connectors.rest.connector import RestConnector
from instep.connectors.rest.description import Description

__all__ = ["Description", "RestConnector"]
