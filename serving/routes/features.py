"""Online features of one security: what a model at work would be given."""

from fastapi import APIRouter
from starlette.responses import Response

from market.table import Column
from serving.answers import answer
from serving.bodies import body
from serving.deps import OnlineStore, Sql, Symbol
from serving.problems import Problem
from serving.queries import indicators, newest, stocks

router = APIRouter(tags=["features"])
_COLUMNS = (
    Column("security_id", "string", "our stable id"),
    *(column for column in indicators.COLUMNS if column.type == "float64"),
    Column("release_id", "string", "release that the features are from"),
    Column("session_date", "date", "session whose close completes the features"),
)
OnlineFeatures = body("OnlineFeatures", _COLUMNS)


@router.get("/features/{symbol}", response_model=OnlineFeatures)
def get_features(sql: Sql, online: OnlineStore, symbol: Symbol) -> Response:
    """The latest features of the security in the release, from the online store."""
    security = stocks.resolve(sql, symbol)
    rows = online.features.get([security])
    if rows.column("release_id")[0].as_py() != sql.release.release_id:
        # The store is filled after the pointer moves, and read by others: one answer is from one release all the same.
        rows = newest.newest_features(sql, security)
    if not rows.num_rows:
        detail = f"{security} has no online features: no row within a week of its exchange's last session"
        raise Problem(404, "unknown-features", detail)
    known_at = newest.known_at(sql, security, rows.column("session_date")[0].as_py())
    return answer(sql.release, rows, known_at=known_at)
