"""How a measurement is written down: with date, commit, machine and versions, as JSON in bench/results/."""

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from lake.code import code

RESULTS = Path(__file__).with_name("results")


def write(name: str, packages: Sequence[str], measured: dict[str, Any]) -> Path:
    """Write `<name>-<time>.json`; the file."""
    now = datetime.now(UTC)
    known = {
        "measured_at": now.isoformat(timespec="seconds"),
        "code": f"{code().sha}{'+dirty' if code().dirty else ''}",
        "machine": {
            "cores": os.cpu_count(), "processor": processor(), "python": platform.python_version(),
            "load_at_end": round(os.getloadavg()[0], 1),
        },
        "versions": {package: version(package) for package in packages},
    }  # fmt: skip
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{now:%Y%m%d-%H%M%S}.json"
    path.write_text(json.dumps(known | measured, indent=1) + "\n")
    print(f"written: {path.relative_to(RESULTS.parent.parent)}")
    return path


def percentiles_ms(seconds: Sequence[float]) -> dict[str, float]:
    """p50 and p99 in milliseconds."""
    p50, p99 = np.percentile(np.asarray(seconds) * 1000, [50, 99])
    return {"p50_ms": round(float(p50), 3), "p99_ms": round(float(p99), 3)}


def processor() -> str:
    """What the machine calls its processor."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
