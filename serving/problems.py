"""Errors as RFC 9457 problem documents: what a caller sees when something is wrong, and nothing else of the house.

What does not belong here: deciding that something is wrong; dependencies, queries and routes raise.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from loguru import logger
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from market.errors import Permanent, Transient
from serving.encoding import dumps

MEDIA_TYPE = "application/problem+json"
EXPECTED = {  # where the library's words say nothing to a caller
    ("json_invalid", "body"): "JSON",
    ("model_attributes_type", "body"): "a JSON object, sent with Content-Type: application/json",
}
SHOWN = 200  # characters of a caller's own input that an answer repeats


class Fault(BaseModel):
    """One thing wrong with the input."""

    where: str = Field(description="the parameter or place in the body")
    expected: str
    found: str


class ProblemBody(BaseModel):
    """RFC 9457 problem document."""

    type: str = Field(examples=["urn:marketlake:problem:unknown-symbol"])
    title: str
    status: int
    detail: str
    instance: str = Field(description="path of the request")
    errors: list[Fault] = Field(default=[], description="for bad input: each thing that was wrong")


class Problem(Exception):
    """An answer other than the one asked for.

    Parameters
    ----------
    status : HTTP status.
    kind : last part of the problem's type, such as `unknown-symbol`.
    detail : one sentence for a person.
    faults : for bad input, each thing that was wrong.
    """

    def __init__(
        self, status: int, kind: str, detail: str, faults: Sequence[Fault] = (), headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail, self.faults, self.headers = status, kind, detail, tuple(faults), headers


def bad_input(where: str, expected: str, found: object) -> Problem:
    """422 with one fault."""
    fault = Fault(where=where, expected=expected, found=shown(found))
    return Problem(422, "bad-input", f"{where}: expected {expected}, was {fault.found}", [fault])


def unknown(kind: str, name: str, expected: str) -> Problem:
    """404 for something that is not there."""
    fault = Fault(where=kind, expected=expected, found=shown(name))
    return Problem(404, f"unknown-{kind}", f"There is no {kind} {fault.found}; expected {expected}", [fault])


def shown(value: object) -> str:
    """The value as text, cut to what an answer repeats."""
    text = value if isinstance(value, str) else repr(value)
    text = text.encode("utf-8", "replace").decode()  # a lone surrogate of a JSON escape cannot be sent back
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def response(request: Request, problem: Problem) -> Response:
    """The problem as an answer."""
    body = ProblemBody(
        type=f"urn:marketlake:problem:{problem.kind}",
        title=HTTPStatus(problem.status).phrase,
        status=problem.status,
        detail=problem.detail,
        instance=shown(request.url.path),
        errors=list(problem.faults),
    )
    fields = body.model_dump(exclude={"errors"} if not problem.faults else None)
    return Response(dumps(fields), problem.status, problem.headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make every error of the app a problem document."""
    app.add_exception_handler(Problem, _from_problem)
    app.add_exception_handler(RequestValidationError, _from_validation)
    app.add_exception_handler(HTTPException, _from_http)
    app.add_exception_handler(Transient, _from_transient)
    app.add_exception_handler(Permanent, _from_failure)
    app.add_exception_handler(Exception, _from_failure)


async def _from_problem(request: Request, error: Any) -> Response:
    return response(request, error)


async def _from_validation(request: Request, error: Any) -> Response:
    faults = [
        Fault(
            where=".".join(str(part) for part in fault["loc"] if part not in ("query", "path")) or "request",
            expected=EXPECTED.get((fault["type"], fault["loc"][0]))
            or shown(fault["msg"].removeprefix("Input should be ").removeprefix("Value error, ")),
            found="nothing" if fault["type"] == "missing" else shown(fault.get("input")),
        )
        for fault in error.errors()[:50]
    ]
    first = faults[0]
    detail = f"{first.where}: expected {first.expected}, was {first.found}"
    return response(request, Problem(422, "bad-input", detail, faults))


async def _from_http(request: Request, error: Any) -> Response:
    phrase = HTTPStatus(error.status_code).phrase
    detail = error.detail if error.detail != phrase else f"{request.method} {shown(request.url.path)}: {phrase}"
    kind = phrase.lower().replace(" ", "-")
    return response(request, Problem(error.status_code, kind, str(detail), headers=dict(error.headers or {})))


async def _from_transient(request: Request, error: Any) -> Response:
    logger.warning("not available", failure=str(error))
    problem = Problem(503, "unavailable", f"{error.where}: expected {error.expected}. Try again",
                      headers={"Retry-After": "2"})  # fmt: skip
    return response(request, problem)


async def _from_failure(request: Request, error: Any) -> Response:
    kind = "permanent" if isinstance(error, Permanent) else type(error).__name__
    logger.opt(exception=error).error("request failed", kind=kind)
    detail = "The server failed. The log has the reason under this answer's X-Request-Id"
    # Starlette answers an unforeseen error outside of our middleware, so the ids are set here.
    headers = {"X-Request-Id": request.scope.get("request_id", "")}
    if request.scope.get("release_id"):
        headers["X-Release-Id"] = request.scope["release_id"]
    return response(request, Problem(500, "failure", detail, headers=headers))
