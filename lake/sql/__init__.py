"""SQL over one release: DuckDB at exactly the Delta versions that the release names, for people and for serving.

What does not belong here: queries of a screen or a route.
"""

from lake.sql.current import Current, Held
from lake.sql.cursors import TimedOut, refuse_writes
from lake.sql.release import ReleaseSql

__all__ = ["Current", "Held", "ReleaseSql", "TimedOut", "refuse_writes"]
