"""A release opened at an instant: what it holds, which instants may be read from it, SQL over it, and where its numbers come from.

What does not belong here: readings of the market (`marketlake.facade`).
"""

from collections.abc import Sequence
from datetime import date, datetime
from functools import cached_property
from typing import Any

import pandas as pd
import pyarrow as pa

from lake.explain import Chain, Past, explain
from lake.objects import lake_store
from lake.releases import Release
from lake.settings import Settings
from lake.sql import ReleaseSql, open_release
from market import registry
from market.errors import Permanent
from marketlake import reading
from marketlake.frames import Description, arrow_of, frame_of
from training.scoring import contributions

Instant = str | datetime


class Opened:
    """One release, read-only. `release` is its object, `as_of` the instant that readings take by default."""

    def __init__(self, settings: Settings, release: Release, as_of: datetime) -> None:
        self._settings = settings
        self.release = release
        self.as_of = as_of

    def __repr__(self) -> str:
        sessions = f"{self.release.first_session} to {self.release.last_session}"
        return f"<Lake release {self.release.release_id}, sessions {sessions}, as of {self.as_of.isoformat()}>"

    @property
    def meta(self) -> dict[str, Any]:
        """Release, as-of instant, code and rulebook: what every result carries."""
        return self._meta(self.as_of)

    def tables(self) -> pd.DataFrame:
        """One row per table: name, meaning, key, rule of known_at, how it commits, and the Delta version in the release."""
        rows = [
            {"table": t.name, "doc": t.doc, "key": ", ".join(t.key), "known_at": t.known_at, "commits": t.commits,
             "version": self.release.tables.get(t.name)}
            for t in registry.tables().values()
        ]  # fmt: skip
        frame = pd.DataFrame(rows).astype({"version": "Int64"})
        frame.attrs["meta"] = self.meta
        return frame

    def describe(self, name: str) -> Description:
        """Columns with types, units and meanings, the rule of known_at, and how many rows the release holds.

        Raises
        ------
        Permanent
            There is no such table.
        """
        try:
            table = registry.table(name)
        except KeyError as error:
            names = ", ".join(registry.tables())
            raise Permanent("describe", expected=f"a table among {names}", found=repr(name)) from error
        columns = pd.DataFrame([
            {"column": c.name, "type": c.type, "unit": c.unit, "nullable": c.nullable, "doc": c.doc}
            for c in table.public
        ])  # fmt: skip
        rows = int(self._sql.query(f"SELECT count(*) AS n FROM {table.name}")["n"][0].as_py())
        version = self.release.tables.get(name)
        return Description(name, table.doc, table.key, table.known_at, table.commits, version, rows, columns, self.meta)

    def sql(self, query: str, params: Sequence[Any] = (), arrow: bool = False) -> pd.DataFrame | pa.Table:
        """The answer of a reading statement over the release; silver tables have macros such as
        `silver.prices_as_of(instant)`.

        SQL sees the whole release: where the lake was opened at an earlier instant, the meta says hindsight.
        """
        rows = self._sql.query(query, params)
        meta = self._meta(self.release.as_of) | self._present("SQL sees the whole release")
        return arrow_of(rows, meta) if arrow else frame_of(rows, meta)

    def explain(self, table: str, *key_and_column: str | date) -> Chain:
        """The chain behind one number: `lake.explain("gold.features_daily", "005930", "2024-05-03", "rsi_14")`.

        Raises
        ------
        Permanent
            Unknown table, key or column; the message names what there is.
        """
        return explain(
            self._sql,
            table,
            *key_and_column,
            store=lake_store(self._settings),
            past=Past(self._settings, contributions),
        )

    @cached_property
    def _sql(self) -> ReleaseSql:
        return open_release(self._settings, self.release)

    def _instant(self, as_of: Instant | None) -> datetime:
        return self.as_of if as_of is None else limited(self.release, as_of)

    def _moment(self, as_of: Instant | None) -> datetime:
        """An instant, or the end of a day, which no release need have reached."""
        day = reading.day_in(as_of)
        return self._instant(as_of) if day is None else min(reading.end_of(day), self.as_of)

    def _present(self, why: str, is_later: bool = False) -> dict[str, Any]:
        """What the meta adds where a reading has the release's belief alone (or a later one): from an earlier instant that is hindsight."""
        is_hindsight = is_later or self.as_of < self.release.as_of
        return {"hindsight": is_hindsight} | ({"hindsight_because": why} if is_hindsight else {})

    def _meta(self, as_of: datetime | None) -> dict[str, Any]:
        said = None if as_of is None else as_of.isoformat()
        return {**self.release.meta, "as_of": said, "hindsight": as_of is None}


def limited(release: Release, as_of: Instant | None) -> datetime:
    """The instant, the release's own without one.

    Raises
    ------
    Permanent
        The release does not reach it, or it is no instant.
    """
    if as_of is None:
        return release.as_of
    instant = reading.instant_of(as_of)
    if instant > release.as_of:
        raise Permanent(
            f"release {release.release_id}", expected=f"an instant up to {release.as_of.isoformat()}, which it knows",
            found=instant.isoformat(), do="Open a later release",
        )  # fmt: skip
    return instant
