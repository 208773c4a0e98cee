"""bronze.krx_services: what each service of KRX Open API answered for a session, the ones that refused the key included.

A key is approved for every service on its own. What does not belong here: the rows of the answers, which have their own tables.
"""

from market.datasets.bronze._delivered import as_text, delivered
from market.table import Table

OPEN, REFUSED = "open", "refused"

TABLE = Table(
    __name__,
    doc="One row per service and session: open with so many rows, or refused, in KRX's own words. A refused service stops nothing; "
    "its rows are missing until the key is approved for it and the session is asked again.",
    columns=delivered(
        as_text("service", "name of the service: stk_bydd_trd, kospi_dd_trd, etf_bydd_trd"),
        as_text("market", "board whose stocks it tells; null for indices and funds"),
        as_text("state", "open or refused"),
        as_text("n_rows", "rows in the answer"),
        as_text("told", "what KRX said where it refused"),
    ),
    key=("request", "payload_digest", "row_no", "fetched_at"),
    known_at="when the payload was fetched",
    commits="append",
    source="krx",
)
