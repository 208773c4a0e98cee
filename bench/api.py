"""The API under 50 connections: each route cached and not, against bare Starlette, and the switch of a release.

`python -m bench.api`, or with `--trino`. One uvicorn process of each kind on one machine with the load, over a lake of noise in DuckDB
or in a Trino of its own, with cache and online store on Redis 8. The kinds that are compared take turns. Not a test: it never fails on a time, only on a wrong
status.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from pathlib import Path
from time import monotonic, perf_counter, sleep
from typing import Any

import httpx
import uvicorn
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench import lake_of_noise, report
from bench.load import HOST, Load, load
from bench.online import PASSWORD, redis_at
from bench.sql import own_trino
from lake import online, shown
from lake.cache import Backend, Slot
from lake.delta import DeltaLake
from lake.objects import lake_store
from lake.releases import Releases
from lake.settings import ROOT, Settings
from market import registry
from marketlake import environment, processes
from serving import logs
from serving.app import create_app
from serving.cache_front import Front
from tests.support.champion import MODEL, export_champion
from training.catalogue import models

API = "/api/v1"
PACKAGES = ("fastapi", "starlette", "uvicorn", "uvloop", "httptools", "redis", "duckdb")
URLS = ("lake_url", "online_url", "cache_url", "sql_url")
KINDS = ("cached", "shared", "uncached", "bare")
N_SHARED = 20  # securities that take turns
N_SCORED = 50
PREDICT = f"POST predict, {N_SCORED} symbols"
GOALS = {
    "predict_p99_ms": 20,
    "shared_times_uncached": 20,
    "cached_times_uncached": 20,
    "share_of_bare_starlette": 0.5,
    "switch_s": 2.0,
}


class Nothing:
    """A cache that never has anything."""

    name = "none"

    def get(self, slot: Slot, variant: str) -> bytes | None:
        """None."""
        return None

    def put(self, slot: Slot, variant: str, value: bytes) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def main() -> None:
    """Measure, or be one of the servers measured."""
    words = argparse.ArgumentParser(description="The API under load.")
    words.add_argument("--symbols", type=int, default=200)
    words.add_argument("--sessions", type=int, default=500)
    words.add_argument("--connections", type=int, default=50)
    words.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--trino", action="store_true", help="questions go to Trino instead of DuckDB")
    words.add_argument("--serve", choices=KINDS, help="be this server, of the settings in the environment")
    words.add_argument("--port", type=int)
    asked = words.parse_args()
    if asked.serve:
        serve(asked.serve, asked.port)
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="marketlake-bench-")))
        redis_url = f"redis://:{PASSWORD}@{HOST}:{stack.enter_context(redis_at(folder))}"
        settings = Settings(
            lake_url=str(folder / "lake"), online_url=f"{redis_url}/0", cache_url=f"{redis_url}/1", _env_file=None
        )
        if asked.trino:
            settings = settings.model_copy(update={"sql_url": stack.enter_context(own_trino(folder)).sql_url})
        first, second = lake_of_noise.make(settings, asked.symbols, asked.sessions)
        online.fill(settings, first)
        model = models()[MODEL]
        export_champion(
            settings, DeltaLake(settings).read(registry.table("gold.features_daily")), 1, 60, model.features
        )
        with ExitStack() as running:
            measured = measure({kind: running.enter_context(server(kind, settings, folder)) for kind in KINDS}, asked)
        with server("cached", settings, folder) as port, server("shared", settings, folder):
            measured["switch_s"] = switch(port, settings, second)
    show(measured)
    shown = {key: value for key, value in vars(asked).items() if key not in ("serve", "port")}
    report.write("api-trino" if asked.trino else "api", PACKAGES, shown | measured | {"goals": GOALS})


def measure(ports: dict[str, int], asked: argparse.Namespace) -> dict[str, Any]:
    """Every route; then the cached routes against themselves uncached, and against bare Starlette."""
    how = {"connections": asked.connections, "for_s": asked.seconds}
    routes = {
        name: told(load(ports["cached"], paths, **how), may_refuse=asked.trino)
        for name, paths in plain(asked.symbols).items()
    }
    compared: dict[str, Any] = {}
    for name, path in CACHED.items():
        found: dict[str, list[Load]] = {kind: [] for kind in KINDS}
        for _ in range(asked.rounds):
            for kind in KINDS:
                warm(ports[kind], kind, path)
                found[kind].append(load(ports[kind], paths_of(kind, path), **how))
        compared[name] = compare(found) | {"bytes": found["cached"][0].n_bytes // len(found["cached"][0].seconds)}
    return {"routes": routes, "cached_routes": compared}


OF_A_STOCK = ("filings", "news", "actions", "listings", "adjustments", "fundamentals", "ratios", "predictions")
CACHED = {
    "prices, 250 rows": f"{API}/stocks/000007/prices",
    "prices, 20 rows": f"{API}/stocks/000007/prices?limit=20",
    "indicators, 20 rows": f"{API}/stocks/000007/indicators?limit=20",
    "market summary, 20 rows": f"{API}/market/summary?limit=20",
}


def plain(symbols: int) -> dict[str, list[Any]]:
    """The routes that are not cached, each over many securities."""
    codes = [f"{i:06d}" for i in range(symbols)]
    return {
        "stocks": [f"{API}/stocks?limit=20"], "stocks/{symbol}": [f"{API}/stocks/{code}" for code in codes],
        **{f"stocks/{{symbol}}/{name}": [f"{API}/stocks/{code}/{name}" for code in codes] for name in OF_A_STOCK},
        PREDICT: [(f"{API}/models/{MODEL}/predict", asked_for(codes, i)) for i in range(symbols)],
        "features/{symbol}": [f"{API}/features/{code}" for code in codes],
        "releases/current": [f"{API}/releases/current"], "healthz": ["/healthz"],
    }  # fmt: skip


def asked_for(codes: Sequence[str], first: int) -> bytes:
    """The body that asks for the scores of so many securities from one on."""
    return json.dumps({"symbols": [codes[(first + i) % len(codes)] for i in range(N_SCORED)]}).encode()


def paths_of(kind: str, path: str) -> Iterator[str]:
    """The path; for what must not be answered from this process, with a first session long before the lake's.

    The rows are the same, the questions differ, so that no two of them are answered at once. For the shared cache other
    securities take turns instead.
    """
    if kind in ("cached", "bare"):
        yield path
    elif kind == "shared":
        for i in range(N_SHARED if "000007" in path else 1):
            yield path.replace("000007", f"{i:06d}")
    else:
        for i in range(20_000):
            yield f"{path}{'&' if '?' in path else '?'}from={date(1900, 1, 1) + timedelta(days=i)}"


def warm(port: int, kind: str, path: str) -> None:
    """Have what is cached in its cache: prices stay for 30 s only, and a miss under way is not a hit's time."""
    if kind != "uncached":
        for one in paths_of(kind, path):
            httpx.get(f"http://{HOST}:{port}{one}", timeout=30).raise_for_status()


