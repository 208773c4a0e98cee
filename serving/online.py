"""The online store as serving holds it: opened outside any request, asked by key, and done without where it is away."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
from loguru import logger

from lake.cache import Circuit
from lake.online import OnlineFeatures
from lake.settings import Settings
from market.errors import MarketlakeError, Transient


class Online:
    """Opens the store when first refreshed; until then a reader is told to come back."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._features: OnlineFeatures | None = None
        self._failure = ""
        self._circuit = Circuit("online store", "features are read from the lake")

    def refresh(self) -> None:
        """Open the store where it is not open yet."""
        if self._features is not None:
            return
        try:
            self._features = OnlineFeatures(self._settings)
        except (MarketlakeError, OSError, ValueError) as error:
            if self._failure != str(error):
                logger.warning("online store not opened", failure=str(error))
            self._failure = str(error)

    @property
    def features(self) -> OnlineFeatures:
        """The open store.

        Raises
        ------
        Transient
            It is not open yet.
        """
        if self._features is None:
            found = self._failure or "still opening"
            raise Transient("online store", expected="to be open", found=found)
        return self._features

    def row(self, security: str, release_id: str) -> "Row | None":
        """The newest features of the security in that release, and when they were known. Blocks.

        None where the store is away, or was filled from another release, or holds no row: what the release itself has is the
        answer then.

        Raises
        ------
        Transient
            The store is not open yet.
        """
        features = self.features
        if not self._circuit.allows():
            return None
        try:
            found = features.read([security])
        except Transient as error:
            self._circuit.failed(str(error))
            return None
        self._circuit.succeeded()
        if found.release_ids[0] != release_id:
            return None
        values = dict(zip(found.names, found.values[0].tolist(), strict=True))
        session = found.sessions[0].item()
        row = {"security_id": security, **values, "release_id": release_id, "session_date": session}
        known_at = None if np.isnat(found.known_at[0]) else found.known_at[0].item().replace(tzinfo=UTC)
        return row, known_at

    def close(self) -> None:
        """Let go of connections."""
        if self._features is not None:
            self._features.close()


Row = tuple[dict[str, Any], datetime | None]
