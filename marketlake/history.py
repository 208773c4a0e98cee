"""Point-in-time features through Feast, for the facade. Importing this imports Feast."""

from datetime import datetime

import pandas as pd
from feast import FeatureService

from feature_repo import services
from lake import feast_repo
from lake.settings import Settings
from lake.sql import ReleaseSql
from market import calendars
from market.errors import Permanent
from marketlake import reading
from marketlake.believed import as_believed


def point_in_time(
    settings: Settings, sql: ReleaseSql, entities: pd.DataFrame, service: str, as_of: datetime
) -> pd.DataFrame:
    """The entity rows with the service's features, in their order, as known at each row's instant in the release of
    `sql`.

    Raises
    ------
    Permanent
        A column is missing, an instant is later than `as_of`, or there is no such service.
    """
    asked = service_of(service)
    rows = entities.reset_index(drop=True).copy()
    if "security_id" not in rows.columns:
        symbols = _column(rows, "symbol", "security_id").astype(str).tolist()
        rows["security_id"] = reading.security_ids(sql, symbols, _moments(rows))
    rows["event_timestamp"] = _instants(rows)
    late = rows.loc[rows["event_timestamp"] > pd.Timestamp(as_of), "event_timestamp"]
    if len(late):
        found = [str(instant) for instant in late.head()]
        raise Permanent(
            "history", expected=f"instants up to {as_of.isoformat()}, as the lake was opened", found="later", keys=found
        )
    rows["row"] = range(len(rows))
    store = feast_repo.feature_store(settings, sql.release.release_id, [asked])
    keys = rows[["row", "security_id", "event_timestamp"]]
    found = store.get_historical_features(keys.copy(), asked, filter_by_created_timestamp=True).to_df()
    found["session_date"] = pd.to_datetime(found["session_date"])
    found = as_believed(sql, keys, found, feast_repo.TTL)
    kept = rows.drop(columns=["session_date"], errors="ignore")
    joined = kept.merge(found.drop(columns=["security_id", "event_timestamp"]), on="row", how="left")
    return joined.sort_values("row").drop(columns="row").reset_index(drop=True)


def service_of(name: str) -> FeatureService:
    """The service of that name, of those that `feature_repo.services` declares.

    Raises
    ------
    Permanent
        There is none.
    """
    declared = {s.name: s for s in vars(services).values() if isinstance(s, FeatureService)}
    if name not in declared:
        raise Permanent("feature service", expected=f"one of {', '.join(sorted(declared))}", found=repr(name))
    return declared[name]


def _moments(rows: pd.DataFrame) -> list[datetime]:
    """When each row's symbol had its meaning: its instant, or the end of its day, for only its security tells when the session closed."""
    if "event_timestamp" in rows.columns:
        return [reading.instant_of(value) for value in rows["event_timestamp"]]
    return [reading.end_of(reading.day_of(day)) for day in _column(rows, "session_date", "event_timestamp")]


def _instants(rows: pd.DataFrame) -> pd.Series:
    if "event_timestamp" in rows.columns:
        return pd.Series(pd.to_datetime([reading.instant_of(v) for v in rows["event_timestamp"]], utc=True), rows.index)
    days = [reading.day_of(day) for day in _column(rows, "session_date", "event_timestamp")]
    exchanges = rows["security_id"].str.split(":").str[0]
    keys = list(zip(exchanges, days, strict=True))
    strange = [f"{e} {day}" for e, day in set(keys) if not calendars.is_session(e, day)]
    if strange:
        raise Permanent("history", expected="session dates of the securities' exchanges", found="others", keys=strange)
    closes = {key: calendars.close_at(*key) for key in set(keys)}
    return pd.Series(pd.to_datetime([closes[key] for key in keys], utc=True), rows.index)


def _column(rows: pd.DataFrame, name: str, other: str) -> pd.Series:
    if name not in rows.columns:
        found = ", ".join(map(str, rows.columns))
        raise Permanent("history", expected=f"a column {name} or {other}", found=found)
    return rows[name]
