"""Releases: which there were, and which one answers now."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa
from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from lake.releases import Release
from serving.answers import answer
from serving.bodies import body_of
from serving.deps import Paged, Pointer, Sql
from serving.paging import text

router = APIRouter(prefix="/releases", tags=["releases"])


class ReleaseRow(BaseModel):
    """One release."""

    release_id: str
    kind: str = Field(description="data, or predictions: the two that a day publishes")
    created_at: datetime
    as_of: datetime = Field(description="nothing in the release was known later")
    code_sha: str
    rulebook: str
    first_session: str
    last_session: str
    parent: str = Field(description="the release it followed; empty for the first")
    tables: Mapping[str, int] = Field(description="Delta version by table")
    checks: Mapping[str, int] = Field(description="outcomes that let it pass")
    is_current: bool = Field(description="answers are from this one")


ReleaseList = body_of("Releases", ReleaseRow)


@router.get("", response_model=ReleaseList)
def list_releases(sql: Sql, pointer: Pointer, page: Paged) -> Response:
    """Every release, newest first, those rolled back from included."""
    after = page.after("releases", text)
    rows = [_row(r, sql.release) for r in pointer.releases if after is None or r.release_id < after[0]]
    ids = pa.table({"release_id": [row["release_id"] for row in rows[: page.limit + 1]]})
    _, following = page.cut(ids, "releases", ["release_id"])
    return answer(sql.release, rows[: page.limit], next_cursor=following)


@router.get("/current", response_model=ReleaseList)
def get_current_release(sql: Sql) -> Response:
    """The release that this answer, and every answer at this moment, is from."""
    return answer(sql.release, [_row(sql.release, sql.release)])


def _row(release: Release, current: Release) -> dict[str, Any]:
    return {
        **{name: getattr(release, name) for name in ("release_id", "kind", "created_at", "as_of")},
        "code_sha": release.meta["code_sha"],
        **{name: getattr(release, name) for name in ("rulebook", "first_session", "last_session", "parent")},
        "tables": dict(sorted(release.tables.items())),
        "checks": dict(release.checks),
        "is_current": release.release_id == current.release_id,
    }
