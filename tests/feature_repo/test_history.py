"""Point in time through Feast at a release: what a revision that came late may reach, and what it may not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow.compute as pc
import pytest
from deltalake import write_deltalake

from feature_repo.services import price_model
from lake import feast_repo
from lake.delta import DeltaLake
from lake.feast_store import read_at
from market import calendars, registry
from market.errors import Permanent

REVISED, REVISED_AT = "XKRX:035420", datetime(2024, 5, 2, 1, 0, tzinfo=UTC)
FEATURES = ["return_1d", "rsi_14"]


def history(lake, instants, release="", security=REVISED):
    store = feast_repo.feature_store(lake.settings, release, [price_model])
    entities = pd.DataFrame({"security_id": security, "event_timestamp": pd.to_datetime(instants, utc=True)})
    found = store.get_historical_features(entities, price_model, filter_by_created_timestamp=True).to_df()
    return found.sort_values("event_timestamp", ignore_index=True)


def stored(lake, release, session):
    delta = DeltaLake(lake.settings)
    rows = delta.read(registry.table("gold.features_daily"), version=release.tables["gold.features_daily"])
    mine = pc.and_(pc.equal(rows["security_id"], REVISED), pc.equal(rows["session_date"].cast("string"), session))
    return rows.filter(mine).to_pylist()[0]


def test_a_late_revision_is_unseen_before_it_was_known_and_seen_after(small_lake):
    before, after = history(small_lake, [REVISED_AT - timedelta(seconds=1), REVISED_AT]).to_dict("records")
    assert before["session_date"] == "2024-04-25", "the sessions that the revision touched were not known like that yet"
    assert before["rsi_14"] == stored(small_lake, small_lake.before, "2024-04-25")["rsi_14"]
    assert after["session_date"] == "2024-04-30"
    assert after["rsi_14"] == stored(small_lake, small_lake.after, "2024-04-30")["rsi_14"]
    assert after["rsi_14"] != stored(small_lake, small_lake.before, "2024-04-30")["rsi_14"]


def test_a_pinned_older_release_gives_the_value_of_then(small_lake):
    found = history(small_lake, [REVISED_AT - timedelta(seconds=1)], "r00001").iloc[0]
    assert (found["session_date"], found["release_id"]) == ("2024-04-30", "r00001")
    assert {name: found[name] for name in FEATURES} == {
        name: stored(small_lake, small_lake.before, "2024-04-30")[name] for name in FEATURES
    }


def test_a_session_counts_from_its_close(small_lake):
    close = calendars.close_at("XKRX", datetime(2024, 3, 15).date())
    found = history(small_lake, [close - timedelta(seconds=1), close], security="XKRX:005930")
    assert found["session_date"].tolist() == ["2024-03-14", "2024-03-15"]


def test_a_row_older_than_the_ttl_is_no_answer(small_lake):
    close = calendars.close_at("XKRX", datetime(2024, 5, 3).date())
    found = history(
        small_lake, [close + timedelta(days=7), close + timedelta(days=7, seconds=1)], security="XKRX:005930"
    )
    assert found["rsi_14"].notna().tolist() == [True, False]


def test_each_exchange_has_its_own_close(small_lake):
    instant = pd.Timestamp("2024-05-02T12:00Z")  # Seoul has closed, New York has not
    sessions = [history(small_lake, [instant], security=s)["session_date"][0] for s in ("XKRX:005930", "XNYS:AAPL")]
    assert sessions == ["2024-05-02", "2024-05-01"]


def test_without_a_named_release_every_read_takes_the_current_one(small_lake):
    assert history(small_lake, [REVISED_AT])["release_id"].tolist() == ["r00002"]


def test_a_column_that_the_release_does_not_have_yet_is_null(small_lake, tmp_path):
    lake = small_lake.settings.model_copy(update={"lake_url": str(tmp_path)})
    table = registry.table("gold.features_daily")
    rows = DeltaLake(small_lake.settings).read(table, version=0).drop_columns(["rsi_14"])
    write_deltalake(DeltaLake(lake).uri(table), rows, partition_by=["session_month"])
    release = replace(small_lake.before, tables={table.name: 0})
    read = read_at(DeltaLake(lake), release, table.name).to_pyarrow()
    assert read["rsi_14"].null_count == read.num_rows == rows.num_rows


def test_an_unknown_release_is_named(small_lake):
    with pytest.raises(Permanent, match="r09999"):
        history(small_lake, [REVISED_AT], "r09999")
