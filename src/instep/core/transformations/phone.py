"""The transformation `phone`: the same number, however it is written.

Two numbers are the same if their digits in international form (E.164) are. A local number is completed with
the calling code of a country: one for all records, or that of the record. Sources: ITU-T E.164 (codes, at
most 15 digits), ITU-T E.123 (what may stand between the digits), ITU-T "Dialling procedures" (trunk
prefixes).
"""

from __future__ import annotations

import re

from instep.core.model import Side
from instep.core.transformations.arguments import Given
from instep.core.transformations.contract import Arguments, Canon, Lookup, Maker, Transformation, Unfit
from instep.core.transformations.country_table import Country, find_country
from instep.core.transformations.lens import Junk, Lens, offered, shown
from instep.core.transformations.text import read_text
from instep.core.values import Json, Raw

_codes = """
1:US CA PR DO JM TT BS BB BM KY LC GD AG  7:RU KZ  20:EG  27:ZA  30:GR  31:NL  32:BE  33:FR
34:ES  36:HU  39:IT VA  40:RO  41:CH  43:AT  44:GB GG JE IM  45:DK  46:SE  47:NO SJ  48:PL  49:DE
51:PE  52:MX  53:CU  54:AR  55:BR  56:CL  57:CO  58:VE  60:MY  61:AU  62:ID  63:PH  64:NZ  65:SG
66:TH  81:JP  82:KR  84:VN  86:CN  90:TR  91:IN  92:PK  93:AF  94:LK  95:MM  98:IR  212:MA  213:DZ
216:TN  218:LY  221:SN  225:CI  230:MU  233:GH  234:NG  237:CM  250:RW  251:ET  254:KE  255:TZ
256:UG  258:MZ  260:ZM  261:MG  262:RE  263:ZW  264:NA  267:BW  297:AW  298:FO  299:GL  350:GI
351:PT  352:LU  353:IE  354:IS  355:AL  356:MT  357:CY  358:FI AX  359:BG  370:LT  371:LV  372:EE
373:MD  374:AM  375:BY  376:AD  377:MC  378:SM  380:UA  381:RS  382:ME  383:XK  385:HR  386:SI
387:BA  389:MK  420:CZ  421:SK  423:LI  500:FK  501:BZ  502:GT  503:SV  504:HN  505:NI  506:CR
507:PA  509:HT  590:GP  591:BO  592:GY  593:EC  594:GF  595:PY  596:MQ  597:SR  598:UY  673:BN
675:PG  679:FJ  687:NC  689:PF  850:KP  852:HK  853:MO  855:KH  856:LA  880:BD  886:TW  960:MV
961:LB  962:JO  963:SY  964:IQ  965:KW  966:SA  967:YE  968:OM  971:AE  972:IL  973:BH  974:QA
975:BT  976:MN  977:NP  992:TJ  993:TM  994:AZ  995:GE  996:KG  998:UZ
"""

CALLING_CODES: dict[str, str] = {
    country: code
    for code, countries in re.findall(r"(\d+):((?:[A-Z]{2} ?)+)", _codes)
    for country in countries.split()
}
"""Alpha-2 code -> calling code, without the plus."""

_trunks = {"RU": "8", "KZ": "8", "BY": "8", "HU": "06"}
_no_trunk = "NO SJ DK FO GL IS ES PT IT VA SM LU CZ PL GR CY MT EE LV MC AD HK MO SG QA KW BH OM MX CL CO CI"
_between = re.compile(r"[\s().\-/\u00a0\u2010-\u2015\u202a-\u202e\u2060]+")
_extension = re.compile(r"(?:ext\.?|x|#)\s*([0-9]{1,8})\Z", re.IGNORECASE)


def _trunk(country: str) -> str:
    """What is dialled before a national number and left out after the calling code."""
    if country in _no_trunk.split():
        return ""
    return "1" if CALLING_CODES[country] == "1" else _trunks.get(country, "0")


def digits_of(text: str, country: str) -> str | Junk:
    """ "+4722334455" for "22 33 44 55" in Norway; local digits alone where no country is known."""
    text = text.strip()
    extension = ""
    found = _extension.search(text)
    if found:
        extension, text = f" ext. {found[1]}", text[: found.start()]
    bare = _between.sub("", text.removeprefix("tel:"))
    international = bare.startswith(("+", "00"))
    if international:
        bare = _between.sub("", text.removeprefix("tel:").replace("(0)", ""))
        bare = bare.removeprefix("+") if bare.startswith("+") else bare.removeprefix("00")
    if not (bare.isascii() and bare.isdigit()):
        return Junk(f"{shown(text)} is not a phone number")
    if not international and country:
        code, trunk = CALLING_CODES[country], _trunk(country)
        bare = code + (bare.removeprefix(trunk) if trunk else bare)
        international = True
    if not 3 <= len(bare) <= 15:
        return Junk(f"{shown(text)} has {len(bare)} digits; a phone number has 3 to 15")
    return ("+" if international else "") + bare + extension


def _country(word: Json) -> Country | None:
    return find_country(word) if isinstance(word, str) else None


def _build(arguments: Arguments) -> Transformation:
    given = Given("phone", arguments)
    word = given.word()
    given.done()
    fallback = ""
    if word is not None:
        found = _country(str(word))
        if not found or found.alpha2 not in CALLING_CODES:
            raise ValueError(
                f"phone: no calling code is known for {shown(str(word))}; name a country, phone(NO)"
            )
        fallback = found.alpha2

    def home(side: Side, raw: Raw) -> str:
        here = _country(offered(raw[1])) if arguments.contexts[side] else None
        return here.alpha2 if here and here.alpha2 in CALLING_CODES else fallback

    def reader(side: Side, raw: Raw, _: Lookup) -> Canon | Junk:
        text = read_text(offered(raw[0]))
        if isinstance(text, Junk):
            return text
        return digits_of(text, home(side, raw)) if text.strip() else None

    def writer(side: Side, canon: Canon, old: Raw, _: Lookup) -> Raw | Unfit:
        assert isinstance(canon, str)
        if digits_of(canon, home(side, old)) == canon:
            return (canon,)
        return Unfit(
            f"{shown(canon)} has no calling code, and the {side.value} side would add one",
            "name the country of local numbers for both sides: phone(NO)",
        )

    return Lens(arguments.fields, reader, writer)


MAKERS = (
    Maker(
        "phone",
        "A phone number, compared by its digits in international form; an old spelling of it stays.",
        _build,
        {
            "COUNTRY": "where a number without a calling code is at home; a context field that "
            "holds the record's country goes before it",
        },
        "phone <-> phone | phone(NO)",
        loses="how the number was spaced",
        types=("text", "integer"),
        contexts=1,
    ),
)
