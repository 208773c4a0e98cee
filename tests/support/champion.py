"""A real booster, exported as promotion does, and a measurement of it, for what serves models. What does not belong here: training it well."""

import hashlib
import json
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import xgboost

from lake import model_drift
from lake.objects import lake_store
from lake.settings import Settings
from market import registry
from market.features.catalogue import catalogue

MODEL, FEATURES = "return_rank_5d", ("return_1d", "rsi_14", "momentum_20")


def export_champion(settings: Settings, features: pa.Table, version: int, rounds: int, names: Any = FEATURES) -> None:
    """Train on the features, write booster and signature as promotion does, and point the champion at them."""
    frame = features.select(list(names)).to_pandas().astype("float64")
    target = frame[names[0]].fillna(0.0).rank(pct=True)
    data = xgboost.QuantileDMatrix(frame.to_numpy(), label=target, feature_names=list(names))
    raw = bytes(xgboost.train({"max_depth": 2, "seed": version, "nthread": 1}, data, rounds).save_raw("ubj"))
    digests = {"booster": hashlib.sha256(raw).hexdigest(), "predictions": "d" * 64}
    described = described_as_today(names)
    signature = {"model": MODEL, "version": version, "run_id": f"run{version}", "release_id": "r00001", "doc": "Ranks.",
                 "flavour": "xgboost", "file": "booster.ubj", "window_sessions": 1, "reach_days": 0,
                 "features": described, "output": {"name": "score"}, "label": "forward_return_5d",
                 "horizon_sessions": 5,
                 "metrics": {"rank_ic": 0.1, "rank_ic_se": None}, "digests": digests, "lock": {"seed": 1}}  # fmt: skip
    store, folder = lake_store(settings), f"models/{MODEL}"
    store.put(f"{folder}/{version}/booster.ubj", raw)
    store.put(f"{folder}/{version}/signature.json", json.dumps(signature).encode())
    pointer = {"version": version, "run_id": f"run{version}", "release_id": "r00001"}
    store.put(f"{folder}/champion.json", json.dumps(pointer).encode())


def described_as_today(names: Any) -> list[dict[str, Any]]:
    """What a signature says of features: as the catalogue has them; one that is in none has no formula."""
    today = catalogue()
    return [
        {"name": name, "type": "float64", "nullable": True,
         "unit": today[name].unit if name in today else "", "formula": today[name].formula if name in today else ""}
        for name in names
    ]  # fmt: skip


def keep_drift(settings: Settings, version: int) -> None:
    """A measurement of that version, as the check leaves it: of two features, one of which has drifted."""
    told = {
        "session_date": date(2024, 5, 3), "session_month": "2024-05", "model": MODEL, "model_version": version, "release_id": "r00002",
        "metric": "psi", "moved_at": 0.1, "drifted_at": 0.25, "n_reference": 80, "n_current": 20,
        "known_at": datetime(2024, 5, 6, 9, tzinfo=UTC),
    }  # fmt: skip
    rows = [
        told | {"quantity": name, "value": value, "verdict": verdict, "found": f"{name}: PSI {value}"}
        for name, value, verdict in (("return_1d", 0.02, "steady"), ("rsi_14", 0.4, "drifted"))
    ]
    contract = registry.table("ops.model_drift")
    model_drift.keep(lake_store(settings), MODEL, contract.conform(pa.Table.from_pylist(rows)).to_pylist())
