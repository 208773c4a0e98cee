"""ops.shadow_predictions: what a shadow said of each security beside the champion, by session. Nobody is to act on it, and no release waits for it."""

from market.datasets.gold.predictions import TABLE as PREDICTIONS
from market.table import Read, Table

TABLE = Table(
    __name__,
    doc="Scores of the version that was shadow when the session was scored, after the champion's were published: `marketlake models compare` holds the two "
    "against each other. What the champion says is in gold.predictions, and there alone.",
    columns=PREDICTIONS.columns,
    key=PREDICTIONS.key,
    known_at=PREDICTIONS.known_at,
    commits="replace",
    may_be_empty=True,
    reads=(Read("gold.features_daily"),),
)
