"""The deciding part: values, transformations, diff, merge, match, policies, plan, explain.

Pure: no I/O, clock, randomness or logging; the same arguments always give the same answer.
"""
