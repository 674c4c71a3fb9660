"""`instep suggest`: which fields most likely mean the same, and the lines that map them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import click

from instep.cli.files import replace_text
from instep.cli.going import arun, require_pairs
from instep.cli.terminal import Terminal
from instep.core.dataflow import Pair
from instep.core.model import SIDES, Both, Side
from instep.dataflow.build import build, load_function
from instep.dataflow.files import parse_dataflow_file, read_text
from instep.dataflow.suggesting import LEAST, Links, Suggestion, suggest
from instep.dataflow.suggesting.accept import accept
from instep.desk import words
from instep.errors import ConfigurationError, Problem, UsageError
from instep.runner.sampling import Sampled, sample
from instep.site import Site, opened

ALL: Final = "all"
GUESS: Final = 0.4
"""A score below which a suggestion is not worth a look."""


@dataclass(frozen=True)
class Suggested:
    """What was found for one pair: the suggestions, the best first, and the records that they were told from."""

    pair: Pair
    sampled: Sampled
    found: Sequence[Suggestion]


@click.command()
@click.argument("pairs", metavar="[PAIR]...", nargs=-1)
@click.option(
    "--accept", "accepted", multiple=True, metavar="NAME", help="Write it to the dataflow; `all` for all."
)
@click.option(
    "--least",
    default=LEAST,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="The lowest score that is shown.",
)
@click.option(
    "--sample",
    "most",
    default=500,
    show_default=True,
    type=click.IntRange(10, 10_000),
    help="Records read of each.",
)
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON, one pair a line.")
@click.pass_obj
def command(
    terminal: Terminal, pairs: Sequence[str], accepted: Sequence[str], least: float, most: int, as_json: bool
) -> int:
    """Suggest properties for pairs that have none, or for the fields of a named PAIR that are not mapped yet.

    Some records of both systems are read, and those that are the same thing are compared: by their links, or else by
    a value that they share. A score counts how far the values agree beyond chance, and how alike the names are; it is
    between 0 and 1. Nothing is written to a system, and nothing is taken over unless it is accepted:

    \b
      instep suggest                              what could be mapped?
      instep suggest contact --accept email       this one
      instep suggest contact --accept all --least 0.8
    """
    return arun(_suggest(terminal, pairs, accepted, least, most, as_json))


async def _suggest(
    terminal: Terminal, names: Sequence[str], accepted: Sequence[str], least: float, most: int, as_json: bool
) -> int:
    async with opened(terminal.directory) as site:
        terminal.secrets |= site.secrets
        require_pairs(site.dataflow, tuple(names))
        wanted = [
            pair.name for pair in site.dataflow.pairs if pair.name in names or not (names or pair.properties)
        ]
        if not wanted:
            raise UsageError(
                "every pair has properties", fix="name one to look for more: instep suggest PAIR"
            )
        if len(wanted) > 1 and set(accepted) - {ALL}:
            raise UsageError("say of which pair", fix=f"instep suggest {wanted[0]} --accept {accepted[0]}")
        suggested = await _look(terminal, site, wanted, least, most)
        for each in suggested:
            if as_json:
                terminal.json_line(_as_json(each))
            elif not accepted:
                _say(terminal, site, each, least)
        if accepted:
            _accept(terminal, site, suggested, accepted)
        elif not as_json and any(each.found for each in suggested):
            terminal.note("to take one over: instep suggest PAIR --accept NAME")
    return 0


async def _look(
    terminal: Terminal, site: Site, wanted: Sequence[str], least: float, most: int
) -> list[Suggested]:
    """Of the wanted pairs, in the dataflow's order; others are read for the ids that the fields of these may hold."""
    links, suggested = Links(), list[Suggested]()
    store = site.existing_store()
    for pair in site.dataflow.pairs:
        terminal.note(f"reading {pair.name}")
        sampled = await sample(site.connectors, store, pair, most)
        links.known[pair.entity.left, pair.entity.right] = sampled.ids
        if pair.name not in wanted:
            continue
        mapped = Both(_mapped(pair, Side.LEFT), _mapped(pair, Side.RIGHT))
        found = suggest(sampled.entities, sampled.partners, links, mapped, least)
        suggested.append(Suggested(pair, sampled, found))
    return suggested


def _mapped(pair: Pair, side: Side) -> frozenset[str]:
    return frozenset(path for prop in pair.properties for path in prop.parts[side].fields)


# What is told


def _say(terminal: Terminal, site: Site, each: Suggested, least: float) -> None:
    terminal.say(f"{each.pair.name}: {_told_from(site, each)}")
    for one in each.found:
        _say_one(terminal, one, "  ")
    if not each.found:
        terminal.say(f"  {_nothing(each, least)}")


