"""The transformations `join`, `names`, `flags` and `template`: several fields on one side, one on the other."""

from __future__ import annotations

import re

from instep.core.model import Side
from instep.core.transformations.arguments import Given
from instep.core.transformations.contract import Arguments, Canon, Lookup, Maker, Transformation, Unfit
from instep.core.transformations.lens import Junk, Lens, offered, shown
from instep.core.transformations.text import read_text
from instep.core.values import Json, Raw

_particles = (
    "af av da das de del della der den di do dos du e el la las le los ten ter van von vom y zu zum zur"
)
PARTICLES = frozenset(_particles.split())
"""What belongs to the family name that it stands before (van der Berg, de la Cruz, von Goethe)."""


def _texts(raw: Raw) -> list[str] | Junk:
    """The texts of fields, empty ones as ""."""
    texts = []
    for value in map(offered, raw):
        text = "" if value is None else read_text(value)
        if isinstance(text, Junk):
            return text
        texts.append(text)
    return texts


def _tidy(text: str, separator: str) -> str:
    """Joined from parts that are neither empty nor padded; again until it stays."""
    while True:
        parts = [part.strip() for part in text.split(separator)]
        joined = separator.join(part for part in parts if part)
        if joined == text:
            return text
        text = joined


def _build_join(arguments: Arguments) -> Transformation:
    given = Given("join", arguments)
    word = given.word()
    given.done()
    separator = " " if word is None else str(word)
    if not separator:
        raise ValueError('join: the separator is empty; write join(" ")')

    def reader(side: Side, raw: Raw, _: Lookup) -> Canon | Junk:
        texts = _texts(raw[: arguments.fields[side]])
        if isinstance(texts, Junk):
            return texts
        return _tidy(separator.join(texts), separator) or None

    def writer(side: Side, canon: Canon, _old: Raw, _: Lookup) -> Raw | Unfit:
        assert isinstance(canon, str)
        count = arguments.fields[side]
        parts: list[str | None] = [*canon.split(separator, count - 1)]
        return tuple(parts + [None] * (count - len(parts)))

    return Lens(arguments.fields, reader, writer)


def split_name(name: str, old_given: str = "", old_family: str = "") -> tuple[str | None, str | None]:
    """(given, family): as the old name is split where that still fits, else by the last word."""
    if old_family and name.endswith(f" {old_family}"):
        return name.removesuffix(f" {old_family}"), old_family
    if old_given and name == old_given:
        return name, None
    rest = name.removeprefix(f"{old_given} ")
    if old_given and rest != name and len(rest.split(" ")) == len(old_family.split(" ")):
        return old_given, rest
    words = name.split(" ")
    family = len(words) - 1
    while family > 1 and words[family - 1].casefold() in PARTICLES:
        family -= 1
    return " ".join(words[:family]) or None, " ".join(words[family:])


def _build_names(arguments: Arguments) -> Transformation:
    Given("names", arguments).done()
    if max(arguments.fields) != 2:
        raise ValueError("names maps two fields, given and family name, to one; see join for more")

    def reader(side: Side, raw: Raw, _: Lookup) -> Canon | Junk:
        texts = _texts(raw[: arguments.fields[side]])
        return texts if isinstance(texts, Junk) else " ".join(" ".join(texts).split()) or None

    def writer(side: Side, canon: Canon, old: Raw, _: Lookup) -> Raw | Unfit:
        assert isinstance(canon, str)
        if arguments.fields[side] == 1:
            return (canon,)
        known = _texts(old[:2])
        known = ["", ""] if isinstance(known, Junk) else [" ".join(text.split()) for text in known]
        return split_name(canon, *known)

    return Lens(arguments.fields, reader, writer)


