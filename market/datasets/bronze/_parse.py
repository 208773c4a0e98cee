"""From delivered text to values: numbers with thousands commas, dates without dashes, sources' words for 'unknown'.

What is neither a value nor unknown is told by `unreadable`, so that its row is refused rather than stored with a hole.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from market.table import Frames

UNKNOWN = ("", "-")
NUMBER = r"[+-]?(?:(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.[0-9]*)?|\.[0-9]+)"
EXACT = 2.0**53  # from here on a float skips whole numbers, and soon after an int64 ends

Parser = Callable[[pd.Series], pd.Series]


def number(text: pd.Series) -> pd.Series:
    """Floats of texts such as '1,234', '-1,100' or '4.39'; NaN where unknown or no number at all."""
    plain = _trimmed(text)
    digits = pc.if_else(pc.match_substring_regex(plain, f"^(?:{NUMBER})$"), plain, None)
    digits = pc.utf8_ltrim(pc.replace_substring(digits, ",", ""), "+")
    values = pd.Series(digits.cast(pa.float64()).to_numpy(zero_copy_only=False), text.index, dtype="float64")
    return values.where(np.isfinite(values))


def whole(text: pd.Series) -> pd.Series:
    """Whole numbers, as floats so that NaN can stand for unknown; NaN too for a fraction and from 2**53 on."""
    values = number(text)
    return values.where((values == values.round()) & (values.abs() < EXACT))


def day(text: pd.Series) -> pd.Series:
    """Dates of texts such as '20240503', '2008/09/23' or '2024-05-03'; None where unknown or no date at all."""
    return _each_once(text.astype("string"), _days)


def unreadable(rows: pd.DataFrame, parsers: Mapping[str, Parser], unknown: tuple[str, ...] = ()) -> pd.Series:
    """Which columns hold a text that their parser cannot read, with the text: "TDD_OPNPRC '₩990'"; null where none does.

    Parameters
    ----------
    rows : delivered rows, all columns text.
    parsers : by column, the function of this module that reads it.
    unknown : the source's further words for unknown, such as the one for shares without par value.
    """
    found = pd.Series("", index=rows.index, dtype="string")
    for name, parse in parsers.items():
        text = _plain(rows.loc[parse(rows[name]).isna(), name])
        bad = text[text.notna() & ~text.isin([*UNKNOWN, *unknown])]
        found.loc[bad.index] += ", " + name + " " + bad.map(repr)
    return found.str.removeprefix(", ").mask(found == "")


def with_first_known(rows: pd.DataFrame, exchange: str, frames: Frames, instant: str = "close_at") -> pd.DataFrame:
    """The rows with `first_known_at`: an instant of their session, or the fetch where the calendar has no such session."""
    sessions = frames["silver.sessions"].to_pandas()
    ours = sessions.loc[sessions["exchange"] == exchange, ["session_date", instant]]
    merged = rows.merge(ours.rename(columns={instant: "first_known_at"}), on="session_date", how="left")
    merged["first_known_at"] = merged["first_known_at"].fillna(merged["fetched_at"])
    return merged


def month(dates: pd.Series) -> pd.Series:
    """Partition months of session dates."""
    return _each_once(dates, lambda told: pd.to_datetime(told).dt.strftime("%Y-%m")).astype("string")


def _days(text: pd.Series) -> pd.Series:
    digits = text.str.strip().str.replace(r"[-/.]", "", regex=True)
    return pd.to_datetime(digits, format="%Y%m%d", errors="coerce").dt.date


def _each_once(values: pd.Series, work: Callable[[pd.Series], pd.Series]) -> pd.Series:
    """What the work makes of the values, done once for each that differs: a payload tells one day thousands of times."""
    codes, distinct = pd.factorize(values, use_na_sentinel=False)
    made = work(pd.Series(distinct, dtype=values.dtype))
    return made.take(codes).set_axis(values.index)


def _trimmed(text: pd.Series) -> pa.Array:
    """The texts without white space around them; numbers are parsed in Arrow, which takes a fifth of the time of pandas' strings."""
    return pc.utf8_trim_whitespace(pa.array(text.astype("string"), pa.string(), from_pandas=True))


def _plain(text: pd.Series) -> pd.Series:
    return text.astype("string").str.strip()
