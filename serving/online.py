"""The online store as serving holds it: asked by key, and done without where it is away or cannot be read."""

from datetime import UTC, datetime
from typing import Any

import numpy as np

from lake.cache import Circuit
from lake.online import OnlineFeatures
from lake.online_rows import Unreadable
from lake.settings import Settings
from market.errors import Transient


class Online:
    """The store of the settings; it connects when first asked.

    Raises
    ------
    Permanent
        The setting names no store that we know.
    """

    def __init__(self, settings: Settings) -> None:
        self._features = OnlineFeatures(settings)
        self._circuit = Circuit("online store", "features are read from the lake")

    def row(self, security: str, release_id: str) -> "Row | None":
        """The newest features of the security in that release, and when they were known. Blocks.

        None where the store is away, holds bytes of another layout, was filled from another release, or holds no row: what
        the release itself has is the answer then.
        """
        turn = self._circuit.allows()
        if not turn:
            return None
        try:
            found = self._features.read([security])
        except (Transient, Unreadable) as error:
            self._circuit.failed(turn, str(error))
            return None
        self._circuit.succeeded(turn)
        if found.release_ids[0] != release_id:
            return None
        values = dict(zip(found.names, found.values[0].tolist(), strict=True))
        session = found.sessions[0].item()
        row = {"security_id": security, **values, "release_id": release_id, "session_date": session}
        known_at = None if np.isnat(found.known_at[0]) else found.known_at[0].item().replace(tzinfo=UTC)
        return row, known_at

    def close(self) -> None:
        """Let go of connections."""
        self._features.close()


Row = tuple[dict[str, Any], datetime | None]
