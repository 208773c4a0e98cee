"""Kills and lost answers in a day on the local stack: `python -m bench.chaos --minutes 30`; the counts go to docs/reliability.md.

A small world is backfilled once on a stack of its own. Each trial puts that lake back, runs its last day, breaks several things at
random moments of it, runs the day again where it failed, and compares what there is then with what an undisturbed day left: the
digests of every table, what Trino shows people, the features online, and no row of the pipeline's own tables twice. Where the daemon is killed the day's runs are in its queue, and the
driver is the process of the run that is under way.
What does not belong here: how the stack starts (`marketlake.stack`).
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import boto3
import psutil
from botocore.exceptions import BotoCoreError, ClientError
from dagster_graphql import DagsterGraphQLClient, DagsterGraphQLClientError
from requests import RequestException

from bench.own_stack import own_stack
from lake.sql import trino
from lake.sql.trino_client import Address, Connection
from market.errors import MarketlakeError
from marketlake.stack import local
from marketlake.stack.place import BUCKET, HOST, Place
from marketlake.worlds import Outside
from tests.support.faulty_proxy import Proxy, proxy

ROOT = Path(__file__).resolve().parent.parent
COUNTS = ROOT / "bench" / "results" / "chaos.json"
PAGE = ROOT / "docs" / "reliability.md"
SERVICES = {"Spark worker": "spark-worker-1", "S3 server": "s3", "PostgreSQL": "postgres", "Redis": "redis", "Trino": "trino",
            "Dagster daemon": "dagster-daemon"}  # fmt: skip
DAEMON, DRIVER = "Dagster daemon", "driver"
COMMITS, WRITES = "lost answers of commits", "lost answers of all writes"
LOSSES: Mapping[str, dict[str, Any]] = {
    COMMITS: {"lose": r"_delta_log/\d+\.json", "times": 60},  # each one's first: what is asked again finds it there
    WRITES: {"lose": "/", "times": 60, "every": 2},
}
"""What the proxy is told; a day has one of them."""
KILLS = (*SERVICES, DRIVER)
BLOWS_PER_DAY = 5
BASE = {"MARKETLAKE_LAKE_URL": f"s3://{BUCKET}/base", "MARKETLAKE_SQL_URL": "duckdb://"}
SHOWN = "SELECT exchange, count(*), CAST(sum(volume) AS bigint) FROM {}.prices GROUP BY exchange ORDER BY exchange"
ONLINE = """import hashlib, marketlake
lake = marketlake.open()
symbols = lake.sql("SELECT DISTINCT symbol FROM gold.prices ORDER BY symbol")["symbol"].tolist()
rows = lake.online(symbols).drop(columns="release_id").sort_values("security_id")
print(len(rows), hashlib.sha256(rows.to_json(double_precision=15, date_format="iso").encode()).hexdigest())"""
DOUBLED = """from lake.delta import DeltaLake; from lake.settings import read_settings; from market import registry
for table in registry.tables().values():
    if table.layer == "ops" and (rows := DeltaLake(read_settings()).read(table, columns=list(table.key))).num_rows:
        print(table.name, rows.num_rows - rows.group_by(list(table.key)).aggregate([]).num_rows)"""
CLI = ("-m", "marketlake.cli")
TRAIN = "from jobs.run import Runner; from lake.settings import read_settings; Runner(read_settings()).train('return_rank_5d')"
LIMIT_S, RUNS = 600, 6
Count = Callable[[Mapping[str, int], int, bool, str], None]
UNFINISHED = "{runsOrError(filter: {statuses: [QUEUED, NOT_STARTED, STARTING, STARTED, CANCELING]}) {... on Runs {results {runId}}}}"


@dataclass(frozen=True)
class Arena:
    """A stack, its lake as it was backfilled under `base/`, and what an undisturbed day makes of it."""

    place: Place
    variables: dict[str, str]
    day: date
    usual_s: float
    expected: Mapping[str, str]

    def day_on(self, endpoint: str = "", *, is_queued: bool = False) -> "subprocess.Popen[bytes]":
        """The day in a process group of its own, its S3 server reached at that address; or put into Dagster's queue."""
        told = {"MARKETLAKE_S3_ENDPOINT_URL": endpoint} if endpoint else {}
        told |= {"MARKETLAKE_DAGSTER_PORT": f"{self.place.settings.dagster_port}"}
        words = ("-m", "bench.queued_day") if is_queued else (*CLI, "day")
        return command(self.variables | told, self.place.folder / "day.log", *words, f"{self.day}")

    def found(self) -> dict[str, str]:
        """SHA-256 by table of the current release, what Trino shows under the names of people, the features online, and doubled rows.

        Trino is asked by its own client: a question of ours would make a missing release readable first.
        """
        told = json.loads(output(self.variables, *CLI, "release", "digest", "--json"))
        connection = Connection(Address.of(local.local_settings(self.place).sql_url), LIMIT_S)
        shown = {layer: connection.run(SHOWN.format(layer)).to_pylist() for layer in ("gold", "current_gold")}
        asked = {"online": ONLINE, "rows twice": DOUBLED}
        return {
            **told["tables"], "Trino": f"{shown}", **{name: output(self.variables, "-c", code).strip() for name, code in asked.items()},
        }  # fmt: skip


