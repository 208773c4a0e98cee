"""What explaining asks beyond one release: the commit that wrote a row, what another release held, and the models that scored.

What does not belong here: the chain behind a number (`lake.explain_links`).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any

import pandas as pd

from lake.delta import DeltaLake
from lake.explain_commits import Commit, writer_of
from lake.objects import lake_store
from lake.releases import Release, Releases
from lake.settings import Settings
from lake.sql import ReleaseSql
from market.exports import signature_of
from market.table import Table

Contributor = Callable[[bytes, Mapping[str, Any], pd.DataFrame], dict[str, float]]


class Past:
    """The lake's commits and releases; safe to share between threads. Nothing is read before it is asked for.

    Parameters
    ----------
    contributor : tells of an exported model, its signature and the rows of a security what each feature brought to the
        last one's score (``training.scoring.contributions``); without it that is not told.
    """

    def __init__(self, settings: Settings, contributor: Contributor | None = None) -> None:
        self._settings, self._contributor = settings, contributor
        self._delta = DeltaLake(settings)
        self._found: dict[tuple[str, int, date | None], Commit | None] = {}

    def commit(self, table: Table, version: int, day: date | None) -> Commit | None:
        """The commit that wrote the rows of a session in that version of the table; None where that is not on record."""
        asked = (table.name, version, day if table.is_partitioned else None)
        if asked not in self._found:
            if len(self._found) >= 4096:
                self._found.clear()  # a long-lived server explains ever new versions
            self._found[asked] = writer_of(self._delta, table, version, day)
        return self._found[asked]

    def contributions(self, model: str, version: int, rows: Callable[[int], pd.DataFrame]) -> dict[str, float] | None:
        """What each feature brought to a score of that version; None where nobody here can tell.

        Parameters
        ----------
        rows : the rows that were scored, with those of so many days before.

        Raises
        ------
        Permanent
            The export is not there, or is not the one that was signed.
        """
        if self._contributor is None:
            return None
        store, folder = lake_store(self._settings), f"models/{model}/{version}"
        signature = signature_of(store.get(f"{folder}/signature.json"))
        return self._contributor(store.get(f"{folder}/{signature['file']}"), signature, rows(signature["reach_days"]))

    def release(self, release_id: str) -> Release:
        """The release of that id; Permanent where there is none."""
        return Releases(lake_store(self._settings)).get(release_id)

    @contextmanager
    def opened(self, release: Release) -> Iterator[ReleaseSql]:
        """The release as SQL, closed afterwards.

        Raises
        ------
        Permanent
            Its table versions are gone.
        """
        sql = ReleaseSql(self._settings, release)
        try:
            yield sql
        finally:
            sql.close()
