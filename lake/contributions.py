"""What each feature brought to one score: the exported booster's own SHAP values, which add up to what it said.

What does not belong here: which row was scored and where its features are from (lake.explain_links), scoring (training, serving).
"""

import hashlib
import json
from collections.abc import Mapping

import numpy as np

from lake.objects import Store
from market.errors import Permanent

BASE = "base"
FLAVOUR = "xgboost"


def contributions(store: Store, model: str, version: int, values: Mapping[str, object]) -> dict[str, float]:
    """Contribution of each feature of the model, the largest first by size, and ``base``, what every row starts from.

    Their sum is the score; of a model that says probabilities, its log-odds.

    Parameters
    ----------
    store : the lake's files, where promotion exported the version.
    values : of the row that was scored, by feature; None or NaN is "not known".

    Raises
    ------
    Permanent
        The export is not there, is not the one that was signed, or is of a kind that has no contributions.

    Source
    ------
    S. Lundberg, G. Erion, S. Lee, Consistent Individualized Feature Attribution for Tree Ensembles (2018); XGBoost's
    ``pred_contribs``, exact for trees, in single precision.
    """
    import xgboost

    folder = f"models/{model}/{version}"
    signature = json.loads(store.get(f"{folder}/signature.json"))
    if signature.get("flavour", FLAVOUR) != FLAVOUR:
        raise Permanent(folder, expected=f"a model of {FLAVOUR}", found=str(signature["flavour"]))
    names = [str(feature["name"]) for feature in signature["features"]]
    row = np.array([[np.nan if values.get(name) is None else values[name] for name in names]], dtype=np.float64)
    raw = store.get(f"{folder}/booster.ubj")
    if (digest := hashlib.sha256(raw).hexdigest()) != signature["digests"]["booster"]:
        raise Permanent(f"{folder}/booster.ubj", expected=f"SHA-256 {signature['digests']['booster']}", found=digest)
    booster = xgboost.Booster()
    booster.load_model(bytearray(raw))
    shares = booster.predict(xgboost.DMatrix(row, feature_names=names, nthread=1), pred_contribs=True)[0].astype(float)
    ordered = sorted(zip(names, shares[:-1], strict=True), key=lambda pair: -abs(pair[1]))
    return {name: float(share) for name, share in ordered} | {BASE: float(shares[-1])}
