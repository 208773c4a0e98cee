"""The signature beside an exported model, as whoever scores reads it: what older exports do not say is what was true of all of them.

What does not belong here: writing one (training.export), where it is kept.
"""

import json
from typing import Any

BEFORE = {"flavour": "xgboost", "file": "booster.ubj", "window_sessions": 1, "reach_days": 0}
"""Of exports from before there was another kind of model."""


def signature_of(text: bytes | str) -> dict[str, Any]:
    """The parsed ``signature.json``, with every field that scoring needs."""
    found: dict[str, Any] = json.loads(text)
    return BEFORE | found
