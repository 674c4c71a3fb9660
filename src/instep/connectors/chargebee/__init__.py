"""The connector for a Chargebee site (API v2, Product Catalog 2.0).

Reading order: `connector` (what the engine sees), `schema` (what each entity can do), `resource` and
`listing` (how records are read), then one module per entity. To add a field: a row in `schema`. To add an
entity: its `Entity` in `schema`, a subclass of `Resource`, and a line in `connector`.
"""

from instep.connectors.chargebee.connector import ChargebeeConnector
from instep.connectors.chargebee.settings import BusinessEntity, PriceTerm, Settings

__all__ = ["BusinessEntity", "ChargebeeConnector", "PriceTerm", "Settings"]
