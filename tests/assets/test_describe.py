"""What people see of a build in the Dagster UI: of the ledger, the factors that nothing disclosed; of the features, how each behaves."""

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from assets.building import Built
from assets.metadata import describe
from lake.windows import between
from market import registry
from market.errors import Transient
from market.evaluation import session_rank_ic
from market.features.catalogue import catalogue
from market.table import Window

DAY = date(2024, 5, 3)


def ledger(*told: tuple[str, float, str | None, datetime | None]) -> Built:
    """A build of silver.adjustments that wrote these: security, factor, what disclosed it, until when it was believed."""
    table = registry.table("silver.adjustments")
    rows = pd.DataFrame([
        {"session_date": DAY, "session_month": "2024-05", "security_id": security, "exchange": "XKRX", "factor": factor,
         "cause": "rights_or_other", "evidence": "base price 950", "confidence": "medium", "disclosed_by": by,
         "known_at": datetime(2024, 5, 3, 7, tzinfo=UTC), "known_until": until}
        for security, factor, by, until in told
    ], columns=table.schema.names)  # fmt: skip
    built = table.conform(pa.Table.from_pandas(rows, schema=table.schema, preserve_index=False))
    return Built(table, Window(DAY, DAY, datetime(2024, 5, 4, tzinfo=UTC)), 3, built, 0, ())


def shown(built: Built) -> str:
    return str(describe.judged(built)["unexplained_factors"].value)


def test_only_believed_factors_that_nothing_disclosed_are_listed():
    said = shown(ledger(
        ("XKRX:000001", 0.95, None, None), ("XKRX:000002", 0.5, "DART 1", None),
        ("XKRX:000003", 0.9, None, datetime(2024, 5, 7, tzinfo=UTC)),
    ))  # fmt: skip
    assert "XKRX:000001" in said
    assert "XKRX:000002" not in said
    assert "XKRX:000003" not in said
    assert "disclosed_by IS NULL" in said, "and how to list those of the whole release"


@pytest.mark.parametrize("told", [(), (("XKRX:000002", 0.5, "DART 1", None),)])
def test_where_all_are_explained_it_says_so(told):
    assert shown(ledger(*told)) == "none"


def test_a_long_list_is_cut_and_says_by_how_many():
    many = [(f"XKRX:{n:06d}", 0.9, None, None) for n in range(describe.LISTED + 7)]
    assert "and 7 more" in shown(ledger(*many))


def test_other_tables_have_no_such_list():
    built = ledger()
    prices = registry.table("silver.prices")
    other = Built(prices, built.window, 1, prices.schema.empty_table(), 0, ())
    assert "unexplained_factors" not in describe.judged(other)


@pytest.fixture(scope="module")
def newest(trained_lake) -> Built:
    """A build that wrote the newest session of the features."""
    table = registry.table("gold.features_daily")
    day = max(trained_lake.delta.read(table, columns=["session_date"])["session_date"].to_pylist())
    return built_of(trained_lake, day, day)


def built_of(lake, first, last) -> Built:
    table = registry.table("gold.features_daily")
    rows = lake.delta.read(table, where=between(first, last))
    return Built(table, Window(first, last, datetime(2024, 5, 4, tzinfo=UTC)), 1, rows, 0, ())


def told_of_features(lake, built: Built) -> dict[str, list[str]]:
    lines = str(describe.built(lake, built)["features"].value).splitlines()
    assert lines[0].startswith("| feature | coverage | mean | std | 5 % | median | 95 % | autocorrelation ")
    return {cells[0]: cells[1:] for cells in (line.strip("| ").split(" | ") for line in lines[2:])}


def test_each_feature_is_told_with_what_the_session_holds_and_its_rank_ic_of_the_year(trained_lake, newest):
    told = told_of_features(trained_lake, newest)
    assert list(told) == list(catalogue())
    values = newest.rows["rsi_14"].to_pandas()
    assert told["rsi_14"][:3] == [f"{x:.4g}" for x in (values.notna().mean(), values.mean(), values.std())]
    key, day = ["security_id", "session_date"], newest.window.end
    features, labels = (
        trained_lake.delta.read(registry.table(name), where=between(date(day.year, 1, 1), day)).to_pandas()
        for name in ("gold.features_daily", "gold.labels")
    )
    year = features.merge(labels[[*key, "forward_return_5d"]], on=key)
    ics = session_rank_ic(year["rsi_14"], year["forward_return_5d"], year["session_date"], year["exchange"])
    assert len(ics) > 20
    by_security = [
        rows.sort_values("session_date")["rsi_14"].autocorr()
        for _, rows in year.groupby("security_id")
        if len(rows) > 20
    ]
    assert told["rsi_14"][4:7] == [f"{x:.4g}" for x in (values.median(), values.quantile(0.95), np.mean(by_security))]
    assert told["rsi_14"][7] == f"{ics.mean():.4g}"
    assert told["rsi_14"][9] == str(len(ics))


def test_a_build_of_many_sessions_says_it_of_none(trained_lake, newest):
    end = newest.window.end
    assert "features" not in describe.built(trained_lake, built_of(trained_lake, date(end.year, 1, 1), end))


def test_a_build_stands_where_its_year_cannot_be_read(trained_lake, newest, monkeypatch):
    def away(*_):
        raise Transient("lake", expected="to read the lake's files", found="none")

    monkeypatch.setattr(describe, "_labelled", away)
    assert "not known: lake" in str(describe.built(trained_lake, newest)["features"].value)


def test_nothing_known_is_told_as_such(trained_lake, newest):
    rows = newest.rows.slice(0, 0)
    nothing = Built(newest.table, newest.window, 1, rows, 0, ())
    assert told_of_features(trained_lake, nothing)["rsi_14"][:3] == ["-", "-", "-"]