def main() -> int:
    """Trials until the time is over; 0 where every one ended in equal digests."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--folder", type=Path, default=ROOT / "var" / "chaos")
    parser.add_argument("--seed", type=int, default=None, help="of the moments; another one each time by default")
    told = parser.parse_args()
    moments, failures = random.Random(told.seed), 0
    with arena(told.folder) as made:
        give_up = monotonic() + 60 * told.minutes
        while monotonic() < give_up:
            failures += not counted(made, rarest(read_counts(), moments), moments)
    return 1 if failures else 0


def counted(made: Arena, kinds: Sequence[str], moments: random.Random) -> bool:
    """A trial; one that could not be ended counts as ended otherwise, and the stack is healed for the next."""
    try:
        return trial(made, kinds, moments)
    except (RuntimeError, MarketlakeError, BotoCoreError, ClientError, OSError) as error:
        say(f"{', '.join(kinds)}: not ended: {error!r}")
        note(dict.fromkeys(kinds, 0), 1, False, f"not ended: {error}")
        heal(made.place)
        return False


def trial(made: Arena, kinds: Sequence[str], moments: random.Random, count: Count | None = None) -> bool:
    """One day broken in these ways, put right; True where it left what an undisturbed one does.

    Parameters
    ----------
    count : is told what was broken, in how many runs, whether all was equal, and when; `note` by default.
    """
    settle(made.place)
    put_back(made.place)
    is_queued = DAEMON in kinds
    # Answers are lost from the day's beginning: what comes later commits less and less.
    blows = sorted((moments.uniform(0, 0.1) if kind in LOSSES else moments.uniform(0.1, 0.9), kind) for kind in kinds)
    blows = [(share * made.usual_s, kind) for share, kind in blows]
    struck: list[tuple[float, str]] = []
    began, runs, code = monotonic(), 0, 1
    with proxy(HOST, made.place.settings.s3_port) as between, queue_through(made.place, between.url):
        while code != 0 and runs < RUNS:
            process, runs = made.day_on(between.url, is_queued=is_queued), runs + 1
            driver = partial(run_of, made.place) if is_queued else partial(psutil.Process, process.pid)
            struck += strike(made.place, [blow for blow in blows if blow not in struck], process, between, driver)
            code = wait(process)
            heal(made.place)
            settle(made.place)
        n_lost = len(between.seen().lost)
    try:
        found = made.found() if code == 0 else {}
        differing = sorted(name for name in made.expected | found if found.get(name) != made.expected.get(name))
    except (RuntimeError, MarketlakeError) as error:
        differing = [f"{error}"]
    is_equal = not differing
    about = ", ".join(f"{kind} at {at:.0f} s" for at, kind in struck)
    told = f"{n_lost} answers lost, {runs} run(s), {'equal' if is_equal else 'DIFFERENT: ' + ', '.join(differing)}"
    say(f"{about}: {told}, {monotonic() - began:.0f} s")
    if not is_equal:
        copy(made.place, "lake", f"different-{datetime.now(UTC):%H%M%S}")  # kept for whoever looks into it
    if struck:
        broken = {kind: n_lost if kind in LOSSES else 1 for _, kind in struck if kind not in LOSSES or n_lost}
        (count or note)(broken, runs, is_equal, f"{about}; of {made.usual_s:.0f} s")
    return is_equal


def strike(
    place: Place,
    blows: Sequence[tuple[float, str]],
    process: "subprocess.Popen[bytes]",
    between: Proxy,
    driver: "Callable[[], psutil.Process | None]",
) -> list[tuple[float, str]]:
    """Wait for each moment and break; those that came before the run had ended."""
    began, struck = monotonic(), []
    for at, kind in blows:
        try:
            process.wait(max(0.0, began + at - monotonic()))
            break
        except subprocess.TimeoutExpired:
            if strike_one(place, kind, between, driver):
                struck.append((at, kind))
    return struck


def strike_one(place: Place, kind: str, between: Proxy, driver: "Callable[[], psutil.Process | None]") -> bool:
    """Break it now; False where there was nothing to kill, since another blow had just ended it."""
    if kind in LOSSES:
        between.set(**LOSSES[kind])
    elif kind == DRIVER:
        return killed(driver)
    elif pid := local.supervisor(place.settings).states()[SERVICES[kind]]["pid"]:
        os.kill(int(pid), signal.SIGKILL)
    else:
        return False
    return True


def killed(driver: "Callable[[], psutil.Process | None]") -> bool:
    """Kill the driver and the JVM that it started; False where it has just ended by itself."""
    try:
        if (process := driver()) is None:
            return False
        for one in (*process.children(recursive=True), process):
            one.kill()
    except psutil.NoSuchProcess:
        return False
    return True


def run_of(place: Place) -> psutil.Process | None:
    """The process of the run that Dagster executes now."""
    pid = local.supervisor(place.settings).states()["dagster-code"]["pid"]
    runs = (
        [one for one in psutil.Process(int(pid)).children() if "spawn_main" in " ".join(one.cmdline())] if pid else []
    )
    return runs[0] if runs else None


@contextmanager
def queue_through(place: Place, endpoint: str) -> Iterator[None]:
    """Runs that Dagster starts meanwhile reach the S3 server at that address: each reads the file of settings anew."""
    held = place.settings_file.read_text()
    place.settings_file.write_text(held.replace(place.s3_url, endpoint))
    try:
        yield
    finally:
        place.settings_file.write_text(held)


def wait(process: "subprocess.Popen[bytes]") -> int:
    """The exit code; a day that hangs is killed and counts as failed."""
    try:
        return process.wait(LIMIT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.wait()


def heal(place: Place) -> None:
    """Wait until supervisord has brought everything back."""
    give_up = monotonic() + 180
    while {state.state for state in local.status(place.settings)} != {"running"}:
        if monotonic() > give_up:
            raise RuntimeError(f"not healed: {[s for s in local.status(place.settings) if s.state != 'running']}")
        sleep(0.5)


def settle(place: Place) -> None:
    """Wait until no run of the daemon's is left: one from before would work on the lake that is put back."""
    client, give_up = DagsterGraphQLClient(HOST, port_number=place.settings.dagster_port), monotonic() + LIMIT_S
    while monotonic() < give_up:
        try:
            if not client._execute(UNFINISHED)["runsOrError"]["results"]:
                return
        except (DagsterGraphQLClientError, RequestException):
            pass  # it was just killed, or its database was
        sleep(0.5)
    raise RuntimeError(
        f"runs that did not end within {LIMIT_S} s: see http://{HOST}:{place.settings.dagster_port}/runs"
    )


