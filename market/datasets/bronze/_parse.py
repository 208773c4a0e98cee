"""From delivered text to values: numbers with thousands commas, dates without dashes, sources' words for 'unknown'."""

import pandas as pd

from market.table import Frames

UNKNOWN = ("", "-")


def number(text: pd.Series) -> pd.Series:
    """Floats of texts such as '1,234', '-1,100' or '4.39'; NaN where unknown or no number at all."""
    plain = text.astype("string").str.replace(",", "", regex=False).str.strip()
    return pd.to_numeric(plain.where(~plain.isin(UNKNOWN)), errors="coerce").astype("float64")


def day(text: pd.Series) -> pd.Series:
    """Dates of texts such as '20240503', '2008/09/23' or '2024-05-03'; None where unknown."""
    digits = text.astype("string").str.replace(r"[-/.]", "", regex=True)
    return pd.to_datetime(digits, format="%Y%m%d", errors="coerce").dt.date


def with_first_known(rows: pd.DataFrame, exchange: str, frames: Frames, instant: str = "close_at") -> pd.DataFrame:
    """The rows with `first_known_at`: an instant of their session, or the fetch where the calendar has no such session."""
    sessions = frames["silver.sessions"].to_pandas()
    ours = sessions.loc[sessions["exchange"] == exchange, ["session_date", instant]]
    merged = rows.merge(ours.rename(columns={instant: "first_known_at"}), on="session_date", how="left")
    merged["first_known_at"] = merged["first_known_at"].fillna(merged["fetched_at"])
    return merged


def month(dates: pd.Series) -> pd.Series:
    """Partition months of session dates."""
    return pd.to_datetime(dates).dt.strftime("%Y-%m").astype("string")


def whole(text: pd.Series) -> pd.Series:
    """Whole numbers, as floats so that NaN can stand for unknown; a fraction is unknown too, and so is refused later."""
    values = number(text)
    return values.where(values == values.round())