def compare(found: dict[str, list[Load]]) -> dict[str, Any]:
    """Medians of the rounds, and the ratios of the goals."""
    per_s = {kind: statistics.median(one.per_s for one in loads) for kind, loads in found.items()}
    pooled = {kind: report.percentiles_ms([s for one in loads for s in one.seconds]) for kind, loads in found.items()}
    return {
        "kinds": {kind: {"per_s": round(per_s[kind]), **pooled[kind]} for kind in KINDS},
        "cached_times_uncached": round(per_s["cached"] / per_s["uncached"], 1),
        "p50_times_uncached": round(pooled["uncached"]["p50_ms"] / pooled["cached"]["p50_ms"], 1),
        "shared_times_uncached": round(per_s["shared"] / per_s["uncached"], 1),
        "share_of_bare_starlette": round(per_s["cached"] / per_s["bare"], 2),
        "statuses": {kind: statuses(*loads, may_refuse=kind == "uncached") for kind, loads in found.items()},
    }


def told(one: Load, *, may_refuse: bool) -> dict[str, Any]:
    """One measurement."""
    return {
        "per_s": round(one.per_s),
        **report.percentiles_ms(one.seconds),
        "statuses": statuses(one, may_refuse=may_refuse),
    }


def statuses(*loads: Load, may_refuse: bool = False) -> dict[str, int]:
    """How many answers of all of them had which status.

    An engine that has more questions than it answers in time refuses some (503); where that `may` be, they are counted
    apart and their times are not. Any other status ends the measurement: its time says nothing.
    """
    found = sum((Counter(one.statuses) for one in loads), Counter())
    if not found[200] or set(found) - {200} - ({503} if may_refuse else set()):
        raise SystemExit(f"the API under load: expected 200{' or 503' if may_refuse else ' alone'}; was {dict(found)}")
    return {str(status): n for status, n in found.items()}


