"""What is to be known about each source: what came otherwise than expected and since when, calls left today, days until a key ends.

Kept as one small object in the lake (`watch.json`), so that whoever shows it needs no Delta reader. What does not belong here:
finding it out (`lake.watching`), judging it in Dagster (`jobs.outside`), showing it.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from lake.objects import Store
from lake.pace import quota_day
from market.datasets.ops.drift import FORMAT

FILE = "watch.json"
KEY_DAYS, FEW_CALLS = 30, 0.1
"""Fewer days of a key than that, or a smaller share of the day's calls, is worth a warning."""


@dataclass(frozen=True)
class Drift:
    """One thing that came otherwise than expected.

    Parameters
    ----------
    first_seen, last_seen : sessions whose answers showed it.
    n_sessions : sessions of the exchange since the first one, up to the newest that was asked for.
    is_open : it still comes; or, of a format that stopped a session, that session has not been taken since.
    """

    table: str
    kind: str
    expected: str
    found: str
    first_seen: str
    last_seen: str
    n_sessions: int
    is_open: bool


@dataclass(frozen=True)
class Watched:
    """One source.

    Parameters
    ----------
    state : live, simulated or off.
    last_session : newest session that was taken whole; empty: none.
    quota_date, calls_made, calls_allowed : calls of that day in Seoul; None: no limit, or no key to ask with.
    refusal : the newest request of that day that ended for good without an answer; empty: none.
    key_settings : the settings of its key that are empty; `has_key`: whether it asks for one at all.
    key_ends : last day of its key, as the settings say; empty: not told.
    seen_after_s : seconds from a headline's publication to the first payload that had it, the median of the newest session of
        silver.news; None: it brings no headlines, or none was built.
    """

    source: str
    state: str
    drifts: tuple[Drift, ...]
    last_session: str
    quota_date: str
    calls_made: int
    calls_allowed: int | None
    refusal: str
    has_key: bool
    key_missing: tuple[str, ...]
    key_ends: str
    seen_after_s: float | None = None

    @property
    def calls_left(self) -> int | None:
        """Calls that the source still allows that day; None: no limit."""
        return None if self.calls_allowed is None else max(0, self.calls_allowed - self.calls_made)

    def key_days(self, today: date) -> int | None:
        """Days until the key ends, negative after it; None where nobody told."""
        return (date.fromisoformat(self.key_ends) - today).days if self.key_ends else None

    def warnings(self, today: date) -> list[str]:
        """What a person should look at, in words; none of a source that is off."""
        if self.state == "off":
            return []
        told = [told_of(drift) for drift in self.drifts if drift.is_open]
        days, left = self.key_days(today), self.calls_left
        if days is not None and days < KEY_DAYS:
            told.append(f"its key ended on {self.key_ends}" if days < 0 else f"its key ends in {days} days")
        if left is not None and left < FEW_CALLS * (self.calls_allowed or 0):
            told.append(f"{left:,} of {self.calls_allowed:,} calls left on {self.quota_date}")
        return told + ([f"refused: {self.refusal}"] if self.refusal else [])


@dataclass(frozen=True)
class Watch:
    """All sources as they were at an instant of the outside's clock."""

    at: str
    sources: tuple[Watched, ...]

    @property
    def today(self) -> date:
        """The day in Seoul."""
        return quota_day(datetime.fromisoformat(self.at))


def told_of(drift: Drift) -> str:
    """A drift in one line."""
    what = f"{drift.found} is unknown" if drift.kind != FORMAT else f"expected {drift.expected}, was {drift.found}"
    return f"{drift.table}: {what}, since {drift.first_seen} ({drift.n_sessions} sessions)"


def keep(store: Store, watch: Watch) -> None:
    """Store it for whoever shows it."""
    store.put(FILE, json.dumps(asdict(watch), ensure_ascii=False).encode())


def kept(store: Store) -> Watch | None:
    """The newest one stored; None where no run has ended yet."""
    if not store.exists(FILE):
        return None
    told = json.loads(store.get(FILE))
    return Watch(told["at"], tuple(_read(one) for one in told["sources"]))


def _read(told: Mapping[str, Any]) -> Watched:
    drifts = tuple(Drift(**one) for one in told["drifts"])
    return Watched(**{**told, "drifts": drifts, "key_missing": tuple(told["key_missing"])})
