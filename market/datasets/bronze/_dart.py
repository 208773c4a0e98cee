"""What the feeds of OpenDART's tables share: since when a receipt counts, and what a periodic report's name tells of its period.

What does not belong here: any one table.
"""

import calendar
from collections.abc import Callable
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


def with_price_factors(rows: pd.DataFrame, frames: Frames) -> pd.DataFrame:
    """The deliveries of receipts with `price_factor` (old shares / new shares, NaN where none was told), and those that its telling adds.

    Of a bonus issue 1 / (1 + new shares per share held); of a reduction of capital the common shares before / after, since its ratio
    in percent is what is left with some companies and what is gone with others.

    Parameters
    ----------
    rows : with `receipt_no`, `first_known_at` and `fetched_at`.

    Figures are asked for behind the list: the first ones within a day of a list that was read when its receipts counted already are part
    of what it told. Others are a delivery of their own: the receipt as last listed, fetched with them.
    """
    told = _told_factors(frames)
    told = told[told["receipt_no"].isin(rows["receipt_no"])]
    if told.empty:
        return rows.assign(price_factor=np.nan)
    listed = rows.sort_values("fetched_at", kind="stable")
    first = listed.drop_duplicates("receipt_no").set_index("receipt_no")
    listed_at, counts_at = (told["receipt_no"].map(first[name]) for name in ("fetched_at", "first_known_at"))
    is_with_it = (
        ~told["receipt_no"].duplicated()
        & (listed_at >= counts_at)
        & (told["fetched_at"] < listed_at + _BEHIND_THE_LIST)
    ) | (told["fetched_at"] < listed_at)
    told = told.assign(fetched_at=told["fetched_at"].mask(is_with_it, listed_at)).sort_values(
        "fetched_at", kind="stable"
    )
    told = told.drop_duplicates(["receipt_no", "fetched_at"], keep="last")
    alone = told.merge(listed[["receipt_no", "fetched_at"]], how="left", indicator=True)
    alone = alone.loc[alone["_merge"] == "left_only", ["receipt_no", "fetched_at"]]
    again = listed.assign(_listed_at=listed["fetched_at"]).drop(columns="fetched_at")
    again = pd.merge_asof(alone, again, left_on="fetched_at", right_on="_listed_at", by="receipt_no").drop(
        columns="_listed_at"
    )
    every = pd.concat([listed, again], ignore_index=True).sort_values("fetched_at", kind="stable")
    return pd.merge_asof(every, told[["receipt_no", "fetched_at", "price_factor"]], on="fetched_at", by="receipt_no")


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


_BEHIND_THE_LIST = timedelta(days=1)


def _told_factors(frames: Frames) -> pd.DataFrame:
    """Receipt number, factor and fetch of the answers that tell a ratio."""
    parts = []
    for name, factor in _FACTORS.items():
        table = frames.get(name)
        if table is not None and table.num_rows:
            rows = table.to_pandas(timestamp_as_object=False).sort_values(["fetched_at", "payload_digest", "row_no"])
            rows = rows.rename(columns={"rcept_no": "receipt_no"}).assign(price_factor=factor(rows).to_numpy())
            parts.append(rows[["receipt_no", "fetched_at", "price_factor"]])
    told = (
        pd.concat(parts, ignore_index=True)
        if parts
        else pd.DataFrame(columns=["receipt_no", "fetched_at", "price_factor"])
    )
    return told[np.isfinite(told["price_factor"].astype("float64")) & (told["price_factor"] > 0)]


_FACTORS: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "bronze.dart_bonus_issues": lambda rows: 1.0 / (1.0 + number(rows["nstk_ascnt_ps_ostk"])),
    "bronze.dart_capital_reductions": lambda rows: number(rows["bfcr_tisstk_ostk"]) / number(rows["atcr_tisstk_ostk"]),
}
"""How each table's figures give old shares / new shares."""
