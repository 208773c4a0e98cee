"""silver.sentiment: what a model of headlines said of each headline that names a security."""

from market.datasets.silver._typed import KNOWN, MONTH
from market.table import Between, Column, Matches, Read, Table

TABLE = Table(
    __name__,
    doc="Probabilities that a headline is negative, neutral or positive for the security that it names, and their difference. Korean headlines whose title or "
    "excerpt names it without doubt. All of the table is one model's: a session goes on with the model that read the others, "
    "and a new champion reads all of them again.",
    columns=(
        Column("session_date", "date", "session whose window holds the publication"),
        MONTH,
        Column("security_id", "string", "our stable id"),
        Column("exchange", "string", "exchange"),
        Column("url", "string", "address of the headline, as in silver.news"),
        Column("title", "string", "headline that was read"),
        Column(
            "story_id", "string", "the story that it tells, as in silver.stories", rules=(Matches(r"[0-9a-f]{16}$"),)
        ),
        Column("negative", "float64", "probability that it is bad news", "1", rules=(Between(0, 1),)),
        Column("neutral", "float64", "probability that it is neither", "1", rules=(Between(0, 1),)),
        Column("positive", "float64", "probability that it is good news", "1", rules=(Between(0, 1),)),
        Column("level", "float64", "positive less negative", "1", rules=(Between(-1, 1),)),
        Column("model", "string", "model"),
        Column("model_version", "int64", "version in the registry", rules=(Between(1),)),
        Column("run_id", "string", "MLflow run that trained it", volatile=True),
        *KNOWN,
    ),
    key=("security_id", "url", "known_at"),
    known_at="publication, as the headline's: it says nothing of when the model was made, which its version does",
    commits="replace",
    may_be_empty=True,
    reads=(Read("silver.news", versions=True), Read("silver.stories")),
)
