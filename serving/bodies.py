"""Shapes of answers, derived from the contracts: columns, units and meanings reach the OpenAPI document unwritten."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from market.table import Column

_PYTHON: dict[str, Any] = {
    "string": str, "int32": int, "int64": int, "float64": float, "float32": float, "bool": bool, "date": date, "timestamp": datetime,
    "list<float64>": list[float],
}  # fmt: skip


class Meta(BaseModel):
    """Where an answer comes from."""

    release_id: str = Field(description="release that was read, whole")
    as_of: datetime = Field(description="no row that became known later is in the answer")
    hindsight: bool = Field(
        description="true where the answer may differ from what was believed at `as_of`: it is cut from tables that keep the "
        "present belief alone, so what was changed since is left out and what was taken back is gone. Belief is by `known_at`: a "
        "headline counts from its publication, whenever we saw it first"
    )
    known_at: datetime | None = Field(description="when the last of the answer's rows was known; null without rows")
    code_sha: str = Field(
        description="commit that published the release; '+dirty' where the work tree differed from it"
    )
    rulebook: str = Field(description="version of the market rules")


class ModelRef(BaseModel):
    """The model behind an answer."""

    model_config = ConfigDict(protected_namespaces=())

    name: str
    version: int
    run_id: str
    release_id: str = Field(description="release that it was trained on")
    booster: str = Field(description="SHA-256 of the booster")


class ModelMeta(Meta):
    """Where a prediction comes from."""

    model: ModelRef


def body(name: str, columns: Iterable[Column], meta: type[Meta] = Meta) -> type[BaseModel]:
    """The type of an answer whose rows have those columns; `name` is the schema's in the OpenAPI document."""
    fields: dict[str, Any] = {}
    for column in columns:
        kind = _PYTHON[column.type] | None if column.nullable or column.is_real else _PYTHON[column.type]
        meaning = f"{column.doc} [{column.unit}]" if column.unit and column.unit != "1" else column.doc
        fields[column.name] = (kind, Field(description=meaning))
    return body_of(name, create_model(f"{name}Row", **fields), meta)


def body_of(name: str, row: type[BaseModel], meta: type[Meta] = Meta) -> type[BaseModel]:
    """The type of an answer with rows of that type."""
    return create_model(
        name,
        data=(list[row], ...),  # type: ignore[valid-type]
        meta=(meta, ...),
        next=(str | None, Field(description="cursor of the next page; null on the last")),
    )
