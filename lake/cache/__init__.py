"""The cache of answers: bytes under the key of a subject, in SQLite or in Redis, each for a time.

What does not belong here: which answers are kept and for how long (`serving.cache`).
"""

from lake.cache.backend import MAX_VALUE, VARIANTS, Backend, Slot
from lake.cache.circuit import Circuit
from lake.cache.editions import Editions
from lake.cache.opened import open_backend
from lake.cache.shared import HIT, MISS, OUTCOMES, SharedCache

__all__ = [
    "HIT", "MAX_VALUE", "MISS", "OUTCOMES", "VARIANTS", "Backend", "Circuit", "Editions", "SharedCache", "Slot",
    "open_backend",
]  # fmt: skip
