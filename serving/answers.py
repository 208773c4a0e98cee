"""The one form of every answer that carries data: rows, where they come from, and the cursor of the next page."""

from datetime import datetime
from typing import Any

import pyarrow as pa
from starlette.responses import Response

from lake.releases import Release
from serving.encoding import dumps, latest, rows_of


def answer(
    release: Release,
    rows: pa.Table | list[dict[str, Any]],
    *,
    next_cursor: str | None = None,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
    extra: dict[str, Any] | None = None,
) -> Response:
    """The rows as JSON; parameters as `body_of`."""
    body = body_of(release, rows, next_cursor=next_cursor, as_of=as_of, known_at=known_at, extra=extra)
    return Response(body, media_type="application/json")


def body_of(
    release: Release,
    rows: pa.Table | list[dict[str, Any]],
    *,
    next_cursor: str | None = None,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
    extra: dict[str, Any] | None = None,
) -> bytes:
    """The bytes of the answer.

    Parameters
    ----------
    as_of : of the request, where it names one; the release's otherwise, and at the latest.
    known_at : the latest instant of what the rows show, where they have no column `known_at`.
    extra : more fields of `meta`.
    """
    is_table = isinstance(rows, pa.Table)
    meta = {
        **release.meta,
        "as_of": min(as_of or release.as_of, release.as_of),
        "known_at": known_at or (latest(rows) if is_table else None),
        **(extra or {}),
    }
    return dumps({"data": rows_of(rows) if is_table else rows, "meta": meta, "next": next_cursor})
