"""The application: finds the routes, mounts them, and opens what they read. What a route does is in its own file."""

import importlib
import pkgutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.concurrency import run_in_threadpool

from lake import holders
from lake.explain import Past
from lake.objects import lake_store
from lake.settings import Settings
from lake.sql import Current
from serving import problems, routes
from serving.cache import Answers
from serving.champions import Champions
from serving.deps import known_parameters
from serving.metrics import Metrics
from serving.middleware import Around
from serving.online import Online
from serving.problems import ProblemBody
from serving.refresher import Refresher
from training.scoring import contributions

API = "/api/v1"
ABOUT = """Korean and US equities from one release of the lake at a time.

Every answer with data says which release it is from, as of when, when the last of its rows was known, and which commit
and rulebook made it. A list is paged: repeat the request with `cursor` set to the answer's `next`. An answer carries an
`ETag`; send it back as `If-None-Match` and an unchanged answer is a 304. Errors are problem documents (RFC 9457)."""
FAILURES: dict[int | str, dict[str, Any]] = {
    404: {"model": ProblemBody, "description": "no such symbol, model, release, table or row"},
    422: {"model": ProblemBody, "description": "bad input; `errors` names each fault"},
    503: {"model": ProblemBody, "description": "nothing to answer from yet; try again"},
}


def create_app(settings: Settings) -> FastAPI:
    """The API over the lake of these settings. Nothing is opened before the app starts; a setting that names no store is refused.

    A thread looks twice a second for another release, another champion; `app.state.current.refresh()` and
    `app.state.champions.refresh()` look at once.
    """
    current = Current(settings, first=[holders.read])
    champions, online = Champions(lake_store(settings)), Online(settings)
    metrics = Metrics(current, champions)
    answers = Answers(settings, metrics)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(current.refresh)
        await run_in_threadpool(champions.refresh)
        refresher = Refresher([current.refresh, champions.refresh])
        refresher.start()
        yield
        refresher.stop()
        current.close()
        answers.close()
        online.close()

    app = FastAPI(title="Marketlake", version="1", description=ABOUT, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.current, app.state.champions, app.state.online, app.state.metrics = current, champions, online, metrics
    app.state.answers, app.state.past, app.state.files = answers, Past(settings, contributions), lake_store(settings)
    problems.install(app)
    app.add_middleware(Around, current=current, metrics=metrics, answers=answers, prefix=API)
    for entry in sorted(pkgutil.iter_modules(routes.__path__), key=lambda found: found.name):
        module = importlib.import_module(f"{routes.__name__}.{entry.name}")
        is_api = getattr(module, "IS_API", True)
        app.include_router(module.router, prefix=API if is_api else "", responses=FAILURES if is_api else None,
                           dependencies=[Depends(known_parameters)] if is_api else None)  # fmt: skip
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document; errors under their own media type."""
    if not app.openapi_schema:
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        for operations in document["paths"].values():
            for operation in operations.values():
                for status, answer in operation["responses"].items():
                    if status >= "400" and "content" in answer:
                        answer["content"] = {problems.MEDIA_TYPE: answer["content"]["application/json"]}
        app.openapi_schema = document
    return app.openapi_schema
