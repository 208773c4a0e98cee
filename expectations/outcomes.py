"""What a check said, what all of them together say about a frame, and the rows of ops.checks that record it.

What does not belong here: the checks themselves.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from market.datasets.ops import checks

Severity = Literal["error", "warn"]


@dataclass(frozen=True)
class Outcome:
    """What one check said.

    Parameters
    ----------
    check : name, stable over days, of letters, digits and underscores.
    severity : a failed `error` blocks the release, a failed `warn` does not.
    expected, found : the rule, and what was seen, in words.
    n_rows, n_failed : rows judged, and those of them that broke the rule.
    evidence : the library's own result, for the documentation pages; not compared, null where plain code judged.
    """

    table: str
    check: str
    severity: Severity
    passed: bool
    expected: str
    found: str
    n_rows: int
    n_failed: int
    evidence: Any = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Verdict:
    """What the gate said about one frame as it came.

    Parameters
    ----------
    outcomes : one per check, in the order of the contract.
    good : (n,) bool, False for the rows that go to quarantine.
    reasons : position and reasons (joined by '; ') of every row that goes there, ascending.
    evidence : the library's result for the whole suite, for the documentation pages.
    """

    outcomes: tuple[Outcome, ...]
    good: np.ndarray
    reasons: list[tuple[int, str]]
    evidence: Any = field(default=None, compare=False, repr=False)

    @property
    def blocking(self) -> tuple[Outcome, ...]:
        """The failed outcomes that keep the frame out of a release."""
        return tuple(o for o in self.outcomes if o.severity == "error" and not o.passed)

    @property
    def passed(self) -> bool:
        """True where nothing blocks; rows may still be in quarantine."""
        return not self.blocking

    @property
    def n_quarantined(self) -> int:
        """Rows that go to quarantine."""
        return len(self.reasons)


def to_checks(outcomes: Iterable[Outcome], version: int, window: tuple[date, date], now: datetime) -> pa.Table:
    """Rows of ops.checks.

    Parameters
    ----------
    version : Delta version of the table that holds the rows judged.
    window : first and last session of the window judged.
    now : instant of the judgement, UTC.
    """
    rows = [
        {
            "session_date": window[1],
            "session_month": f"{window[1]:%Y-%m}",
            "window_start": window[0],
            "table": outcome.table,
            "version": version,
            "check": outcome.check,
            "severity": outcome.severity,
            "passed": outcome.passed,
            "expected": outcome.expected,
            "found": outcome.found,
            "n_rows": outcome.n_rows,
            "n_failed": outcome.n_failed,
            "known_at": now,
        }
        for outcome in outcomes
    ]
    return checks.TABLE.conform(pa.Table.from_pylist(rows, schema=checks.TABLE.schema))
