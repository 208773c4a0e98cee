"""Lines on costs: taxes on a sale, and the brokerage fee where nobody says another.

Tax is due by the settlement, so a rate holds from the first trade date that settles under it. No statute was read: rates are from
announcements and notices.
"""

from collections.abc import Iterator, Mapping
from datetime import date

from market.rules.line import BOARDS, ETF, FIRST, Line, Rule, constant, lines

RULES: Mapping[str, Rule] = {
    "securities_tax": Rule("Securities transaction tax, on the value sold.", "bp"),
    "rural_tax": Rule("Special tax for rural development, on the value sold.", "bp"),
    "brokerage_fee": Rule("Brokerage fee, on the value bought or sold; a broker's own replaces it.", "bp"),
}

_2019 = "MOEF, 2019-05-21 (hankookilbo.com/News/Read/201905211157035366)"
_2021 = "MOEF and KRX, 2020-12-29 (Edaily 02555126626003440)"
_2023 = "level: MOEF, 2025-12-01 (news1.kr 5993146), which goes back to it; day: two sessions before 2023's first"
_2024 = "level: a broker's notice, 2024-12-26 (hygood.co.kr 1419); day: two sessions before 2024's first"
_2025 = "a broker's notice, 2024-12-26 (hygood.co.kr 1419)"
_2026 = "MOEF's notice of legislation, 2025-12-01 (news1.kr 5993146); the decree itself was not read"
_FUNDS = "KRX's page on the taxes of ETFs (RGL03060105), in somebody's copy: a fund that is a trust is no share, and all of them are"

# first trade date -> bp on KOSPI, on KOSDAQ, source, verified
_SECURITIES_TAX = (
    (FIRST, 15, 30, f"{_2019}: as it was since 1996", True),
    (date(2019, 5, 30), 10, 25, _2019, True),
    (date(2020, 12, 29), 8, 23, _2021, True),
    (date(2022, 12, 28), 5, 20, _2023, True),
    (date(2023, 12, 27), 3, 18, _2024, True),
    (date(2024, 12, 27), 0, 15, _2025, True),
    (date(2025, 12, 29), 5, 20, _2026, False),
)


def _securities_tax() -> Iterator[Line]:
    for day, kospi, kosdaq, source, verified in _SECURITIES_TAX:
        yield from lines("securities_tax", ["KOSPI"], day, constant(kospi), source, verified=verified)
        yield from lines("securities_tax", ["KOSDAQ"], day, constant(kosdaq), source, verified=verified)


LINES: tuple[Line, ...] = (
    *_securities_tax(),
    *lines("securities_tax", ["KONEX"], FIRST, constant(30), f"{_2019}: as it was", verified=True),
    *lines("securities_tax", ["KONEX"], date(2019, 5, 30), constant(10), f"{_2019}; {_2026}: unchanged", verified=True),
    *lines("rural_tax", ["KOSPI"], FIRST, constant(15), f"{_2019}; {_2021}; {_2025}", verified=True),
    *lines("rural_tax", ["KOSDAQ", "KONEX"], FIRST, constant(0), f"{_2019}; {_2025}", verified=True),
    *lines("securities_tax", [ETF], FIRST, constant(0), _FUNDS, verified=False),
    *lines("rural_tax", [ETF], FIRST, constant(0), f"{_FUNDS}; it goes with the other tax", verified=False),
    *lines("brokerage_fee", BOARDS, FIRST, constant(1.5), "what public cost models take for an online order", verified=False),
)  # fmt: skip