@contextmanager
def arena(folder: Path) -> Iterator[Arena]:
    """The stack up, its lake backfilled and trained, an undisturbed day measured; everything ended afterwards."""
    with own_stack(folder, Outside.named("synthetic:7", 20, 160), say) as (place, variables, days):
        yield prepared(place, variables, days)


def prepared(place: Place, variables: dict[str, str], days: list[date]) -> Arena:
    """A base lake that holds all sessions but the last, with a champion; made once per folder."""
    log = place.folder / "day.log"
    if not exists(place, "base/ready"):
        # Thirty sessions are too few for the gates, and a day has to have predictions.
        crowned = [*CLI, "models", "promote", "return_rank_5d", "1", "--force"]
        for words in ([*CLI, "backfill", f"{days[0]}", f"{days[-2]}"], ["-c", TRAIN], crowned):
            say(f"base: {' '.join(words)}")
            if wait(command(variables | BASE, log, *words)) != 0:
                raise RuntimeError(f"the base was not made: see {log}")
        client(place).put_object(Bucket=BUCKET, Key="base/ready", Body=b"")
    settle(place)
    put_back(place)
    made = Arena(place, variables, days[-1], 0.0, {})
    began = monotonic()
    if wait(made.day_on()) != 0:
        raise RuntimeError(f"the undisturbed day failed: see {log}")
    usual_s, expected = monotonic() - began, made.found()
    say(f"an undisturbed day: {usual_s:.0f} s, {len(expected)} things to compare; online {expected['online']}")
    return Arena(place, variables, days[-1], usual_s, expected)


