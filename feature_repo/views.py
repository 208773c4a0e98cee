"""Feast's entity and views, one per gold table that has features, derived from the contracts.

Feast imports this file by its bare name and takes what it finds among the module's names. No transformation belongs here:
gold holds the values.
"""

from lake import feast_repo

security = feast_repo.security()
globals().update({view.name: view for view in feast_repo.views()})
