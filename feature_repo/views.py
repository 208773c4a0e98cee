"""Feast's entity and views, one per gold table that has features, derived from the contracts.

Feast imports this file by its bare name. No transformation belongs here: gold holds the values.
"""

from lake import feast_repo

security = feast_repo.security()
features_daily = feast_repo.view_of("gold.features_daily")
