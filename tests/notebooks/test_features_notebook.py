"""The notebook as a reader meets it: run from top to bottom against a lake, with nothing but the settings."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from lake.online import fill

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "notebooks" / "features.ipynb"


def test_the_notebook_is_stored_without_outputs():
    cells = [cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]
    assert cells
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)


@pytest.fixture(scope="module")
def executed(small_lake, tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebook")
    settings = small_lake.with_online(folder)
    fill(settings, small_lake.after)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    own = {
        "MARKETLAKE_LAKE_URL": settings.lake_url,
        "MARKETLAKE_ONLINE_URL": settings.online_url,
        "PYTHONPATH": str(ROOT),
    }
    client.execute(env={**os.environ, **own, "MPLBACKEND": "module://matplotlib_inline.backend_inline"})
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _text(cell) -> str:
    shown = [o.get("text", "") or o.get("data", {}).get("text/plain", "") for o in cell.outputs]
    return "\n".join(shown)


def test_every_plot_is_drawn(executed):
    plots = [cell for cell in executed if "plt.show()" in cell.source]
    assert plots
    assert all(any("image/png" in o.get("data", {}) for o in cell.outputs) for cell in plots)


def test_historical_and_online_features_say_their_release(executed):
    shown = "\n".join(_text(cell) for cell in executed)
    assert "r00002" in shown
    history = next(cell for cell in executed if "lake.history(" in cell.source)
    online = next(cell for cell in executed if "lake.online(" in cell.source)
    assert "NaN" not in _text(history)
    assert "XKRX:005930" in _text(online)


def test_the_explained_number_is_verified_down_to_its_payload(executed):
    explained = _text(next(cell for cell in executed if "lake.explain(" in cell.source))
    assert "payload_digest" in explained
    assert "verified: True" in explained
    assert "verified: False" not in explained
