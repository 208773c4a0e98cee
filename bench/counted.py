"""The truth of a synthetic world and what silver has of it, counted against each other, a line for each kind.

What does not belong here: serving the world and filling the lake (`bench.truth`).
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd

from bench import counted_sectors
from exchange.model import World
from market import edgar

DECISIONS = {
    "split": "주식분할결정",
    "consolidation": "주식병합결정",
    "capital_reduction": "감자결정",
    "bonus_issue": "무상증자결정",
    "rights_issue": "유상증자결정",
    "stock_dividend": "주식배당결정",
    "spin_off": "회사분할결정",
}
"""Title of the decision behind each kind of action, whose cause in the ledger has the kind's name."""

TABLES = (
    "silver.prices", "silver.securities", "silver.symbols", "silver.corporate_actions", "silver.adjustments",
    "silver.listings", "silver.filings", "silver.fundamentals", "silver.sectors",
)  # fmt: skip
BASES = {"CFS": "consolidated", "OFS": "separate"}
FLOWS = ("revenue", "operating_income", "net_income")
ITEMS = (*FLOWS, "assets", "liabilities", "equity")
_YEAR_DAYS = 300
Counts = dict[str, dict[str, int]]
Silver = Mapping[str, pd.DataFrame]


def counts(world: World, silver: Silver, revisions: list[str]) -> Counts:
    """By kind of truth: how many it holds, how many of them silver has, and how many of either the other lacks.

    Parameters
    ----------
    silver : `TABLES`, every version; what is believed now is counted.
    revisions : faults that changed a close on a day later on, as the exchange writes them.
    """
    now = {name: rows[rows["known_until"].isna()] for name, rows in silver.items()}
    parts = (
        _of_bars(world, now, silver["silver.prices"], revisions),
        _of_listings(world, now, silver["silver.symbols"]),
        _of_actions(world, now),
        _of_dart(world, now),
        _of_us(world, now),
        _of_sec(world, now),
        counted_sectors.sides(world, now["silver.sectors"]),
    )
    return {name: compared(*sides) for part in parts for name, sides in part.items()}


def compared(expected: Iterable[Any], found: Iterable[Any]) -> dict[str, int]:
    """Counts; wrong are those that either side has alone."""
    wanted, had = set(expected), set(found)
    return {"expected": len(wanted), "found": len(wanted & had), "wrong": len(wanted ^ had)}


Sides = dict[str, tuple[Iterable[Any], Iterable[Any]]]


def _of_bars(world: World, now: Silver, versions: pd.DataFrame, revisions: list[str]) -> Sides:
    bars, truth = _at(now["silver.prices"], "XKRX"), world.truth["krx"]
    told, halted = _bars_of(world), bars[bars["is_halted"].astype(bool)]
    changed = (dict(part.split("=") for part in one.split(",")[1:]) for one in revisions)
    return {
        "bars (code, session)": (told, _rows(bars, "symbol", "day")),
        "halts (code, session)": (_halts(truth["halts"], told), _rows(halted, "symbol", "day")),
        "revised closes (code, session)": (((one["code"], one["date"]) for one in changed), _revised(versions)),
    }


def _of_listings(world: World, now: Silver, symbols: pd.DataFrame) -> Sides:
    truth, days = world.truth["krx"], [f"{day}" for day in world.daily.sessions]
    bars = _at(now["silver.prices"], "XKRX")
    seen = bars.groupby("symbol")["day"].agg(["min", "max"])
    named = _changed(_at(symbols, "XKRX").sort_values("known_at"), "security_id", "name")
    moved = _changed(bars.sort_values("day"), "symbol", "market")
    spells = now["silver.listings"].assign(code=lambda rows: rows["security_id"].str[5:])
    return {
        "listings (code, session)": (
            _told(truth["listings"], "code", "date"),
            ((code, day) for code, day in seen["min"].items() if day > days[0]),
        ),
        "first days (code, session)": (
            _told(truth["listings"], "code", "date"),
            _rows(spells[spells["status"] == "first_day"].assign(day=lambda rows: rows["first_session"].astype(str)), "code", "day"),
        ),
        "delistings (code, first session without)": (
            _told(truth["delistings"], "code", "date"),
            ((code, days[days.index(day) + 1]) for code, day in seen["max"].items() if day < days[-1]),
        ),
        "renames (code, session, name)": (
            _told(truth["renames"], "code", "date", "new_name"), _rows(named, "symbol", "valid_from", "name")),
        "transfers (code, session, board)": (
            _told(truth["transfers"], "code", "date", "to"), _rows(moved, "symbol", "day", "market")),
        **{
            f"{name} (code, first and last session)": (
                _spells(truth[kind], days), _spans(spells[spells["status"] == status]))
            for name, kind, status in (
                ("administrative issues", "administrative", "administrative"),
                ("liquidations", "liquidations", "liquidation"),
            )
        },
    }  # fmt: skip


