"""The page of the adjustment factors that nothing disclosed explains. It works without a network."""

import html
import string
from typing import Any

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from lake.releases import Release
from serving.deps import Sql
from serving.pages import page, row
from serving.queries import adjustments

IS_API = False
router = APIRouter(include_in_schema=False)
_SURE = {"high": "good", "medium": "soft", "low": "look"}


@router.get("/factors")
def factors(sql: Sql) -> HTMLResponse:
    """The newest of them, as the release believes."""
    rows, n_unexplained, n = adjustments.unexplained(sql)
    shown = "".join(_factor(one) for one in rows.to_pylist()) or row(("soft", "none"), *[("", "")] * 6)
    lead = html.escape(_lead(sql.release, rows.num_rows, n_unexplained, n))
    return HTMLResponse(string.Template(page("factors")).substitute(lead=lead, factors=shown))


def _lead(release: Release, n_shown: int, n_unexplained: int, n: int) -> str:
    told = f"{n_unexplained:,} of {n:,} factors have no disclosed action behind them."
    newest = f" The newest {n_shown:,} are shown." if n_shown < n_unexplained else ""
    return f"{told}{newest} Release {release.release_id}, as of {release.as_of:%Y-%m-%d %H:%M} UTC."


def _factor(one: dict[str, Any]) -> str:
    name = f"{one['name']} ({one['security_id']})" if one["name"] else one["security_id"]
    return row(
        ("n", str(one["session_date"])), ("name", name), ("n", f"{one['factor']:.6g}"),
        ("n", one["cause"].replace("_", " ")), (_SURE.get(one["confidence"], "soft"), one["confidence"]),
        ("said", one["evidence"]), ("n", f"{one['known_at']:%Y-%m-%d %H:%M}"),
    )  # fmt: skip
