"""The notebooks as a reader meets them: run from top to bottom against a lake, with nothing but the settings."""

import os
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient

from lake.delta import DeltaLake
from lake.objects import lake_store
from lake.online import fill
from market import registry
from tests.support.champion import FEATURES, export_champion

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"


@pytest.mark.parametrize("name", ["features", "models"])
def test_a_notebook_is_stored_without_outputs(name):
    cells = [
        cell for cell in nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells if cell.cell_type == "code"
    ]
    assert cells
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)


@pytest.fixture(scope="module")
def execute(small_lake, tmp_path_factory):
    """Runs a notebook on a copy of the lake with a champion and an online store; its cells of code with what they show."""
    folder = tmp_path_factory.mktemp("notebooks")
    settings = small_lake.with_online(folder)
    fill(settings, small_lake.after)
    features = DeltaLake(settings).read(registry.table("gold.features_daily"))
    export_champion(settings, features, 3, 5, FEATURES)

    def run(name):
        notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
        client = NotebookClient(
            notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
        )
        own = {
            "MARKETLAKE_LAKE_URL": settings.lake_url,
            "MARKETLAKE_ONLINE_URL": settings.online_url,
            "PYTHONPATH": str(ROOT),
        }
        client.execute(env={**os.environ, **own, "MPLBACKEND": "module://matplotlib_inline.backend_inline"})
        return [cell for cell in notebook.cells if cell.cell_type == "code"]

    yield run
    store = lake_store(settings)
    for path in store.list("models/"):  # the lake is everybody's
        store.delete(path)


@pytest.fixture(scope="module")
def of_features(execute):
    return execute("features")


@pytest.fixture(scope="module")
def of_models(execute):
    return execute("models")


def _text(cell) -> str:
    shown = [o.get("text", "") or o.get("data", {}).get("text/plain", "") for o in cell.outputs]
    return "\n".join(shown)


def _of(cells, words: str) -> str:
    return _text(next(cell for cell in cells if words in cell.source))


@pytest.mark.parametrize("executed", ["of_features", "of_models"])
def test_every_plot_is_drawn(executed, request):
    plots = [cell for cell in request.getfixturevalue(executed) if "plt.show()" in cell.source]
    assert plots
    assert all(any("image/png" in o.get("data", {}) for o in cell.outputs) for cell in plots)


def test_historical_and_online_features_say_their_release(of_features):
    assert "r00002" in "\n".join(_text(cell) for cell in of_features)
    assert "NaN" not in _of(of_features, "lake.history(")
    assert "XKRX:005930" in _of(of_features, "lake.online(")


@pytest.mark.parametrize("executed", ["of_features", "of_models"])
def test_the_explained_number_is_verified_down_to_its_payload(executed, request):
    explained = _of(request.getfixturevalue(executed), "lake.explain(")
    assert "payload_digest" in explained
    assert "verified: True" in explained
    assert "verified: False" not in explained


def test_champions_predictions_and_headlines_are_shown(of_models):
    assert "return_rank_5d" in _of(of_models, "lake.models()")
    assert "rank_ic" in _of(of_models, "metrics.dropna")
    assert "2024-05-03" in _of(of_models, "lake.predictions(")
    assert "headline_sentiment" in _of(of_models, "silver.sentiment")


def test_outcomes_of_forecasts_are_told_and_of_what_was_scored_afterwards_not():
    """The cell of the live rank IC, on scores of which half were there before their outcome."""
    [cell] = [c for c in nbformat.read(NOTEBOOKS / "models.ipynb", as_version=4).cells if "live_rank_ic" in c.source]
    days = pd.bdate_range("2024-05-01", periods=8)
    rows = pd.DataFrame(
        [(day, f"XKRX:{i}", float(i)) for day in days for i in range(6)],
        columns=["session_date", "security_id", "score"],
    )
    told = pd.to_datetime(rows["session_date"], utc=True)
    afterwards = rows["session_date"] >= days[4]
    rows = rows.assign(
        exchange="XKRX", outcome=rows["score"], outcome_known_at=told + pd.Timedelta("7D"),
        known_at=told + pd.to_timedelta(np.where(afterwards, 30, 1), unit="D"),
    )  # fmt: skip
    said = pd.concat([rows.assign(model=name) for name in ("one", "two")], ignore_index=True)
    names = {"said": said, "pd": pd, "lake": SimpleNamespace(as_of=pd.Timestamp("2024-07-01", tz="UTC"))}
    exec(cell.source.rsplit("\nlive.round", 1)[0], names)
    assert names["live"].loc["n"].tolist() == [4, 4] and names["live"].loc["mean"].tolist() == [1.0, 1.0]
    names["said"] = said[said["known_at"] > said["outcome_known_at"]]
    exec(cell.source.rsplit("\nlive.round", 1)[0], names)
    assert names["live"].empty
