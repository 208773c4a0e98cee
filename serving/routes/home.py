"""Pages for people: the landing page, and the routes with a form to try them. Both work without a network."""

import html
import string

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from serving.deps import Pointer
from serving.pages import page

IS_API = False
router = APIRouter(include_in_schema=False)


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
    return HTMLResponse(string.Template(page("home")).substitute(release=items))


@router.get("/docs")
def docs() -> HTMLResponse:
    """Every route, from the OpenAPI document."""
    return HTMLResponse(page("docs"))
