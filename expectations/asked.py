"""What a build was asked for, and how many of its rows may be refused: of all rows, and of each session that must have rows.

Over a window of years a share hides a session that was refused whole, so a session of which more than half is refused blocks
too. It may be worse than the whole: a bad day among a thousand is set aside, not a reason to have none of them. What does not
belong here: the rules that rows break (`expectations.checks`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from market.table import Table

SHOWN = 3
SESSION_LIMIT = 0.5


@dataclass(frozen=True)
class Asked:
    """The sessions of a build.

    Parameters
    ----------
    start, end : first and last date of the window; rows of other sessions are refused.
    sessions : by exchange, the sessions of the window that the world covers.
    """

    start: date
    end: date
    sessions: Mapping[str, Sequence[date]] = field(default_factory=dict)

    def outside(self, table: Table, frame: pa.Table) -> dict[int, str]:
        """Why rows that claim a session outside the window are refused, by position: their payload answers another day."""
        if not table.is_partitioned:
            return {}
        dates = frame["session_date"].to_numpy(zero_copy_only=False).astype("datetime64[D]")
        positions = np.flatnonzero((dates < np.datetime64(self.start)) | (dates > np.datetime64(self.end)))
        window = f"{self.start} to {self.end}"
        return {int(at): f"claims {dates[at]}, outside the sessions asked for ({window})" for at in positions}

    def without_rows(self, table: Table, frame: pa.Table, good: np.ndarray) -> list[str]:
        """Sessions that have no good row though each must have some, as 'XKRX 2024-05-03'."""
        if not judged_by_session(table):
            return []
        kept = frame.filter(pa.array(good)).select(["exchange", "session_date"]).group_by(["exchange", "session_date"])
        held = {(row["exchange"], row["session_date"]) for row in kept.aggregate([]).to_pylist()}
        wanted = ((exchange, day) for exchange, days in self.sessions.items() for day in days)
        return [f"{exchange} {day}" for exchange, day in wanted if (exchange, day) not in held]


@dataclass(frozen=True)
class Groups:
    """Rows in the groups in which a share of refused rows is taken.

    Parameters
    ----------
    of : (n,) int64, the group of each row; -1 where it does not count, since a later row has taken its place.
    labels : what each group is called; one empty label where all rows are one group.
    """

    of: np.ndarray
    labels: tuple[str, ...]

    @classmethod
    def of_rows(cls, table: Table, frame: pa.Table) -> "Groups":
        """By exchange and session where each session must have rows, else one group."""
        if judged_by_session(table):
            keys = frame.select(["exchange", "session_date"]).to_pandas()
            told = keys["exchange"].astype("string").fillna("no exchange") + " " + keys["session_date"].astype("string")
            codes, labels = pd.factorize(told.fillna("no session"))
        else:
            codes, labels = np.zeros(frame.num_rows, dtype=np.int64), [""]
        if table.is_bitemporal:
            superseded = pc.is_valid(frame["known_until"]).to_numpy(zero_copy_only=False)
            codes = np.where(superseded, -1, codes)
        return cls(codes.astype(np.int64), tuple(map(str, labels)))

    def over(self, refused: Iterable[int], limit: float) -> list[str]:
        """Where the share of refused rows is too high, as 'XKRX 2024-05-03: 50 of 50 rows' or 'all: 90 of 1,000 rows'."""
        failed = self._counts(self.of[np.fromiter(refused, dtype=np.int64)])
        rows = self._counts(self.of)
        whole = [f"all: {failed.sum():,} of {rows.sum():,} rows"] if failed.sum() > limit * rows.sum() else []
        worst: list[int] = []
        if len(self.labels) > 1:
            worst = np.flatnonzero(failed > max(limit, SESSION_LIMIT) * rows).tolist()
        return [*(f"{self.labels[at]}: {failed[at]:,} of {rows[at]:,} rows" for at in worst), *whole]

    def _counts(self, codes: np.ndarray) -> np.ndarray:
        return np.bincount(codes[codes >= 0], minlength=len(self.labels))


def judged_by_session(table: Table) -> bool:
    """True where every session of every exchange must have rows."""
    names = {column.name for column in table.columns}
    return table.is_partitioned and not table.may_be_empty and {"exchange", "session_date"} <= names


def shown(told: Sequence[str]) -> str:
    """The first few, and how many more."""
    more = f" and {len(told) - SHOWN:,} more" if len(told) > SHOWN else ""
    return "; ".join(told[:SHOWN]) + more