def _build_flags(arguments: Arguments) -> Transformation:
    given = Given("flags", arguments)
    separator = given.named("separator")
    words: list[str] = []
    while (word := given.word()) is not None:
        words.append(str(word))
    given.done()
    if len(words) != max(arguments.fields) or len(set(words)) != len(words):
        raise ValueError(f"flags: name a word of its own for each of the {max(arguments.fields)} fields")
    between = "," if separator is None else str(separator)
    if not between.strip() or any(between in word for word in words):
        raise ValueError("flags: the separator must not be blank, nor a part of a word")

    def listed(value: Json) -> list[str] | None:
        """The words of a list, or of a text that separates them; None for anything else."""
        if isinstance(value, str):
            return [word.strip() for word in value.split(between) if word.strip()]
        if value is None:
            return []
        texts = value if isinstance(value, list) else [None]
        return [text for text in texts if isinstance(text, str)] if all(map(_is_text, texts)) else None

    def reader(side: Side, raw: Raw, _: Lookup) -> Canon | Junk:
        values = [offered(value) for value in raw[: arguments.fields[side]]]
        if len(values) == 1:
            found = listed(values[0])
            if found is None:
                return Junk(f"{shown(values[0])} is not a list of words")
            return tuple(word for word in words if word in found) or None
        for value in values:
            if not (value is None or isinstance(value, bool)):
                return Junk(f"{shown(value)} is neither true nor false")
        return tuple(word for word, value in zip(words, values, strict=True) if value) or None

    def writer(side: Side, canon: Canon, old: Raw, _: Lookup) -> Raw | Unfit:
        wanted = canon if isinstance(canon, tuple) else ()
        if arguments.fields[side] > 1:
            return tuple(word in wanted for word in words)
        before = offered(old[0])
        known = listed(before) or []
        after: list[Json] = [word for word in known if word not in words or word in wanted]
        after += [word for word in wanted if word not in known]
        if isinstance(before, str) or (separator is not None and not isinstance(before, list)):
            return (between.join(map(str, after)),)
        return (after,)

    return Lens(arguments.fields, reader, writer, reads_empty=True)


_PLACE = re.compile(r"\{([0-9]{1,2})\}")


def _build_template(arguments: Arguments) -> Transformation:
    given = Given("template", arguments)
    pattern = given.word()
    given.done()
    target = Side.RIGHT if arguments.flow == "to-right" else Side.LEFT
    if arguments.fields[target] != 1:
        raise ValueError(f"template: it makes one text, and the {target.value} side has several fields")
    count = arguments.fields[target.other]
    if not isinstance(pattern, str) or not pattern.strip():
        raise ValueError("template: the text is missing; write template('{1}, {2}')")
    places = [int(number) for number in _PLACE.findall(pattern)]
    if re.search(r"[{}]", _PLACE.sub("", pattern)) or not all(1 <= place <= count for place in places):
        raise ValueError(
            f'template: "{pattern}" can\'t be filled. Of braces, it may have {{1}} to {{{count}}}, for the fields'
        )

    def reader(side: Side, raw: Raw, _: Lookup) -> Canon | Junk:
        texts = _texts(raw[: arguments.fields[side]])
        if isinstance(texts, Junk):
            return texts
        made = texts[0] if side is target else _PLACE.sub(lambda at: texts[int(at[1]) - 1], pattern)
        return made.strip() or None

    def writer(side: Side, canon: Canon, _old: Raw, _: Lookup) -> Raw | Unfit:
        if side is target:
            return (str(canon),)
        return Unfit(
            "its text is made from other fields, and can't be taken apart again", "edit those fields instead"
        )

    return Lens(arguments.fields, reader, writer)


def _is_text(value: Json) -> bool:
    return isinstance(value, str)


MAKERS: tuple[Maker, ...] = (
    Maker(
        "join",
        "Several texts on one side, one on the other, with a separator between them.",
        _build_join,
        {'" "': "what stands between them; a blank if not said"},
        "line1, line2 <-> street | join(', ')",
        loses="which field a part was in, where the joined text is the same",
        types=("text", "integer"),
        shape="join",
    ),
    Maker(
        "names",
        "Given and family name on one side, the full name on the other.",
        _build_names,
        {},
        "first_name, last_name <-> name | names",
        loses="where the name is split: a changed one by its last word, with particles such as van or de",
        types=("text",),
        shape="join",
    ),
    Maker(
        "flags",
        "Several yes-or-no fields on one side, a list of words on the other.",
        _build_flags,
        {
            "WORD, WORD": "the word in the list for each field, in the order of the fields",
            "separator=,": "what stands between the words where the list is a text",
        },
        "newsletter, offers <-> tags | flags(newsletter, offers)",
        loses="whether a field was empty or false; words that no field stands for are kept",
        types=("boolean", "list", "text"),
        shape="join",
    ),
    Maker(
        "template",
        "A text made from one or more fields, one way only.",
        _build_template,
        {"'TEXT'": "the text, with {1} for the first field, {2} for the second"},
        "first_name, company -> label | template('{1} ({2})')",
        loses="everything but the text: it never travels back",
        types=("text", "integer"),
        shape="gather",
        one_way=True,
    ),
)