def put_back(place: Place) -> None:
    """The lake as it was backfilled, and a catalog that knows nothing of what was there since."""
    trino.clear(local.local_settings(place))
    copy(place, "base", "lake")


def output(variables: Mapping[str, str], *words: str) -> str:
    """What Python with these words prints."""
    done = subprocess.run([sys.executable, *words], env=dict(variables), capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)[:200]} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return done.stdout


def command(variables: Mapping[str, str], log: Path, *words: str) -> "subprocess.Popen[bytes]":
    """Python with these words in a process group of its own; its output goes to the log."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, *words], env=dict(variables), stdin=subprocess.DEVNULL, stdout=output,
            stderr=output, start_new_session=True, cwd=ROOT,
        )  # fmt: skip


def client(place: Place) -> Any:
    """The S3 server of the stack."""
    credentials = place.credentials
    return boto3.client(
        "s3", endpoint_url=place.s3_url, region_name=place.settings.s3_region,
        aws_access_key_id=credentials.s3_access_key_id, aws_secret_access_key=credentials.s3_secret_access_key,
    )  # fmt: skip


def keys(place: Place, prefix: str) -> list[str]:
    """Objects under the prefix."""
    pages = client(place).get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{prefix}/")
    return [entry["Key"] for page in pages for entry in page.get("Contents", ())]


def exists(place: Place, key: str) -> bool:
    """True where there is such an object."""
    return key in keys(place, key.rsplit("/", 1)[0])


def copy(place: Place, source: str, target: str) -> None:
    """Every object of one prefix under another, through this process: Delta's logs hold relative paths."""
    remove(place, target)
    s3 = client(place)

    def one(key: str) -> None:
        content = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        s3.put_object(Bucket=BUCKET, Key=target + key.removeprefix(source), Body=content)

    each(one, [key for key in keys(place, source) if not key.endswith("/")])


def remove(place: Place, prefix: str) -> None:
    """No object under the prefix any more."""
    s3 = client(place)
    each(lambda key: s3.delete_object(Bucket=BUCKET, Key=key), keys(place, prefix))


def each(do: Callable[[str], object], names: list[str]) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(do, names))


def read_counts() -> dict[str, dict[str, int]]:
    """What was broken so far, by kind."""
    return dict(json.loads(COUNTS.read_text())) if COUNTS.exists() else {}


def rarest(counts: Mapping[str, Mapping[str, int]], moments: random.Random) -> list[str]:
    """What was killed the least, and the one of the losses that was lost the least."""
    had = {kind: (counts.get(kind, {}).get("broken", 0), moments.random()) for kind in (*KILLS, *LOSSES)}
    return [*sorted(KILLS, key=lambda kind: had[kind])[:BLOWS_PER_DAY], min(LOSSES, key=lambda kind: had[kind])]


def note(broken: Mapping[str, int], runs: int, is_equal: bool, about: str) -> None:
    """Add the trial to the counts, and write the page anew."""
    counts = read_counts()
    for kind, n_broken in broken.items():
        held = counts.setdefault(kind, {"trials": 0, "broken": 0, "reruns": 0, "different": 0})
        for name, more in (("trials", 1), ("broken", n_broken), ("reruns", runs - 1), ("different", not is_equal)):
            held[name] += int(more)
    COUNTS.write_text(json.dumps(counts, indent=1) + "\n")
    columns = ("trials", "broken", "reruns", "different")
    rows = [
        f"| {name} | " + " | ".join(f"{counts.get(name, {}).get(column, 0)}" for column in columns) + " |"
        for name in (*KILLS, *LOSSES)
    ]
    head, _, _ = PAGE.read_text().partition("| what was broken |")
    table = "| what was broken | days | kills or lost answers | runs again | days that ended otherwise |\n|---|---|---|---|---|\n"
    PAGE.write_text(head + table + "\n".join(rows) + f"\n\nLast trial: {datetime.now(UTC):%Y-%m-%d} ({about}).\n")


def say(line: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {line}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
