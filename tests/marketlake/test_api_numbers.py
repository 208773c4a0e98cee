"""The API's numbers for Prometheus are those of all its processes, whichever of them is scraped."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from marketlake import environment
from serving.metrics import FOLDER, OURS

WORKER = """
import sys, types
from serving.metrics import Metrics
release = types.SimpleNamespace(release=None, failure="")
metrics = Metrics(release, types.SimpleNamespace(all=lambda: []))
shared = types.SimpleNamespace(name="redis", circuit=types.SimpleNamespace(is_closed=sys.argv[1] == "1"))
front = type("Front", (list,), {"n_bytes": 100})([1])
metrics.watch_cache(front, shared)
if sys.argv[1] == "2":
    front.append(1)
    metrics.cached("l1", "miss")
for _ in range(int(sys.argv[1])):
    metrics.observe("GET", "/a", 200, 0.2)
with metrics.request():
    print("ready", flush=True)
    for _ in sys.stdin:
        print(metrics.text().decode() + "# over", flush=True)
"""


class Worker:
    """A process that counts, and tells when it is asked."""

    def __init__(self, n_requests: int, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(n_requests)], cwd=environment.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env={**os.environ, FOLDER: str(folder), OURS: str(folder)},
        )  # fmt: skip

    def line(self) -> str:
        """What it says next."""
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def told(self) -> dict[str, float]:
        """Its answer to a scrape: the sum of each number's samples, and of a process's the count."""
        assert self.process.stdin is not None
        print("scrape", file=self.process.stdin, flush=True)
        text = "".join(iter(self.line, "# over\n"))
        found: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                value = 1.0 if "pid" in sample.labels else sample.value
                found[sample.name] = found.get(sample.name, 0.0) + value
        return found


@contextmanager
def two(folder: Path) -> Iterator[list[Worker]]:
    """Two that count together: one and two requests."""
    with ExitStack() as held:
        workers = [Worker(n, folder) for n in (1, 2)]
        for worker in workers:
            held.enter_context(worker.process)
            held.callback(worker.process.kill)
        assert [worker.line() for worker in workers] == ["ready\n"] * 2
        yield workers


def test_whichever_process_is_scraped_tells_of_all_and_one_that_was_killed_has_no_request_under_way(
    tmp_path: Path,
) -> None:
    with two(tmp_path) as workers:
        for worker in workers:
            told = worker.told()
            assert told["marketlake_http_requests_total"] == told["marketlake_http_request_seconds_count"] == 3
            assert told["marketlake_http_requests_running"] == 2
            assert (told["marketlake_cache_answers"], told["marketlake_cache_bytes"]) == (3, 200)
            assert told["marketlake_cache_up"] == 0  # the second has lost it
            assert told["process_resident_memory_bytes"] == 2 == told["process_cpu_seconds_total"]
        workers[0].process.send_signal(signal.SIGKILL)
        workers[0].process.wait()
        told = workers[1].told()
        assert told["marketlake_http_requests_total"] == 3  # a count never falls
        assert told["marketlake_http_requests_running"] == 1 and told["marketlake_cache_answers"] == 2
        assert told["process_resident_memory_bytes"] == 1
