"""The page about the sources: what came otherwise than expected, calls left, keys that end. It works without a network."""

import html
import string
from datetime import date, datetime

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from lake.watch import Drift, Watch, Watched, kept
from serving.deps import Files
from serving.pages import page, row

IS_API = False
router = APIRouter(include_in_schema=False)
NOTHING = "No run has ended yet: run a day first."


@router.get("/watch")
def watch(files: Files) -> HTMLResponse:
    """Every source as the last run left it."""
    found = kept(files)
    if found is None:
        return _page(NOTHING, "", "")
    sources = "".join(_source(one, found.today) for one in found.sources)
    drifts = [_drift(drift) for one in found.sources for drift in one.drifts]
    return _page(_lead(found), sources, "".join(drifts) or row(("soft", "nothing"), *[("", "")] * 5))


def _page(lead: str, sources: str, drifts: str) -> HTMLResponse:
    return HTMLResponse(
        string.Template(page("watch")).substitute(lead=html.escape(lead), sources=sources, drifts=drifts)
    )


def _lead(found: Watch) -> str:
    n = sum(bool(one.warnings(found.today)) for one in found.sources)
    told = "Every source sends what is expected." if not n else f"{n} of {len(found.sources)} sources want a look."
    return f"{told} As of {datetime.fromisoformat(found.at):%Y-%m-%d %H:%M} UTC, by the sources' clock."


def _source(one: Watched, today: date) -> str:
    warnings = one.warnings(today)
    mark = ("soft", "off") if one.state == "off" else ("look", "look") if warnings else ("good", "as expected")
    return row(
        ("name", one.source), mark, ("n", one.last_session or "none"), ("n", f"{one.calls_made:,}"),
        ("n", _left(one)), ("n", _key(one, today)),
        ("n", "" if one.seen_after_s is None else f"{one.seen_after_s / 3600:.1f} h"),
        ("said", "; ".join(warnings) or ("simulated" if one.state == "simulated" else "")),
    )  # fmt: skip


def _left(one: Watched) -> str:
    if one.calls_left is not None:
        return f"{one.calls_left:,}"
    return "not known without the key" if one.state == "live" and one.key_missing else "no limit"


def _key(one: Watched, today: date) -> str:
    if not one.has_key:
        return "needs none"
    days = one.key_days(today)
    if one.key_missing:
        return "not set"
    return "set" if days is None else f"{days:,} days left" if days >= 0 else f"ended {one.key_ends}"


def _drift(drift: Drift) -> str:
    now = ("look", "still comes") if drift.is_open else ("soft", "over")
    return row(
        ("name", drift.table), ("said", drift.expected), ("said", drift.found), ("n", drift.first_seen),
        ("n", f"{drift.n_sessions:,}"), now,
    )  # fmt: skip
