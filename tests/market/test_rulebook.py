"""The Korean rulebook: worked by hand, by its invariants, against the simulated exchange's own rules, against its calendar."""

import math
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange import rules as exchange_rules
from market import calendars, rulebook
from market.errors import Permanent
from market.rules.line import BOARDS, Hours, Range, numbers, told

SEOUL = ZoneInfo("Asia/Seoul")
BEFORE_2015, BEFORE_2023, NOW = date(2014, 5, 2), date(2022, 5, 3), date(2024, 5, 3)
REGULAR = [rulebook.session_hours(day, "KOSPI")["regular"] for day in (BEFORE_2015, NOW)]
days = st.sampled_from([BEFORE_2015, BEFORE_2023, NOW])
boards = st.sampled_from(BOARDS)
won = st.integers(min_value=1, max_value=3_000_000)


@pytest.mark.parametrize(
    ("market", "day", "price", "tick"),
    [
        ("KOSPI", date(2010, 10, 1), 999, 5), ("KOSPI", date(2010, 10, 4), 999, 1), ("KOSPI", date(2010, 10, 4), 1_000, 5),
        ("KOSPI", date(2023, 1, 20), 1_999, 5), ("KOSPI", date(2023, 1, 25), 1_999, 1), ("KOSPI", date(2023, 1, 25), 2_000, 5),
        ("KOSPI", BEFORE_2023, 150_000, 500), ("KOSPI", NOW, 150_000, 100), ("KOSPI", NOW, 499_999, 500),
        ("KOSPI", NOW, 500_000, 1_000), ("KOSDAQ", BEFORE_2023, 600_000, 100), ("KOSDAQ", NOW, 600_000, 1_000),
        ("KONEX", BEFORE_2023, 600_000, 100), ("KONEX", NOW, 12_000, 10), ("KOSPI", BEFORE_2023, 12_000, 50),
    ],
)  # fmt: skip
def test_ticks_follow_the_rules_of_their_board_day_and_price(market, day, price, tick):
    assert rulebook.tick_size(day, market, price) == tick


@given(boards, days, st.floats(min_value=0.01, max_value=3e6))
def test_a_rounded_price_is_on_the_ticks_and_nothing_on_them_is_nearer(market, day, price):
    down, near, up = (rulebook.round_to_tick(day, market, price, way) for way in ("down", "nearest", "up"))
    assert all(rounded % rulebook.tick_size(day, market, rounded) == 0 for rounded in (down, near, up))
    assert near in (down, up) and down <= near <= up and up >= price and (down <= price or down == 1)
    assert abs(near - price) == min(abs(down - price), abs(up - price))
    assert [rulebook.round_to_tick(day, market, near, way) for way in ("down", "nearest", "up")] == [near] * 3


def test_half_way_between_two_ticks_goes_up():
    assert rulebook.round_to_tick(NOW, "KOSPI", 20_025) == 20_050
    assert rulebook.round_to_tick(NOW, "KOSPI", 20_024.9) == 20_000


@pytest.mark.parametrize(
    ("market", "day", "base", "limits"),
    [
        ("KOSPI", NOW, 9_980, (6_990, 12_970)),  # 2,994 is cut to 2,990
        ("KOSPI", BEFORE_2023, 9_980, (6_990, 12_950)),  # 12,970 is off the tick of 50 that began at 10,000 then
        ("KOSPI", BEFORE_2015, 9_980, (8_490, 11_450)),  # 1,497 is cut to 1,490
        ("KOSDAQ", NOW, 1_995, (1_397, 2_590)),  # 2,593 is off the tick of 5 that begins at 2,000
        ("KONEX", NOW, 9_980, (8_490, 11_470)),
        ("KOSDAQ", date(2023, 1, 25), 250_100, (175_100, 325_000)),  # off the new ticks: each limit goes inwards
        ("KOSPI", NOW, 3, (3, 3)),
    ],
)
def test_limits_worked_by_hand(market, day, base, limits):
    assert rulebook.limit_prices(day, market, base) == limits


