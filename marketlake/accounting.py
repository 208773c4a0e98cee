"""The fate of every delivered price row: in silver, in quarantine, or a repeat of what silver already says.

Rows are followed by their origin (payload digest and position), not inferred from differences of counts. What does not
belong here: judging rows (`expectations`), printing.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lake.sql import ReleaseSql

_FATES = """
WITH delivered AS (
    SELECT payload_digest, row_no, CASE WHEN length(ISU_CD) = 12 THEN substr(ISU_CD, 4, 6) ELSE ISU_CD END AS symbol,
           try_strptime(BAS_DD, '%Y%m%d')::DATE AS session_date, 'krx' AS source
    FROM bronze.krx_daily
    UNION ALL
    SELECT payload_digest, row_no, symbol, session_date, 'yahoo' AS source FROM bronze.yahoo_chart WHERE kind = 'bar'
), silver AS (
    SELECT payload_digest, row_no, count(*) AS n FROM silver.prices GROUP BY ALL
), held AS (
    SELECT payload_digest, row_no, count(*) AS n FROM ops.quarantine WHERE "table" = 'silver.prices' GROUP BY ALL
), known AS (
    SELECT DISTINCT symbol, session_date, source FROM silver.prices
), fates AS (
    SELECT CASE
        WHEN silver.n IS NOT NULL THEN 'silver'
        WHEN held.n IS NOT NULL THEN 'quarantined'
        WHEN known.symbol IS NOT NULL THEN 'repeated'
        ELSE 'lost' END AS fate
    FROM delivered
    LEFT JOIN silver USING (payload_digest, row_no)
    LEFT JOIN held USING (payload_digest, row_no)
    LEFT JOIN known USING (symbol, session_date, source)
)
SELECT fate, count(*) AS n FROM fates GROUP BY fate
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
    found = {row["fate"]: int(row["n"]) for row in sql.query(_FATES).to_pylist()}
    counts = {name: found.get(name, 0) for name in ("silver", "quarantined", "repeated", "lost")}
    return Account(delivered=sum(found.values()), **counts)