def _of_actions(world: World, now: Silver) -> Sides:
    truth, first = world.truth["krx"], f"{world.daily.sessions[0]}"
    actions = [
        one
        for kind in ("splits", "capital_reductions", "bonus_issues", "rights_issues", "stock_dividends", "spin_offs")
        for one in truth[kind]
        if one["date"] > first
    ]
    actions = [one for one in actions if abs(one["factor"] - 1) > 0.005]
    ledger = _at(now["silver.adjustments"], "XKRX").assign(code=lambda rows: rows["security_id"].str[5:])
    disclosed = ledger.dropna(subset=["disclosed_by"])
    decided = _at(now["silver.corporate_actions"], "XKRX").assign(code=lambda rows: rows["security_id"].str[5:])
    is_first = ~decided["report_name"].astype(str).str.startswith("[")  # corrections come on days of their own
    decided = decided[
        (decided["action"] == "dividend_decision") & is_first & decided["code"].isin(_named_by_dart(world))
    ]
    return {
        "actions (code, ex-date, factor)": (
            ((one["code"], one["date"], round(one["factor"], 9)) for one in actions),
            _rows(ledger.assign(factor=ledger["factor"].round(9)), "code", "day", "factor"),
        ),
        "causes (code, ex-date, cause)": (
            ((one["code"], one["date"], one["kind"]) for one in actions if _is_decided(world, one)),
            _rows(disclosed, "code", "day", "cause"),
        ),
        "dividend decisions (code, session)": (
            _decisions(world),
            _rows(decided, "code", "day"),
        ),
    }


def _is_decided(world: World, action: Mapping[str, Any]) -> bool:
    """Whether a receipt of its decision, or of a correction, is among those served; the decision may lie before the first."""
    named = (one for one in world.filings or () if one.stock_code == action["code"])
    begin, end = (action[name].replace("-", "") for name in ("announced", "date"))
    return any(DECISIONS[action["kind"]] in one.report_nm and begin <= one.rcept_no[:8] < end for one in named)


def _of_dart(world: World, now: Silver) -> Sides:
    """Receipts, and what periodic reports tell of a quarter or its end, by the newest receipt."""
    filings = _at(now["silver.filings"], "XKRX")
    numbers = {one.rcept_no for one in world.filings or ()}
    figures: dict[tuple[str, ...], float] = {}
    for code, truth in world.truth["dart"].items():
        told = {name: [one for one in given if one["rcept_no"] in numbers] for name, given in truth["reports"].items()}
        for name, receipts in told.items():
            div, period = name.split()
            is_whole = not period.endswith("Q4") or bool(told.get(f"{div} {period[:4]}Q3"))
            for item in ITEMS if receipts else ():
                if is_whole or item not in FLOWS:  # a fourth quarter is the year less nine months
                    figures[f"XKRX:{code}", BASES[div], item, period] = float(receipts[-1]["values"][item])
    ours = _at(now["silver.fundamentals"], "XKRX")
    ours = ours[(ours["span"] != "year") & ours["item"].isin(ITEMS)]
    told_of = {(security, period) for security, _, _, period in figures}  # the years before are told beside them
    found = _rows(ours, "security_id", "basis", "item", "fiscal_period", "value")
    return {
        "DART filings (receipt)": (numbers, filings["receipt_no"]),
        "DART figures (code, basis, item, quarter, value)": (
            ((*key, value) for key, value in figures.items()), (row for row in found if (row[0], row[3]) in told_of)),
    }  # fmt: skip


def _of_us(world: World, now: Silver) -> Sides:
    truth, bars = world.truth["us"], _at(now["silver.prices"], "XNYS")
    actions, ledger = (_at(now[f"silver.{name}"], "XNYS") for name in ("corporate_actions", "adjustments"))
    actions, ledger = (rows.assign(symbol=rows["security_id"].str[5:]) for rows in (actions, ledger))
    splits, dividends = (actions[actions["action"] == kind] for kind in ("split", "cash_dividend"))
    closes = ((c.symbol, f"{day}", close) for c in world.charts.values() for day, close in zip(c.sessions, c.prices["close"].tolist(), strict=True))  # fmt: skip
    split = [(one["symbol"], one["date"], one["denominator"] / one["numerator"]) for one in truth["splits"]]
    return {
        "US closes (symbol, session, close)": (closes, _rows(bars, "symbol", "day", "close")),
        "US splits (symbol, ex-date, factor)": (split, _rows(splits, "symbol", "day", "price_factor")),
        "US splits in the ledger (symbol, ex-date, factor)": (split, _rows(ledger, "symbol", "day", "factor")),
        "US dividends (symbol, ex-date, USD)": (
            _told(truth["dividends"], "symbol", "date", "amount_usd"), _rows(dividends, "symbol", "day", "amount")),
    }  # fmt: skip


