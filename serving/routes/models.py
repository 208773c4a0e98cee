"""The models that answer, and their predictions on demand: the model-serving call."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.responses import Response

from lake.model_drift import kept
from serving import cards
from serving.answers import answer
from serving.bodies import ModelMeta, body, body_of
from serving.champions import Champion
from serving.deps import Files, Models, Sql, iso_date
from serving.problems import Problem, bad_input
from serving.queries import scores
from serving.queries.reading import columns
from training.drift import worst_first

router = APIRouter(prefix="/models", tags=["models"])
DRIFT = columns("ops.model_drift")
Name = Annotated[str, Path(description="a model's name, such as return_rank_5d", max_length=100)]


class ModelRow(BaseModel):
    """One model, as its champion."""

    name: str
    version: int
    alias: str
    run_id: str = Field(description="the training run; `marketlake replay` repeats it")
    release_id: str = Field(description="release that it was trained on")
    doc: str
    metrics: dict[str, float | None]


class FeatureRow(BaseModel):
    """One input of a model."""

    name: str
    type: str
    unit: str
    formula: str
    nullable: bool


class ModelDetail(ModelRow):
    """One model with its inputs, output and origin."""

    versions: list[int] = Field(description="versions exported for serving")
    features: list[FeatureRow] = Field(description="inputs, in the booster's order")
    output: dict[str, Any]
    label: str
    horizon_sessions: int
    digests: dict[str, str]
    lock: dict[str, Any] = Field(description="what the run was made from")


class Card(BaseModel):
    """What a version is, saw and was found to be."""

    markdown: str | None = Field(description="the card; null of a version that was exported without one")
    pictures: list[str] = Field(description="addresses of its pictures (PNG)")


class Ask(BaseModel):
    """Either symbols, scored from the release's features, or rows of features of your own."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"symbols": ["005930", "000660"]}, {"symbols": ["005930"], "session_date": "2024-05-03"}]
        },
    )

    symbols: list[str] | None = Field(None, max_length=scores.MAX_ROWS, description="codes or ids")
    session_date: Annotated[date | None, BeforeValidator(iso_date)] = Field(
        None, description="session whose features are scored; without it the last of each symbol's exchange"
    )
    rows: list[dict[str, Any]] | None = Field(
        None, max_length=scores.MAX_ROWS,
        description="every feature of the model by name, null for not known; security_id and session_date come back",
    )  # fmt: skip


class Texts(BaseModel):
    """Headlines to be read."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"texts": ["삼성전자, 분기 영업이익 시장 예상 상회"]}]}
    )

    texts: list[Annotated[str, Field(max_length=scores.LONGEST_TEXT)] | None] = Field(
        max_length=scores.MAX_ROWS, description="headlines; an empty one, or null, has no probabilities"
    )


class Sentiment(BaseModel):
    """One text, read."""

    text: str | None
    negative: float | None = Field(description="probability; the three sum to 1")
    neutral: float | None
    positive: float | None
    level: float | None = Field(description="positive less negative, from -1 to 1")


class Score(BaseModel):
    """One scored row."""

    security_id: str | None
    session_date: date | None
    score: float | None = Field(
        description="higher is better, within one session and exchange only; null where nothing is known"
    )
    rank: float | None = Field(
        description="percentile within the session's securities of the exchange, 1 is best; null for rows of your own"
    )
    known_at: datetime | None = Field(description="when the features were known; null for rows of your own")


ModelList, ModelDetails = body_of("Models", ModelRow), body_of("Model", ModelDetail)
Scores = body_of("Scores", Score, ModelMeta)
Sentiments = body_of("Sentiments", Sentiment, ModelMeta)
CardBody = body_of("Card", Card, ModelMeta)
Drift = body("Drift", DRIFT, ModelMeta)


@router.get("", response_model=ModelList)
def list_models(sql: Sql, models: Models) -> Response:
    """Every model with a champion, by name."""
    return answer(sql.release, [_row(champion) for champion in models.all()])


@router.get("/{name}", response_model=ModelDetails)
def get_model(sql: Sql, models: Models, name: Name) -> Response:
    """The champion: what goes in, what comes out, and where it is from."""
    champion = models.asked_for(name)
    signature = champion.signature
    known = {key: signature.get(key) for key in ("features", "output", "label", "horizon_sessions", "digests", "lock")}
    return answer(sql.release, [{**_row(champion), "versions": models.versions(name), **known}])


@router.get("/{name}/card", response_model=CardBody)
def get_card(sql: Sql, models: Models, files: Files, name: Name) -> Response:
    """The champion's card: data, folds, what was found out of sample, features, and what is known against it."""
    champion = models.asked_for(name)
    shown = cards.of_champion(files, champion)
    card = {"markdown": shown.markdown, "pictures": [cards.address(champion, picture) for picture in shown.pictures]}
    return answer(sql.release, [card], extra={"model": champion.reference})


@router.get("/{name}/drift", response_model=Drift)
def get_drift(sql: Sql, models: Models, files: Files, name: Name) -> Response:
    """What the last build measured of the champion against its training, worst first; no rows where it was not measured yet."""
    champion = models.asked_for(name)
    rows = worst_first(kept(files, name, champion.version))
    shown = [{column.name: row[column.name] for column in DRIFT} for row in rows]
    known_at = max((row["known_at"] for row in rows), default=None)
    return answer(sql.release, shown, known_at=known_at, extra={"model": champion.reference})


@router.post("/{name}/predict", response_model=Scores)
def predict(sql: Sql, models: Models, name: Name, ask: Ask) -> Response:
    """Scores of the champion: for symbols, with their rank in the whole session; for rows of features, without one."""
    champion = models.asked_for(name)
    if champion.predict is None:
        raise Problem(409, "reads-texts", f"Model {name} reads texts: POST them to /models/{name}/read")
    if (ask.symbols is None) == (ask.rows is None):
        raise bad_input("body", "either `symbols` or `rows`", "both" if ask.rows is not None else "neither")
    if ask.rows is not None:
        rows, known_at = scores.of_rows(champion, ask.rows), None
    else:
        rows, known_at = scores.of_symbols(sql, champion, ask.symbols or [], ask.session_date)
    return answer(sql.release, rows, known_at=known_at, extra={"model": champion.reference})


@router.post("/{name}/read", response_model=Sentiments)
def read(sql: Sql, models: Models, name: Name, ask: Texts) -> Response:
    """What the champion of a model of texts says of each: three probabilities and their level."""
    champion = models.asked_for(name)
    if champion.read is None:
        raise Problem(
            409, "scores-rows", f"Model {name} scores rows of features: POST symbols or rows to /models/{name}/predict"
        )
    return answer(sql.release, scores.of_texts(champion.read, ask.texts), extra={"model": champion.reference})


def _row(champion: Champion) -> dict[str, Any]:
    return {
        "name": champion.name, "version": champion.version, "alias": "champion", "run_id": champion.run_id,
        "release_id": champion.release_id, "doc": champion.signature.get("doc", ""),
        "metrics": champion.signature.get("metrics", {}),
    }  # fmt: skip