def _nothing(each: Suggested, least: float) -> str:
    if each.pair.properties and least <= LEAST:
        return "every likely field is mapped already"
    lower = f"; lower: --least {GUESS}" if least > GUESS else ""
    return f"nothing is likely enough{lower}"


def _told_from(site: Site, each: Suggested) -> str:
    sampled = each.sampled
    if not sampled.partners:
        return "no records are known to be the same thing, so only names can tell"
    read = " and ".join(f"{sampled.read[side]} of {site.systems[side]}" for side in SIDES)
    how = "linked" if sampled.key is None else f"the same by {sampled.key.left} and {sampled.key.right}"
    return f"{words.counted(len(sampled.partners), 'record')} {how}, of {read}"


def _say_one(terminal: Terminal, one: Suggestion, indent: str) -> None:
    terminal.say(f"{indent}{one.score:.2f}  {one.line}")
    terminal.say(f"{indent}      {evidence(one)}")
    for inner in one.inner:
        _say_one(terminal, inner, f"{indent}      ")


def evidence(one: Suggestion) -> str:
    """Why it is likely, in words."""
    said = [f"{one.agreed} of {one.compared} agree" if one.compared else "no record has both"]
    if one.example.left is not None:
        left, right = (words.values((value,)) for value in one.example)
        said.append(f"as {left} and {right}" if left != right else f"as {left}")
    if one.inner:
        said = [f"by {words.counted(one.compared, 'line')} of records that have as many on both sides"]
    said.append(f"names {round(100 * one.alike)}% alike")
    return ", ".join(said)


def _as_json(each: Suggested) -> dict[str, Any]:
    return {
        "pair": each.pair.name,
        "partners": len(each.sampled.partners),
        "key": None if each.sampled.key is None else [*each.sampled.key],
        "suggestions": [_one_as_json(one) for one in each.found],
    }


def _one_as_json(one: Suggestion) -> dict[str, Any]:
    return {
        "name": one.name,
        "line": one.line,
        "score": round(one.score, 3),
        "agreed": one.agreed,
        "compared": one.compared,
        "names": round(one.alike, 3),
        "example": [*one.example],
        "properties": [_one_as_json(inner) for inner in one.inner],
    }


# What is taken over


def _accept(terminal: Terminal, site: Site, suggested: Sequence[Suggested], names: Sequence[str]) -> None:
    chosen = [(each, _chosen(each, names)) for each in suggested if len(suggested) == 1 or each.found]
    path = site.file.path(site.file.settings.dataflow)
    made = before = read_text(path, what="dataflow")
    for each, some in chosen:
        made = accept(made, str(path), each.pair.name, some, _match(each, some))
    _require_no_worse(site, before, made, str(path))
    replace_text(path, made)
    for each, some in chosen:
        terminal.say(f"{path}: {each.pair.name}: {words.counted(len(some), 'line')} added")
        for one in some:
            terminal.say(f"  {one.line}")
    terminal.note("next: instep check, and instep plan")


def _chosen(each: Suggested, names: Sequence[str]) -> Sequence[Suggestion]:
    by_name: Mapping[str, Suggestion] = {one.name: one for one in each.found}
    unknown = [name for name in names if name != ALL and name not in by_name]
    if unknown or not by_name:
        raise UsageError(
            f"{', '.join(unknown) or ALL} is not among what is suggested for {each.pair.name}",
            why=f"suggested are {', '.join(by_name) or 'none'}",
            fix="nothing was written; a lower --least suggests more",
        )
    chosen = each.found if ALL in names else [by_name[name] for name in dict.fromkeys(names)]
    return sorted(chosen, key=lambda one: one.paths.left)


def _match(each: Suggested, chosen: Sequence[Suggestion]) -> str:
    """The property by which records were found to be the same thing, if the pair matches by nothing so far."""
    key = each.sampled.key
    found = [one for one in chosen if key is not None and one.paths == key.map(lambda path: (path,))]
    return found[0].name if found and not each.pair.match else ""


def _require_no_worse(site: Site, before: str, after: str, file: str) -> None:
    """Raises ConfigurationError with what would be wrong with the new lines; the file is as it was then."""

    def errors(text: str) -> dict[str, Problem]:
        document, model = parse_dataflow_file(text, file)
        changed = replace(site, document=document, dataflow=build(document, model, load_function))
        return {problem.what: problem for problem in changed.problems() if problem.severity == "error"}

    known = errors(before)
    new = [problem for what, problem in errors(after).items() if what not in known]
    if new:
        raise ConfigurationError(new)
