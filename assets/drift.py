"""Which champions have decayed: what they are worth on sessions that came after their training, beside what they were promoted for.

What does not belong here: what follows from it (`jobs.sensors`).
"""

from collections.abc import Mapping

import pandas as pd

from assets.learning import KEY, current, installed, tracking_uri
from assets.publish import PREDICTIONS
from assets.shadows import outcomes, said, trained_to
from lake.lake import Lake
from market.evaluation import mean_and_standard_error, session_rank_ic
from training.catalogue import models
from training.registry import champion

LEAST = 20
"""Sessions whose outcomes are known, from which a champion's live rank IC is told."""


def drifted(lake: Lake) -> Mapping[str, tuple[str, ...]]:
    """Why each champion that has drifted is said to have, by model; empty where none has.

    It has where its live rank IC is more than two standard errors below the one that it was promoted with.
    """
    release, found = current(lake), {}
    for name, model in models().items():
        version, held = installed(lake, name), champion(tracking_uri(lake), name)
        if version is None or held is None:
            continue
        promised = dict(held["metrics"]).get("rank_ic_mean")  # type: ignore[call-overload]
        scores = said(lake, PREDICTIONS, name, version, trained_to(lake, name, version), release)
        rows = scores.merge(outcomes(lake, release, model.label), on=list(KEY))
        daily = session_rank_ic(rows["score"], rows["outcome"], pd.to_datetime(rows["session_date"]), rows["exchange"])
        live = mean_and_standard_error(daily.to_numpy(), overlap=model.horizon)
        if promised is not None and live.n >= LEAST and live.mean + 2.0 * live.standard_error < promised:
            found[name] = (
                f"live rank IC {live.mean:+.4f} (error {live.standard_error:.4f}) over {live.n} sessions, promoted with {promised:+.4f}",
            )
    return found
