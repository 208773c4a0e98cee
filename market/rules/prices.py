"""Lines on prices: ticks, limits of the day, the first day of a listing, liquidation trading.

They are those of shares, and the ticks of ETFs; ETNs have the same ticks by the same announcements. ELWs are not here.
"""

import math
from collections.abc import Mapping
from datetime import date

from market.rules.line import BOARDS, ETF, FIRST, Line, Range, Rule, constant, lines

RULES: Mapping[str, Rule] = {
    "tick_size": Rule("Smallest step of an order's price, by that price.", "KRW"),
    "mid_price_orders": Rule(
        "A mid-price order trades half-way between best bid and offer, so a trade may be off the ticks by this part of one "
        "(cut to whole won).",
        "tick",
    ),
    "price_limit": Rule("How far a price may go from the base price, up and down.", "bp"),
    "first_day_opening": Rule(
        "Opening price of a new listing, of its offer; the limits then count from that opening.", "bp"
    ),
    "first_day_limit": Rule("Prices on the first day of a new listing, of its offer.", "bp"),
    "liquidation_limit": Rule("Prices in liquidation trading before a delisting.", "bp"),
}

_TICKS_2010_KOSPI = ((5e3, 5), (1e4, 10), (5e4, 50), (1e5, 100), (5e5, 500), (math.inf, 1000))
_TICKS_2010_KOSDAQ = ((5e3, 5), (1e4, 10), (5e4, 50), (math.inf, 100))
_TICKS_2023 = ((2e3, 1), (5e3, 5), (2e4, 10), (5e4, 50), (2e5, 100), (5e5, 500), (math.inf, 1000))

_WON_TICK = "KRX, 2010-07-30 (hankyung.com/article/2010073099481)"
_FUNDS = "KRX, 2022-10-31 (hankyung.com/article/2022103169051); every price of every ETF on 2021-03-25"
_FUNDS_NEW = (
    "KRX, 2023-10-05, which was to hold from 2023-12-08 (etoday.co.kr 2289674) or 2023-12-18 (mediapen.com 860330)"
)
_OLD = "every price of recorded market days of 2021-2023"
_TICKS_NEW = (
    "KRX, 2023-01-17 (Yonhap AKR20230117062300002); every trade but mid-price ones of recorded market days of 2023-2026"
)
_LIMITS = "every ordinary trade of recorded market days of 2021-2026"
_LISTING = "KRX, 2023-04-13 and 2023-06-22 (newspim.com/news/view/20230413000815)"

LINES: tuple[Line, ...] = (
    *lines("tick_size", ["KOSPI"], FIRST, _TICKS_2010_KOSPI,
           f"{_WON_TICK}: 5 won below 5,000 until then; from there as later", verified=False),
    *lines("tick_size", ["KOSDAQ"], FIRST, _TICKS_2010_KOSDAQ,
           "hankyung.com/finance/article/2003052902901 (from 2003-07-21)", verified=True),
    *lines("tick_size", ["KOSPI"], date(2010, 10, 4), ((1e3, 1), *_TICKS_2010_KOSPI), f"{_WON_TICK}; {_OLD}", verified=True),
    *lines("tick_size", ["KOSDAQ", "KONEX"], date(2010, 10, 4), ((1e3, 1), *_TICKS_2010_KOSDAQ), f"{_WON_TICK}; {_OLD}", verified=True),
    *lines("tick_size", BOARDS, date(2023, 1, 25), _TICKS_2023, _TICKS_NEW, verified=True),
    *lines("tick_size", [ETF], FIRST, constant(5), f"{_FUNDS}: as it was, from when is not told", verified=False),
    *lines("tick_size", [ETF], date(2023, 12, 11), ((2e3, 1), *constant(5)), f"{_FUNDS_NEW}; the day from memory", verified=False),
    *lines("mid_price_orders", ["KOSPI", "KOSDAQ"], date(2025, 3, 4), constant(0.5),
           "FSC, 2025-02-05 (biz.sbs.co.kr/amp/article/20000216180), KRX, 2025-03-18 (Edaily); recorded days of 2026", verified=True),
    *lines("price_limit", ["KOSPI", "KOSDAQ"], FIRST, constant(1500), "encyclopedias and blogs; its end in the press of 2015", verified=False),
    *lines("price_limit", ["KONEX"], FIRST, constant(1500),
           f"bnkfn.co.kr/work/stock8.jsp; {_LIMITS}", verified=True),
    *lines("price_limit", ["KOSPI", "KOSDAQ"], date(2015, 6, 15), constant(3000), f"KRX, in the press since 2015; {_LIMITS}", verified=True),
    *lines("first_day_opening", ["KOSPI", "KOSDAQ"], FIRST, Range(9000, 20000), f"{_LISTING}: as it was until then, from when is not told", verified=False),
    *lines("first_day_opening", ["KOSPI", "KOSDAQ"], date(2023, 6, 26), None, _LISTING, verified=True),
    *lines("first_day_limit", ["KOSPI", "KOSDAQ"], date(2023, 6, 26), Range(6000, 40000), f"{_LISTING}; not on KONEX", verified=True),
    *lines("liquidation_limit", BOARDS, FIRST, Range(0, math.inf),
           "sedaily.com/NewsView/1HPNN8RID1 (KOSDAQ, 2003); recorded days of 2021-2026", verified=True),
)  # fmt: skip
