"""Did you mean: the nearest of some known words to one that is not known."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that a person most likely meant; None if none is near.

    Case, `-` and `_` do not count, nor does a part in front ("address.city" is near "billing_address.city").
    """
    if len(word) > 200:
        return None
    by_key = {_key(candidate): candidate for candidate in sorted(known, reverse=True)}
    key = _key(word)
    if key in by_key:
        return by_key[key]
    close = get_close_matches(key, by_key, n=1, cutoff=0.7)
    if close:
        return by_key[close[0]]
    tails = sorted(
        candidate for candidate in by_key if candidate.rpartition(".")[2] == key.rpartition(".")[2]
    )
    return by_key[tails[0]] if tails else None


def did_you_mean(word: str, known: Iterable[str], *, most: int = 12) -> str:
    """A sentence for the fix of a message: the nearest word, else the whole list if it is short; "" for none."""
    words = sorted(set(known))
    near = nearest(word, words)
    if near is not None:
        return f'did you mean "{near}"?'
    if not words or len(words) > most:
        return ""
    return "use " + ("one of " if len(words) > 1 else "") + ", ".join(words)


def field_hint(path: str, known: Iterable[str]) -> str:
    """The fix for a field that is not known: the nearest, or what there is beside it ("price.SEK" of prices in
    three other currencies is no slip of the pen)."""
    head, dot, tail = path.rpartition(".")
    paths = sorted(set(known))
    beside = [other.rpartition(".")[2] for other in paths if dot and other.rpartition(".")[0] == head]
    if beside and not get_close_matches(_key(tail), map(_key, beside), n=1, cutoff=0.7):
        return f'known in "{head}" are {", ".join(beside[:20])}; what else there is, its system has to be told of'
    return did_you_mean(path, paths)


def _key(word: str) -> str:
    return word.casefold().replace("-", "").replace("_", "").replace(" ", "")
