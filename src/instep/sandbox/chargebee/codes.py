"""Countries (ISO 3166-1 alpha-2, plus XI) and currencies (ISO 4217) that the API accepts, and zip code
shapes.

Source: Chargebee API, "addresses": country must be an ISO 3166-1 alpha-2 code; XI stands for Northern
Ireland.
"""

from __future__ import annotations

import re

_COUNTRIES = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW
BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI
FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN
IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME
MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF
PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV
SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE
YT ZA ZM ZW XI
"""
_CURRENCIES = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF
CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD
HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD
LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK
PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS
TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG
"""

COUNTRIES = frozenset(_COUNTRIES.split())
CURRENCIES = frozenset(_CURRENCIES.split())

# Chargebee says that the length of a zip is validated per country, and not how. These few are safe to hold
# to.
ZIP_SHAPES = {
    "DE": re.compile(r"\d{5}"),
    "FR": re.compile(r"\d{5}"),
    "US": re.compile(r"\d{5}(-?\d{4})?"),
    "NO": re.compile(r"\d{4}"),
    "DK": re.compile(r"\d{4}"),
    "SE": re.compile(r"\d{3} ?\d{2}"),
    "IN": re.compile(r"\d{6}"),
}

# Setting state_code fills in state in these countries (Chargebee API, "addresses"); the larger states are
# named.
_US = """
AZ Arizona, CA California, CO Colorado, FL Florida, GA Georgia, IL Illinois, MA Massachusetts, MI Michigan,
MN Minnesota, NC North Carolina, NJ New Jersey, NV Nevada, NY New York, OH Ohio, OR Oregon, PA Pennsylvania,
TX Texas, UT Utah, VA Virginia, WA Washington, WI Wisconsin
"""
_CANADA = "AB Alberta, BC British Columbia, MB Manitoba, ON Ontario, QC Quebec"
_INDIA = "DL Delhi, KA Karnataka, MH Maharashtra, TN Tamil Nadu, WB West Bengal"
_EMIRATES = "AZ Abu Dhabi, DU Dubai, SH Sharjah"


def _states(text: str) -> dict[str, str]:
    return {each.strip()[:2]: each.strip()[3:] for each in text.split(",")}


STATES = {"US": _states(_US), "CA": _states(_CANADA), "IN": _states(_INDIA), "AE": _states(_EMIRATES)}
