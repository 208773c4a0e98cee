"""Metadata of materialisations: rows, bytes, release, a sample, a plot where one helps, and how each feature behaves."""

import base64
import io
import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg
import matplotlib
import numpy as np
import pandas as pd
import pyarrow as pa
from matplotlib.figure import Figure

from assets.building import Built, data_docs
from lake.bronze import Taken
from lake.lake import Lake
from lake.releases import Release
from lake.windows import between
from market import causes, registry
from market.datasets.gold.labels import HORIZON
from market.errors import Transient
from market.evaluation import session_rank_ic
from market.features.behaviour import Sample, autocorrelation, coverage, distribution, over_sessions
from market.features.catalogue import catalogue
from market.table import Table, empty

matplotlib.use("Agg")
SAMPLE_ROWS, SAMPLE_COLUMNS = 5, 10
LISTED = 100
FEATURES, LABELS = "gold.features_daily", "gold.labels"
UNEXPLAINED = ("session_date", "security_id", "factor", "cause", "evidence", "confidence")
ALL_UNEXPLAINED = (
    "SELECT * FROM silver.adjustments WHERE known_until IS NULL AND disclosed_by IS NULL ORDER BY session_date DESC"
)

Metadata = dict[str, Any]


def taken(lake: Lake, table: Table, what: Taken) -> Metadata:
    """What an ingestion did, and a few of the table's newest rows."""
    size, files, n_rows = _size(lake, table)
    last = max(what.sessions, default=None)
    newest = lake.delta.read(table, where=between(last, last)) if last else empty(table.schema)
    return {
        "dagster/row_count": n_rows,
        "new_rows": what.new_rows,
        "repeated_rows": what.repeated_rows,
        "requests": what.requests,
        "payload_bytes": what.payload_bytes,
        "delta_version": lake.delta.version(table) if lake.delta.exists(table) else -1,
        "size_bytes": size,
        "files": files,
        "world": lake.world.name,
        "sample": dg.MetadataValue.md(_sample(table, newest)),
    }


def built(lake: Lake, what: Built) -> Metadata:
    """What a build wrote, which version that is, and where the checks' pages are."""
    size, files, _ = _size(lake, what.table)
    page = data_docs(lake) / "index.html"
    metadata: Metadata = {
        "dagster/row_count": what.rows.num_rows,
        "quarantined_rows": what.n_quarantined,
        "delta_version": what.version,
        "size_bytes": size,
        "files": files,
        "window": f"{what.window.start} to {what.window.end}",
        "code_sha": lake.code.sha + ("+dirty" if lake.code.dirty else ""),
        "data_docs": dg.MetadataValue.url(page.as_uri()),
    }
    if what.window.start == what.window.end:  # a run over a range repeats its metadata for each session
        metadata["sample"] = dg.MetadataValue.md(_sample(what.table, what.rows))
        if what.table.name == FEATURES:
            metadata["features"] = dg.MetadataValue.md(_behaviours(lake, what))
    return metadata


def judged(what: Built) -> Metadata:
    """What the gate saw, once per run: counts, what failed, a few rows, and the rows of each session as a plot."""
    failed = [
        f"- **{o.check}** ({o.severity}): expected {o.expected}; found {o.found}" for o in what.outcomes if not o.passed
    ]
    metadata: Metadata = {
        "checks": len(what.outcomes),
        "rows_judged": what.rows.num_rows + what.n_quarantined,
        "rows_quarantined": what.n_quarantined,
        "failed": dg.MetadataValue.md("\n".join(failed) or "none"),
        "sample": dg.MetadataValue.md(_sample(what.table, what.rows)),
    }
    if what.table.name == "silver.adjustments":
        metadata["unexplained_factors"] = dg.MetadataValue.md(_unexplained(what))
    if what.rows.num_rows and what.table.is_partitioned and what.window.start < what.window.end:
        metadata["rows_per_session"] = dg.MetadataValue.md(_plot_per_session(what.table.name, what.rows))
    return metadata


def released(release: Release, how: str) -> Metadata:
    """What a publication made current."""
    return {
        "release_id": release.release_id,
        "how": how,
        "as_of": release.as_of.isoformat(),
        "sessions": f"{release.first_session} to {release.last_session}",
        "tables": dg.MetadataValue.json(dict(release.tables)),
        "checks": dg.MetadataValue.json(dict(release.checks)),
        "code_sha": release.meta["code_sha"],
        "rulebook": release.rulebook,
    }