@given(boards, days, won)
def test_limits_are_on_their_own_ticks_and_within_the_band_of_any_base(market, day, base):
    lower, upper = rulebook.limit_prices(day, market, base)
    percent = 15 if market == "KONEX" or day == BEFORE_2015 else 30
    assert all(limit % rulebook.tick_size(day, market, limit) == 0 for limit in (lower, upper))
    assert base * (100 - percent) <= lower * 100 <= upper * 100 <= base * (100 + percent)


@given(boards, days, won, won)
def test_a_higher_base_on_its_tick_never_has_a_lower_limit(market, day, one, other):
    bases = sorted(rulebook.round_to_tick(day, market, base) for base in (one, other))
    low, high = (rulebook.limit_prices(day, market, base) for base in bases)
    assert low.lower <= high.lower and low.upper <= high.upper


@given(st.sampled_from(["KOSPI", "KOSDAQ"]), st.sampled_from([BEFORE_2023, NOW]), won)
def test_the_simulated_exchange_which_has_rules_of_its_own_agrees(market, day, base):
    base = rulebook.round_to_tick(day, market, base)
    is_kospi = np.array([market == "KOSPI"])
    low, high = exchange_rules.price_limits(np.array([base]), day, is_kospi)
    assert rulebook.limit_prices(day, market, base) == (low[0], high[0])
    assert rulebook.tick_size(day, market, base) == exchange_rules.tick_size(np.array([base]), day, is_kospi)[0]


def test_a_fund_has_ticks_of_its_own_and_is_not_taxed():
    before, after = date(2023, 12, 8), date(2023, 12, 11)
    assert [rulebook.tick_size(day, "ETF", price) for day in (before, after) for price in (1_999, 2_000, 36_895)] == [
        5,
        5,
        5,
        1,
        5,
        5,
    ]
    assert rulebook.round_to_tick(NOW, "ETF", 36_897) == 36_895
    assert [rulebook.sell_tax(day, "ETF") for day in (BEFORE_2015, BEFORE_2023, NOW)] == [0, 0, 0]
    assert not any(line.verified for line in rulebook.in_force(NOW, "ETF"))
    with pytest.raises(Permanent, match="price_limit: expected a line for ETF"):
        rulebook.limit_prices(NOW, "ETF", 36_895)


def test_a_new_listing_may_reach_four_times_its_offer_since_june_2023():
    assert rulebook.limit_prices(date(2024, 1, 24), "KOSDAQ", 5_300, "first_day") == (3_180, 21_200)
    with pytest.raises(
        Permanent, match="first_day_limit: expected a line for KOSDAQ on 2023-06-23; was none before 2023-06-26"
    ):
        rulebook.limit_prices(date(2023, 6, 23), "KOSDAQ", 5_300, "first_day")
    with pytest.raises(Permanent, match="none for KONEX"):
        rulebook.limit_prices(NOW, "KONEX", 5_300, "first_day")


def test_liquidation_trading_has_no_limit():
    assert rulebook.limit_prices(NOW, "KOSPI", 100, "liquidation") == (1, math.inf)


@pytest.mark.parametrize(
    ("day", "kospi", "kosdaq", "konex"),
    [
        (date(2014, 5, 2), 0.0030, 0.0030, 0.0030), (date(2019, 5, 29), 0.0030, 0.0030, 0.0030), (date(2019, 5, 30), 0.0025, 0.0025, 0.0010),
        (date(2020, 12, 29), 0.0023, 0.0023, 0.0010), (date(2022, 12, 28), 0.0020, 0.0020, 0.0010), (date(2023, 12, 26), 0.0020, 0.0020, 0.0010),
        (date(2023, 12, 27), 0.0018, 0.0018, 0.0010), (date(2024, 12, 27), 0.0015, 0.0015, 0.0010), (date(2025, 12, 29), 0.0020, 0.0020, 0.0010),
    ],
)  # fmt: skip
def test_a_sale_is_taxed_as_on_its_board_and_day(day, kospi, kosdaq, konex):
    assert [rulebook.sell_tax(day, board) for board in BOARDS] == [kospi, kosdaq, konex]
    parts = [rulebook.sell_tax_parts(day, board) for board in BOARDS]
    assert [part.rural for part in parts] == [0.0015, 0, 0]
    assert [part.securities + part.rural for part in parts] == pytest.approx([kospi, kosdaq, konex])


