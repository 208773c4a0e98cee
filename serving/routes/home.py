"""Pages for people: the landing page, and the routes with a form to try them. Both work without a network."""

import html
import string
from functools import cache
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from serving.deps import Pointer

IS_API = False
router = APIRouter(include_in_schema=False)
_PAGES = Path(__file__).resolve().parents[1] / "pages"


@router.get("/")
def home(pointer: Pointer) -> HTMLResponse:
    """What is served, and where to go."""
    release = pointer.release
    if release is None:
        told = {"Release": f"none is open{': ' + pointer.failure if pointer.failure else '; run a day first'}"}
    else:
        told = {
            "Release": f"{release.release_id} ({release.kind})",
            "As of": f"{release.as_of:%Y-%m-%d %H:%M} UTC",
            "Sessions": f"{release.first_session} to {release.last_session}",
            "Tables": str(len(release.tables)),
            "Code": release.meta["code_sha"],
            "Rulebook": release.rulebook,
        }
    items = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in told.items())
    return HTMLResponse(string.Template(_page("home")).substitute(release=items))


@router.get("/docs")
def docs() -> HTMLResponse:
    """Every route, from the OpenAPI document."""
    return HTMLResponse(_page("docs"))


@cache
def _page(name: str) -> str:
    return (_PAGES / f"{name}.html").read_text(encoding="utf-8")
