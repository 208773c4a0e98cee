"""Whose a code was, of one release at an instant, held in memory: one query tells of every security.

What does not belong here: names, ISINs and other identifiers (`market.lookup`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from lake.sql import ReleaseSql

_ALWAYS = datetime.max.replace(tzinfo=UTC)
_ROWS = """
SELECT security_id, symbol, known_at, known_until, 0 AS place FROM silver.symbols
UNION ALL SELECT security_id, symbol, known_at, known_until, 1 AS place FROM silver.securities
ORDER BY known_at, security_id
"""


class Version(NamedTuple):
    """A version of who had a code: place 0 says it of silver.symbols, 1 of silver.securities, where who is gone keeps the code."""

    place: int
    security_id: str
    known_at: datetime
    known_until: datetime


@dataclass(frozen=True)
class Holders:
    """Every security's id, and each code's versions in order of known_at."""

    ids: frozenset[str]
    codes: Mapping[str, tuple[Version, ...]]

    def of(self, code: str, at: datetime) -> list[str]:
        """Ids of those who had the code at the instant, several where exchanges share it; else of the last one who had it; none: unknown."""
        versions = self.codes.get(code, ())
        true = [version for version in versions if version.known_at <= at < version.known_until]
        told = _of_first_place(true)
        return sorted(set(told)) if told else _of_first_place(versions)[-1:]


def read(sql: ReleaseSql) -> Holders:
    """Those of the release; `sql.once(read)` asks a single time."""
    rows = sql.query(_ROWS).to_pylist()
    codes: dict[str, list[Version]] = {}
    for row in rows:
        version = Version(row["place"], row["security_id"], row["known_at"], row["known_until"] or _ALWAYS)
        codes.setdefault(row["symbol"], []).append(version)
    return Holders(frozenset(row["security_id"] for row in rows), {code: tuple(those) for code, those in codes.items()})


def _of_first_place(versions: Iterable[Version]) -> list[str]:
    those = list(versions)
    first = min((version.place for version in those), default=0)
    return [version.security_id for version in those if version.place == first]
