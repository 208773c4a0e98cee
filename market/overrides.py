"""Days on which exchange_calendars 4.13.2 is wrong, and who says so. What does not belong here: asking (`market.calendars`).

An expected day follows from a law or another authority's date; no notice of the exchange was seen. Strike `is_expected` once there
is one. A day that turns out otherwise is loud: prices on a closed day, or nothing on a session that is due, block the release.
"""

from dataclasses import dataclass
from datetime import date, time
from typing import Literal


@dataclass(frozen=True)
class Override:
    """One day on which the library's calendar is wrong, and who says so.

    Parameters
    ----------
    kind : `closed`, or `late_open`: a session at other hours.
    opens, closes : those hours, local to the exchange.
    is_expected : True where the exchange itself has not said so yet.
    """

    exchange: str
    day: date
    kind: Literal["closed", "late_open"]
    reason: str
    source: str
    is_expected: bool = False
    opens: time | None = None
    closes: time | None = None


_KRX_LIST = "KRX closure list, retrieved 2026-08-22"
_HOLIDAYS = "Public Holidays Act as amended in 2026, with its substitute days (Nager.Date#972, vacanza/holidays#3700)"


def _closed(day: date, reason: str, source: str, *, is_expected: bool = False) -> Override:
    return Override("XKRX", day, "closed", reason, source, is_expected)


def _exam_day(day: date, source: str, *, is_expected: bool = False) -> Override:
    """The library models the days of the college entrance exam (CSAT) through 2020 only."""
    return Override("XKRX", day, "late_open", "college entrance exam", source, is_expected, time(10), time(16, 30))


OVERRIDES: tuple[Override, ...] = (
    _exam_day(date(2021, 11, 18), "KRX, 2021-11-04 (donga.com 110076830)"),
    _exam_day(date(2022, 11, 17), "KRX, 2022-11-03 (biz.newdaily.co.kr 2022110300074)"),
    _exam_day(date(2023, 11, 16), "KRX, 2023-11-02 (etoday.co.kr 2298674)"),
    _exam_day(date(2024, 11, 14), "KRX, 2024-10-31 (khan.co.kr 202410311029001)"),
    _exam_day(date(2025, 11, 13), "KRX, 2025-10-30 (ajunews.com 20251030175930009)"),
    _closed(date(2026, 6, 3), "local elections", _KRX_LIST),
    _closed(date(2026, 7, 17), "Constitution Day", _KRX_LIST),
    _exam_day(date(2026, 11, 19), "date of the exam: Ministry of Education, 2024-08-16", is_expected=True),
    _closed(date(2027, 5, 3), "substitute for Labour Day, a Saturday", _HOLIDAYS, is_expected=True),
    _closed(date(2027, 7, 19), "substitute for Constitution Day, a Saturday", _HOLIDAYS, is_expected=True),
    _exam_day(date(2027, 11, 18), "date of the exam: Ministry of Education, 2025-05-30", is_expected=True),
)
