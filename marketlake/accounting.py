"""The fate of every delivered price row: in silver, in quarantine, or a repeat of what the delivery before it said.

Rows are followed by their origin (payload digest and position), not inferred from differences of counts; and a row is a repeat
only where it says the same as the delivery before it, so that a revision that silver lost is lost here too. What does not
belong here: judging rows (`expectations`), printing.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lake.sql import ReleaseSql

# A payload that came back after another one has the same origin twice: rows of one origin are counted, not joined. Yahoo's
# float32 prices differ in the sixth digit once a later split rescales them, its volumes by the share that rounding takes; silver
# takes that for no revision either.
_FATES = """
WITH delivered AS (
    SELECT payload_digest, row_no, fetched_at, 'krx' AS source, 0.0 AS tolerance, 0.0 AS rounding, MKT_NM AS market,
        CASE WHEN length(ISU_CD) = 12 THEN substr(ISU_CD, 4, 6) ELSE ISU_CD END AS symbol,
        try_strptime(BAS_DD, '%Y%m%d')::DATE AS session_date,
        [try_cast(replace(text, ',', '') AS DOUBLE) FOR text IN [
            TDD_OPNPRC, TDD_HGPRC, TDD_LWPRC, TDD_CLSPRC, CMPPREVDD_PRC, ACC_TRDVOL, ACC_TRDVAL, MKTCAP, LIST_SHRS]] AS said
    FROM bronze.krx_daily
    UNION ALL
    SELECT payload_digest, row_no, fetched_at, 'yahoo', 2e-5, 0.5 + 0.5 / later_splits, 'US', symbol, session_date,
        [open * later_splits, high * later_splits, low * later_splits, close * later_splits, volume / later_splits]
    FROM bronze.yahoo_chart WHERE kind = 'bar' AND symbol NOT LIKE '%.KS' AND symbol NOT LIKE '%.KQ'
), compared AS (
    SELECT *, lag(said) OVER one AS before, rounding + lag(rounding) OVER one AS slack, market IS NOT DISTINCT FROM lag(market) OVER one AS on_same_market
    FROM delivered
    WINDOW one AS (PARTITION BY source, symbol, session_date ORDER BY fetched_at, payload_digest, row_no)
), origins AS (
    SELECT payload_digest, row_no, count(*) AS n, count(*) FILTER (NOT (on_same_market AND coalesce(list_bool_and([
            coalesce(abs(pair[1] - pair[2]) <= tolerance * greatest(abs(pair[1]), abs(pair[2])) + if(i = 5, slack, 0.0),
                     pair[1] IS NOT DISTINCT FROM pair[2])
            FOR pair, i IN list_zip(said, before)]), false))) AS n_news
    FROM compared GROUP BY payload_digest, row_no
), silver AS (
    SELECT payload_digest, row_no, count(*) AS n FROM silver.prices GROUP BY ALL
), held AS (
    SELECT payload_digest, row_no, count(*) AS n FROM ops.quarantine WHERE "table" = 'silver.prices' GROUP BY ALL
), fates AS (
    SELECT o.n, least(o.n, coalesce(s.n, 0)) AS silver, least(o.n - silver, coalesce(h.n, 0)) AS quarantined,
        greatest(0, o.n_news - silver - quarantined) AS lost
    FROM origins o LEFT JOIN silver s USING (payload_digest, row_no) LEFT JOIN held h USING (payload_digest, row_no)
)
SELECT coalesce(sum(n), 0) AS delivered, coalesce(sum(silver), 0) AS silver, coalesce(sum(quarantined), 0) AS quarantined,
    coalesce(sum(n - silver - quarantined - lost), 0) AS repeated, coalesce(sum(lost), 0) AS lost
FROM fates
"""


@dataclass(frozen=True)
class Account:
    """Delivered price rows, and what became of them; `lost` is nought, or it is a fault of ours."""

    delivered: int
    silver: int
    quarantined: int
    repeated: int
    lost: int

    def __str__(self) -> str:
        right = self.silver + self.quarantined + self.repeated
        sign = "=" if right == self.delivered else "!="
        return (
            f"{self.delivered:,} delivered {sign} {self.silver:,} in silver + {self.quarantined:,} in quarantine "
            f"+ {self.repeated:,} repeats" + (f" ({self.lost:,} unaccounted for)" if self.lost else "")
        )


def account(sql: "ReleaseSql") -> Account:
    """The fates of the release's delivered price rows."""
    [found] = sql.query(_FATES).to_pylist()
    return Account(**{name: int(n) for name, n in found.items()})
