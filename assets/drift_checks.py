"""A check per model in the graph: whether its champion has drifted, once the day's release is out, with pictures.

It blocks nothing and fails no run: drift is about the model, and the data are right. What does not belong here: measuring
(`assets.drift`).
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import numpy as np

from assets.metadata.describe import as_image
from assets.models import PREDICTED
from assets.resources import OpenLake
from market.datasets.ops.model_drift import DRIFTED, PSI, STEADY
from market.errors import MarketlakeError
from training.catalogue import models

NAME = "drift"
DRAWN = 3  # of the quantities, the ones that moved most

Metadata = dict[str, Any]


def checks() -> list[dg.AssetChecksDefinition]:
    """One for each model that scores rows of features; what reads headlines has no features, and no table of scores."""
    return [_check(name) for name in models()]


def selection() -> dg.AssetSelection:
    """The checks alone."""
    return dg.AssetSelection.checks(*(dg.AssetCheckKey(dg.AssetKey(["models", name]), NAME) for name in models()))


def _check(name: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=["models", name], name=NAME, additional_deps=[PREDICTED],
        description="The newest sessions look like those that the champion was fitted on, and its scores fare as the walk-forward promised",
    )  # fmt: skip
    def check(context: dg.AssetCheckExecutionContext, lake: OpenLake) -> dg.AssetCheckResult:
        from assets import drift  # XGBoost takes seconds to load, and an ingestion does not need it
        from training.drift import worst

        try:
            found = drift.measure(lake, name, lake.world.clock()())
        except MarketlakeError as error:
            context.log.warning(f"not measured: {error}")
            return _result(False, dg.AssetCheckSeverity.WARN, {"not_measured": str(error)})
        if found is None:
            return _result(True, dg.AssetCheckSeverity.WARN, {"note": "no champion yet"})
        verdict = worst(found.rows)
        severity = dg.AssetCheckSeverity.ERROR if verdict == DRIFTED else dg.AssetCheckSeverity.WARN
        return _result(verdict == STEADY, severity, _described(found, verdict))

    return check


def _result(passed: bool, severity: dg.AssetCheckSeverity, metadata: Mapping[str, Any]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=passed, severity=severity, metadata=dict(metadata))


def _described(found: Any, verdict: str) -> Metadata:
    from training import plots
    from training.card import table
    from training.drift import WHAT_TO_DO, worst_first

    ordered = worst_first(found.rows)
    shown = ("quantity", "metric", "value", "moved_at", "drifted_at", "verdict")
    lines = table(shown, [[_cell(row[name]) for name in shown] for row in ordered])
    farthest = [row["quantity"] for row in ordered if row["metric"] == PSI][:DRAWN]
    pictures = [as_image(plots.stability(found.rows), "stability index")]
    pictures += [as_image(plots.shares(found.references[name], found.counts[name], name), name) for name in farthest]
    if len(found.daily):
        promised = found.held.signature["metrics"].get("rank_ic_mean")
        pictures.append(as_image(plots.live(found.daily, np.nan if promised is None else promised), "live rank IC"))
    return {
        "verdict": verdict,
        "what_to_do": WHAT_TO_DO[verdict],
        "version": found.held.version,
        "release_id": found.release_id,
        "reasons": dg.MetadataValue.md("\n".join(f"- {row['found']}" for row in ordered if row["verdict"] != STEADY) or "none"),
        "measured": dg.MetadataValue.md("\n".join(lines)),
        "pictures": dg.MetadataValue.md("\n\n".join(pictures)),
    }  # fmt: skip


def _cell(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "" if value is None else str(value)
