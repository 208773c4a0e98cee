"""Judging a frame as it came: what each check says, which rows go to quarantine and why.

Row rules are evaluated once, here; the rows that fail are the quarantine, so no check ever runs on what another left over.
What does not belong here: where frames come from, and writing anything.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from expectations import engine
from expectations.asked import Asked, Groups, shown
from expectations.checks import HAS_ROWS, QUARANTINED, SCHEMA, Check, checks
from expectations.duplicates import duplicate_reasons
from expectations.evidence import evidence, key_of
from expectations.evidence import shown as shown_value
from expectations.frames import judged, refuse_drift
from expectations.outcomes import Outcome, Verdict
from expectations.suite import check_of, suite
from market.table import Table

__all__ = ["Outcome", "Verdict", "judge"]

SHOWN_KEYS = 3


def judge(table: Table, frame: pa.Table, *, limit: float | None = None, asked: Asked | None = None) -> Verdict:
    """The verdict on the frame, good rows and refused rows told apart.

    Parameters
    ----------
    frame : the contract's columns, and any others (payload_digest, row_no), which are not judged.
    limit : share of the rows that may fail before the release is blocked; the contract's `quarantine_limit` unless given.
        It holds for each check and for the rows quarantined by all of them, among rows that are still true: a corrected row does
        not block for ever. A session of which more than half is refused blocks as well.
    asked : the sessions that the frame should hold; each must have a good row, and rows of others are refused.

    Raises
    ------
    Permanent
        A column is missing or of another type, or a rule cannot be evaluated.
    """
    refuse_drift(table, frame)
    limit = table.quarantine_limit if limit is None else limit
    rows, groups = judged(table, frame), Groups.of_rows(table, frame)
    result = engine.validate(suite(table), rows)
    failing = {check_of(one): engine.failing(one) for one in result.results}
    reasons: dict[int, list[str]] = {}
    outcomes: list[Outcome] = []
    rules = checks(table)
    for check in rules:
        refused = _refused(table, frame, check, failing[check.name], rows)
        for position, reason in refused.items():
            reasons.setdefault(position, []).append(reason)
        outcomes.append(_outcome(table, frame, check.name, check.expected, refused, limit, groups))
    for position, reason in (asked.outside(table, frame) if asked else {}).items():
        reasons.setdefault(position, []).append(reason)
    all_refused = {position: "; ".join(reasons[position]) for position in sorted(reasons)}
    outcomes.append(_outcome(table, frame, QUARANTINED, "rows that break no rule", all_refused, limit, groups))
    good = np.ones(frame.num_rows, dtype=bool)
    good[list(all_refused)] = False
    outcomes = [*_whole(table, frame, good, asked), *outcomes]
    passed = {outcome.check: outcome.passed for outcome in outcomes}
    kept = evidence(table, frame, {check.name: check for check in rules}, passed, result)
    return Verdict(tuple(outcomes), good, list(all_refused.items()), kept)


def _whole(table: Table, frame: pa.Table, good: np.ndarray, asked: Asked | None) -> tuple[Outcome, Outcome]:
    n = frame.num_rows
    contract = f"the {len(table.columns)} columns of the contract"
    schema = Outcome(table.name, SCHEMA, "error", True, contract, "all of them, of their types", n, 0)
    missing = asked.without_rows(table, frame, good) if asked else []
    if table.may_be_empty:
        expected, passed, found = "any number of rows", True, f"{n:,} rows"
    elif missing:
        expected, passed, found = "rows of every session", False, f"no rows of {shown(missing)}"
    else:
        expected, passed, found = "at least one row of every session", bool(good.any()), f"{n:,} rows"
    return schema, Outcome(table.name, HAS_ROWS, "error", passed, expected, found, n, len(missing))


def _refused(
    table: Table, frame: pa.Table, check: Check, positions: np.ndarray, rows: pd.DataFrame
) -> Mapping[int, str]:
    """Why each row that fails the check is refused, by position."""
    if check.kind == "unique":
        return duplicate_reasons(table, frame, rows, positions)
    if check.kind == "not_null":
        return dict.fromkeys(positions.tolist(), f"{check.columns[0]} is null")
    values = [frame.column(name).take(pa.array(positions)).to_pylist() for name in check.columns]
    told = (f"{check.expected}: was {' and '.join(map(shown_value, row))}" for row in zip(*values, strict=True))
    return dict(zip(positions.tolist(), told, strict=True))


def _outcome(
    table: Table, frame: pa.Table, name: str, expected: str, refused: Mapping[int, str], limit: float, groups: Groups
) -> Outcome:
    n, n_failed, over = frame.num_rows, len(refused), groups.over(refused, limit)
    words = f"{expected}, in at least {1 - limit:.4g} of the rows" if limit else f"{expected}, in every row"
    found = f"all {n:,} rows" if not n_failed else _found(table, frame, list(refused), list(refused.values()))
    if over and len(groups.labels) > 1:
        found += f"; over the limit on {shown(over)}"
    return Outcome(table.name, name, "error", not over, words, found, n, n_failed)


def _found(table: Table, frame: pa.Table, positions: Sequence[int], reasons: Sequence[str]) -> str:
    examples = [f"{key_of(table, frame, p)} ({r})" for p, r in zip(positions[:SHOWN_KEYS], reasons, strict=False)]
    more = f" and {len(positions) - SHOWN_KEYS:,} more" if len(positions) > SHOWN_KEYS else ""
    share = len(positions) / frame.num_rows
    return f"{len(positions):,} of {frame.num_rows:,} rows broke it ({share:.2%}): {'; '.join(examples)}{more}"