def _size(lake: Lake, table: Table) -> tuple[int, int, int]:
    """Bytes, files and rows of the newest version."""
    if not lake.delta.exists(table):
        return 0, 0, 0
    actions: Any = pa.table(lake.delta.open(table).get_add_actions(flatten=True))
    return sum(actions["size_bytes"].to_pylist()), actions.num_rows, sum(actions["num_records"].to_pylist())


def _sample(table: Table, rows: pa.Table) -> str:
    if not rows.num_rows:
        return "no rows"
    names = [column.name for column in table.public][:SAMPLE_COLUMNS]
    return _shown(rows.slice(max(0, rows.num_rows - SAMPLE_ROWS)), names)


def _behaviours(lake: Lake, what: Built) -> str:
    """A row per feature: coverage, mean, spread and quantiles of the session written; autocorrelation and rank IC of its year up to now."""
    try:
        year = _labelled(lake, what.window.end)
    except Transient as error:  # what was built stands, whether it can be described or not
        return f"not known: {error}"
    lines = [
        f"| feature | coverage | mean | std | 5 % | median | 95 % | autocorrelation {what.window.end:%Y} | rank IC {what.window.end:%Y} | error | sessions |",
        f"|{'---|' * 11}",
    ]
    for name in catalogue():
        values = what.rows[name].to_numpy(zero_copy_only=False)
        found = distribution(values)
        quantiles = [found.quantiles.get(level, math.nan) for level in (0.05, 0.5, 0.95)]
        told = [coverage(values).share, found.mean, found.std, *quantiles, autocorrelation(_sample_of(year, name), 1)]
        ic = over_sessions(_daily(year, name), HORIZON)
        cells = [name, *map(_number, [*told, ic.mean, ic.standard_error]), str(ic.sessions)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _labelled(lake: Lake, day: date) -> pd.DataFrame:
    """The features of the day's year up to it, beside the labels that are known."""
    window = between(date(day.year, 1, 1), day)
    labels, features = registry.table(LABELS), registry.table(FEATURES)
    key = ["security_id", "session_date"]
    rows = lake.delta.read(features, where=window, columns=[*key, "exchange", *catalogue()])
    outcomes = lake.delta.read(labels, where=window, columns=[*key, "forward_return_5d"])
    year = rows.to_pandas().merge(outcomes.to_pandas(), on=key)
    # Numbers, once for all features: ranking by dates and texts takes three times as long.
    return year.assign(day=year["session_date"].to_numpy("datetime64[D]"), place=pd.factorize(year["exchange"])[0])


def _sample_of(year: pd.DataFrame, name: str) -> Sample:
    names = (name, "security_id", "day", "exchange", "forward_return_5d")
    return Sample(*(year[column].to_numpy() for column in names))


def _daily(year: pd.DataFrame, name: str) -> np.ndarray:
    outcomes, days, places = (year[column].to_numpy() for column in ("forward_return_5d", "day", "place"))
    return session_rank_ic(year[name].to_numpy(), outcomes, days, places).to_numpy()


def _number(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else "-"


def _unexplained(what: Built) -> str:
    """The factors of the window that no disclosed action accounts for, as a table, and the query that lists all of them."""
    rows = causes.unexplained(what.rows)
    if not rows.num_rows:
        return "none"
    more = f"\n\nand {rows.num_rows - LISTED:,} more" if rows.num_rows > LISTED else ""
    return f'{_shown(rows.slice(0, LISTED), UNEXPLAINED)}{more}\n\n`marketlake sql "{ALL_UNEXPLAINED}"` lists those of the release.'


def _shown(rows: pa.Table, names: Sequence[str]) -> str:
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    told: list[Mapping[str, Any]] = rows.select(list(names)).to_pylist()
    return "\n".join([*lines, *("| " + " | ".join(str(row[name]) for name in names) + " |" for row in told)])


def _plot_per_session(title: str, rows: pa.Table) -> str:
    counted = rows.group_by("session_date").aggregate([([], "count_all")]).sort_by("session_date")
    figure = Figure(figsize=(7, 2.2), layout="constrained")
    axes = figure.subplots()
    axes.bar(counted["session_date"].to_pylist(), counted["count_all"].to_pylist(), width=1.0)
    axes.set(title=f"{title}: rows per session", ylabel="rows")
    return as_image(figure, "rows per session")


def as_image(figure: Figure, title: str) -> str:
    """The figure as an image in Markdown, whole in its own address."""
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=80)
    return f"![{title}](data:image/png;base64,{base64.b64encode(image.getvalue()).decode()})"
