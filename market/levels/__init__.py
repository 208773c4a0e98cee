"""Support and resistance levels, volume profiles, and the volume analysis that the feature algebra cannot say.

Daily bars of securities laid end to end go in; everything at a row is decided from the LOOKBACK rows before it. What does not belong here:
features of the catalogue (``market.features``), drawing.
"""

from market.levels.bars import LOOKBACK, Bars, checked
from market.levels.candidates import KINDS, RESISTANCE, SUPPORT, round_steps
from market.levels.levels import BROKEN, EVENTS, FORMED, LIFE, TOUCHED, Events, alive, find
from market.levels.pivots import SPAN
from market.levels.profile import Profiles, profiles
from market.levels.volume import Divergence, anchored_vwap, divergence

__all__ = [
    "BROKEN", "EVENTS", "FORMED", "KINDS", "LIFE", "LOOKBACK", "RESISTANCE", "SPAN", "SUPPORT", "TOUCHED", "Bars", "Divergence", "Events", "Profiles",
    "alive", "anchored_vwap", "checked", "divergence", "find", "profiles", "round_steps",
]  # fmt: skip
