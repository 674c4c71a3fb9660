"""Every way in which a program can go that asks for its chances: a depth-first search over their answers.

The program is run again and again. Wherever chance would decide it asks `Tape.choose`, which first repeats a
given beginning and then answers 0, and notes what else could have been answered. A moment whose state has been
met before is not gone on from: all that follows from it is known or under way.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field


class Met(BaseException):
    """This state has been met before. Not an Exception: nothing in the engine may catch it."""


@dataclass(slots=True)
class Tape:
    """Answers to a program's questions: those of `given`, then 0. `met`: digests of the states in which
    something was asked already, of the whole search."""

    given: tuple[int, ...]
    met: set[bytes]
    answers: list[int] = field(default_factory=list)
    open: list[tuple[int, ...]] = field(default_factory=list)
    over: bool = False

    def choose(self, options: int, state: Callable[[], bytes]) -> int:
        """One of `options` answers, by number. Raises Met at a state that was met before."""
        if self.over:
            raise Met
        if options < 2:
            return 0
        asked = len(self.answers)
        if asked < len(self.given):
            answer = self.given[asked]
        else:
            key = state()
            if key in self.met:
                self.over = True
                raise Met
            self.met.add(key)
            answer = 0
            begun = tuple(self.answers)
            self.open += [(*begun, other) for other in range(options - 1, 0, -1)]
        self.answers.append(answer)
        return answer


def every_way(program: Callable[[Tape], None], met: set[bytes]) -> int:
    """Run the program in every way that leads to a state that isn't in `met`; returns how often it ran.

    The program must do the same whenever it is given the same answers, and let `Met` through.
    """
    beginnings: list[tuple[int, ...]] = [()]
    runs = 0
    while beginnings:
        tape = Tape(beginnings.pop(), met)
        runs += 1
        with suppress(Met):
            program(tape)
        beginnings += tape.open
    return runs
