"""Texts of documents as parts of a YAML file."""

from __future__ import annotations

import re

from instep.dataflow import yaml


def plain(text: str) -> str:
    """For a comment: one line of printable characters."""
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split()))[:2_500]


def text(text: str, *, flow: bool = False) -> str:
    """A YAML text, in quotes only where it needs them."""
    safe = r"[A-Za-z_][\w .<>|()=+-]*" if flow else r"[A-Za-z_][\w ,.<>|()=+-]*"
    plainly = re.fullmatch(safe, text, re.ASCII) and yaml.plain(text) == text and not text.endswith(" ")
    return text if plainly else yaml.quoted(text)
