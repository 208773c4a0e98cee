"""Cross-table reconciliation: figures that must agree although different hands made them.

Judged by share of rows, since real markets hold a few exceptions (block trades after hours, rounded base prices). Pure: Arrow
frames in, outcomes out. What does not belong here: rules about one row of one table, which its contract holds.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from expectations import engine
from expectations.frames import session_days
from expectations.outcomes import Outcome, Severity
from expectations.suite import CHECK
from market.table import Table

PriceBasis = Literal["raw", "adjusted"]
ENTITY = ("security_id", "session_date")
SHOWN_ROWS = 3
ROUNDING = 1e-9  # of floats: values up to 1e15 KRW are products of whole numbers


def value_within_range(
    prices: pa.Table, table: str = "gold.prices", *, price_basis: PriceBasis = "raw", min_share: float = 0.99
) -> Outcome:
    """Value traded lies within the day's price range times its volume: low x volume <= value <= high x volume.

    Parameters
    ----------
    prices : security_id, session_date, low, high, volume, value. Halts, days without volume and rows with a null are left out.
    price_basis : an `adjusted` recording has prices of another scale than its values, and is left out whole.
    min_share : share of the rows that must agree; block trades outside the range are legal and rare.
    """
    check, expected = "value_within_range", "low x volume <= value <= high x volume"
    if price_basis == "adjusted":
        return _left_out(table, check, expected, "the prices are adjusted")
    names = [*ENTITY, "low", "high", "volume", "value"]
    rows = _rows(prices, names)
    rows = rows[(rows["volume"] > 0) & (rows["low"] > 0)].reset_index(drop=True)
    above = rows["value"] >= rows["low"] * rows["volume"] * (1 - ROUNDING)
    below = rows["value"] <= rows["high"] * rows["volume"] * (1 + ROUNDING)
    rows[check] = above & below
    kind = ("ExpectColumnValuesToBeInSet", {"column": check, "value_set": [True]})
    return _judged(table, check, expected, rows, kind, names, min_share, "error")


def market_cap_is_close_times_shares(
    prices: pa.Table,
    table: str = "gold.prices",
    *,
    price_basis: PriceBasis = "raw",
    tolerance: float = 0.001,
    min_share: float = 0.99,
) -> Outcome:
    """Market capitalisation equals close x listed shares, within a fraction `tolerance` of it.

    Parameters
    ----------
    prices : security_id, session_date, close, listed_shares, market_cap. Rows with a null or zero are left out.
    price_basis : an `adjusted` recording has closes of another scale than its shares, and is left out whole.
    """
    check, expected = "market_cap_is_close_times_shares", f"market_cap = close x listed_shares within {tolerance:.2%}"
    if price_basis == "adjusted":
        return _left_out(table, check, expected, "the prices are adjusted")
    names = [*ENTITY, "close", "listed_shares", "market_cap"]
    rows = _rows(prices, names)
    product = rows["close"] * rows["listed_shares"]
    rows = rows[(product > 0) & (rows["market_cap"] > 0)].reset_index(drop=True)
    ratio = "market_cap_over_close_times_shares"
    rows[ratio] = rows["market_cap"] / (rows["close"] * rows["listed_shares"])
    bounds = {"column": ratio, "min_value": 1 - tolerance, "max_value": 1 + tolerance}
    return _judged(
        table, check, expected, rows, ("ExpectColumnValuesToBeBetween", bounds), [*names, ratio], min_share, "error"
    )


def base_price_follows_close(
    prices: pa.Table,
    table: str = "gold.prices",
    *,
    price_basis: PriceBasis = "raw",
    tolerance: float = 0.001,
    min_share: float = 0.95,
) -> Outcome:
    """The exchange's base price equals the previous close times the day's adjustment factor; a warning, since the base price
    after a suspension is the exchange's own decision.

    Parameters
    ----------
    prices : exchange, security_id, session_date, close, base_price, factor, in any order. Rows with a null are left out, those
        without the row of the session before (a first session, a hole in a recording), and an `adjusted` recording.
    """
    check, expected = "base_price_follows_close", f"base_price = previous close x factor within {tolerance:.2%}"
    if price_basis == "adjusted":
        return _left_out(table, check, expected, "the prices are adjusted")
    names = [*ENTITY, "close", "base_price", "factor"]
    rows = (
        prices.select(["exchange", *names]).to_pandas(date_as_object=False).sort_values(list(ENTITY), ignore_index=True)
    )
    rows["previous_close"] = rows.groupby("security_id")["close"].shift().where(_follows(rows))
    ratio = "base_price_over_previous_close_times_factor"
    rows[ratio] = rows["base_price"] / (rows["previous_close"] * rows["factor"])
    rows = rows[rows["previous_close"] > 0].dropna(subset=[ratio]).reset_index(drop=True)
    bounds = {"column": ratio, "min_value": 1 - tolerance, "max_value": 1 + tolerance}
    shown = [*names, "previous_close"]
    return _judged(table, check, expected, rows, ("ExpectColumnValuesToBeBetween", bounds), shown, min_share, "warn")


def factors_are_disclosed(ledger: pa.Table, table: str = "silver.adjustments") -> Outcome:
    """Every Korean factor that is believed has an action that disclosed it; a warning, since a base price moves whoever told why.

    Parameters
    ----------
    ledger : rows of silver.adjustments, any versions; those that something replaced are left out.
    """
    check, expected = "factors_are_disclosed", "a disclosed action for every factor (disclosed_by not null)"
    names = [*ENTITY, "factor", "cause"]
    rows = ledger.filter(pc.and_(pc.is_null(ledger["known_until"]), pc.equal(ledger["exchange"], "XKRX")))
    frame = rows.select([*names, "disclosed_by"]).to_pandas(date_as_object=False)
    frame[check] = frame["disclosed_by"].notna()
    kind = ("ExpectColumnValuesToBeInSet", {"column": check, "value_set": [True]})
    return _judged(table, check, expected, frame, kind, names, 1.0, "warn")


def same_keys(made: pa.Table, source: pa.Table, table: str, source_table: str, key: Sequence[str] = ENTITY) -> Outcome:
    """The table made has exactly the keys of its source: nothing lost, nothing invented.

    Parameters
    ----------
    made, source : any frames with the key columns; how often a key occurs is the contracts' matter, such as versions in silver.
    """
    check = f"same_keys_as_{source_table.replace('.', '_')}"
    names = list(key)
    ours, theirs = (f.select(names).to_pandas(date_as_object=False).drop_duplicates() for f in (made, source))
    rows = ours.merge(theirs, on=names, how="outer", indicator="row_is_in")
    where = {"both": "both", "left_only": f"{table} alone", "right_only": f"{source_table} alone"}
    rows["row_is_in"] = rows["row_is_in"].astype(str).map(where)
    kind = ("ExpectColumnValuesToBeInSet", {"column": "row_is_in", "value_set": ["both"]})
    expected = f"the keys ({', '.join(names)}) of {source_table}, each of them and no other"
    return _judged(table, check, expected, rows, kind, [*names, "row_is_in"], 1.0, "error")


def gold_as_silver(gold: pa.Table, silver: pa.Table, gold_table: Table, silver_table: Table) -> Outcome:
    """A gold table has a row for every key of the silver table that it is made of, and no other.

    Parameters
    ----------
    silver : versions true now, or all of them; those that never became true again are left out by `known_until`.
    """
    if "known_until" in silver.column_names:
        silver = silver.filter(silver.column("known_until").is_null())
    return same_keys(gold, silver, gold_table.name, silver_table.name, gold_table.key)


def _follows(rows: pd.DataFrame) -> pd.Series:
    """True where the security's row before is of the session before; rows are sorted by security and session."""
    number = pd.Series(np.nan, index=rows.index)
    days = rows["session_date"].to_numpy().astype("datetime64[D]").astype(np.int32)
    for exchange, at in rows.groupby("exchange").indices.items():
        number.iloc[at] = np.searchsorted(session_days(str(exchange)), days[at])
    return number.groupby(rows["security_id"]).diff() == 1


