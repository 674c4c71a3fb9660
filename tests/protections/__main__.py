"""Writes the page anew: python -m tests.protections"""

from __future__ import annotations

from .table import write_page

write_page()
