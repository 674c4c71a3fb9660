"""The checklist of a dataflow, run against the live systems: with marked records of its own, and no others."""
