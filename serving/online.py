"""The online store as serving holds it: opened outside any request, since Feast takes seconds to import."""

import sqlite3

from loguru import logger

from lake.online import OnlineFeatures
from lake.settings import Settings
from market.errors import MarketlakeError, Transient


class Online:
    """Opens the store when first refreshed; until then a reader is told to come back."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._features: OnlineFeatures | None = None
        self._failure = ""

    def refresh(self) -> None:
        """Open the store where it is not open yet."""
        if self._features is not None:
            return
        try:
            self._features = OnlineFeatures(self._settings)
        except (MarketlakeError, sqlite3.Error, OSError, ValueError) as error:
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
