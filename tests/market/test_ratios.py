"""Ratios as of an instant: worked by hand, nothing mixed, nothing known later, the reason where there is none."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.ratios import RATIOS, Ratio, ratios

COMPANY, PREFERRED = "XKRX:005930", "XKRX:005935"
ENDS = [date(2022, 12, 31), date(2023, 3, 31), date(2023, 6, 30), date(2023, 9, 30), date(2023, 12, 31)]
FILED = [end + timedelta(days=45) for end in ENDS]
TRADED = date(2024, 3, 4)
NOW = datetime(2024, 3, 5, tzinfo=UTC)
FLOWS = {"revenue": 100.0, "operating_income": 20.0, "net_income": 10.0}
BALANCES = {"assets": 1000.0, "liabilities": 600.0, "equity": 400.0}


def at(day: date, hour: int = 9) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def figure(item: str, end: date, value: float, known_at: datetime, **other: Any) -> dict[str, Any]:
    span = "quarter" if item in FLOWS else "instant"
    start = (pd.Timestamp(end) + pd.offsets.Day(1) - pd.DateOffset(months=3)).date() if span == "quarter" else None
    return {
        "security_id": COMPANY, "item": item, "basis": "consolidated", "span": span, "period_start": start, "period_end": end,
        "fiscal_period": None, "value": value, "currency": "KRW", "concept": item, "filing_no": f"f{end}", "known_at": known_at,
        "known_until": None, **other,
    }  # fmt: skip


def reported(**other: Any) -> list[dict[str, Any]]:
    """Five quarters, the first of 80 and the others of 100 in revenue, and the balance of the last day."""
    flows = [
        figure(item, end, value * (0.8 if n == 0 else 1.0), at(FILED[n]), **other)
        for n, end in enumerate(ENDS)
        for item, value in FLOWS.items()
    ]
    return flows + [figure(item, ENDS[-1], value, at(FILED[-1]), **other) for item, value in BALANCES.items()]


def bar(security: str = COMPANY, shares: float | None = 8.0, close: float = 50.0, **other: Any) -> dict[str, Any]:
    return {
        "security_id": security, "company_id": COMPANY, "session_date": TRADED, "close": close, "listed_shares": shares,
        "currency": "KRW", "known_at": at(TRADED), "known_until": None, **other,
    }  # fmt: skip


def split(factor: float, day: date, cause: str = "split", **other: Any) -> dict[str, Any]:
    known = {"known_at": at(day), "known_until": None}
    return {"security_id": COMPANY, "session_date": day, "factor": factor, "cause": cause, **known, **other}


def frame(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, Any]) -> pd.DataFrame:
    made = pd.DataFrame(list(rows), columns=list(columns))
    for name in ("known_at", "known_until"):
        made[name] = pd.to_datetime(made[name], utc=True)
    return made.astype({"listed_shares": "float64"}) if "listed_shares" in made else made


def found(
    figures: Sequence[Mapping[str, Any]],
    bars: Sequence[Mapping[str, Any]] = (bar(),),
    splits: Sequence[Mapping[str, Any]] = (),
    now: datetime = NOW,
) -> list[Ratio]:
    return ratios(
        frame(figures, figure("revenue", ENDS[0], 0.0, NOW)), frame(bars, bar()), frame(splits, split(1.0, TRADED)), now
    )


def by_name(rows: Sequence[Ratio], basis: str = "consolidated") -> dict[str, Ratio]:
    return {one.ratio: one for one in rows if one.basis == basis}


def values(rows: Sequence[Ratio]) -> dict[str, float | None]:
    return {one.ratio: one.value for one in rows}


def test_every_ratio_of_a_company_worked_by_hand() -> None:
    assert values(found(reported())) == pytest.approx({
        "operating_margin": 0.2,  # 80 / 400
        "net_margin": 0.1,  # 40 / 400
        "return_on_equity": 0.1,  # 40 / 400
        "return_on_assets": 0.04,  # 40 / 1000
        "debt_to_equity": 1.5,  # 600 / 400
        "earnings_per_share": 5.0,  # 40 / 8
        "price_to_earnings": 10.0,  # 50 / 5
        "price_to_book": 1.0,  # 50 / (400 / 8)
        "revenue_growth": 0.25,  # 100 / 80 - 1
    })  # fmt: skip


def test_each_says_its_parts_and_is_known_when_the_last_of_them_was() -> None:
    told = by_name(found(reported()))
    margin = told["net_margin"]
    assert [(part.item, part.period_end) for part in margin.parts] == [
        (item, end) for item in ("net_income", "revenue") for end in reversed(ENDS[1:])
    ]
    assert [part.filing_no for part in margin.parts[:4]] == [f"f{end}" for end in reversed(ENDS[1:])]
    assert margin.known_at == at(FILED[-1])
    multiple = told["price_to_earnings"]
    assert {"close", "listed_shares", "net_income"} == {part.item for part in multiple.parts}
    assert multiple.known_at == at(TRADED)
    assert {one.unit for one in told.values()} == {"1", "KRW"}
    assert {one.period_end for one in told.values()} == {ENDS[-1]}


def test_old_books_have_no_ratio_of_today() -> None:
    later = datetime(2027, 3, 5, tzinfo=UTC)
    told = by_name(found(reported(), [bar(session_date=date(2027, 3, 4))], now=later))
    assert {one.value for one in told.values()} == {None}
    assert {one.reason for one in told.values()} == {"no report of a period after 2023-12-31"}


def test_each_figure_says_by_which_concept_it_was_told() -> None:
    rows = reported()
    rows[-4 - len(BALANCES) + 1] |= {"concept": "another"}
    parts = [part for one in found(rows) for part in one.parts]
    assert {part.concept for part in parts if part.item in FLOWS} == {*FLOWS, "another"}
    assert {part.concept for part in parts if part.item in ("close", "listed_shares")} == {None}


def test_group_and_company_alone_are_never_in_one_ratio() -> None:
    alone = [figure("net_income", end, 1.0, at(FILED[n]), basis="separate") for n, end in enumerate(ENDS)]
    rows = found(reported() + alone)
    separate = by_name(rows, "separate")
    assert values(list(by_name(rows).values())) == values(found(reported()))
    assert separate["earnings_per_share"].value == 0.5
    assert separate["net_margin"].reason == "no quarter of revenue told"
    assert separate["return_on_equity"].reason == f"no equity told of {ENDS[-1]}"


def test_currencies_are_never_in_one_ratio() -> None:
    rows = [one for one in reported() if one["item"] != "revenue"]
    dollars = [figure("revenue", end, 100.0, at(FILED[n]), currency="USD") for n, end in enumerate(ENDS[:4])]
    told = by_name(found(rows + dollars))
    assert told["net_margin"].reason == "no quarter of revenue told"
    abroad = by_name(found(reported(currency="USD")))
    assert abroad["price_to_earnings"].reason == "reported in USD, traded in KRW"
    assert abroad["price_to_book"].value is None
    assert (abroad["earnings_per_share"].value, abroad["earnings_per_share"].unit) == (5.0, "USD")


@pytest.mark.parametrize("gone", range(1, 5))
def test_a_missing_quarter_leaves_no_sum_of_four(gone: int) -> None:
    rows = [one for one in reported() if not (one["item"] == "revenue" and one["period_end"] == ENDS[gone])]
    told = by_name(found(rows))
    assert told["operating_margin"].value is None
    assert told["operating_margin"].reason == f"no revenue told of the quarter that ends {ENDS[gone]}"
    assert told["return_on_equity"].value == 0.1


def test_quarters_that_do_not_follow_each_other_are_no_year() -> None:
    rows = [
        {**one, "period_start": one["period_start"] - timedelta(days=3)}
        if (one["item"], one["period_end"]) == ("net_income", ENDS[4])
        else one
        for one in reported()
    ]
    assert by_name(found(rows))["net_margin"].reason == "no net income told of the quarter that ends 2023-09-27"


@pytest.mark.parametrize("value", [0.0, -1.0])
@pytest.mark.parametrize(
    ("item", "nulls", "reason"),
    [
        ("revenue", ("operating_margin", "net_margin"), "trailing revenue is not positive"),
        ("equity", ("return_on_equity", "debt_to_equity"), "equity is not positive"),
        ("equity", ("price_to_book",), "equity a share is not positive"),
        ("assets", ("return_on_assets",), "assets is not positive"),
        ("net_income", ("price_to_earnings",), "trailing net income a share is not positive"),
    ],
)
def test_nothing_is_divided_by_zero_or_less(item: str, value: float, nulls: tuple[str, ...], reason: str) -> None:
    told = by_name(found([{**one, "value": value} if one["item"] == item else one for one in reported()]))
    for name in nulls:
        assert (told[name].value, told[name].reason) == (None, reason)
        assert told[name].known_at is not None, "the figures that show it are told"


def test_growth_on_nothing_is_none() -> None:
    rows = [{**one, "value": 0.0} if one["period_end"] == ENDS[0] else one for one in reported()]
    assert by_name(found(rows))["revenue_growth"].reason == "revenue a year before is not positive"


def test_a_bank_without_revenue_has_no_margin_and_all_the_rest() -> None:
    told = by_name(found([one for one in reported() if one["item"] not in ("revenue", "operating_income")]))
    assert {name for name, one in told.items() if one.value is None} == {
        "operating_margin", "net_margin", "revenue_growth",
    }  # fmt: skip
    assert told["net_margin"].reason == "no quarter of revenue told"
    assert told["net_margin"].known_at is None


def test_preferred_shares_are_shares_of_the_company_too() -> None:
    both = by_name(found(reported(), [bar(), bar(PREFERRED, shares=2.0, close=40.0)]))
    assert (both["earnings_per_share"].value, both["price_to_earnings"].value) == (4.0, 12.5)
    gone = [bar(), bar(PREFERRED, shares=2.0, session_date=TRADED - timedelta(days=5))]
    assert by_name(found(reported(), gone))["earnings_per_share"].value == 5.0, "converted into common ones"
    alone = by_name(found(reported(), [bar(shares=None), bar(PREFERRED, shares=2.0)]))
    assert alone["earnings_per_share"].reason == "neither an exchange nor a report told the number of shares"


def test_where_no_exchange_tells_shares_those_of_the_report_are_put_on_the_scale_of_the_close() -> None:
    count = figure("shares_outstanding", ENDS[-1], 2.0, at(FILED[-1]), currency="XXX")
    splits = [
        split(0.25, TRADED - timedelta(days=3)),
        split(0.5, ENDS[-1]),
        split(0.9, TRADED - timedelta(days=2), cause="rights_issue"),
    ]
    told = by_name(found([*reported(), count], [bar(shares=None)], splits))
    assert told["earnings_per_share"].value == 5.0  # 40 / (2 / 0.25)
    assert [part.item for part in told["earnings_per_share"].parts[4:]] == ["shares_outstanding", "split_factor"]


def test_the_close_of_a_share_that_is_gone_is_no_price() -> None:
    late = NOW + timedelta(days=30)
    told = by_name(found(reported(), now=late))
    assert told["price_to_earnings"].reason == "no close within 14 days"
    assert told["net_margin"].value == 0.1


def test_a_new_quarter_moves_every_ratio_or_leaves_it_untold() -> None:
    newer = figure("net_income", date(2024, 3, 31), 20.0, at(TRADED))
    told = by_name(found([*reported(), newer]))
    assert told["earnings_per_share"].value == 50.0 / 8
    assert told["return_on_equity"].reason == "no equity told of 2024-03-31"
    assert {one.period_end for one in told.values()} == {date(2024, 3, 31)}


def test_an_amended_figure_counts_from_its_amendment() -> None:
    amended = at(date(2024, 3, 1))
    rows = [
        {**one, "known_until": amended} if (one["item"], one["period_end"]) == ("revenue", ENDS[4]) else one
        for one in reported()
    ]
    rows.append(figure("revenue", ENDS[4], 60.0, amended, filing_no="amended"))
    before = by_name(found(rows, now=amended - timedelta(microseconds=1)))["net_margin"]
    after = by_name(found(rows, now=amended))["net_margin"]
    assert (before.value, after.value) == (0.1, 40.0 / 360.0)
    assert (before.known_at, after.known_at) == (at(FILED[-1]), amended)


def test_nothing_told_is_no_row() -> None:
    assert found([]) == []
    assert found(reported(), now=at(FILED[0]) - timedelta(seconds=1)) == []


VALUES = st.floats(-1e9, 1e9, allow_subnormal=False)
KNOWN = st.integers(0, 40).map(lambda days: at(date(2024, 1, 20)) + timedelta(days=days))


@st.composite
def versions(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Figures and bars, some told again; a version ends where the next one is known."""
    rows: list[dict[str, Any]] = []
    for one in reported():
        instants = sorted(draw(st.sets(KNOWN, max_size=3)))
        for n, known_at in enumerate(instants):
            until = instants[n + 1] if n + 1 < len(instants) else None
            rows.append({**one, "value": draw(VALUES), "known_at": known_at, "known_until": until})
    closes = sorted(draw(st.sets(KNOWN, max_size=3)))
    bars = [
        bar(close=draw(st.floats(1.0, 1e6)), known_at=known_at, known_until=[*closes, None][n + 1])
        for n, known_at in enumerate(closes)
    ]
    return rows, bars