def _rows(frame: pa.Table, names: Sequence[str]) -> pd.DataFrame:
    rows: pd.DataFrame = frame.select(list(names)).to_pandas(date_as_object=False)
    return rows.dropna()


def _judged(
    table: str,
    check: str,
    expected: str,
    rows: pd.DataFrame,
    kind: tuple[str, Mapping[str, Any]],
    shown: Sequence[str],
    min_share: float,
    severity: Severity,
) -> Outcome:
    """One expectation of the library on the rows, `min_share` of which must pass; without rows there is nothing against it."""
    if rows.empty:
        return _left_out(table, check, expected, "no row has all the figures", severity)
    name, settings = kind
    expectation = getattr(engine.part("expectations"), name)(
        **settings, mostly=min_share, description=expected, meta={CHECK: check}
    )
    suite = engine.great_expectations().ExpectationSuite(name=f"{table}.{check}", expectations=[expectation])
    one = engine.validate(suite, rows, shown).results[0]
    n, n_failed = len(rows), int(one.result["unexpected_count"])
    examples = one.result.get("partial_unexpected_index_list") or []
    one.result["unexpected_index_list"] = [{k: _plain(v) for k, v in row.items()} for row in examples]
    one.result["unexpected_index_column_names"] = [n for n in shown if n != settings["column"]]
    words = f"{expected}, in at least {min_share:.4g} of the rows" if min_share < 1 else expected
    found = f"all {n:,} rows" if not n_failed else _found(n, n_failed, examples, shown)
    return Outcome(table, check, severity, bool(one.success), words, found, n, n_failed, evidence=one)


def _found(n: int, n_failed: int, examples: Sequence[Mapping[str, Any]], shown: Sequence[str]) -> str:
    told = "; ".join(", ".join(_shown(name, row[name]) for name in shown) for row in examples[:SHOWN_ROWS])
    more = f" and {n_failed - SHOWN_ROWS:,} more" if n_failed > SHOWN_ROWS else ""
    return f"{n_failed:,} of {n:,} rows differ ({n_failed / n:.2%}): {told}{more}"


def _shown(name: str, value: Any) -> str:
    return _plain(value) if name in ENTITY else f"{name} {_plain(value)}"


def _plain(value: Any) -> str:
    return f"{value:%Y-%m-%d}" if isinstance(value, pd.Timestamp) else str(value)


def _left_out(table: str, check: str, expected: str, why: str, severity: Severity = "error") -> Outcome:
    return Outcome(table, check, severity, True, expected, f"not judged: {why}", 0, 0)
