"""Keeps a Chargebee site and a company's own ERP in step, in both directions."""

__version__ = "0.1.0"
