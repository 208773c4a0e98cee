"""bronze.yahoo_chart: US daily bars, dividends and splits, one row each, as Yahoo's v8 chart delivers them."""

import numpy as np
import pandas as pd
import pyarrow as pa

from market import bitemporal, identity
from market.datasets.bronze._delivered import as_text, delivered
from market.datasets.bronze._parse import month, with_first_known
from market.table import Column, Frames, OneOf, Table

TABLE = Table(
    __name__,
    doc="Daily bars, dividends and splits of US securities, as delivered by Yahoo's v8 chart; prices split-adjusted to the day "
    "of the request, with the product of the later splits beside them.",
    columns=delivered(
        as_text("symbol", "Yahoo's symbol"),
        Column("kind", "string", "what the row is", rules=(OneOf(("bar", "dividend", "split")),)),
        Column("bar_at", "timestamp", "start of the bar or of the ex-day"),
        Column("open", "float64", "as delivered: adjusted for splits up to the request", "currency", nullable=True),
        Column("high", "float64", "as delivered", "currency", nullable=True),
        Column("low", "float64", "as delivered", "currency", nullable=True),
        Column("close", "float64", "as delivered", "currency", nullable=True),
        Column("volume", "float64", "as delivered", "shares", nullable=True),
        Column("dividend", "float64", "amount per share of a dividend row, split-adjusted", "currency", nullable=True),
        Column("numerator", "float64", "new shares of a split row", "shares", nullable=True),
        Column("denominator", "float64", "old shares of a split row", "shares", nullable=True),
        Column(
            "later_splits", "float64", "product of numerator/denominator of the payload's splits after this row", "1"
        ),
        as_text("currency", "currency of the prices"),
        as_text("exchange_name", "Yahoo's name of the exchange"),
        Column("price_hint", "int32", "decimals that are meant", nullable=True),
    ),
    key=("request", "payload_digest", "row_no", "fetched_at"),
    known_at="when the payload was fetched",
    writer="delta-rs",
    source="yahoo",
)

VALUES = ("open", "high", "low", "close", "volume")


def prices(delivered_rows: pa.Table, frames: Frames) -> pa.Table:
    """Rows of silver.prices: bars as they were on the day, later splits undone; a pure rescale is no revision."""
    rows = _of_kind(delivered_rows, "bar")
    splits = rows["later_splits"].to_numpy()
    for name in ("open", "high", "low", "close"):
        rows[name] = _significant(rows[name].to_numpy() * splits)
    rows["volume"] = np.round(rows["volume"].to_numpy() / splits)
    rows["market"], rows["is_halted"] = "US", rows["volume"] == 0
    timed = with_first_known(rows, "XNYS", frames)
    return pa.Table.from_pandas(
        bitemporal.versions(timed, ("security_id", "session_date"), VALUES), preserve_index=False
    )


def securities(delivered_rows: pa.Table, frames: Frames) -> pa.Table:
    """Rows of silver.securities: what a chart tells of a security, from its first bar on."""
    rows = _of_kind(delivered_rows, "bar")
    rows["name"], rows["market"], rows["kind"] = rows["symbol"], "US", "stock"
    timed = with_first_known(rows, "XNYS", frames)
    return pa.Table.from_pandas(
        bitemporal.changes(timed, ("security_id",), ("symbol", "market", "currency")), preserve_index=False
    )


def corporate_actions(delivered_rows: pa.Table, frames: Frames) -> pa.Table:
    """Rows of silver.corporate_actions: dividends as paid on the day (later splits undone) and splits, known at the open."""
    dividends, splits = _of_kind(delivered_rows, "dividend"), _of_kind(delivered_rows, "split")
    dividends["action"], splits["action"] = "cash_dividend", "split"
    dividends["amount"] = _significant(dividends["dividend"].to_numpy() * dividends["later_splits"].to_numpy())
    splits["price_factor"] = splits["denominator"] / splits["numerator"]
    rows = pd.concat([frame for frame in (dividends, splits) if len(frame)] or [splits], ignore_index=True)
    rows["evidence"] = "Yahoo chart event"
    timed = with_first_known(rows, "XNYS", frames, "open_at")
    key = ("security_id", "session_date", "action")
    return pa.Table.from_pandas(bitemporal.versions(timed, key, ("amount", "price_factor")), preserve_index=False)


def _of_kind(delivered_rows: pa.Table, kind: str) -> pd.DataFrame:
    raw = delivered_rows.to_pandas(timestamp_as_object=False)
    rows = raw[raw["kind"] == kind].drop(columns=["known_at"]).reset_index(drop=True)
    rows["security_id"] = identity.security_id("XNYS", rows["symbol"])
    rows["exchange"], rows["source"] = "XNYS", "yahoo"
    rows["session_month"] = month(rows["session_date"])
    rows["amount"], rows["price_factor"] = np.nan, np.nan
    return rows


def _significant(values: np.ndarray) -> np.ndarray:
    """Values rounded to six significant digits, so that undoing a split gives what was delivered before it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        digits = np.floor(np.log10(np.abs(values)))
    scale = np.power(10.0, 5 - np.where(np.isfinite(digits), digits, 0))
    return np.round(values * scale) / scale


SERIES = "symbol"
FEEDS = {"silver.prices": prices, "silver.securities": securities, "silver.corporate_actions": corporate_actions}
