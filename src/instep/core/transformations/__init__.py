"""Two-way functions on values, by name.

Reading order: contract (what they are, the laws), lens (the frame of each), same and money (two of them),
registry (all of them, and how one is built from a dataflow's words).
"""