@pytest.mark.parametrize(
    "in_law",
    [date(2019, 6, 3), date(2021, 1, 1), date(2023, 1, 1), date(2024, 1, 1), date(2025, 1, 1), date(2026, 1, 1)],
)
def test_a_tax_changes_with_the_first_trade_that_settles_under_the_new_law(in_law):
    changes = {line.valid_from for line in rulebook.LINES if line.rule == "securities_tax" and line.market == "KOSDAQ"}
    first = next(day for day in sorted(changes) if day > in_law - timedelta(days=14))
    assert rulebook.settlement_date(first, "KOSDAQ") >= in_law
    assert rulebook.settlement_date(calendars.previous_session("XKRX", first), "KOSDAQ") < in_law


def test_a_trade_settles_two_sessions_later_over_weekends_and_holidays():
    assert rulebook.settlement_date(date(2024, 5, 2), "KOSPI") == date(
        2024, 5, 7
    )  # Friday; a weekend and Children's Day
    assert rulebook.settlement_date(date(2020, 12, 29), "KONEX") == date(2021, 1, 4)  # as KRX told the press that day
    with pytest.raises(Permanent, match="2024-05-04: expected a session; was Saturday"):
        rulebook.settlement_date(date(2024, 5, 4), "KOSPI")


def test_lots_are_one_share_today_and_were_not():
    assert [rulebook.lot_size(date(2014, 5, 30), "KOSPI", price) for price in (49_950, 50_000)] == [10, 1]
    assert rulebook.lot_size(date(2014, 6, 2), "KOSPI", 49_950) == 1
    assert [rulebook.lot_size(day, "KONEX", 5_000) for day in (date(2014, 11, 14), date(2014, 11, 17))] == [100, 1]


def test_the_default_brokerage_fee_is_not_verified():
    assert rulebook.brokerage_fee(NOW, "KOSPI") == 0.00015
    assert not any(line.verified for line in rulebook.in_force(NOW) if line.rule == "brokerage_fee")


def test_the_after_market_replaced_the_single_price_session():
    before, after = (rulebook.session_hours(day, "KOSPI") for day in (date(2026, 9, 11), date(2026, 9, 14)))
    assert told(before["single_price"], "") == "16:00-18:00" and "after_market" not in before
    assert told(after["after_market"], "") == "16:00-20:00" and "single_price" not in after
    assert told(rulebook.session_hours(NOW + timedelta(days=365), "NXT")["regular"], "") == "09:00:30-15:20"


def test_the_calendar_opens_and_closes_by_the_regular_hours_but_on_exam_days_and_in_the_new_year():
    late = set()
    for day in calendars.sessions("XKRX", date(2010, 1, 4), calendars.LAST):
        hours = REGULAR[day >= date(2016, 8, 1)]
        own = [at("XKRX", day).astimezone(SEOUL).time() for at in (calendars.open_at, calendars.close_at)]
        if own != [hours.opens, hours.closes]:
            late.add(day)
    assert Counter(day.year for day in late) == {
        year: 3 if year == 2017 else 2 for year in range(2010, 2028)
    }  # 2017: see the calendar
    assert {day.month for day in late} == {1, 11, 12}


