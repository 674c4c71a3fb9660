"""A faithful emulator of the parts of Chargebee API v2 (Product Catalog 2.0) that Instep uses.

Start with `server` (how it is put together) and `routes` (which call is which); what it does not reproduce is
the first thing that the README says.
"""

from .fields import CustomField
from .server import build_app, create_app
from .site import ApiKey, Settings, Site

__all__ = ["ApiKey", "CustomField", "Settings", "Site", "build_app", "create_app"]
