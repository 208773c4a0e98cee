"""Feast's services: the features that each model asks for, by the model's `service` name.

Feast imports this file by its bare name, with this folder last on the path. What does not belong here: the models
themselves.
"""

from feast import FeatureService

from lake import feast_repo
from market import registry

_VIEW = feast_repo.view_of("gold.features_daily")
_FEATURES = feast_repo.feature_names(registry.table("gold.features_daily"))

price_model = FeatureService(
    name="price_model",
    features=[_VIEW[[*_FEATURES, *feast_repo.ORIGIN]]],
    description="Every daily feature, with the session and release of its row; models on prices take theirs from it.",
)
