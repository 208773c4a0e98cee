"""Feast's services: the features that each model asks for, by the model's `service` name.

Feast imports this file by its bare name, with this folder last on the path. What does not belong here: the models
themselves.
"""

from typing import Any

from feast import FeatureService

from lake import feast_repo
from market import registry


def _all_of(table: str) -> Any:
    """Every feature of the table, with the session and release of its row."""
    return feast_repo.view_of(table)[[*feast_repo.feature_names(registry.table(table)), *feast_repo.ORIGIN]]


price_model = FeatureService(
    name="price_model",
    features=[_all_of("gold.features_daily")],
    description="Every daily feature, with the session and release of its row; models on prices take theirs from it.",
)

sentiment = FeatureService(
    name="sentiment",
    features=[_all_of("gold.sentiment")],
    description="What the stories about a security say, with the session and release of its row.",
)

alpha158 = FeatureService(
    name="alpha158",
    features=[_all_of("gold.alpha158")],
    description="Qlib's Alpha158, with the session and release of its row.",
)