def test_no_question_is_answered_without_a_line():
    for ask in (
        lambda: rulebook.tick_size(date(2009, 12, 30), "KOSPI", 5_000),
        lambda: rulebook.sell_tax(date(2013, 6, 28), "KONEX"),
        lambda: rulebook.session_hours(date(2025, 2, 28), "NXT"),
        lambda: rulebook.lot_size(NOW, "NYSE", 5_000),
    ):
        with pytest.raises(
            Permanent, match=r"rulebook \w+: expected a line for .*; was none.*markets are KOSPI, KOSDAQ, KONEX, NXT"
        ):
            ask()


@pytest.mark.parametrize("price", [0, -5, math.nan, math.inf])
def test_a_price_that_is_none_is_refused(price):
    for ask in (rulebook.tick_size, rulebook.round_to_tick, rulebook.limit_prices, rulebook.lot_size):
        with pytest.raises(ValueError, match="expected a price above zero"):
            ask("KOSPI", NOW, price)


def test_a_base_price_is_whole_won():
    assert rulebook.limit_prices(NOW, "KOSPI", 9_980.0) == (6_990, 12_970)
    with pytest.raises(ValueError, match=r"expected whole won, was 9980\.5"):
        rulebook.limit_prices(NOW, "KOSPI", 9_980.5)


def test_lines_are_of_known_rules_and_markets_told_once_and_have_a_source():
    told_once = Counter((line.rule, line.market, line.valid_from) for line in rulebook.LINES)
    assert set(told_once.values()) == {1}
    assert {line.rule for line in rulebook.LINES} == set(rulebook.RULES)
    assert {line.market for line in rulebook.LINES} == set(rulebook.MARKETS)
    assert all(line.source and numbers(line.value) is not None for line in rulebook.LINES)


@pytest.mark.parametrize("rule", rulebook.RULES)
def test_the_lines_of_a_rule_are_values_of_one_kind_and_steps_reach_every_price(rule):
    values = [line.value for line in rulebook.LINES if line.rule == rule and line.value is not None]
    assert {type(value) for value in values} in ({tuple}, {Range}, {Hours})
    for value in values:
        if isinstance(value, tuple):
            edges = [edge for edge, _ in value]
            assert edges == sorted(set(edges)) and edges[-1] == math.inf
        elif isinstance(value, Range):
            assert value.low < value.high
        else:
            assert value.opens < value.closes


@given(st.sampled_from(rulebook.LINES), st.dates(date(2010, 1, 4), date(2027, 11, 30)))
def test_a_day_has_one_line_of_each_rule_and_market_and_it_is_the_newest(line, day):
    held = [one for one in rulebook.in_force(day) if (one.rule, one.market) == (line.rule, line.market)]
    assert len(held) <= 1
    assert all(one.valid_from <= day and (line.valid_from > day or line.valid_from <= one.valid_from) for one in held)
    assert rulebook.in_force(day, line.market) == tuple(
        one for one in rulebook.in_force(day) if one.market == line.market
    )


def test_any_changed_line_is_another_version(monkeypatch):
    before = rulebook.version()
    assert before.startswith("krx-") and before == rulebook.version()
    for field, changed in {"verified": False, "source": "another", "value": ((math.inf, 7),)}.items():
        first, *rest = rulebook.LINES
        monkeypatch.setattr(rulebook, "LINES", (replace(first, **{field: changed}), *rest))
        assert (rulebook.version() == before) == (getattr(first, field) == changed)
        monkeypatch.undo()


def test_values_read_as_people_say_them():
    steps = ((2e3, 1), (math.inf, 5))
    assert told(steps, "KRW") == "1 below 2,000, 5 from there (KRW)"
    assert told(((math.inf, 15),), "bp") == "0.15 %" and told(Range(6000, 40000), "bp") == "60 % to 400 %"
    assert told(Range(0, math.inf), "bp") == "no limit" and told(None, "bp") == "ended"
    assert numbers(steps) == {"steps": [{"below": 2e3, "number": 1}, {"below": None, "number": 5}]}
    assert numbers(Range(0, math.inf)) == {"low": 0, "high": None} and numbers(None) == {}
