"""The chart of one security: candles with its levels, patterns and volume profile. It works without a network."""

import html
import string
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import HTMLResponse

from serving.deps import Date, Sql, Symbol
from serving.drawing import chart
from serving.pages import page, row
from serving.problems import Problem
from serving.queries import charts, stocks

IS_API = False
router = APIRouter(include_in_schema=False)


@router.get("/charts/{symbol}")
def show(
    sql: Sql,
    symbol: Symbol,
    on: Annotated[Date, Query(description="last session shown; by default the release's")] = None,
) -> HTMLResponse:
    """The last sessions up to a day, as of the release."""
    security = stocks.resolve(sql, symbol, None)
    shown = charts.shown(sql, security, on)
    if shown is None:
        raise Problem(404, "not-found", f"{security} has no prices{f' up to {on}' if on else ''}")
    days = shown.bars["session_date"]
    lead = f"{days.iloc[0]} to {days.iloc[-1]}, {shown.currency} on the scale of the last session. Release {sql.release.release_id}, as of {sql.release.as_of:%Y-%m-%d %H:%M} UTC."
    told = {
        "title": html.escape(shown.name), "lead": html.escape(lead), "chart": chart(shown),
        "levels": "".join(map(_level, reversed(shown.levels))) or row(("soft", "none")),
        "patterns": "".join(map(_pattern, reversed(shown.patterns))) or row(("soft", "none")),
    }  # fmt: skip
    return HTMLResponse(string.Template(page("chart")).substitute(told))


def _level(one: dict[str, Any]) -> str:
    held = "not tested" if one["held_share"] is None else f"{one['held_share']:.0%}"
    return row(
        ("n", f"{one['price']:,.10g}"), ("good" if one["role"] == "support" else "look", one["role"]), ("n", one["kind"]),
        ("n", f"{one['strength']:.2f}"), ("n", str(one["touches"])), ("n", held), ("n", f"{one['age']} sessions"),
        ("n", f"{one['event']} {one['session_date']}"),
    )  # fmt: skip


def _pattern(one: dict[str, Any]) -> str:
    rises = one["direction"] == 1
    return row(
        ("n", str(one["session_date"])), ("name", one["pattern"].replace("_", " ")), ("good" if rises else "look", "up" if rises else "down"),
        ("n", str(one["start_date"])), ("n", f"{one['confidence']:.2f}"), ("n", f"{one['target']:,.10g}"), ("n", f"{one['failure_level']:,.10g}"),
    )  # fmt: skip
