"""A process that is killed anywhere in a day, and the day run again: the lake is as if nothing had happened."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from jobs.run import Runner

MOMENTS = 10
LIMIT_S = 600


def command(settings, day):
    """`marketlake day` over those settings, in a process group of its own."""
    secrets = {"krx_api_key", "dart_api_key", "naver_client_id", "naver_client_secret", "kakao_api_key"}
    names = ["lake_url", "state_dir", "dagster_home", "mlflow_tracking_uri", "online_url", "exchange_url",
             "first_session", "last_session", *secrets]  # fmt: skip
    values = {name: getattr(settings, name) for name in names}
    env = {f"MARKETLAKE_{n.upper()}": v.get_secret_value() if n in secrets else str(v) for n, v in values.items()}
    words = [sys.executable, "-m", "marketlake.cli", "day", f"{day}"]
    return subprocess.Popen(
        words, env=os.environ | env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def killed_after(process, seconds):
    """True where the process still ran after that long, and was killed with all its children."""
    try:
        process.wait(seconds)
        return False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True


def run_whole(settings, day):
    """The day to its good end; one that has none within the limit is ended, since it would go on asking the exchange of later tests."""
    process = command(settings, day)
    assert not killed_after(process, LIMIT_S), f"{day} did not end within {LIMIT_S} s"
    assert process.returncode == 0


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_killed_at_ten_random_moments_the_day_runs_again_to_the_same_digests(desk, sessions, settings_at, tmp_path):
    day = sessions[-3]
    undisturbed = settings_at(tmp_path / "undisturbed")
    shutil.copytree(desk.settings.lake_url, undisturbed.lake_url)
    began = time.monotonic()
    run_whole(undisturbed, day)
    usual_s = time.monotonic() - began
    expected = replace(desk, runner=Runner(undisturbed), settings=undisturbed).digests()
    moments = random.Random(7)
    killed = 0
    for n in range(MOMENTS):
        settings = settings_at(tmp_path / f"killed-{n}")
        shutil.copytree(desk.settings.lake_url, settings.lake_url)
        killed += killed_after(command(settings, day), moments.uniform(0.25, 0.98) * usual_s)
        run_whole(settings, day)
        assert replace(desk, runner=Runner(settings), settings=settings).digests() == expected, f"kill {n}"
    assert killed >= MOMENTS // 2
