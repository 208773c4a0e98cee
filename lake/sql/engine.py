"""Which engine reads a release: the scheme of MARKETLAKE_SQL_URL says it."""

from lake.releases import Release, Releases
from lake.settings import Settings
from lake.sql.release import TIME_LIMIT_S, ReleaseSql
from market.errors import Permanent


def open_release(
    settings: Settings, release: Release, *, releases: Releases | None = None, time_limit_s: float = TIME_LIMIT_S
) -> ReleaseSql:
    """The release as SQL, through DuckDB in this process or through Trino.

    Parameters
    ----------
    releases : of the lake, where they were read before: those read once are not read again.
    time_limit_s : a query is ended after it.

    Raises
    ------
    Permanent
        The setting names neither, or the release names a table version that is not there.
    Transient
        Trino is away.
    """
    scheme = settings.sql_url.split(":", 1)[0]
    if scheme == "duckdb":
        return ReleaseSql(settings, release, releases=releases, time_limit_s=time_limit_s)
    if scheme in ("trino", "trinos"):
        from lake.sql.trino_release import TrinoSql  # its libraries are loaded where it is used

        return TrinoSql(settings, release, time_limit_s=time_limit_s)
    raise Permanent("MARKETLAKE_SQL_URL", expected="duckdb:// or trino://user@host:port/lake", found=repr(scheme))
