"""ops.model_drift: how far each champion's inputs and scores had moved from its training, and how its scores fared, release by release."""

from market.datasets.silver._typed import MONTH
from market.table import Column, OneOf, Table

SCORE = "score"
PSI, KS, RANK_IC = "psi", "ks", "rank_ic"
STEADY, MOVED, DRIFTED, UNKNOWN = "steady", "moved", "drifted", "unknown"

TABLE = Table(
    __name__,
    doc="What was measured of a champion on a release, once for each version and release: every feature and the score against the release "
    "that it was trained on, and the rank IC of scores whose outcomes came since. It says something of the model, and keeps no data back.",
    columns=(
        Column("session_date", "date", "last session measured"),
        MONTH,
        Column("model", "string", "model"),
        Column("model_version", "int64", "version in the registry"),
        Column("release_id", "string", "release that it was measured on"),
        Column("quantity", "string", f"a feature, or `{SCORE}`"),
        Column(
            "metric",
            "string",
            f"{PSI}: population stability index over tenths of the training; {KS}: Kolmogorov and Smirnov's statistic; {RANK_IC}: mean over the sessions",
            rules=(OneOf((PSI, KS, RANK_IC)),),
        ),
        Column("value", "float64", "what was measured", "1", nullable=True),
        Column("lower", "float64", f"lower end of the 95 % interval, of {RANK_IC} alone", "1", nullable=True),
        Column("upper", "float64", f"upper end of the 95 % interval, of {RANK_IC} alone", "1", nullable=True),
        Column(
            "moved_at",
            "float64",
            f"bound of the verdict {MOVED}; `upper` is held against it, where there is one",
            "1",
            nullable=True,
        ),
        Column("drifted_at", "float64", f"bound of the verdict {DRIFTED}, likewise", "1", nullable=True),
        Column("verdict", "string", "what follows", rules=(OneOf((STEADY, MOVED, DRIFTED, UNKNOWN)),)),
        Column("found", "string", "the same in words"),
        Column("n_reference", "int64", f"sessions of the training; of {RANK_IC}: sessions of the walk-forward"),
        Column("n_current", "int64", "sessions measured"),
        Column("known_at", "timestamp", "when it was measured", volatile=True),
    ),
    key=("model", "model_version", "release_id", "quantity", "metric"),
    known_at="when it was measured",
    commits="append",
)
