"""Our US ledger on Lean's raw bars against Lean's factor files, symbol by symbol. What differs is named in docs/adjustment.md.

Lean tells a split by a step of its split factor, a dividend by one of its price factor. The splits go into our ledger as declared;
that they happened, when, and by how much is read from the bars alone. What does not belong here: Korea (`test_adjust_recorded`).
"""

import re
import zipfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from market import adjust, calendars, registry
from market.table import Window
from tests.market.test_adjust import SHARED

LEAN = SHARED / "us_lean_raw_with_factors"
YAHOO = SHARED / "us_kr_daily_yahoo_2000_2023" / "US"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "adjustment.md"
BOTH = sorted({p.stem for p in LEAN.glob("factor_files/*.csv")} & {p.stem for p in LEAN.glob("daily/*.zip")})
SAID = 5e-6  # a split factor is told by about six digits: AAPL's 7 for 1 is 0.0357143 / 0.25
LARGE = np.log(1.3)
NO_END = datetime(9999, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.skipif(
    not LEAN.exists(), reason="../shared/data is absent: Lean's bars and factors are not here"
)


@cache
def bars(symbol: str) -> pd.DataFrame:
    """Raw bars of the security as silver.prices has them, of each ticker that it traded under, by Lean's map of them."""
    path = LEAN / "map_files" / f"{symbol}.csv"
    lines = path.read_text().split() if path.exists() else [f"20501231,{symbol}"]
    since, parts = f"{factors(symbol)['date'].iloc[0]:%Y%m%d}", []
    for until, ticker in (line.split(",")[:2] for line in lines):
        rows = traded(ticker)
        parts.append(rows[(rows["at"] >= since) & (rows["at"] <= f"{until} 24:00")])
        since = f"{until} 24:00"
    rows = pd.concat(parts, ignore_index=True)
    rows["session_date"] = pd.to_datetime(rows["at"].str[:8]).dt.date
    rows["security_id"], rows["exchange"], rows["market"] = f"XNYS:{symbol.upper()}", "XNYS", "US"
    rows["known_at"] = [calendars.close_at("XNYS", day) for day in rows["session_date"]]
    return rows.reset_index(drop=True)


@cache
def traded(ticker: str) -> pd.DataFrame:
    """Raw bars under that ticker, whoever had it; none where they are not here."""
    columns = ["at", "open", "high", "low", "close", "volume"]
    path = LEAN / "daily" / f"{ticker}.zip"
    if not path.exists():
        return pd.DataFrame({name: pd.Series(dtype="string" if name == "at" else "float64") for name in columns})
    with zipfile.ZipFile(path) as file:
        rows = pd.read_csv(file.open(f"{ticker}.csv"), header=None, names=columns)
    rows[list(adjust.PRICE_COLUMNS)] /= 10_000
    return rows


@cache
def factors(symbol: str) -> pd.DataFrame:
    """Lean's factors: each row's hold up to and including its date; the last row is today's."""
    rows = pd.read_csv(
        LEAN / "factor_files" / f"{symbol}.csv", header=None, names=["date", "price", "split", "reference"]
    )
    return rows.assign(date=[datetime.strptime(f"{day}", "%Y%m%d").date() for day in rows["date"]])


def steps(symbol: str, name: str) -> pd.DataFrame:
    """Where a factor changes: the last date before the ex-date, the ex-date, and old / new."""
    rows = factors(symbol)
    ratio = rows[name] / rows[name].shift(-1)
    moved = rows.assign(ratio=ratio)[(ratio - 1).abs() > 1e-9].dropna(subset=["ratio"])
    return moved.assign(ex_date=[calendars.next_session("XNYS", day) for day in moved["date"]])


@cache
def ledger(symbol: str) -> pd.DataFrame:
    """silver.adjustments of the symbol, its splits declared as Lean tells them."""
    rows, splits = bars(symbol), steps(symbol, "split")
    days = pd.DataFrame(
        {"session_date": calendars.sessions("XNYS", rows["session_date"].min(), rows["session_date"].max())}
    )
    days["exchange"], days["session_no"] = "XNYS", [calendars.session_no("XNYS", day) for day in days["session_date"]]
    days["close_at"] = [calendars.close_at("XNYS", day) for day in days["session_date"]]
    told = pd.DataFrame({
        "session_date": splits["ex_date"], "security_id": f"XNYS:{symbol.upper()}", "exchange": "XNYS", "action": "split",
        "price_factor": splits["ratio"], "evidence": "Lean", "source": "lean", "payload_digest": "0" * 64,
        "known_at": [calendars.open_at("XNYS", day) for day in splits["ex_date"]],
    })  # fmt: skip
    frames = {"silver.prices": rows.assign(listed_shares=np.nan, is_halted=False), "silver.corporate_actions": told}
    window = Window(rows["session_date"].min(), rows["session_date"].max(), NO_END)
    conformed = {name: conform(name, frame) for name, frame in frames.items()}
    build = registry.table("silver.adjustments").build
    assert build is not None
    return build({**conformed, "silver.sessions": pa.Table.from_pandas(days, preserve_index=False)}, window).to_pandas()


def conform(name: str, frame: pd.DataFrame) -> pa.Table:
    """The contract's columns; what the frame lacks is null."""
    schema = registry.table(name).schema
    columns = {c: frame[c].to_list() if c in frame else [None] * len(frame) for c in schema.names}
    return pa.table({c: pa.array(_plain(values), schema.field(c).type) for c, values in columns.items()})


def _plain(values: list) -> list:
    return [None if value is pd.NaT or (isinstance(value, float) and np.isnan(value)) else value for value in values]


def overnight(rows: pd.DataFrame) -> pd.Series:
    """Log of the opening over the close of the session before; null after a hole."""
    numbers = pd.Series([calendars.session_no("XNYS", day) for day in rows["session_date"]], rows.index)
    return np.log(rows["open"] / rows["close"].shift()).where(numbers.diff() == 1)


@pytest.mark.parametrize("symbol", BOTH)
def test_every_adjusted_close_is_lean_s(symbol: str) -> None:
    rows, lean = bars(symbol), factors(symbol)
    own = adjust.cumulative_factor(ledger(symbol), rows)
    at = np.searchsorted(lean["date"].to_numpy("datetime64[D]"), rows["session_date"].to_numpy("datetime64[D]"))
    told = lean["split"].to_numpy()[at] / lean["split"].to_numpy()[at[-1]]
    np.testing.assert_allclose(own[-1] / own, told, rtol=SAID * max(len(ledger(symbol)), 1))


def test_every_split_is_in_the_ledger_on_its_ex_date_and_the_bars_alone_confirm_it() -> None:
    told = {(symbol, row.ex_date): row.ratio for symbol in BOTH for row in steps(symbol, "split").itertuples()}
    own = {(symbol, row.session_date): row for symbol in BOTH for row in ledger(symbol).itertuples()}
    assert len(told) == 18
    assert {key: row.factor for key, row in own.items()} == pytest.approx(told)
    assert {row.confidence for row in own.values()} == {"high"}


def test_every_other_large_move_overnight_is_named_on_the_page() -> None:
    """Above 30 % a split of any usual ratio hides: these are all of them, and none is one."""
    found = set()
    for symbol in BOTH:
        rows = bars(symbol)
        is_large = (overnight(rows).abs() > LARGE) & ~rows["session_date"].isin(ledger(symbol)["session_date"])
        found |= {(symbol, f"{day}") for day in rows.loc[is_large, "session_date"]}
    assert found == set(re.findall(r"^\| (\w{2,5}) \| (\d{4}-\d\d-\d\d) \|", PAGE.read_text(), re.MULTILINE))


def test_every_dividend_of_lean_s_is_taken_off_the_close_that_we_have() -> None:
    """Lean's reference price is the raw close before the ex-date; a dividend is no factor of ours, so the closes are what can differ."""
    compared = 0
    for symbol in BOTH:
        closes = bars(symbol).set_index("session_date")["close"]
        told = steps(symbol, "price").set_index("date")["reference"]
        ours = closes.reindex(told.index)
        compared += int(ours.notna().sum())
        assert (ours - told).abs().max() < 0.006 or ours.isna().all(), symbol
    assert compared == 626


@pytest.mark.parametrize(("ours", "theirs", "n_off"), [("aapl", "AAPL", 32), ("goog", "GOOG", 0), ("fb", "META", 1)])
def test_our_adjusted_closes_are_yahoo_s_who_adjusts_by_itself(ours: str, theirs: str, n_off: int) -> None:
    """Where both are: up to one ratio for splits after the bars end (GOOG, 20 for 1, 2022), within 0.5 % but for some faulty closes."""
    [path] = YAHOO.glob(f"{theirs}_*.csv")
    yahoo = pd.read_csv(path)
    yahoo["session_date"] = pd.to_datetime(yahoo["Date"].str[:10]).dt.date
    rows = bars(ours)
    own = adjust.cumulative_factor(ledger(ours), rows)
    both = rows.assign(adjusted=rows["close"] * own[-1] / own).merge(
        yahoo[["session_date", "Close"]], on="session_date"
    )
    ratio = both["adjusted"] / both["Close"]
    assert len(both) > 1_700
    assert ((ratio / ratio.median() - 1).abs() > 0.005).sum() == n_off
    assert round(ratio.median(), 3) == (20.0 if ours == "goog" else 1.0)
