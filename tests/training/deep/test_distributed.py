"""Several ranks end with the bits of one; what breaks is told, nothing is left of it, and it goes on where it was."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from market.errors import Permanent, Transient
from tests.support.planted import planted
from training import distributed, lstm
from training.distributed import Alone, Launch, run
from training.lstm import Lstm

WORK = "tests.support.ranks_at_work:"
PARAMETERS = {"window": 4, "hidden": 8, "n_epochs": 4, "batch": 32, "n_shards": 3}


@pytest.fixture(scope="session")
def panel():
    return planted(seed=2, n_sessions=80, n_securities=13)


@pytest.fixture(scope="session")
def model(small_model):
    return replace(small_model, algorithm=Lstm(), parameters=PARAMETERS)


@pytest.fixture(scope="session")
def alone(model, panel):
    return model.fit(panel, seed=7)


def _left(folder: Path) -> list[int]:
    """Processes that were started for a folder."""
    return [p.pid for p in psutil.process_iter(["cmdline"]) if str(folder) in " ".join(p.info["cmdline"] or ())]


@pytest.mark.ranks
def test_two_ranks_give_the_bits_of_one_process_and_tell_the_same_curve(model, panel, alone, tmp_path):
    told: dict[int, list] = {1: [], 2: []}
    model.launched(Launch(told=told[1].append)).fit(panel, seed=7)
    two = model.launched(Launch(2, "horovodrun", tmp_path, told=told[2].append))
    assert two.fit(panel, seed=7) == alone
    assert told[1] == told[2]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.ranks
def test_a_rank_that_is_killed_is_told_and_the_fit_goes_on_to_the_same_bits(model, panel, alone, tmp_path, monkeypatch):
    monkeypatch.setattr(lstm, "FIT", WORK + "fits_and_is_killed_once")
    told: list = []
    two = model.launched(Launch(2, "horovodrun", tmp_path, told=told.append))
    with pytest.raises(Transient, match="goes on from its last checkpoint"):
        two.fit(panel, seed=7)
    assert _left(tmp_path) == []
    assert two.fit(panel, seed=7) == alone
    assert [one["epoch"] for one in told] == [1.0, 2.0, 3.0, 4.0]


DRIVER = """
import sys
from dataclasses import replace
from pathlib import Path
from tests.support.planted import planted
from tests.training.conftest import SMALL
from training import lstm
from training.distributed import Launch
lstm.FIT = sys.argv[2]
model = replace(SMALL, algorithm=lstm.Lstm(), parameters=eval(sys.argv[3])).launched(Launch(folder=Path(sys.argv[1])))
model.fit(planted(seed=2, n_sessions=80, n_securities=13), seed=7)
"""


def test_a_driver_that_is_killed_goes_on_to_the_same_bits(model, panel, alone, tmp_path):
    command = [sys.executable, "-c", DRIVER, str(tmp_path), WORK + "fits_and_is_killed_once", repr(PARAMETERS)]
    ended = subprocess.run(command, cwd=Path(lstm.__file__).parent.parent, check=False)
    assert ended.returncode == -signal.SIGKILL
    told: list = []
    assert model.launched(Launch(folder=tmp_path, told=told.append)).fit(panel, seed=7) == alone
    assert [one["epoch"] for one in told] == [4.0]


@pytest.mark.ranks
def test_a_rank_that_raises_is_named_with_what_it_said(tmp_path):
    with pytest.raises(Permanent, match="rank 1: ValueError: no such thing"):
        run(WORK + "raises_on_the_second", tmp_path, Launch(2, "horovodrun"))
    assert _left(tmp_path) == []


@pytest.mark.ranks
def test_ranks_that_come_no_further_are_ended_and_the_one_behind_can_be_seen(tmp_path):
    with pytest.raises(Transient, match="no step within 3 s; the ranks' last ones: rank 0: 4, rank 1: 3"):
        run(WORK + "hangs_on_the_second", tmp_path, Launch(2, "horovodrun", stall_s=3))
    assert _left(tmp_path) == []


@pytest.mark.ranks
def test_a_launch_has_a_time_limit(tmp_path):
    with pytest.raises(Transient, match="not done within 2 s"):
        run(WORK + "hangs_on_the_second", tmp_path, Launch(2, "horovodrun", limit_s=2))
    assert _left(tmp_path) == []


@pytest.mark.ranks
def test_ranks_end_with_the_process_that_launched_them(tmp_path):
    launch = f"from training.distributed import *; run('{WORK}hangs_on_the_second', Path('{tmp_path}'), Launch(2, 'horovodrun'))"
    driver = subprocess.Popen([sys.executable, "-c", launch], cwd=Path(lstm.__file__).parent.parent)
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("alive-*"))) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    while _left(tmp_path):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_two_launches_do_not_work_in_one_folder(tmp_path):
    with distributed._held(tmp_path), pytest.raises(Transient, match="one that is under way"):
        run("training.lstm_rank:fit", tmp_path, Launch())


def test_more_ranks_than_shards_are_refused(model, panel, monkeypatch):
    monkeypatch.setattr(Alone, "size", 4)
    with pytest.raises(Permanent, match="at most the 3 shards"):
        model.fit(panel, seed=7)


def test_several_ranks_in_this_process_are_refused():
    with pytest.raises(Permanent, match="several through horovodrun or spark"):
        Launch(2)


def test_a_checkpoint_that_is_cut_off_says_what_to_do(model, panel, tmp_path, monkeypatch):
    command = [sys.executable, "-c", DRIVER, str(tmp_path), WORK + "fits_and_is_killed_once", repr(PARAMETERS)]
    subprocess.run(command, cwd=Path(lstm.__file__).parent.parent, check=False)
    (checkpoint,) = tmp_path.glob("*/checkpoint.safetensors")
    checkpoint.write_bytes(checkpoint.read_bytes()[:100])
    with pytest.raises(Permanent, match="Remove it: the fit begins anew"):
        model.launched(Launch(folder=tmp_path)).fit(panel, seed=7)


def test_parts_are_added_in_their_order():
    parts = np.array([[1e8], [1.0], [-1e8]], dtype=np.float32)
    assert Alone().summed(parts)[0] == np.float32(np.float32(1e8) + np.float32(1.0)) - np.float32(1e8)
