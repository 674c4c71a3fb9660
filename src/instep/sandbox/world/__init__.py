"""A small company's data in two systems, made from a seed: for the demo, the tests and the benchmark.

`build_world(seed, scale)` gives what each sandbox server's `POST /_console/load` takes, partly overlapping,
and what is true about it. `bulk_customers` and `bulk_contacts` stream as many people as one likes.
"""

from instep.sandbox.world.build import World, build_world
from instep.sandbox.world.bulk import bulk_contacts, bulk_customers

__all__ = ["World", "build_world", "bulk_contacts", "bulk_customers"]
