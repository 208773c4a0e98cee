"""What machines ask: is the process alive, can it answer, what did it do."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from serving.deps import Pointer, Sql
from serving.metrics import CONTENT_TYPE

IS_API = False
router = APIRouter(tags=["health"])


@router.get("/healthz")
async def is_alive() -> dict[str, str]:
    """200 while the process runs."""
    return {"status": "ok"}


@router.get("/readyz")
async def is_ready(sql: Sql, pointer: Pointer) -> dict[str, str]:
    """200 with the release once one is open, 503 before; `failure` says why a newer one could not be opened."""
    return {"status": "ready", "release_id": sql.release.release_id, "failure": pointer.failure}


@router.get("/metrics", include_in_schema=False)
def metrics(request: Request) -> Response:
    """Prometheus's text format."""
    return Response(request.app.state.metrics.text(), media_type=CONTENT_TYPE)
