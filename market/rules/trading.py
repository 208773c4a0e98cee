"""Lines on trading: lots, hours, settlement.

Hours are those of an ordinary session. An exam day and the first session of a year have their own (`market.calendars`).
"""

from collections.abc import Mapping
from datetime import date, time

from market.rules.line import BOARDS, FIRST, Hours, Line, Rule, constant, lines

NXT = "NXT"  # Nextrade, the second venue: its trades are in no file of KRX
HOURS = "hours_"  # what a rule on hours begins with
RULES: Mapping[str, Rule] = {
    "lot_size": Rule("Shares that an order is a multiple of, by their price."),
    "settlement": Rule("Sessions after the trade at which it settles.", "sessions"),
    "hours_regular": Rule("Regular trading; on NXT its main market."),
    "hours_opening_auction": Rule("Orders for the opening price."),
    "hours_closing_auction": Rule("Orders for the closing price."),
    "hours_before_open": Rule("Trading before the opening; on KRX at the close before, on NXT its pre-market."),
    "hours_at_close": Rule("Trading at the day's close after it."),
    "hours_single_price": Rule("Auctions after the close."),
    "hours_after_market": Rule("Continuous trading after the close."),
}

_TWO = ("KOSPI", "KOSDAQ")
_LONGER = "KRX, 2016-07-28 (wowtv.co.kr X20160728181845)"
_UNTIL_2016 = "KRX, 2016-07-24 (shinailbo.co.kr 519461)"
_SINCE_2016 = date(2016, 8, 1)
_SHORTER = "KRX, 2019-04-29 (etoday.co.kr 1750105)"
_SINCE_2019 = date(2019, 4, 29)
_BROKER = "a broker's guide (myasset.com TR_1608001_T1)"
_NXT = f"FSC, 2025-02-05 (biz.sbs.co.kr/amp/article/20000216180); {_BROKER}"
_SINCE_NXT = date(2025, 3, 4)
_AFTER_MARKET = "notes of public repositories on a start that KRX had planned for June (donga.com 133155334)"
_SINCE_AFTER_MARKET = date(2026, 9, 14)
_SINGLE_LOT = "KRX, 2014-05-12 (mediapen.com/news/view/32728)"

LINES: tuple[Line, ...] = (
    *lines("lot_size", ["KOSPI"], FIRST, ((5e4, 10), *constant(1)), f"{_SINGLE_LOT}: since 2006", verified=True),
    *lines("lot_size", ["KOSPI"], date(2014, 6, 2), constant(1), _SINGLE_LOT, verified=True),
    *lines("lot_size", ["KOSDAQ"], FIRST, constant(1), f"{_SINGLE_LOT}; Hankyung, 1999-10-08", verified=True),
    *lines("lot_size", ["KONEX"], FIRST, constant(100), "KRX's page on KONEX (RGL03030206)", verified=True),
    *lines("lot_size", ["KONEX"], date(2014, 11, 17), constant(1), "KRX's page on KONEX (RGL03030206)", verified=True),
    *lines("settlement", BOARDS, FIRST, constant(2), "KRX, 2020-12-29 (Edaily 02555126626003440)", verified=True),
    *lines("hours_regular", BOARDS, FIRST, Hours(time(9), time(15)), f"{_UNTIL_2016}: since 2000", verified=True),
    *lines("hours_regular", BOARDS, _SINCE_2016, Hours(time(9), time(15, 30)), _LONGER, verified=True),
    *lines("hours_opening_auction", _TWO, FIRST, Hours(time(8), time(9)), f"{_SHORTER}: as it was", verified=True),
    *lines("hours_opening_auction", _TWO, _SINCE_2019, Hours(time(8, 30), time(9)), _SHORTER, verified=True),
    *lines("hours_closing_auction", _TWO, FIRST, Hours(time(14, 50), time(15)),
           "m.sedaily.com/NewsView/1HUD1QJWSY (KOSDAQ, 2005)", verified=False),
    *lines("hours_closing_auction", _TWO, _SINCE_2016, Hours(time(15, 20), time(15, 30)), f"{_LONGER}; {_NXT}", verified=True),
    *lines("hours_before_open", _TWO, FIRST, Hours(time(7, 30), time(8, 30)), f"{_SHORTER}: as it was", verified=True),
    *lines("hours_before_open", _TWO, _SINCE_2019, Hours(time(8, 30), time(8, 40)), f"{_SHORTER}; {_BROKER}", verified=True),
    *lines("hours_at_close", _TWO, FIRST, Hours(time(15, 10), time(15, 30)),
           f"{_UNTIL_2016}: from 15:10; its end as on an exam day of 2008 less an hour (KBS 115974)", verified=False),
    *lines("hours_at_close", _TWO, _SINCE_2016, Hours(time(15, 40), time(16)), f"{_LONGER}; {_BROKER}", verified=True),
    *lines("hours_at_close", ["KONEX"], _SINCE_2016, Hours(time(15, 40), time(16)), "bnkfn.co.kr/work/stock8.jsp", verified=False),
    *lines("hours_single_price", _TWO, FIRST, Hours(time(15, 30), time(18)), f"{_UNTIL_2016}: until 18:00; its beginning from memory", verified=False),
    *lines("hours_single_price", _TWO, _SINCE_2016, Hours(time(16), time(18)), f"{_LONGER}; {_BROKER}", verified=True),
    *lines("hours_single_price", _TWO, _SINCE_AFTER_MARKET, None, _AFTER_MARKET, verified=False),
    *lines("hours_after_market", _TWO, _SINCE_AFTER_MARKET, Hours(time(16), time(20)), _AFTER_MARKET, verified=False),
    *lines("hours_before_open", [NXT], _SINCE_NXT, Hours(time(8), time(8, 50)), _NXT, verified=True),
    *lines("hours_regular", [NXT], _SINCE_NXT, Hours(time(9, 0, 30), time(15, 20)), _NXT, verified=True),
    *lines("hours_at_close", [NXT], _SINCE_NXT, Hours(time(15, 30), time(16)), _BROKER, verified=True),
    *lines("hours_after_market", [NXT], _SINCE_NXT, Hours(time(15, 40), time(20)), _NXT, verified=True),
)  # fmt: skip
