"""Transformations of a user's own, named `module:name` in the dataflow.

The name is an object with the two methods of a transformation, or a function that makes one from the
arguments. Nothing that it does can harm a run: an exception makes a value Opaque or Unfit, an empty value is
never shown to it, and what it writes is read back before it is believed.
"""

from __future__ import annotations

from instep.core.model import Side
from instep.core.transformations.contract import Arguments, Canon, Lookup, Opaque, Transformation, Unfit
from instep.core.transformations.lens import Junk, Lens
from instep.core.values import Absent, Raw


def own(name: str, found: object, arguments: Arguments) -> Transformation:
    """Raises ValueError if what the name stands for is no transformation and makes none."""
    made = found
    if isinstance(found, type) or not _is_transformation(found):
        if not callable(found):
            raise ValueError(f"{name} is neither an object with canon and put nor a function that makes one")
        try:
            made = found(*arguments.words, **{str(key): value for key, value in arguments.named})
        except Exception as error:
            raise ValueError(f"{name} could not be made: {type(error).__name__}: {error}") from error
    if not _is_transformation(made):
        raise ValueError(f"{name} made {type(made).__name__}, which has no canon and put")
    return _guarded(name, made, arguments)  # type: ignore[arg-type]  # checked a line above


def _is_transformation(found: object) -> bool:
    return callable(getattr(found, "canon", None)) and callable(getattr(found, "put", None))


def _guarded(name: str, inner: Transformation, arguments: Arguments) -> Transformation:
    def reader(side: Side, raw: Raw, lookup: Lookup) -> Canon | Junk:
        try:
            canon = inner.canon(side, raw, lookup)
            hash(canon)
        except Exception as error:  # noqa: BLE001  (a user's code may raise anything)
            return Junk(f"{name} could not read it: {type(error).__name__}")
        return Junk(canon.why) if isinstance(canon, Opaque) else canon

    def writer(side: Side, canon: Canon, old: Raw, lookup: Lookup) -> Raw | Unfit:
        try:
            written = inner.put(side, canon, old, lookup)
        except Exception as error:  # noqa: BLE001  (a user's code may raise anything)
            return Unfit(f"{name} could not write it: {type(error).__name__}", f"correct {name}")
        if isinstance(written, Unfit):
            return written
        count = arguments.fields[side]
        if (
            not isinstance(written, tuple)
            or len(written) != count
            or any(isinstance(value, Absent) for value in written)
        ):
            return Unfit(f"{name} must give a tuple of {count} values to write", f"correct {name}")
        if reader(side, written + old[count:], lookup) != canon:
            return Unfit(f"{name} reads what it wrote as something else", f"correct {name}")
        return written

    return Lens(arguments.fields, reader, writer)