@settings(max_examples=60, deadline=None)
@given(told=versions(), now=KNOWN)
def test_never_looks_ahead(told: tuple[list[dict[str, Any]], list[dict[str, Any]]], now: datetime) -> None:
    figures, bars = told
    for one in found(figures, bars, now=now):
        assert all(part.known_at <= now for part in one.parts)
        assert one.known_at == max((part.known_at for part in one.parts), default=None)
        assert (one.value is None) == (one.reason is not None)


@settings(max_examples=60, deadline=None)
@given(told=versions(), now=KNOWN)
def test_a_history_cut_at_the_instant_gives_the_whole_one_s_ratios(
    told: tuple[list[dict[str, Any]], list[dict[str, Any]]], now: datetime
) -> None:
    figures, bars = (
        [
            {**one, "known_until": one["known_until"] if one["known_until"] and one["known_until"] <= now else None}
            for one in rows
            if one["known_at"] <= now
        ]
        for rows in told
    )
    assert found(figures, bars, now=now) == found(*told, now=now)


@settings(max_examples=60, deadline=None)
@given(told=versions(), now=KNOWN)
def test_between_two_tellings_nothing_changes(
    told: tuple[list[dict[str, Any]], list[dict[str, Any]]], now: datetime
) -> None:
    instants = {one["known_at"] for rows in told for one in rows}
    last = max((instant for instant in instants if instant <= now), default=None)
    if last is None:
        assert found(*told, now=now) == []
    else:
        assert found(*told, now=now) == found(*told, now=last)


@settings(max_examples=60, deadline=None)
@given(told=versions(), now=KNOWN, unit=st.sampled_from([2.0**-10, 0.5, 1024.0]))
def test_does_not_depend_on_the_currency_s_unit(
    told: tuple[list[dict[str, Any]], list[dict[str, Any]]], now: datetime, unit: float
) -> None:
    figures, bars = told
    scaled = [{**one, "value": one["value"] * unit} for one in figures]
    plain = found(figures, bars, now=now)
    other = found(scaled, [{**one, "close": one["close"] * unit} for one in bars], now=now)
    for one, two in zip(plain, other, strict=True):
        expected = one.value * unit if one.unit != "1" and one.value is not None else one.value
        assert (two.value, two.reason) == (expected, one.reason)


def test_every_formula_says_what_it_is() -> None:
    assert all(formula.doc for formula in RATIOS.values())
    assert [one.ratio for one in found(reported())] == list(RATIOS)
