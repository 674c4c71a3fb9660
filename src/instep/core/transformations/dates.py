"""The transformations `timestamp` and `date`: points in time and days, in each side's spelling.

Where both sides can say an instant, the canonical value is that instant in milliseconds, cut to the coarser
resolution of the two; where one can only say a day, it is the day in the zone, as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_FLOOR
from zoneinfo import ZoneInfo

from instep.core.model import Both, Side
from instep.core.transformations.arguments import Given, did_you_mean
from instep.core.transformations.contract import Arguments, Canon, Maker, Transformation, Unfit
from instep.core.transformations.lens import Junk, one, shown
from instep.core.transformations.numbers import read_number, shifted
from instep.core.values import Absent, Json

KINDS = {
    "seconds": "integer seconds since 1970 in UTC",
    "milliseconds": "integer milliseconds since 1970 in UTC",
    "iso": "2024-05-17T09:30:00Z; without an offset it is read in the zone",
    "local": "2024-05-17T09:30:00, always in the zone",
    "date": "2024-05-17",
}
_epoch = datetime(1970, 1, 1)  # noqa: DTZ001  (wall-clock arithmetic; offsets are applied by hand)
_millisecond = timedelta(milliseconds=1)
_first_ms, _last_ms = -62_135_596_800_000, 253_402_300_799_999  # the years 1 to 9999
_day = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})\Z")
_moment = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?"
    r"\s*(?:([Zz])|([+-])([0-9]{2}):?([0-9]{2})?)?\Z"
)


def _read_day(text: str) -> date | None:
    found = _day.match(text)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


def _instant(wall: datetime, zone: ZoneInfo | timezone) -> int:
    """Milliseconds since 1970 of a wall-clock time; the earlier one where the clock shows it twice."""
    offset = zone.utcoffset(wall) or timedelta()
    return (wall - _epoch) // _millisecond - offset // _millisecond


def _wall(instant_ms: int, zone: ZoneInfo) -> datetime:
    """The wall-clock time of an instant. Raises OverflowError outside the years 1 to 9999."""
    return (
        (_epoch + instant_ms * _millisecond).replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None, fold=0)
    )


def _read_moment(text: str, zone: ZoneInfo) -> int | None:
    day = _read_day(text)
    if day is not None:
        return _instant(datetime(day.year, day.month, day.day), zone)  # noqa: DTZ001
    found = _moment.match(text)
    if not found:
        return None
    on, hour, minute, second, fraction, utc, sign, hours, minutes = found.groups()
    day = _read_day(on)
    try:
        if day is None:
            return None
        micro = int((fraction or "0").ljust(6, "0")[:6])
        wall = datetime(  # noqa: DTZ001
            day.year, day.month, day.day, int(hour), int(minute), int(second or 0), micro
        )
        if not (utc or sign):
            return _instant(wall, zone)
        offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        return _instant(wall, timezone(-offset if sign == "-" else offset))
    except ValueError:
        return None


class _Pattern:
    """A day spelled to a pattern such as DD.MM.YYYY."""

    def __init__(self, pattern: str) -> None:
        self._form = re.sub(
            "YYYY|MM|DD", lambda found: {"Y": "%Y", "M": "%m", "D": "%d"}[found[0][0]], pattern
        )
        groups = {"Y": "(?P<y>[0-9]{4})", "M": "(?P<m>[0-9]{2})", "D": "(?P<d>[0-9]{2})"}
        self._pattern = re.compile(
            re.sub("YYYY|MM|DD", lambda found: groups[found[0][0]], re.escape(pattern)) + r"\Z"
        )

    def read(self, text: str) -> date | None:
        found = self._pattern.match(text)
        return _read_day(f"{found['y']}-{found['m']}-{found['d']}") if found else None

    def write(self, day: date) -> str:
        texts = {"%Y": f"{day.year:04}", "%m": f"{day.month:02}", "%d": f"{day.day:02}"}
        return re.sub("%[Ymd]", lambda found: texts[found[0]], self._form)


def _kind(of: str, side: Side, word: str) -> str | _Pattern:
    if word in KINDS:
        return word
    if sorted(re.findall("YYYY|MM|DD", word)) == ["DD", "MM", "YYYY"] and "%" not in word:
        return _Pattern(word)
    raise ValueError(f'{of}: {side.value} can\'t be "{word}"{did_you_mean(word, [*KINDS, "DD.MM.YYYY"])}')


def _maker(of: str, usual: Both[str]) -> Callable[[Arguments], Transformation]:
    def build(arguments: Arguments) -> Transformation:
        given = Given(of, arguments)
        zone_name = given.named("zone")
        alone = given.word()
        left, right = given.named("left"), given.named("right")
        given.done()
        words = Both(str(left or usual.left), str(right or alone or usual.right))
        kinds: Both[str | _Pattern] = Both.of(lambda side: _kind(of, side, words[side]))
        return _between(kinds, _zone(of, "UTC" if zone_name is None else str(zone_name)))

    return build


def _zone(of: str, name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f'{of}: there is no time zone "{name}"; write one such as Europe/Oslo') from error


def _between(kinds: Both[str | _Pattern], zone: ZoneInfo) -> Transformation:
    by_day = any(kind == "date" or isinstance(kind, _Pattern) for kind in kinds)
    step_ms = 1000 if "seconds" in kinds or "local" in kinds else 1

    def settle(instant_ms: int) -> Canon | Junk:
        try:
            wall = _wall(instant_ms, zone)
            if by_day:
                return wall.date().isoformat()
            if "local" in kinds:
                instant_ms = _instant(wall, zone)
            cut = instant_ms // step_ms * step_ms
            return cut if _first_ms <= cut <= _last_ms else Junk("the time is before the year 1")
        except (OverflowError, ValueError):
            return Junk("the time is outside the years 1 to 9999")

    def read_instant(side: Side, value: Json) -> int | Junk:
        kind = kinds[side]
        if kind in ("seconds", "milliseconds"):
            number = read_number(value)
            if isinstance(number, Junk):
                return Junk(f"{shown(value)} is not a number of {kind}")
            number = shifted(number, 3 if kind == "seconds" else 0)
            return int(number.to_integral_value(ROUND_FLOOR))
        found = _read_moment(value.strip(), zone) if isinstance(value, str) else None
        return Junk(f"{shown(value)} is not a date and time of ISO 8601") if found is None else found

    def read(side: Side, value: Json) -> Canon | Junk:
        if isinstance(value, str) and not value.strip():
            return None
        kind = kinds[side]
        if kind == "date" or isinstance(kind, _Pattern):
            text = value.strip() if isinstance(value, str) else ""
            day = kind.read(text) if isinstance(kind, _Pattern) else _read_day(text)
            return Junk(f"{shown(value)} is not a date of that form") if day is None else day.isoformat()
        instant_ms = read_instant(side, value)
        if isinstance(instant_ms, Junk):
            return instant_ms
        if not _first_ms <= instant_ms <= _last_ms:
            return Junk("the time is outside the years 1 to 9999")
        return settle(instant_ms)

    def spelled(kind: str | _Pattern, canon: Canon) -> Json:
        if by_day:
            assert isinstance(canon, str)
            day = date.fromisoformat(canon)
            if isinstance(kind, _Pattern):
                return kind.write(day)
            if kind == "date":
                return canon
            canon = _instant(datetime(day.year, day.month, day.day), zone)  # noqa: DTZ001
        assert isinstance(canon, int)
        if kind == "seconds":
            return canon // 1000
        if kind == "milliseconds":
            return canon
        wall = _wall(canon, zone) if kind == "local" else _epoch + canon * _millisecond
        text = wall.isoformat(timespec="milliseconds" if canon % 1000 else "seconds")
        return text if kind == "local" else text + "Z"

    def write(side: Side, canon: Canon, old: Json | Absent) -> Json | Unfit:
        try:
            written = spelled(kinds[side], canon)
        except (OverflowError, ValueError):
            written = None
        if written is None or read(side, written) != canon:
            return Unfit(f"the {side.value} side can't say {shown(str(canon))} in {zone.key}")
        return str(written) if isinstance(old, str) and old and isinstance(written, int) else written

    return one(read, write)


_arguments = {
    "left=KIND, right=KIND": "; ".join(f"{kind}: {meaning}" for kind, meaning in KINDS.items()),
    "left=DD.MM.YYYY": "a day in a spelling of its own, of YYYY, MM and DD",
    "KIND": "the right side's kind",
    "zone=Europe/Oslo": "where days begin, and what a time without an offset means; UTC if not said",
}

MAKERS = (
    Maker(
        "timestamp",
        "A point in time: seconds since 1970 on one side, ISO 8601 text or a day on the other.",
        _maker("timestamp", Both("seconds", "iso")),
        _arguments,
        "order_date <-> ordered_on | timestamp(date, zone=Europe/Oslo)",
        loses="what the coarser side can't say, such as the time of a day; it is kept where it is",
        types=("timestamp", "datetime", "date", "integer", "text"),
    ),
    Maker(
        "date",
        "A day without a time.",
        _maker("date", Both("date", "date")),
        _arguments,
        'delivery_date <-> deliver_on | date(right="DD.MM.YYYY")',
        loses="the time of the day, where one side has it",
        types=("date", "text", "timestamp", "datetime", "integer"),
    ),
)
