"""Daily bars of one security: as the release believes them, or as they were believed at an instant, raw or adjusted."""

from datetime import date, datetime

import numpy as np
import pandas as pd
import pyarrow as pa

from lake.sql import ReleaseSql
from market import adjust, registry
from market.table import ARROW, Column
from serving.deps import Span
from serving.paging import Page
from serving.queries.reading import Series, columns, true_at

_SILVER = tuple(c for c in columns("silver.prices", without=("source",)))
_VOLUME = Column("volume", "float64", "shares traded; whole unless adjusted, then the other way round", "shares")
COLUMNS = (
    *(_VOLUME if c.name == "volume" else c for c in _SILVER if c.name != "known_at"),
    *(registry.table("gold.prices").column(name) for name in ("factor", "cumulative_factor", "known_at")),
)
_PAGED = (("session_date",), (date.fromisoformat,))
_RAW = Series("prices", "gold.prices", COLUMNS, *_PAGED)
_ADJUSTED = Series("prices", "gold.prices_adjusted", COLUMNS, *_PAGED)
_VERSIONS = Series("prices", "silver.prices", _SILVER, *_PAGED)


def bars(
    sql: ReleaseSql, security: str, span: Span, page: Page, as_of: datetime | None, is_adjusted: bool
) -> tuple[pa.Table, str | None]:
    """Bars in order of session, and the cursor of the next page.

    Parameters
    ----------
    as_of : prices and factors known at this instant; None: those of the release.
    is_adjusted : on the scale of the last session known then, whatever the page.
    """
    if as_of is None:
        return (_ADJUSTED if is_adjusted else _RAW).page(sql, security, span, page)
    where, values = true_at(sql, as_of)
    rows, following = _VERSIONS.page(sql, security, span, page, where, values)
    return _with_factors(sql, security, rows, as_of, is_adjusted), following


def _with_factors(sql: ReleaseSql, security: str, rows: pa.Table, as_of: datetime, is_adjusted: bool) -> pa.Table:
    condition, values = true_at(sql, as_of)
    ledger = sql.query(
        f"SELECT security_id, session_date, factor, known_at FROM silver.adjustments "
        f"WHERE security_id = ? AND {condition}",
        [security, *values],
    ).to_pandas()
    names = [*adjust.PRICE_COLUMNS, "volume"]
    frame = rows.select(["security_id", "session_date", "known_at", *names]).to_pandas()
    frame["cumulative_factor"] = adjust.cumulative_factor(ledger, frame)
    day = ledger[["session_date", "factor", "known_at"]].rename(columns={"known_at": "factor_known_at"})
    frame = frame.merge(day, on="session_date", how="left")
    frame["factor"] = frame["factor"].fillna(1.0)
    frame["known_at"] = np.maximum(frame["known_at"], frame["factor_known_at"].fillna(frame["known_at"]))
    if is_adjusted and len(frame):
        scale = _last_factor(sql, security, ledger, condition, values)
        frame = adjust.adjusted_as_of(frame, pd.Series(scale, index=frame.index))
    made = pa.Table.from_pandas(frame, preserve_index=False)
    arrays = [
        made.column(c.name).cast(ARROW[c.type]) if c.name in made.column_names else rows.column(c.name) for c in COLUMNS
    ]
    if not is_adjusted:
        arrays[COLUMNS.index(_VOLUME)] = rows.column("volume")
    return pa.table(arrays, names=[c.name for c in COLUMNS])


def _last_factor(sql: ReleaseSql, security: str, ledger: pd.DataFrame, condition: str, values: list[object]) -> float:
    last = sql.query(
        f"SELECT security_id, max(session_date) AS session_date FROM silver.prices "
        f"WHERE security_id = ? AND {condition} GROUP BY security_id",
        [security, *values],
    ).to_pandas()
    return float(adjust.cumulative_factor(ledger, last)[0])
