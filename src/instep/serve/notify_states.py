"""What needs a person, as states that begin and end; told once when they do. Pure: no clock, no network.

No value of a record is in any sentence, nor an id: counts, pairs, causes and systems alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from instep.core.model import Both, Side
from instep.core.phrases import counted
from instep.desk.standing import Standing

CALM_MS: Final = 60_000
"""A state is over when it has been so for this long; what comes and goes by the second is told once."""


@dataclass(frozen=True, slots=True)
class State:
    """Something that a person has to see to, or to know. `after_ms`: how long it lasts before it is told of."""

    key: str
    what: str
    over: str
    after_ms: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of a state: since when it lasts, since when it is gone (0: it is not), whether it was told
    of, and the sentence for when it is over."""

    since_ms: int
    over: str
    told: bool = False
    gone_ms: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """A state that has begun, or is over, and the sentence that says so."""

    key: str
    begins: bool
    text: str


def states(
    stands: Mapping[str, Standing],
    troubles: Mapping[str, str],
    systems: Both[str],
    *,
    stalled: bool,
    after_ms: int,
) -> list[State]:
    """Everything that needs a person now. `troubles`: as `Now` has them, by "side:entity", pair or "store"."""
    found = [state for pair, stand in stands.items() for state in _of_pair(pair, stand)]
    found += [state for side in Side if (state := _of_system(side, systems[side], troubles, after_ms))]
    for pair in sorted(set(troubles) & set(stands)):
        found.append(
            State(
                f"refused:{pair}",
                f"{pair}: a system refuses to be written to until a person sees to it.",
                f"{pair}: writes are taken again.",
                after_ms,
            )
        )
    if "store" in troubles:
        found.append(State("store", "The store can't be used.", "The store can be used again.", after_ms))
    if stalled:
        found.append(State("loop", "The loop stands still.", "The loop goes on again."))
    return found


def _of_pair(pair: str, stand: Standing) -> Iterator[State]:
    for cause, count in sorted(stand.held.items()):
        if cause == "brake" and count:
            yield State(
                f"brake:{pair}",
                f"{pair}: a brake has stopped changes until a person lets them go or drops them.",
                f"{pair}: no brake stops changes any more.",
            )
        elif cause != "reference" and count:
            yield State(
                f"held:{pair}:{cause}",
                f"{pair}: {counted(count, 'hold')} ({cause}) for a person.",
                f"{pair}: no hold ({cause}) is left.",
            )
    if stand.failing:
        what = f"{pair}: {counted(stand.failing, 'record fails', 'records fail')}; each is tried again."
        yield State(f"failing:{pair}", what, f"{pair}: no record fails any more.")


def _of_system(side: Side, name: str, troubles: Mapping[str, str], after_ms: int) -> State | None:
    entities = sorted(key.partition(":")[2] for key in troubles if key.startswith(f"{side}:"))
    if not entities:
        return None
    # The first line says what could not be done; what the system said about it may hold anything.
    said = troubles[f"{side}:{entities[0]}"].partition("\n")[0]
    what = f"{name} can't be read ({', '.join(entities)}): {said}."
    return State(f"system:{side}", what, f"{name} can be read again.", after_ms)


def weigh(
    known: Mapping[str, Known], found: list[State], now_ms: int
) -> tuple[dict[str, Known], list[Change]]:
    """What is to be remembered from now on, and what is to be told."""
    left: dict[str, Known] = {}
    changes: list[Change] = []
    for state in found:
        before = known.get(state.key) or Known(now_ms, state.over)
        told = before.told or now_ms - before.since_ms >= state.after_ms
        if told and not before.told:
            changes.append(Change(state.key, True, state.what))
        left[state.key] = Known(before.since_ms, state.over, told)
    for key, before in known.items():
        if key in left or not before.told:
            continue
        gone_ms = before.gone_ms or now_ms
        if now_ms - gone_ms >= CALM_MS:
            changes.append(Change(key, False, before.over))
        else:
            left[key] = replace(before, gone_ms=gone_ms)
    return left, changes
