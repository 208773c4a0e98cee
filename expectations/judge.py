"""Judging a frame as it came: what each check says, which rows go to quarantine and why.

Row rules are evaluated once, here; the rows that fail are the quarantine, so no check ever runs on what another left over.
What does not belong here: where frames come from, and writing anything.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from expectations import engine
from expectations.checks import HAS_ROWS, QUARANTINED, SCHEMA, Check, checks
from expectations.duplicates import duplicate_reasons
from expectations.evidence import evidence, key_of, shown
from expectations.frames import judged, refuse_drift
from expectations.outcomes import Outcome, Verdict
from expectations.suite import check_of, suite
from market.table import Table

__all__ = ["Outcome", "Verdict", "judge"]

SHOWN_KEYS = 3


def judge(table: Table, frame: pa.Table, *, limit: float | None = None, may_be_empty: bool = False) -> Verdict:
    """The verdict on the frame, good rows and refused rows told apart.

    Parameters
    ----------
    frame : the contract's columns, and any others (payload_digest, row_no), which are not judged.
    limit : share of the rows that may fail before the release is blocked; the contract's `quarantine_limit` unless given.
        It holds for each check and for the rows quarantined by all of them.
    may_be_empty : True where no rows are a possible answer, such as headlines of one session.

    Raises
    ------
    Permanent
        A column is missing or of another type, or a rule cannot be evaluated.
    """
    refuse_drift(table, frame)
    limit = table.quarantine_limit if limit is None else limit
    rows = judged(table, frame)
    result = engine.validate(suite(table), rows)
    failing = {check_of(one): engine.failing(one) for one in result.results}
    reasons: dict[int, list[str]] = {}
    outcomes = [*_whole(table, frame, may_be_empty)]
    rules = checks(table)
    for check in rules:
        refused = _refused(table, frame, check, failing[check.name], rows)
        for position, reason in refused.items():
            reasons.setdefault(position, []).append(reason)
        outcomes.append(_outcome(table, frame, check.name, check.expected, refused, limit))
    all_refused = {position: "; ".join(reasons[position]) for position in sorted(reasons)}
    outcomes.append(_outcome(table, frame, QUARANTINED, "rows that break no rule", all_refused, limit))
    good = np.ones(frame.num_rows, dtype=bool)
    good[list(all_refused)] = False
    passed = {outcome.check: outcome.passed for outcome in outcomes}
    kept = evidence(table, frame, {check.name: check for check in rules}, passed, result)
    return Verdict(tuple(outcomes), good, list(all_refused.items()), kept)


def _whole(table: Table, frame: pa.Table, may_be_empty: bool) -> tuple[Outcome, Outcome]:
    n = frame.num_rows
    contract = f"the {len(table.columns)} columns of the contract"
    schema = Outcome(table.name, SCHEMA, "error", True, contract, "all of them, of their types", n, 0)
    expected = "any number of rows" if may_be_empty else "at least one row"
    return schema, Outcome(table.name, HAS_ROWS, "error", n > 0 or may_be_empty, expected, f"{n:,} rows", n, 0)


def _refused(
    table: Table, frame: pa.Table, check: Check, positions: np.ndarray, rows: pd.DataFrame
) -> Mapping[int, str]:
    """Why each row that fails the check is refused, by position."""
    if check.kind == "unique":
        return duplicate_reasons(table, frame, rows, positions)
    if check.kind == "not_null":
        return dict.fromkeys(positions.tolist(), f"{check.columns[0]} is null")
    values = [frame.column(name).take(pa.array(positions)).to_pylist() for name in check.columns]
    told = (f"{check.expected}: was {' and '.join(map(shown, row))}" for row in zip(*values, strict=True))
    return dict(zip(positions.tolist(), told, strict=True))


def _outcome(
    table: Table, frame: pa.Table, name: str, expected: str, refused: Mapping[int, str], limit: float
) -> Outcome:
    n, n_failed = frame.num_rows, len(refused)
    passed = n_failed == 0 or n_failed / n <= limit
    words = f"{expected}, in at least {1 - limit:.4g} of the rows" if limit else f"{expected}, in every row"
    found = f"all {n:,} rows" if not n_failed else _found(table, frame, list(refused), list(refused.values()))
    return Outcome(table.name, name, "error", passed, words, found, n, n_failed)


def _found(table: Table, frame: pa.Table, positions: Sequence[int], reasons: Sequence[str]) -> str:
    examples = [f"{key_of(table, frame, p)} ({r})" for p, r in zip(positions[:SHOWN_KEYS], reasons, strict=False)]
    more = f" and {len(positions) - SHOWN_KEYS:,} more" if len(positions) > SHOWN_KEYS else ""
    share = len(positions) / frame.num_rows
    return f"{len(positions):,} of {frame.num_rows:,} rows broke it ({share:.2%}): {'; '.join(examples)}{more}"