def switch(port: int, settings: Settings, second: Any) -> float:
    """Seconds from the move of the pointer to the first answer of the new release, by the API's own looking.

    Two servers switch, as many as the API has workers; the release is published as a day publishes it.
    """
    url, over = f"http://{HOST}:{port}{API}/stocks/000007/prices?limit=1", threading.Event()
    with httpx.Client() as client:
        client.get(url)
        shown.prepare(settings, second)
        Releases(lake_store(settings)).publish(second)
        began = perf_counter()
        while not over.is_set() and perf_counter() - began < 30:
            answer = client.get(url)
            if answer.json()["meta"]["release_id"] == second.release_id:
                over.set()
            else:
                sleep(0.01)
    return round(perf_counter() - began, 2)


@contextmanager
def server(kind: str, settings: Settings, folder: Path) -> Iterator[int]:
    """One server in a process of its own; its port."""
    port = processes.free_port()
    given = {f"MARKETLAKE_{name.upper()}": environment.plain(settings, name) for name in URLS}
    process = processes.start(
        [sys.executable, "-m", "bench.api", "--serve", kind, "--port", str(port)], log=folder / f"{kind}.log",
        environment={**os.environ, **given}, cwd=ROOT, port=port, dies_with_us=True,
    )  # fmt: skip
    try:
        processes.wait_ready(process, lambda: answers(port), name=kind, timeout_s=120)
        yield port
    finally:
        processes.stop(process)


def answers(port: int) -> bool:
    """True once it has data to answer with."""
    try:
        return httpx.get(f"http://{HOST}:{port}{next(iter(CACHED.values()))}", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def serve(kind: str, port: int) -> None:
    """Be the server."""
    logs.configure()
    app: Any = bare() if kind == "bare" else create_app(Settings(_env_file=None))
    if kind in ("shared", "uncached"):
        app.state.answers.front = Front(max_bytes=0)
    if kind == "uncached":
        nothing: Backend = Nothing()
        app.state.answers.shared._backend = nothing
    uvicorn.run(app, host=HOST, port=port, access_log=False, log_config=None)


def bare() -> Starlette:
    """Starlette alone, which answers each of the cached URLs with the bytes that the API gives for it."""
    bodies: dict[tuple[str, str], bytes] = {}

    async def ready(request: Request) -> Response:
        return Response(
            bodies[request.scope["path"], request.scope["query_string"].decode()], media_type="application/json"
        )

    with TestClient(create_app(Settings(_env_file=None))) as client:
        for url in CACHED.values():
            path, _, query = url.partition("?")
            bodies[path, query] = client.get(url).content
    return Starlette(routes=[Route(path, ready) for path in {path for path, _ in bodies}])


def show(measured: dict[str, Any]) -> None:
    """The tables."""
    for name, found in measured["routes"].items():
        print(
            f"{name:<26}{found['per_s']:>8} /s {found['p50_ms']:>9.2f} ms p50 {found['p99_ms']:>9.2f} ms p99  {found['statuses']}"
        )
    for name, found in measured["cached_routes"].items():
        print(f"{name}, {found['bytes']} bytes, uncached {found['statuses']['uncached']}")
        for kind, one in found["kinds"].items():
            print(f"  {kind:<24}{one['per_s']:>8} /s {one['p50_ms']:>9.2f} ms p50 {one['p99_ms']:>9.2f} ms p99")
        print(f"  cached {found['cached_times_uncached']} times uncached, from Redis {found['shared_times_uncached']} "
              f"(goal {GOALS['cached_times_uncached']}), "
              f"{found['share_of_bare_starlette']} of bare Starlette (goal {GOALS['share_of_bare_starlette']})")  # fmt: skip
    print(f"release switch to first correct answer: {measured['switch_s']} s (goal {GOALS['switch_s']})")


if __name__ == "__main__":
    began = monotonic()
    main()
    print(f"{monotonic() - began:.0f} s in all")
