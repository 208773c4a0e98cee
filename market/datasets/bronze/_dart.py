"""What the feeds of OpenDART's tables share: since when a receipt counts, and what a periodic report's name tells of its period.

What does not belong here: any one table.
"""

import calendar
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa

from market import fundamentals as figures
from market import identity
from market.datasets.bronze._parse import day, number, with_first_known
from market.table import Frames

QUARTERS = {"11013": 1, "11012": 2, "11014": 3, "11011": 4}
"""Quarter of the business year with which a report of that code ends."""

_MONTH = r"\((\d{4}\.(?:0[1-9]|1[0-2]))\)"


def since_receipt(rows: pd.DataFrame, frames: Frames) -> pd.DataFrame:
    """The rows with `first_known_at`: the first opening after the day of `receipt_date`, which has no finer resolution.

    Parameters
    ----------
    rows : with `session_date`, the session on or after the receipt, `receipt_date` and `fetched_at`.
    """
    timed = with_first_known(rows, "XKRX", frames, "next_open_at")
    opened = with_first_known(rows, "XKRX", frames, "open_at")["first_known_at"]
    received_before = pd.to_datetime(timed["receipt_date"]) < pd.to_datetime(timed["session_date"])  # between sessions
    timed["first_known_at"] = timed["first_known_at"].mask(received_before, opened)
    return timed


def told_by_report(rows: pd.DataFrame, frames: Frames) -> pd.DataFrame:
    """The rows of periodic reports with who filed them where, since when they count, and which of two filings is the newer.

    Parameters
    ----------
    rows : with `rcept_no`, `stock_code`, `report_nm`, `session_date` and `fetched_at`.
    """
    plain = identity.security_id("XKRX", rows["stock_code"])
    known = rows.assign(
        exchange="XKRX", source="dart", form=rows["report_nm"], filing_no=rows["rcept_no"],
        security_id=identity.ids_then(plain, rows["session_date"], frames.get("silver.securities")), receipt_date=_receipt_day(rows["rcept_no"]),
    )  # fmt: skip
    known = since_receipt(known, frames)
    # Of two receipts of one day, known at the same opening, the higher number came later.
    serial = pd.to_numeric(known["rcept_no"].astype("string").str[-6:], errors="coerce").fillna(0)
    known["filed_at"] = known["first_known_at"] + pd.to_timedelta(serial.astype("float64"), unit="us")
    return known


def by_fiscal_period(rows: pd.DataFrame) -> pa.Table:
    """Untangled rows, with `year_start`, as rows of silver.fundamentals."""
    named = zip(rows["span"], rows["period_end"], rows["year_start"], strict=True)
    rows["fiscal_period"] = pd.Series([figures.fiscal_period(*one) for one in named], rows.index, dtype="string")
    return pa.Table.from_pandas(rows, preserve_index=False)


def price_factors(frames: Frames) -> pd.Series:
    """Old shares / new shares of the decisions that tell a ratio, by receipt number; what a receipt was first told with counts.

    Of a bonus issue 1 / (1 + new shares per share held); of a reduction of capital the common shares before / after, since its ratio
    in percent is what is left with some companies and what is gone with others.
    """
    bonus, reductions = (
        _figures(frames.get(name)) for name in ("bronze.dart_bonus_issues", "bronze.dart_capital_reductions")
    )
    factors = pd.concat(
        [1.0 / (1.0 + bonus["nstk_ascnt_ps_ostk"]), reductions["bfcr_tisstk_ostk"] / reductions["atcr_tisstk_ostk"]]
    )
    return factors[np.isfinite(factors) & (factors > 0)]


def last_days(names: pd.Series) -> list[date | None]:
    """The last day that each report tells of, by its name: 분기보고서 (2024.03); None where the name tells none."""
    months = names.astype("string").str.extract(_MONTH)[0]
    return [None if pd.isna(text) else _month_end(int(text[:4]), int(text[5:])) for text in months]


def month_end(last: date, months_before: int) -> date:
    """The last day of the month that many months before."""
    year, at = divmod(last.year * 12 + last.month - 1 - months_before, 12)
    return _month_end(year, at + 1)


def first_day(last: date, n_months: int) -> date:
    """The first day of so many months that end on the last day of a month."""
    return month_end(last, n_months) + timedelta(days=1)


def _receipt_day(numbers: pd.Series) -> pd.Series:
    """The days of receipt numbers, which begin with them."""
    return day(numbers.astype("string").str[:8])


def _month_end(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])


_RATIOS = ("nstk_ascnt_ps_ostk", "bfcr_tisstk_ostk", "atcr_tisstk_ostk")


def _figures(delivered_rows: pa.Table | None) -> pd.DataFrame:
    """The figures of decisions by receipt number, NaN where unknown."""
    if delivered_rows is None:
        return pd.DataFrame(columns=list(_RATIOS), dtype="float64")
    rows = delivered_rows.to_pandas(timestamp_as_object=False).sort_values(["fetched_at", "payload_digest", "row_no"])
    rows = rows.drop_duplicates("rcept_no").set_index("rcept_no")
    return pd.DataFrame({name: number(rows[name]) for name in _RATIOS if name in rows.columns}, index=rows.index)
