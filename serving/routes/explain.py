"""The chain behind one number of an answer."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from lake.explain import explain
from market.errors import Permanent
from serving.answers import answer
from serving.bodies import body_of
from serving.deps import History, Sql
from serving.problems import Fault, Problem, shown

router = APIRouter(tags=["explain"])
ABSENT = ("none", "unknown")  # what `lake.explain` says of a row or a symbol that there is not


class ChainRow(BaseModel):
    """One number and everything it was made from."""

    model_config = ConfigDict(extra="allow")

    table: str
    key: dict[str, Any]
    column: str
    value: Any = Field(description="the number itself")


Explanation = body_of("Explanation", ChainRow)


@router.get("/explain", response_model=Explanation)
def explain_value(
    sql: Sql,
    past: History,
    table: Annotated[str, Query(description="such as gold.features_daily", max_length=100)],
    key: Annotated[
        list[str],
        Query(
            description="the row's key in the contract's order, repeated or with commas: key=005930,2024-05-03",
            max_length=10,
        ),
    ],
    column: Annotated[str, Query(description="such as rsi_14", max_length=100)],
) -> Response:
    """Release, table version, formula, input rows with their request and payload digest, known_at and writing commit."""
    parts = key[0].split(",") if len(key) == 1 else key
    try:
        chain = explain(sql, table, *parts, column, past=past)
    except Permanent as error:
        raise _problem(error, f"{table} {' '.join(parts)} {column}") from error
    return answer(sql.release, [chain.to_dict()], known_at=chain.known_at)


def _problem(error: Permanent, asked: str) -> Problem:
    fault = Fault(where="explain", expected=shown(error.expected), found=shown(error.found))
    if error.found in ABSENT:
        return Problem(404, "unknown-row", f"{shown(asked)}: {shown(str(error))}", [fault])
    return Problem(422, "bad-input", shown(str(error)), [fault])
