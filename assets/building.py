"""Building one table of silver or gold: read and call (Spark, the contract's kernel), judge (the gate), commit (delta-rs).

What does not belong here: orchestration; the factory in `assets.tables` calls this, and so may anything else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from expectations import docs, judge, quarantine, reconcile
from expectations.asked import Asked
from expectations.outcomes import Outcome, Verdict, to_checks
from lake import changes, parity, windows
from lake.lake import Lake
from lake.online_views import feature_tables
from market import bitemporal, calendars, registry
from market.digest import digest
from market.table import Table, Window

CHECKS, QUARANTINE = "ops.checks", "ops.quarantine"


@dataclass(frozen=True)
class Built:
    """What became of a build.

    Parameters
    ----------
    rows : what was written.
    outcomes : what the gate and the reconciliation said.
    """

    table: Table
    window: Window
    version: int
    rows: pa.Table
    n_quarantined: int
    outcomes: tuple[Outcome, ...]

    @property
    def blocking(self) -> tuple[Outcome, ...]:
        """The failed outcomes that keep the version out of a release."""
        return tuple(o for o in self.outcomes if o.severity == "error" and not o.passed)


def build(lake: Lake, table: Table, asked: Window, limit: float | None = None) -> Built:
    """Build the window of one table: good rows written, refused rows in quarantine, outcomes on record.

    Parameters
    ----------
    limit : share of refused rows that blocks; the setting's unless given.
    """
    read = changes.versions_read(table, lake.delta)
    window = windows.widened(table, asked, lake.delta)
    if table.follows:
        window = changes.followed(table, window, lake.delta)
    return keep(lake, table, lake.spark.candidate(table, window), window, limit, read)


def keep(
    lake: Lake, table: Table, candidate: pa.Table, window: Window, limit: float | None = None, read: Mapping[str, int] | None = None
) -> Built:  # fmt: skip
    """Judge a candidate as it came, put what it refuses into quarantine, write the rest, record the outcomes.

    Parameters
    ----------
    read : versions of what the candidate was made from, of a table that follows another.
    """
    limit = lake.settings.quarantine_limit if limit is None else limit
    verdict = judge.judge(table, candidate, limit=limit, asked=_asked(lake, window))
    _quarantine(lake, table, candidate, verdict, window)
    good = _good(table, candidate, verdict)
    version = lake.replace(table, good, window, read)
    outcomes = (*verdict.outcomes, *_reconciled(lake, table, good, window))
    record(lake, outcomes, version, window)
    reconciled = outcomes[len(verdict.outcomes) :]
    docs.write_docs((verdict, *reconciled), data_docs(lake), judged_at=window.now)
    return Built(table, window, version, good, verdict.n_quarantined, outcomes)


def _good(table: Table, candidate: pa.Table, verdict: Verdict) -> pa.Table:
    good = pa.array(verdict.good)
    if not table.is_bitemporal:
        return (
            candidate if verdict.good.all() else candidate.filter(good)
        )  # most are, and a copy of a long history is large
    fact = [name for name in table.key if name != "known_at"]
    return bitemporal.reopened(candidate.filter(good), candidate.filter(pc.invert(good)), fact)


def _asked(lake: Lake, window: Window) -> Asked:
    covered = {name: lake.world.sessions(name, window.start, window.end) for name in calendars.EXCHANGES}
    return Asked(window.start, window.end, covered)


def data_docs(lake: Lake) -> Path:
    """The folder of Great Expectations' pages."""
    return lake.settings.path(lake.settings.state_dir) / "data_docs"


def record(lake: Lake, outcomes: Sequence[Outcome], version: int, window: Window) -> None:
    """Outcomes of one table version into ops.checks; the same outcomes of the same version once."""
    rows = to_checks(outcomes, version, (window.start, window.end), window.now)
    _append_once(lake, CHECKS, rows, f"{outcomes[0].table}@{version}")


def _quarantine(lake: Lake, table: Table, candidate: pa.Table, verdict: Verdict, window: Window) -> None:
    if not verdict.reasons:
        return
    rows = quarantine.to_quarantine(table, candidate, verdict, window.now, window_end=window.end)
    contract = registry.table(QUARANTINE)
    first, last = (f(rows["session_date"].to_pylist()) for f in (min, max))
    held = lake.delta.read(contract, where=windows.between(first, last), columns=contract.key)
    known = {tuple(row.values()) for row in held.to_pylist()}
    fresh = [tuple(row.values()) not in known for row in rows.select(list(contract.key)).to_pylist()]
    _append_once(lake, QUARANTINE, rows.filter(pa.array(fresh)), f"{table.name}")


def _append_once(lake: Lake, name: str, rows: pa.Table, label: str) -> None:
    if rows.num_rows:
        contract = registry.table(name)
        content = digest(rows, contract.key, contract.digested)
        lake.delta.append(contract, rows, app_id=f"{label}:{content}", app_version=1)


def _reconciled(lake: Lake, table: Table, rows: pa.Table, window: Window) -> tuple[Outcome, ...]:
    if table.name == "silver.adjustments":
        return (reconcile.factors_are_disclosed(rows),)
    if table in feature_tables() and rows.num_rows:
        days = rows.group_by("exchange").aggregate([("session_date", "max")])["session_date_max"].to_pylist()
        written = lake.delta.read(table, where=windows.between(min(days), max(days)))
        certificate = parity.of_batch(lake.delta, table, written, window.now)
        certify(lake, (certificate,), window.now)
        return (_as_outcome(certificate),)
    if table.name != "gold.prices":
        return ()
    silver = registry.table("silver.prices")
    source = lake.delta.read(
        silver, where=windows.between(window.start, window.end), columns=[*table.key, "known_until"]
    )
    basis = lake.world.price_basis
    return (
        reconcile.gold_as_silver(rows, source, table, silver),
        reconcile.value_within_range(rows, price_basis=basis),
        reconcile.market_cap_is_close_times_shares(rows, price_basis=basis),
        reconcile.base_price_follows_close(rows, price_basis=basis),
    )


def certify(lake: Lake, certificates: Sequence[parity.Certificate], now: datetime) -> None:
    """Certificates into ops.parity, each once."""
    for one in certificates:
        _append_once(lake, parity.CERTIFICATES, parity.to_rows((one,), now), "parity")


def _as_outcome(one: parity.Certificate) -> Outcome:
    counts = (one.n_securities, min(one.n_different, one.n_securities))
    return Outcome(one.table, "parity_with_batch", "error", one.passed, parity.EXPECTED, one.found, *counts)


def window_of(lake: Lake, keys: Sequence[str]) -> Window:
    """The window of some partition keys, at the present instant of the world."""
    days = sorted(keys)
    start, end = (datetime.strptime(day, "%Y-%m-%d").date() for day in (days[0], days[-1]))
    return Window(start, end, lake.world.clock()())
