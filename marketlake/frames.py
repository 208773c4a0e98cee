"""What the facade hands out: tables that say where they come from, and the description of one.

What does not belong here: reading them (`marketlake.reading`).
"""

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import pandas as pd
import pyarrow as pa

from market.errors import Permanent
from market.ratios import Ratio


class Prices(pd.DataFrame):  # type: ignore[misc]
    """Daily bars, a row per security and session; `attrs["meta"]` says which release, as of when, on which scale."""

    @property
    def _constructor(self) -> type["Prices"]:
        return Prices

    def panel(self, column: str = "close", by: str = "symbol") -> pd.DataFrame:
        """Sessions down, securities across; NaN where a security has no row or the value is not known.

        Parameters
        ----------
        by : `symbol` (a security that changed its code appears under the newest) or `security_id`.

        Raises
        ------
        Permanent
            There is no such column, or `by` is something else.
        """
        if column not in self.columns:
            raise Permanent("panel", expected=f"a column among {', '.join(self.columns)}", found=repr(column))
        if by not in ("symbol", "security_id"):
            raise Permanent("panel", expected="by symbol or security_id", found=repr(by))
        panel = pd.DataFrame(self).pivot(index="session_date", columns="security_id", values=column)
        if by == "symbol":
            newest = self.sort_values("session_date").drop_duplicates("security_id", keep="last")
            panel = panel.rename(columns=dict(zip(newest["security_id"], newest["symbol"], strict=True)))
        panel.columns.name = by
        panel.attrs = dict(self.attrs)
        return panel.sort_index(axis=1)


@dataclass(frozen=True)
class Description:
    """What a table is: its sentence, key, rule of known_at, version and size, and its columns with units."""

    name: str
    doc: str
    key: tuple[str, ...]
    known_at: str
    commits: str
    version: int | None
    rows: int
    columns: pd.DataFrame
    meta: Mapping[str, Any]

    def __str__(self) -> str:
        head = [f"{word}: {text}" for word, text in self._facts()]
        return "\n".join([self.name, self.doc, *head, "", self.columns.to_string(index=False)])

    def _repr_html_(self) -> str:
        facts = "".join(f"<li>{html.escape(word)}: {html.escape(text)}</li>" for word, text in self._facts())
        table = self.columns.to_html(index=False)
        return f"<h4>{html.escape(self.name)}</h4><p>{html.escape(self.doc)}</p><ul>{facts}</ul>{table}"

    def _facts(self) -> list[tuple[str, str]]:
        version = "not in this release" if self.version is None else str(self.version)
        return [
            ("key", ", ".join(self.key)), ("known_at", self.known_at), ("rows", f"{self.rows:,}"),
            ("Delta version", version), ("release", str(self.meta["release_id"])), ("commits", self.commits),
        ]  # fmt: skip


def frame_of(rows: pa.Table, meta: Mapping[str, Any]) -> pd.DataFrame:
    """A pandas frame (dates as datetime64, instants in UTC) with the meta in `attrs`."""
    frame = rows.to_pandas(timestamp_as_object=False)
    for name, kind in zip(rows.schema.names, rows.schema.types, strict=True):
        if pa.types.is_date(kind):
            frame[name] = pd.to_datetime(frame[name])
    frame.attrs["meta"] = dict(meta)
    return frame


def arrow_of(rows: pa.Table, meta: Mapping[str, Any]) -> pa.Table:
    """The Arrow table with the meta as JSON under `meta` in its schema."""
    return rows.replace_schema_metadata({"meta": json.dumps(dict(meta), default=str)})


def ratio_frame(rows: Sequence[Ratio], meta: Mapping[str, Any]) -> pd.DataFrame:
    """A row per ratio; `parts` holds the figures it is made of, each a dict."""
    frame = pd.DataFrame([asdict(one) for one in rows], columns=[one.name for one in fields(Ratio)])
    frame["value"] = frame["value"].astype("float64")
    frame["period_end"] = pd.to_datetime(frame["period_end"])
    frame["known_at"] = pd.to_datetime(frame["known_at"], utc=True)
    frame.attrs["meta"] = dict(meta)
    return frame
