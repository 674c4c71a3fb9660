"""As many people as one likes, one at a time: the load of a benchmark.

Record `n` is the same whatever was asked before it, and both functions speak of the same people.
"""

from __future__ import annotations

from collections.abc import Iterator

from instep.sandbox.world.people import computed
from instep.sandbox.world.shapes import Record, contact, customer

BEGIN_S = 1_750_000_000


def bulk_customers(count: int, *, first: int = 0) -> Iterator[Record]:
    """Chargebee customers `bulk-<n>`, three of them changed in each second."""
    for number in range(first, first + count):
        at_s = BEGIN_S + number // 3
        yield customer(computed(number), f"bulk-{number:07d}", at_s, at_s)


def bulk_contacts(count: int, *, first: int = 0) -> Iterator[Record]:
    """ERP contacts of the same people, without a reference to Chargebee."""
    for number in range(first, first + count):
        at_s = BEGIN_S + number // 3
        yield contact(computed(number), at_s, at_s)
