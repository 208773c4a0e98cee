"""Online features of one security: what a model at work would be given."""

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from lake.sql import ReleaseSql
from market.table import Column
from serving.answers import answer
from serving.bodies import body
from serving.cache import Cached
from serving.deps import OnlineStore, Sql, Symbol
from serving.metrics import Metrics
from serving.online import Online
from serving.problems import Problem
from serving.queries import indicators, newest

router = APIRouter(tags=["features"])
_COLUMNS = (
    Column("security_id", "string", "our stable id"),
    *(column for column in indicators.COLUMNS if column.type == "float64"),
    Column("release_id", "string", "release that the features are from"),
    Column("session_date", "date", "session whose close completes the features"),
)


async def _counts(request: Request) -> Metrics:
    metrics: Metrics = request.app.state.metrics
    return metrics


Counts = Annotated[Metrics, Depends(_counts)]
OnlineFeatures = body("OnlineFeatures", _COLUMNS)


@router.get("/features/{symbol}", response_model=OnlineFeatures)
async def get_features(sql: Sql, online: OnlineStore, counts: Counts, cached: Cached, symbol: Symbol) -> Response:
    """The latest features of the security in the release, from the online store."""
    security = await cached.resolve(sql, symbol)
    return await to_thread.run_sync(_features, sql, online, counts, security)


def _features(sql: ReleaseSql, online: Online, counts: Metrics, security: str) -> Response:
    # The store is filled after the pointer moves, and read by others: one answer is from one release all the same.
    found = online.row(security, sql.release.release_id)
    counts.online("store" if found else "lake")
    if found is not None:
        row, known_at = found
        return answer(sql.release, [row], known_at=known_at)
    rows = newest.newest_features(sql, security)
    if not rows.num_rows:
        detail = f"{security} has no online features: no row within a week of its exchange's last session"
        raise Problem(404, "unknown-features", detail)
    known_at = newest.known_at(sql, security, rows.column("session_date")[0].as_py())
    return answer(sql.release, rows, known_at=known_at)
