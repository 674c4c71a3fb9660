"""Currencies: the codes of ISO 4217, how many decimals each has, and the transformation `currency`.

Source: ISO 4217, active codes and those withdrawn lately, without metals, units of account and
test codes.
"""

from __future__ import annotations

from instep.core.model import Side
from instep.core.transformations.arguments import Given
from instep.core.transformations.contract import Arguments, Canon, Maker, Transformation
from instep.core.transformations.lens import Junk, one, shown
from instep.core.values import Absent, Json

_by_exponent = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
        AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN
        BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP
        GBP GEL GHS GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT
        LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO
        NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS
        SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD
        XCG YER ZAR ZMW ZWG ZWL
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}

EXPONENTS = {code: exponent for exponent, codes in _by_exponent.items() for code in codes.split()}
"""Code -> number of decimals: how many digits the minor unit takes."""


def read_currency(value: object) -> str | Junk:
    """The upper-case code of a currency."""
    code = value.strip().upper() if isinstance(value, str) else ""
    return code if code in EXPONENTS else Junk(f"{shown(value)} is not a currency code of ISO 4217")


def _build(arguments: Arguments) -> Transformation:
    Given("currency", arguments).done()

    def read(_side: Side, value: Json) -> Canon | Junk:
        return None if isinstance(value, str) and not value.strip() else read_currency(value)

    def write(_side: Side, canon: Canon, _old: Json | Absent) -> Json:
        assert isinstance(canon, str)
        return canon

    return one(read, write)


MAKERS = (
    Maker(
        "currency",
        "A currency code of ISO 4217, in any case; written in upper case.",
        _build,
        {},
        "preferred_currency_code <-> currency | currency",
        types=("text",),
    ),
)
