"""The transformations `country` and `language`, each in the spelling that a side wants."""

from __future__ import annotations

import re

from instep.core.model import Both, Side
from instep.core.transformations.arguments import Given
from instep.core.transformations.contract import Arguments, Canon, Maker, Transformation, Unfit
from instep.core.transformations.country_table import COUNTRIES, find_country
from instep.core.transformations.lens import Junk, one, shown
from instep.core.values import Absent, Json

_spellings = ("alpha2", "alpha3", "numeric", "name")
_styles = ("short", "tag", "posix")
_tag = re.compile(
    r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|[0-9]{3}))?(?:\.[\w-]+)?\Z", re.ASCII
)

_tags = """
    ar-SA bg-BG cs-CZ da-DK de-DE el-GR en-US es-ES et-EE fi-FI fr-FR he-IL hi-IN hr-HR hu-HU id-ID
    is-IS it-IT ja-JP ko-KR lt-LT lv-LV ms-MY nb-NO nl-NL nn-NO no-NO pl-PL pt-PT ro-RO ru-RU sk-SK
    sl-SI sv-SE th-TH tr-TR uk-UA vi-VN zh-CN
"""

REGIONS: dict[str, str] = dict(tag.split("-") for tag in _tags.split())
"""Language -> the region that a tag gets where only the language is known."""


def _build_country(arguments: Arguments) -> Transformation:
    given = Given("country", arguments)
    spelling = given.per_side(_spellings, Both("alpha2", "alpha2"))
    given.done()

    def read(_side: Side, value: Json) -> Canon | Junk:
        if isinstance(value, str) and not value.strip():
            return None
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1000:
            value = f"{value:03}"
        found = find_country(value) if isinstance(value, str) else None
        return found.alpha2 if found else Junk(f"{shown(value)} is not a country of ISO 3166")

    def write(side: Side, canon: Canon, old: Json | Absent) -> Json | Unfit:
        assert isinstance(canon, str)
        country = COUNTRIES[canon]
        if spelling[side] == "numeric" and isinstance(old, int):
            return int(country.numeric)
        return {
            "alpha2": country.alpha2,
            "alpha3": country.alpha3,
            "numeric": country.numeric,
            "name": country.name,
        }[spelling[side]]

    return one(read, write)


def _build_language(arguments: Arguments) -> Transformation:
    given = Given("language", arguments)
    style = given.per_side(_styles, Both("short", "short"))
    given.done()
    base_only = "short" in style

    def read(_side: Side, value: Json) -> Canon | Junk:
        if isinstance(value, str) and not value.strip():
            return None
        found = _tag.match(value.strip()) if isinstance(value, str) else None
        if not found:
            return Junk(f"{shown(value)} is not a language, such as nb or nb-NO")
        language, script, region = found.groups()
        if base_only:
            return language.lower()
        return "-".join(
            part for part in (language.lower(), (script or "").title(), (region or "").upper()) if part
        )

    def write(side: Side, canon: Canon, _old: Json | Absent) -> Json | Unfit:
        assert isinstance(canon, str)
        if base_only and style[side] != "short":
            region = REGIONS.get(canon)
            canon = canon if region is None else f"{canon}-{region}"
        return canon.replace("-", "_") if style[side] == "posix" else canon

    return one(read, write)


MAKERS = (
    Maker(
        "country",
        "A country, in the spelling that each side wants; any code or English name is read.",
        _build_country,
        {
            "alpha3": "the right side wants it so; left=... and right=... name both sides",
            "alpha2, alpha3, numeric, name": "NO, NOR, 578, Norway; alpha2 if not said",
        },
        "billing_address.country <-> address.country | country(alpha3)",
        loses="another spelling of the same country is kept and doesn't travel",
        types=("text", "integer"),
    ),
    Maker(
        "language",
        "A language: nb on one side, nb-NO or nb_NO on the other.",
        _build_language,
        {
            "tag": "the right side wants it so; left=... and right=... name both sides",
            "short, tag, posix": "nb, nb-NO, nb_NO; short if not said",
        },
        "locale <-> language | language(posix)",
        loses="the region, where one side has only the language",
        types=("text",),
    ),
)
