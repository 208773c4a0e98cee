"""A feature with how it behaves in a release: the rows it is judged by, and the figures as people read them.

What does not belong here: the statistics (`market.features.behaviour`), drawing (`marketlake.pictures`), where it is shown (the facade and
`features show`).
"""

import base64
import html
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from lake.sql import ReleaseSql
from market.datasets.gold.labels import HORIZON
from market.features.behaviour import Behaviour, Sample, behaviour
from market.features.catalogue import table_of
from market.features.definition import Feature
from marketlake import computing, reading

_KEY = ["security_id", "session_date"]
_LABELS = "SELECT security_id, session_date, forward_return_5d AS outcome FROM gold.labels WHERE known_at <= ?"
_BLOCKS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class FeatureDescription:
    """What a feature is and how it behaves in the release that the meta names; a notebook draws it."""

    feature: Feature
    behaviour: Behaviour
    meta: Mapping[str, Any]

    @property
    def about(self) -> str:
        """What the figures are of."""
        found = self.behaviour
        return (
            f"release {self.meta['release_id']}: {found.coverage.rows:,} rows of {found.securities:,} securities; "
            f"{found.coverage.rows - found.labelled:,} have no label (yet) and are left out of the rank IC"
        )

    def picture(self) -> str:
        """The four panels as SVG."""
        from marketlake.pictures import feature_picture  # Matplotlib takes half a second to import

        return feature_picture(self.feature, self.behaviour, self.about)

    def to_dict(self) -> dict[str, Any]:
        """Meta and figures as JSON types."""
        return {"meta": dict(self.meta), "behaviour": self.behaviour.to_dict()}

    def __str__(self) -> str:
        head = [f"{name}: {value}" for name, value in figures(self.behaviour).items()]
        said = [f"{self.feature.name} = {self.feature.formula}", self.feature.doc, self.about, *head]
        return "\n".join([*said, "", pd.DataFrame(by_year(self.behaviour)).to_string(index=False)])

    def _repr_html_(self) -> str:
        image = base64.b64encode(self.picture().encode()).decode()
        rows = "".join(
            f"<li>{html.escape(name)}: {html.escape(value)}</li>" for name, value in figures(self.behaviour).items()
        )
        table = pd.DataFrame(by_year(self.behaviour)).to_html(index=False)
        return (
            f"<h4>{html.escape(self.feature.name)}</h4><p>{html.escape(self.feature.doc)}</p>"
            f'<img alt="how {html.escape(self.feature.name)} behaves" src="data:image/svg+xml;base64,{image}"/><ul>{rows}</ul>{table}'
        )


def described(sql: ReleaseSql, feature: Feature, as_of: datetime, meta: Mapping[str, Any]) -> FeatureDescription:
    """The feature over every row of the release known at the instant: a column of gold as it is written, any other computed."""
    return FeatureDescription(feature, behaviour(sample(sql, feature, as_of), HORIZON), meta)


def sample(sql: ReleaseSql, feature: Feature, as_of: datetime) -> Sample:
    """Values of every security and session, with the labels known at the instant."""
    table = table_of(feature.name)
    rows = _computed(sql, feature, as_of) if table is None else _published(sql, table, feature.name, as_of)
    labels = sql.query(_LABELS, [as_of]).to_pandas(timestamp_as_object=False)
    rows = rows.merge(labels, how="left", on=_KEY)
    return Sample(
        rows["value"].to_numpy(dtype=np.float64, na_value=np.nan),
        rows["security_id"].to_numpy(dtype=object),
        rows["session_date"].to_numpy(dtype="datetime64[D]"),
        rows["exchange"].to_numpy(dtype=object),
        rows["outcome"].to_numpy(dtype=np.float64, na_value=np.nan),
    )


def figures(found: Behaviour) -> dict[str, str]:
    """Everything but the years, a line each."""
    values = found.distribution
    levels = {
        "min": values.minimum,
        **{f"{level:.0%}": at for level, at in values.quantiles.items()},
        "max": values.maximum,
    }
    shares = {"all": found.coverage, **found.coverage_by_exchange}
    return {
        "coverage": ", ".join(f"{name} {_percent(one.share)}" for name, one in shares.items()),
        "count": f"{values.count:,}",
        "mean, std": f"{_number(values.mean)}, {_number(values.std)}",
        "quantiles": ", ".join(f"{name} {_number(at)}" for name, at in levels.items()),
        "histogram": _sparkline(found),
        "autocorrelation": ", ".join(f"lag {lag} {_number(one)}" for lag, one in found.autocorrelation.items()),
        "label": f"return over the next {found.horizon} sessions, {found.labelled:,} rows",
    }


def by_year(found: Behaviour) -> list[dict[str, Any]]:
    """Coverage and rank IC of each year, and of all of them together, to four places; None where too little is known."""
    years = {str(year): (share, found.rank_ic_by_year[year]) for year, share in found.coverage_by_year.items()}
    years["all"] = (found.coverage, found.rank_ic)
    return [
        {
            "year": year,
            "coverage": _rounded(share.share),
            "rank_ic": _rounded(ic.mean),
            "std": _rounded(ic.std),
            "information_ratio": _rounded(ic.information_ratio),
            "standard_error": _rounded(ic.standard_error),
            "sessions": ic.sessions,
        }
        for year, (share, ic) in years.items()
    ]


def _published(sql: ReleaseSql, table: str, name: str, as_of: datetime) -> pd.DataFrame:
    query = f'SELECT security_id, session_date, exchange, "{name}" AS value FROM {table} WHERE known_at <= ?'
    return sql.query(query, [as_of]).to_pandas(timestamp_as_object=False)


def _computed(sql: ReleaseSql, feature: Feature, as_of: datetime) -> pd.DataFrame:
    bars = reading.bars(sql, reading.everyone(sql), reading.day_of(sql.release.last_session), as_of)
    return bars[[*_KEY, "exchange"]].assign(
        value=computing.computed(feature, bars, reading.sectors_for(sql, feature, as_of))
    )


def _sparkline(found: Behaviour) -> str:
    values = found.distribution
    if not values.counts:
        return "-"
    tallest = max(values.counts)
    blocks = "".join(" " if not n else _BLOCKS[math.ceil(n / tallest * len(_BLOCKS)) - 1] for n in values.counts)
    return f"{_number(values.edges[0])} {blocks} {_number(values.edges[-1])}"


def _number(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else "-"


def _percent(share: float) -> str:
    return f"{share:.1%}" if math.isfinite(share) else "-"


def _rounded(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None
