"""A transformation of a user's own, for the tests: it adds `step` on the way to the right."""

from __future__ import annotations

from instep.core.model import Side
from instep.core.transformations.contract import Canon, Lookup, Unfit
from instep.core.values import Raw


class Shifted:
    def __init__(self, step: int = 1) -> None:
        self.step = step

    def canon(self, side: Side, raw: Raw, lookup: Lookup) -> Canon:
        value = raw[0]
        assert isinstance(value, int)
        return value if side is Side.LEFT else value - self.step

    def put(self, side: Side, canon: Canon, old: Raw, lookup: Lookup) -> Raw | Unfit:
        assert isinstance(canon, int)
        return (canon if side is Side.LEFT else canon + self.step,)


not_a_transformation = 5
