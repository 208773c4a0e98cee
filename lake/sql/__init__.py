"""SQL over one release: at exactly the Delta versions that it names, through DuckDB or Trino, for people and for serving.

What does not belong here: queries of a screen or a route.
"""

from lake.sql.asking import Asking, Cancelled
from lake.sql.current import Current, Held
from lake.sql.cursors import TimedOut, refuse_writes
from lake.sql.engine import open_release
from lake.sql.release import ReleaseSql

__all__ = ["Asking", "Cancelled", "Current", "Held", "ReleaseSql", "TimedOut", "open_release", "refuse_writes"]