def _of_sec(world: World, now: Silver) -> Sides:
    """Filings accepted on the world's sessions, and the years that these tell, as restated where they were."""
    first = world.us_sessions[0]
    due = {
        one.accession
        for company in world.registrants.values()
        for one in company.filings
        if edgar.session_of(datetime.fromtimestamp(one.accepted_at, UTC)) >= first
    }
    ends = {
        (company.symbol, f"{one.end}")
        for company in world.registrants.values()
        for one in company.reported
        if one.accession in due and one.start is not None and (one.end - one.start).days > _YEAR_DAYS
    }
    years = (
        (symbol, item, year["end"], float((year["restated"] or year["year"])[item]))
        for symbol, truth in world.truth["sec"].items()
        for year in truth["years"]
        for item in FLOWS
        if (symbol, year["end"]) in ends
    )
    filings, figures = (_at(now[f"silver.{name}"], "XNYS") for name in ("filings", "fundamentals"))
    ours = figures[figures["span"] == "year"].assign(symbol=lambda rows: rows["security_id"].str[5:])
    return {
        "SEC filings (accession)": (due, filings["receipt_no"]),
        "SEC years (symbol, item, end, USD)": (years, _rows(ours, "symbol", "item", "period_end", "value")),
    }


def _at(rows: pd.DataFrame, exchange: str) -> pd.DataFrame:
    """Those of an exchange, `day` the session as text."""
    ours = rows[rows["exchange"] == exchange]
    return ours.assign(day=ours["session_date"].astype(str)) if "session_date" in ours else ours


def _rows(rows: pd.DataFrame, *columns: str) -> Iterator[tuple[Any, ...]]:
    """These columns row by row, dates as text."""
    for row in rows[list(columns)].itertuples(index=False, name=None):
        yield tuple(f"{value}" if isinstance(value, date) else value for value in row)


def _told(events: Iterable[Mapping[str, Any]], *names: str) -> Iterator[tuple[Any, ...]]:
    return (tuple(event[name] for name in names) for event in events)


def _bars_of(world: World) -> set[tuple[str, str]]:
    daily = world.daily
    return {
        (daily.codes[daily.code[at]], f"{day}")
        for n, day in enumerate(daily.sessions)
        for at in range(daily.offsets[n], daily.offsets[n + 1])
    }


def _halts(told: Iterable[Mapping[str, Any]], bars: set[tuple[str, str]]) -> set[tuple[str, str]]:
    spells = [(halt["code"], halt["date"], halt["last_date"]) for halt in told]
    return {(code, day) for code, day in bars for who, first, last in spells if who == code and first <= day <= last}


def _spells(told: Iterable[Mapping[str, Any]], days: list[str]) -> Iterator[tuple[str, str, str]]:
    """First and last session of each spell within the world; no last one where it goes on."""
    for one in told:
        yield one["code"], max(one["date"], days[0]), "" if one["last_date"] >= days[-1] else one["last_date"]


def _spans(spells: pd.DataFrame) -> Iterator[tuple[str, str, str]]:
    for code, first, last in spells[["code", "first_session", "last_session"]].itertuples(index=False, name=None):
        yield code, f"{first}", "" if pd.isna(last) else f"{last}"


def _decisions(world: World) -> Iterator[tuple[str, str]]:
    first, names = f"{world.daily.sessions[0]}", _named_by_dart(world)
    for one in (*world.truth["krx"]["dividends"], *world.truth["krx"]["stock_dividends"]):
        if one["announced"] >= first and one["code"] in names:
            yield one["code"], one["announced"]


def _named_by_dart(world: World) -> set[str]:
    """Shares by which OpenDART names their companies: a preferred share's decision is told of the common one, which may be none of the world's."""
    return {c.stock_code for c in world.companies.values()} & {f.stock_code for f in world.filings or ()}


def _changed(rows: pd.DataFrame, of: str, column: str) -> pd.DataFrame:
    """The rows, of any but the first of each series, that say something else than the row before; in order already."""
    before = rows.groupby(of)[column].shift()
    return rows[before.notna() & (before != rows[column])]


def _revised(bars: pd.DataFrame) -> Iterable[tuple[str, str]]:
    """Where silver has two closes of one session, one after the other."""
    closes = bars[bars["exchange"] == "XKRX"].groupby(["symbol", "session_date"])["close"].nunique()
    return ((code, f"{day}") for code, day in closes[closes > 1].index)
