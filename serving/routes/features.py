"""Online features of one security: what a model at work would be given."""

from fastapi import APIRouter
from starlette.responses import Response

from market.table import Column
from serving.answers import answer
from serving.bodies import body
from serving.deps import OnlineStore, Sql, Symbol
from serving.problems import Problem
from serving.queries import indicators, stocks

router = APIRouter(tags=["features"])
_COLUMNS = (
    Column("security_id", "string", "our stable id"),
    *(column for column in indicators.COLUMNS if column.type == "float64"),
    Column("release_id", "string", "release that the online store was filled from"),
    Column("session_date", "date", "session whose close completes the features"),
)
OnlineFeatures = body("OnlineFeatures", _COLUMNS)


@router.get("/features/{symbol}", response_model=OnlineFeatures)
def get_features(sql: Sql, online: OnlineStore, symbol: Symbol) -> Response:
    """The latest features of the security in the online store, with the release they were filled from."""
    security = stocks.resolve(sql, symbol)
    rows = online.features.get([security])
    if rows.column("release_id")[0].as_py() is None:
        detail = f"{security} has no online features: no row within a week of its exchange's last session"
        raise Problem(404, "unknown-features", detail)
    return answer(sql.release, rows)
