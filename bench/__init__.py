"""Measurements against the real sandbox servers over HTTP: `make bench`. Nothing in the product imports it."""
