"""The models on the whole recorded Korean market, judged as training judges them: `python -m bench.recorded FOLDER`.

FOLDER has `prices_all.parquet` (Code, Date, Open, High, Low, Close, Volume; prices adjusted, an open of 0 on halted sessions) and `stock_list.parquet` (Code,
Market). Features and outcomes are made by the contracts' own builds; every fit, baseline, gate and line of the card is that of a training; what a release
says against its rows (`training.witnesses`) is not asked, for there is none. Writes bench/results/, a file for each model. What does not belong here: a lake, and the names that were gone when the recording was made, which it does not have.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from assets.learning import KEY, SEED, SIZE
from bench import report
from lake.code import code
from market import calendars, registry, rulebook
from market.digest import digest
from market.exports import CARD
from market.table import Window
from training import tracking
from training.catalogue import gates_of, models
from training.gates import SESSIONS_BEHIND, judge
from training.lock import DataLock
from training.model import Model
from training.train import train

PACKAGES = ("xgboost", "numba", "numpy", "pandas", "pyarrow", "scikit-learn")
TOGETHER = 400
"""Codes whose features are made at once."""
NAMES = ("return_rank_5d", "direction_5d")


def main() -> None:
    """Make the frame, train each model on it, write."""
    words = argparse.ArgumentParser(description="The models on a whole recorded market.")
    words.add_argument("folder", type=Path)
    words.add_argument("--models", nargs="+", default=list(NAMES), choices=sorted(models()))
    words.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth code")
    asked = words.parse_args()
    wanted = [models()[name] for name in asked.models]
    began = perf_counter()
    names = sorted({SIZE, *(name for model in wanted for name in model.features)})
    frame = frame_of(asked.folder, asked.every, "gold.features_daily", names)
    made_s = round(perf_counter() - began, 1)
    n = {"rows": len(frame), "codes": frame["security_id"].nunique(), "sessions": frame["session_date"].nunique()}
    print(f"{n}, features and outcomes in {made_s} s", flush=True)
    for model in wanted:
        report.write(f"recorded-{model.name}", PACKAGES, n | {"made_s": made_s} | trained(model, frame))


def frame_of(folder: Path, every: int, table: str, names: Sequence[str]) -> pd.DataFrame:
    """Key, exchange, features of the table and every outcome, by key; an outcome that is not known is null."""
    parts = []
    outcomes = [column.name for column in registry.table("gold.labels").columns if column.type == "float64"]
    for prices, sessions, window in recorded(folder, every):
        frames = {"gold.prices": prices, "silver.sessions": sessions}
        frames["gold.features_daily"] = registry.table("gold.features_daily").schema.empty_table()
        rows = _built(table, frames, window).select([*KEY, "exchange", *names])
        known = _built("gold.labels", frames, window).select([*KEY, *outcomes])
        parts.append(rows.join(known, keys=list(KEY), join_type="left outer"))
    return pa.concat_tables(parts).sort_by([(name, "ascending") for name in KEY]).to_pandas()


def recorded(folder: Path, every: int) -> Iterator[tuple[pa.Table, pa.Table, Window]]:
    """Some codes' rows of gold.prices at a time, the sessions, and the window that has them all."""
    bars = pd.read_parquet(folder / "prices_all.parquet")
    boards = pd.read_parquet(folder / "stock_list.parquet").set_index("Code")["Market"]
    bars["Code"] = bars["Code"].astype(str)
    bars["Date"] = pd.to_datetime(bars["Date"]).dt.date
    days = sorted(set(bars["Date"]))
    window = Window(days[0], days[-1], datetime.now(UTC))
    sessions = registry.table("silver.sessions")
    known_at = {day: pd.Timestamp(calendars.close_at("XKRX", day)) for day in days}
    codes = sorted(set(bars["Code"]))[::every]
    for at in range(0, len(codes), TOGETHER):
        some = bars[bars["Code"].isin(codes[at : at + TOGETHER])]
        yield _prices(some, boards, known_at), _built(sessions.name, {}, window), window


def _prices(bars: pd.DataFrame, boards: "pd.Series[str]", known_at: dict[Any, pd.Timestamp]) -> pa.Table:
    """Rows of gold.prices; what the recording lacks is null, and the value traded is close times volume."""
    table, is_halted = registry.table("gold.prices"), bars["Open"] == 0
    traded = {name.lower(): bars[name].where(~is_halted).astype(np.float64) for name in ("Open", "High", "Low")}
    days = bars["Date"]
    rows = pd.DataFrame(traded).assign(
        session_date=days, session_month=[f"{day:%Y-%m}" for day in days], security_id="XKRX:" + bars["Code"], exchange="XKRX",
        symbol=bars["Code"], market=bars["Code"].map(boards).fillna("unknown"), currency="KRW", close=bars["Close"].astype(np.float64),
        volume=bars["Volume"], value=(bars["Close"] * bars["Volume"]).astype(np.float64), is_halted=is_halted, factor=1.0,
        cumulative_factor=1.0, payload_digest="0" * 64, row_no=0, known_at=days.map(known_at),
    )  # fmt: skip
    absent = [column.name for column in table.columns if column.name not in rows.columns]
    return table.conform(pa.Table.from_pandas(rows.assign(**dict.fromkeys(absent, np.nan)), preserve_index=False))


def _built(name: str, frames: dict[str, pa.Table], window: Window) -> pa.Table:
    build = registry.table(name).build
    assert build is not None
    return build(frames, window)


def trained(model: Model, frame: pd.DataFrame) -> dict[str, Any]:
    """What a training records: metrics, the decisions of the gates, the card."""
    columns = [*KEY, "exchange", *model.features, model.label]
    own = frame[columns]
    sizes = frame[list(KEY)].assign(size=np.exp(frame[SIZE]))
    lock = DataLock(
        release_id="recorded", rulebook=rulebook.version(), code_sha=code().sha, code_dirty=code().dirty, seed=SEED,
        dataset_digest=digest(pa.Table.from_pandas(own, preserve_index=False), KEY, columns), model=model.name,
        parameters=dict(model.parameters), features=model.features, train_from=own["session_date"].min(),
        train_to=own["session_date"].max(), tables={},
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="marketlake-bench-") as home:
        uri = f"sqlite:///{home}/mlflow.db"
        began = perf_counter()
        made = train(model, own, lock, uri, model.name, _told, sizes=sizes, artifact_root=f"{home}/artifacts")
        seconds = round(perf_counter() - began, 1)
        card = tracking.artifact(tracking.client(uri), made.run_id, CARD).decode()
    gates = judge(gates_of(model.name), {**made.metrics, SESSIONS_BEHIND: 0.0}, None)
    print(card, *(one.reason for one in gates), f"{model.name}: {seconds} s", sep="\n", flush=True)
    decided = {one.gate: {"passed": one.passed, "reason": one.reason} for one in gates}
    return {"seconds": seconds, "metrics": dict(made.metrics), "gates": decided, "card": card}


def _told(done: int, total: int, what: str) -> None:
    print(f"{done}/{total} {what}", flush=True)


if __name__ == "__main__":
    main()
