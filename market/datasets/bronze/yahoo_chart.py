"""bronze.yahoo_chart: daily bars, dividends and splits, one row each, as Yahoo's v8 chart delivers them.

Korean charts, where the settings name some, stay here: KRX alone tells Korean prices (docs/adr/0019)."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from market import bitemporal, identity
from market.datasets.bronze._delivered import as_text, delivered
from market.datasets.bronze._parse import EXACT, month, with_first_known
from market.table import Column, Frames, OneOf, Table

TABLE = Table(
    __name__,
    doc="Daily bars, dividends and splits of US securities, as delivered by Yahoo's v8 chart; prices split-adjusted to the day "
    "of the request, with the product of the later splits beside them. Korean ones (005930.KS) where the settings name them: a check of "
    "KRX's closes that feeds no table.",
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
        as_text("long_name", "the company that had the symbol at the fetch"),
        Column("first_trade", "date", "its first trading day, as Yahoo says", nullable=True),
    ),
    key=("request", "payload_digest", "row_no", "fetched_at"),
    known_at="when the payload was fetched",
    commits="append",
    source="yahoo",
)

PRICES = ("open", "high", "low", "close")
VALUES = (*PRICES, "volume", "unreadable")
US_CENTS = 2
DIVIDEND_DECIMALS = 4


def prices(delivered_rows: pa.Table, frames: Frames) -> pa.Table:
    """Rows of silver.prices: bars as they were on the day, later splits undone; a pure rescale is no revision."""
    rows = _of_kind(delivered_rows, "bar", frames)
    splits, decimals = rows["later_splits"], rows["price_hint"].fillna(US_CENTS)
    off = {}
    for name in PRICES:
        rows[name], off[name] = _undone(rows[name], splits, decimals)
    shares = rows["volume"] / splits
    is_whole = np.isfinite(shares) & (shares.abs() < EXACT)
    rows["unreadable"] = ("volume " + rows["volume"].astype("string")).where(rows["volume"].notna() & ~is_whole)
    rows["volume"] = shares.round().where(is_whole)
    off["volume"] = (0.5 + 0.5 / splits).where(splits != 1.0, 0.0)
    rows["market"], rows["is_halted"] = "US", rows["volume"] == 0
    key = ("security_id", "session_date")
    timed = with_first_known(_as_told_first(rows, key, off), "XNYS", frames)
    return pa.Table.from_pandas(bitemporal.versions(timed, key, VALUES), preserve_index=False)


def securities(delivered_rows: pa.Table, frames: Frames) -> pa.Table:
    """Rows of silver.securities: what a chart tells of a security, from its first bar on."""
    rows = _of_kind(delivered_rows, "bar", frames)
    rows["name"], rows["name_en"], rows["market"] = rows["long_name"], None, "US"
    rows["list_date"] = rows["first_trade"]
    rows["security_id"] = identity.listed_ids("XNYS", rows)
    # The long name is of the fetch: shown for an older session it would be hindsight.
    rows["name"], rows["kind"] = rows["symbol"], "stock"
    timed, attributes = with_first_known(rows, "XNYS", frames), ("symbol", "market", "list_date", "currency")
    told = bitemporal.versions(timed, ("security_id", "session_date"), attributes)
    changed = bitemporal.changes(told, ("security_id",), attributes, observed="session_date")
    return pa.Table.from_pandas(changed, preserve_index=False)


def corporate_actions(delivered_rows: pa.Table, frames: Frames) -> pa.Table:
    """Rows of silver.corporate_actions: dividends as paid on the day (later splits undone) and splits, known at the open.

    A chart that has the bar of a session and not the event that an earlier one told there takes the event back.
    """
    dividends, splits = (_of_kind(delivered_rows, kind, frames) for kind in ("dividend", "split"))
    dividends["action"], splits["action"] = "cash_dividend", "split"
    key = ("security_id", "session_date", "action")
    dividends["amount"], off = _undone(dividends["dividend"], dividends["later_splits"], DIVIDEND_DECIMALS)
    dividends = _as_told_first(dividends, key, {"amount": off})
    splits["price_factor"] = splits["denominator"] / splits["numerator"]
    rows = pd.concat([frame for frame in (dividends, splits) if len(frame)] or [splits], ignore_index=True)
    rows["evidence"] = "Yahoo chart event"
    timed = with_first_known(rows, "XNYS", frames, "open_at").assign(request=_day_of)
    bars = _of_kind(delivered_rows, "bar", frames)
    answers = bars.assign(request=_day_of)
    answers = pd.concat([answers[answers["request"].isin(timed["request"])], timed], ignore_index=True)
    told = bitemporal.versions(timed, key, ("amount", "price_factor"), answers=answers)
    return pa.Table.from_pandas(told, preserve_index=False)


def _day_of(rows: pd.DataFrame) -> pd.Series:
    """What every chart with a bar of that security and session is asked for: a range of days is a question for each."""
    return rows["security_id"].astype("string") + " " + rows["session_date"].astype("string")


def _of_kind(delivered_rows: pa.Table, kind: str, frames: Frames) -> pd.DataFrame:
    raw = delivered_rows.to_pandas(timestamp_as_object=False)
    rows = (
        raw[(raw["kind"] == kind) & ~identity.is_korean_chart(raw["symbol"])]
        .drop(columns=["known_at"])
        .reset_index(drop=True)
    )
    plain = identity.security_id("XNYS", rows["symbol"])
    rows["security_id"] = identity.ids_then(plain, rows["session_date"], frames.get("silver.securities"))
    rows["exchange"], rows["source"] = "XNYS", "yahoo"
    rows["session_month"] = month(rows["session_date"])
    rows["amount"], rows["price_factor"] = np.nan, np.nan
    return rows


def _undone(delivered: pd.Series, splits: pd.Series, decimals: pd.Series | int) -> tuple[pd.Series, pd.Series]:
    """Figures with later splits undone, and how far undoing may have moved each; a figure without later splits is exact.

    Yahoo widens float32 figures, and rounds rescaled ones about two digits behind the meant decimals. So the figure at the meant
    decimals is taken where that explains the difference, and seven significant digits where it does not (a price below a cent).
    """
    figures, is_rescaled = delivered * splits, splits != 1.0
    scale = 10.0 ** pd.Series(decimals, delivered.index, dtype="float64")
    meant = (figures * scale).round() / scale
    off = _widened(delivered).mask(is_rescaled, lambda widened: np.maximum(widened, 0.005 / scale) * splits)
    rest = figures.mask(is_rescaled, _significant(figures, 7))
    return meant.where((meant - figures).abs() <= off, rest), off.where(is_rescaled, 0.0)


def _widened(delivered: pd.Series) -> pd.Series:
    """How far each figure may be from the one that it stands for: half a float32 step, nothing where it is no float32."""
    with np.errstate(over="ignore"):
        narrow = delivered.astype("float32")
    step = pd.Series(np.spacing(narrow.abs().to_numpy()), delivered.index, dtype="float64")
    return (step / 2.0).where(narrow.astype("float64") == delivered, 0.0)


def _as_told_first(rows: pd.DataFrame, key: Sequence[str], off: Mapping[str, pd.Series]) -> pd.DataFrame:
    """The rows, those that only rescale the delivery before them with its figures: a split is no revision.

    Parameters
    ----------
    off : by column of figures, how far undoing later splits may have moved each.
    """
    by = rows.sort_values([*key, "fetched_at", "payload_digest", "row_no"], kind="stable")
    group = [by[name] for name in key]
    same = by["later_splits"] != by["later_splits"].groupby(group).shift()
    for name, moved in off.items():
        before, far = by[name].groupby(group).shift(), moved.loc[by.index]
        far = far + far.groupby(group).shift()
        same &= ((by[name] - before).abs() <= far) | (by[name].isna() & before.isna())
    same &= by.duplicated(list(key))
    stretch = (~same).cumsum()
    told = by[list(off)].groupby(stretch).head(1)
    first = pd.DataFrame(told.to_numpy()[stretch.to_numpy() - 1], by.index, list(off)) if len(by) else by[list(off)]
    return rows.assign(**{name: first[name] for name in off})


def _significant(values: pd.Series, n: int) -> pd.Series:
    """Values rounded to n significant digits."""
    with np.errstate(divide="ignore", invalid="ignore"):
        digits = np.floor(np.log10(np.abs(values)))
    scale = np.power(10.0, n - 1 - np.where(np.isfinite(digits), digits, 0))
    return (values * scale).round() / scale


SERIES = "symbol"
FEEDS = {"silver.prices": prices, "silver.securities": securities, "silver.corporate_actions": corporate_actions}
