"""The signature beside an exported model, as whoever scores reads it: what older exports do not say is what was true of all of them.

What does not belong here: writing one (training.export), where it is kept.
"""

import json
from collections.abc import Mapping
from typing import Any

from market.errors import Permanent
from market.features.catalogue import catalogue

CARD = "card.md"
"""What a version is, saw and was found to be, as Markdown beside its signature; its pictures (PNG) lie there too."""

BEFORE = {"flavour": "xgboost", "file": "booster.ubj", "window_sessions": 1, "reach_days": 0}
"""Of exports from before there was another kind of model."""


def signature_of(text: bytes | str) -> dict[str, Any]:
    """The parsed ``signature.json``, with every field that scoring needs."""
    found: dict[str, Any] = json.loads(text)
    return BEFORE | found


def changed(signature: Mapping[str, Any]) -> tuple[str, ...]:
    """What the catalogue says otherwise of the features that a model was fitted on, a sentence for each; none where it says the same.

    A feature that has no formula was in no catalogue when the model was fitted: there is nothing to hold it against.
    """
    today, found = catalogue(), []
    for fitted in signature["features"]:
        name, was = str(fitted["name"]), (fitted.get("formula", ""), fitted.get("unit", ""))
        if not was[0]:
            continue
        now = today.get(name)
        if now is None:
            found.append(f"{name} is no feature any more")
        elif now.formula != was[0]:
            found.append(f"{name} was {was[0]}, and is {now.formula}")
        elif now.unit != was[1]:
            found.append(f"{name} was in {was[1]}, and is in {now.unit}")
    return tuple(found)


def refuse_changed(signature: Mapping[str, Any]) -> None:
    """Refuse a model whose features are others by now: it would be given numbers of which it knows nothing.

    Raises
    ------
    Permanent
        A feature that it was fitted on is gone, or has another formula or unit; each is named.
    """
    if told := changed(signature):
        raise Permanent(
            f"model {signature['model']} version {signature['version']}", expected="the features that it was fitted on",
            found="; ".join(told), do="Train it again, or put the features back as they were",
        )  # fmt: skip
