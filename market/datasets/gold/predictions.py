"""gold.predictions: what the champion said of each security, by session."""

from market.datasets.silver._typed import MONTH
from market.table import Between, Column, Read, Table

TABLE = Table(
    __name__,
    doc="Scores of the model that was champion when the session was scored, and the rank among the session's securities.",
    columns=(
        Column("session_date", "date", "session whose features were scored"),
        MONTH,
        Column("security_id", "string", "our stable id"),
        Column("exchange", "string", "exchange"),
        Column("model", "string", "model"),
        Column("model_version", "int64", "version in the registry", rules=(Between(1),)),
        Column("run_id", "string", "MLflow run that trained it", volatile=True),
        Column("score", "float64", "the model's output: predicted rank of the next return", "1"),
        Column(
            "rank", "float64", "rank of the score within exchange and session, 1 is best", "1", rules=(Between(0, 1),)
        ),
        Column("data_release", "string", "release whose features were scored", volatile=True),
        Column("known_at", "timestamp", "when the session was scored"),
    ),
    key=("security_id", "session_date", "model"),
    known_at="when the session was scored; features known by then",
    commits="replace",
    may_be_empty=True,
    reads=(Read("gold.features_daily"),),
)
