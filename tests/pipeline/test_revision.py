"""A close revised a week later: every belief is kept, and everything that hangs on it follows."""

import shutil
from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest

from jobs.run import Runner
from market import bitemporal, registry
from market.sources import session_due_at

pytestmark = pytest.mark.slow  # another day; the small lake of the other tests holds a revision too

CODE, SECURITY = "005930", "XKRX:005930"


def series(desk, table):
    """Rows of the security by session."""
    rows = desk.lake.delta.read(registry.table(table)).to_pandas()
    return rows[rows["security_id"] == SECURITY].set_index("session_date").sort_index()


@pytest.fixture(scope="module")
def revised(backfilled, a_day_later, server, sessions, settings_at, tmp_path_factory):
    """The desk after the newest day, on which an older session was asked for again and answered otherwise."""
    settings = settings_at(tmp_path_factory.mktemp("revised"))
    settings = settings.model_copy(update={"quarantine_limit": a_day_later.settings.quarantine_limit})
    shutil.copytree(a_day_later.settings.lake_url, settings.lake_url)
    desk = replace(a_day_later, runner=Runner(settings), settings=settings)
    korean = [day for day in sessions if day in server.world.daily.sessions]
    day = korean[next(i for i, day in enumerate(korean) if day > sessions[-4]) - 8]
    before = {name: series(backfilled, name) for name in ("gold.prices", "gold.features_daily", "gold.labels")}
    told_at = session_due_at(sessions[-3])
    shown_from = (told_at - timedelta(minutes=1)).isoformat()
    server.set_faults([{"name": "late-revision", "source": "krx", "date": f"{day}", "at": shown_from, "code": CODE}])
    desk.runner.day(day)
    server.set_faults([])
    return desk, day, korean, before, told_at


def test_silver_keeps_both_beliefs_and_a_reading_as_of_before_gives_the_old_one(revised):
    desk, day, _, before, told_at = revised
    versions = desk.lake.delta.read(registry.table("silver.prices")).to_pandas()
    ours = versions[(versions["security_id"] == SECURITY) & (versions["session_date"] == day)]
    assert len(ours) == 2
    earlier, later = (
        bitemporal.true_at(ours, pd.Timestamp(told_at) + d) for d in (-timedelta(seconds=2), timedelta(days=1))
    )
    assert earlier["close"].item() == before["gold.prices"].at[day, "close"]
    assert later["close"].item() == series(desk, "gold.prices").at[day, "close"]
    assert earlier["close"].item() != later["close"].item()
    assert earlier["known_until"].item() == later["known_at"].item()


def test_features_and_labels_that_saw_the_old_close_follow_and_those_that_did_not_stay(revised):
    desk, day, korean, before, told_at = revised
    at = korean.index(day)
    features, was = series(desk, "gold.features_daily"), before["gold.features_daily"]
    for later in korean[at : at + 8]:
        assert features.at[later, "known_at"] >= pd.Timestamp(told_at) - timedelta(minutes=1)
    for name in ("return_5d", "return_1d"):
        assert features.at[day, name] != was.at[day, name]
    assert features.at[korean[at + 5], "return_5d"] != was.at[korean[at + 5], "return_5d"]
    assert features.at[korean[at + 1], "return_1d"] != was.at[korean[at + 1], "return_1d"]
    untouched = korean[at - 1]
    assert features.at[untouched, "return_5d"] == was.at[untouched, "return_5d"]
    assert features.at[untouched, "known_at"] == was.at[untouched, "known_at"]
    labels, were = series(desk, "gold.labels"), before["gold.labels"]
    for changed in (day, korean[at - 5]):
        assert labels.at[changed, "forward_return_5d"] != were.at[changed, "forward_return_5d"]
        assert labels.at[changed, "known_at"] > were.at[changed, "known_at"]
    assert set(were.index) <= set(labels.index)
    assert labels.at[korean[at - 6], "forward_return_5d"] == were.at[korean[at - 6], "forward_return_5d"]


def test_a_corrected_close_is_no_split(revised):
    desk, _, _, before, _ = revised
    prices, was = series(desk, "gold.prices"), before["gold.prices"]
    assert (prices.loc[was.index, "cumulative_factor"] == was["cumulative_factor"]).all()
