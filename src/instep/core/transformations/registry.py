"""All transformations by name, and how one is built from what a dataflow says.

To add one: copy a module of this package, append its `MAKERS` here, and give it a generator among the tests
of the laws; a test fails until it has one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from instep.core.model import Both
from instep.core.transformations import (
    boolean,
    country,
    currencies,
    dates,
    fill,
    joined,
    lookup,
    money,
    numbers,
    objects,
    phone,
    reference,
    same,
    text,
)
from instep.core.transformations.arguments import did_you_mean, parse
from instep.core.transformations.contract import NO_FIELDS, Arguments, Flow, Maker, Transformation
from instep.core.transformations.own import own

_modules = (
    same,
    text,
    numbers,
    boolean,
    money,
    currencies,
    dates,
    lookup,
    country,
    phone,
    joined,
    reference,
    objects,
    fill,
)

MAKERS: dict[str, Maker] = {maker.name: maker for module in _modules for maker in module.MAKERS}
"""Name -> maker, in the order of the reference page."""

ONE_FIELD = Both(1, 1)

Load = Callable[[str], object]
"""Gives the object that "module:name" names; the core imports nothing of a user's own."""


def build(
    name: str,
    arguments: Arguments,
    fields: Both[int] = ONE_FIELD,
    contexts: Both[int] = NO_FIELDS,
    load: Load | None = None,
    flow: Flow = "both",
) -> Transformation:
    """The transformation that a dataflow names, for that many mapped and context fields per side, in the directions
    that the property has.

    Raises ValueError with a sentence fit for a `Problem` where the name or an argument makes no sense.
    """
    arguments = replace(arguments, fields=fields, contexts=contexts, flow=flow)
    if ":" in name:
        if load is None:
            raise ValueError(f"{name} can't be loaded here")
        return own(name, load(name), arguments)
    maker = MAKERS.get(name)
    if maker is None:
        raise ValueError(f"there is no transformation {name}{did_you_mean(name, MAKERS)}")
    _check_shape(maker, fields, contexts)
    if maker.one_way and flow == "both":
        raise ValueError(f"{name} can't be read back. Make the property one-way: write -> or <- for <->")
    return maker.build(_with_inner(arguments, load) if maker.inner else arguments)


def _with_inner(arguments: Arguments, load: Load | None) -> Arguments:
    """`as=...` built, so that makers need not know the registry."""
    spelled = [value for key, value in arguments.named if key == "as"]
    if not spelled:
        return arguments
    if len(spelled) > 1:
        raise ValueError("as= is given more than once")
    name, inner = parse(str(spelled[0]))
    others = tuple(pair for pair in arguments.named if pair[0] != "as")
    made = build(name, inner, arguments.fields, arguments.contexts, load, arguments.flow)
    return replace(arguments, named=others, inner=made)


def _check_shape(maker: Maker, fields: Both[int], contexts: Both[int]) -> None:
    low, high = sorted(fields)
    if maker.shape == "one" and (low, high) != (1, 1):
        raise ValueError(f"{maker.name} maps one field on each side, not {fields.left} and {fields.right}")
    if maker.shape == "join" and (low != 1 or high < 2):
        raise ValueError(
            f"{maker.name} maps one field on one side and two or more on the other, "
            f"not {fields.left} and {fields.right}"
        )
    if maker.shape == "gather" and low != 1:
        raise ValueError(
            f"{maker.name} makes one field of one or more, and here are {fields.left} and {fields.right}"
        )
    for side, count in (("left", contexts.left), ("right", contexts.right)):
        if count > maker.contexts >= 0:
            raise ValueError(
                f"{maker.name} reads at most {maker.contexts} context fields, not {count} on the {side}"
            )
