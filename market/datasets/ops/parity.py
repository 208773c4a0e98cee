"""ops.parity: the certificate that one definition gives equal bits however it is run."""

from market.datasets.silver._typed import MONTH
from market.table import Column, OneOf, Table

TABLE = Table(
    __name__,
    doc="What was compared of the features of a session, and what differed: the stored values against a build from the first row of each "
    "series (batch), and the online store against the release (online). A difference against batch keeps a session out of a release; one online fails the run that filled the store.",
    columns=(
        Column("session_date", "date", "newest session compared"),
        MONTH,
        Column("table", "string", "table of the features"),
        Column("version", "int64", "its Delta version"),
        Column("kind", "string", "what the stored values were held against", rules=(OneOf(("batch", "online")),)),
        Column("is_sample", "bool", "a sample that changes from session to session, not every security"),
        Column("n_securities", "int64", "securities compared"),
        Column("n_values", "int64", "values compared"),
        Column("n_different", "int64", "values with other bits"),
        Column("found", "string", "the first of them: security, column, both values"),
        Column("release_id", "string", "release that the online store was held against", nullable=True),
        Column("known_at", "timestamp", "when it was compared"),
    ),
    key=("session_date", "table", "version", "kind", "is_sample", "release_id", "known_at"),
    known_at="when it was compared",
    commits="append",
)
