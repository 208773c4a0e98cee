"""What shadows say beside the champions: scored after the publication, into a table of their own, and held against it once outcomes are known.

What does not belong here: who is shadow (`assets.decisions`), the arithmetic of the comparison (`training.comparison`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
from loguru import logger

from assets.learning import KEY, current, installed, read, said_before, scores
from assets.models import LABELS
from assets.publish import PREDICTIONS
from lake.lake import Lake
from lake.releases import Release
from market import registry
from market.errors import MarketlakeError, Permanent
from market.exports import signature_of
from market.table import Window
from training.catalogue import model as model_of
from training.catalogue import models
from training.comparison import Compared, compare
from training.export import SIGNATURE
from training.versions import SHADOW

SHADOWS = "ops.shadow_predictions"


@dataclass(frozen=True)
class Shadowed:
    """What became of the shadows of some sessions.

    Parameters
    ----------
    versions : that scored, by model.
    failures : why a shadow did not score, by model.
    """

    versions: Mapping[str, int]
    failures: Mapping[str, str]
    rows: int


def predict(lake: Lake, window: Window) -> Shadowed:
    """Scores of the window's sessions by every model's shadow, on the current release, instead of what shadows said of them before.

    Whatever a shadow fails of is told and not raised: the champions' scores are out, and nobody waits for these.
    """
    release = current(lake)
    made: list[pa.Table] = []
    versions: dict[str, int] = {}
    failures: dict[str, str] = {}
    for name in models():
        try:
            version = installed(lake, name, SHADOW)
            if version is not None:
                made.append(scores(lake, release, name, version, window))
                versions[name] = version
        except Exception as error:  # noqa: BLE001  # a library may raise what it likes on a model that nobody acts on
            logger.opt(exception=error).warning("a shadow did not score", model=name)
            failures[name] = str(error) or type(error).__name__
    if not made:
        return Shadowed(versions, failures, 0)
    rows = pa.concat_tables([*made, *said_before(lake, SHADOWS, window, failures)])
    try:
        lake.replace(registry.table(SHADOWS), rows, window)
    except MarketlakeError as error:
        return Shadowed({}, failures | dict.fromkeys(versions, str(error)), 0)
    return Shadowed(versions, failures, rows.num_rows)


def compared(lake: Lake, name: str) -> tuple[int, int, Compared]:
    """Versions of champion and shadow, and the two on every session that both scored and whose outcomes the current release knows.

    Sessions that either of them was trained on are left out: nothing is worth anything there.

    Raises
    ------
    Permanent
        There is no such model, or it has no champion or no shadow.
    """
    model, release = model_of(name), current(lake)
    held, shadow = installed(lake, name), installed(lake, name, SHADOW)
    if held is None or shadow is None:
        raise Permanent(
            f"model {name}", expected="a champion and a shadow", found="no champion" if held is None else "no shadow",
            do=f"`marketlake models shadow {name} VERSION` makes a version the shadow",
        )  # fmt: skip
    since = max(trained_to(lake, name, version) for version in (held, shadow))
    champion = said(lake, PREDICTIONS, name, held, since, release).rename(columns={"score": "champion"})
    beside = said(lake, SHADOWS, name, shadow, since).rename(columns={"score": "shadow"}).drop(columns="exchange")
    both = champion.merge(beside, on=list(KEY)).merge(outcomes(lake, release, model.label), on=list(KEY))
    return held, shadow, compare(both, model.horizon)


def trained_to(lake: Lake, name: str, version: int) -> date:
    """The last session of the rows that an exported version was trained on."""
    signature: dict[str, Any] = signature_of(lake.store.get(f"models/{name}/{version}/{SIGNATURE}"))
    return date.fromisoformat(signature["lock"]["train_to"])


def said(lake: Lake, table: str, name: str, version: int, since: date, release: Release | None = None) -> pd.DataFrame:
    """security_id, session_date, exchange and score of what a version said of later sessions; at the table's head without a release."""
    at = None if release is None else release.tables.get(table)
    where = (
        (ds.field("session_month") >= f"{since:%Y-%m}")
        & (ds.field("session_date") > since)
        & (ds.field("model") == name)
        & (ds.field("model_version") == version)
    )
    contract, names = registry.table(table), [*KEY, "exchange", "score"]
    if release is not None and at is None:  # before the first publication with predictions
        return pd.DataFrame(columns=names)
    return lake.delta.read(contract, version=at, where=where, columns=names).to_pandas()


def outcomes(lake: Lake, release: Release, label: str) -> pd.DataFrame:
    """security_id, session_date and outcome, as far as the release knows them."""
    return read(lake, release, LABELS, [*KEY, label]).rename_columns([*KEY, "outcome"]).to_pandas()
