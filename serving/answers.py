"""The one form of every answer that carries data: rows, where they come from, and the cursor of the next page."""

from datetime import datetime
from typing import Any, TypedDict, Unpack

import pyarrow as pa
from starlette.responses import Response

from lake.releases import Release
from serving.encoding import dumps, latest, rows_of


class About(TypedDict, total=False):
    """What is said of the rows.

    Parameters
    ----------
    next_cursor : of the next page.
    as_of : of the request, where it names one; the release's otherwise, and at the latest.
    is_present : the rows are the release's belief alone (gold), which an earlier `as_of` can only cut: that is hindsight.
    known_at : the latest instant of what the rows show, where they have no column `known_at`.
    extra : more fields of `meta`.
    """

    next_cursor: str | None
    as_of: datetime | None
    is_present: bool
    known_at: datetime | None
    extra: dict[str, Any] | None


def answer(release: Release, rows: pa.Table | list[dict[str, Any]], **about: Unpack[About]) -> Response:
    """The rows as JSON."""
    return Response(body_of(release, rows, **about), media_type="application/json")


def body_of(release: Release, rows: pa.Table | list[dict[str, Any]], **about: Unpack[About]) -> bytes:
    """The bytes of the answer."""
    as_of, known_at = about.get("as_of"), about.get("known_at")
    is_table = isinstance(rows, pa.Table)
    instant = min(as_of or release.as_of, release.as_of)
    meta = {
        **release.meta,
        "as_of": instant,
        "hindsight": about.get("is_present", False) and instant < release.as_of,
        "known_at": known_at or (latest(rows) if is_table else None),
        **(about.get("extra") or {}),
    }
    return dumps({"data": rows_of(rows) if is_table else rows, "meta": meta, "next": about.get("next_cursor")})
