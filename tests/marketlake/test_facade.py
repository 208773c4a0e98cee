"""The lake in a notebook: instants, revisions and splits as they were known, and the same bits as gold."""

import base64
import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import marketlake
from lake.online import fill
from market.datasets.gold.features_daily import program
from market.errors import Permanent
from marketlake import computing

ROOT = Path(__file__).resolve().parents[2]
CODES = ["005930", "000660", "035420", "0001A0"]
TICKERS = ["AAPL", "MSFT"]
START, END = "2024-01-02", "2024-05-03"
JUST_BEFORE = "2024-05-02T09:59+09:00"
REVISED = "2024-05-02T10:00+09:00"


@pytest.fixture(scope="module")
def lake(small_lake):
    return marketlake.open(settings=small_lake.settings)


def opened(small_lake, **at):
    return marketlake.open(settings=small_lake.settings, **at)


def close_of(prices, day="2024-04-26"):
    return prices.panel("close").loc[day].iloc[0]


def test_the_current_release_is_opened_and_its_instant_is_the_default(lake, small_lake):
    assert lake.release.release_id == "r00002"
    assert lake.as_of == small_lake.after.as_of
    assert lake.meta == {**small_lake.after.meta, "hindsight": False}


def test_without_a_korean_chart_of_yahoo_there_is_nothing_beside_krx(lake):
    found = lake.korean_closes()
    assert found.empty
    assert {"krx_close", "yahoo_close", "ratio", "agrees"} <= set(found.columns)


def test_every_result_says_release_and_instant(lake):
    results = [
        lake.tables(), lake.universe(END), lake.prices("005930", START, END), lake.features("rsi_14", START, END),
        lake.sql("SELECT 1 AS one"), lake.compute("close", "005930", START, END),
    ]  # fmt: skip
    for result in results:
        assert {"release_id", "as_of", "code_sha", "rulebook", "hindsight"} <= set(result.attrs["meta"])
        assert result.attrs["meta"]["release_id"] == "r00002"


def test_an_identifier_means_a_security_as_of_the_lakes_instant_or_a_day(lake, small_lake):
    found = lake.symbol("삼성전자")
    assert found["security_id"].tolist() == ["XKRX:005930"]
    assert found.attrs["meta"]["as_of"] == lake.as_of.isoformat()
    early = lake.symbol("005930", as_of=found["valid_from"][0].date())
    assert early["known_at"].tolist() == found["known_at"].tolist()
    before = found["known_at"][0] - pd.Timedelta(seconds=1)
    with pytest.raises(Permanent, match="known only from"):
        lake.symbol("005930", as_of=before.to_pydatetime())
    with pytest.raises(Permanent, match="expected an id, code"):
        lake.symbol("삼성")


def test_an_as_of_read_before_a_revision_gives_the_old_value(small_lake, lake):
    old = close_of(lake.prices("035420", START, END, as_of=JUST_BEFORE))
    assert close_of(lake.prices("035420", START, END, as_of=REVISED)) == old + 1_000
    assert close_of(opened(small_lake, as_of=JUST_BEFORE).prices("035420", START, END)) == old
    assert close_of(opened(small_lake, release="r00001").prices("035420", START, END)) == old


def test_an_as_of_read_ends_at_the_instant(lake):
    sessions = lake.prices("005930", START, END, as_of="2024-03-05T15:29+09:00")["session_date"]
    assert sessions.max() == pd.Timestamp("2024-03-04")


def test_a_later_split_does_not_rescale_what_was_known_before_it(lake):
    before = lake.prices("000660", START, "2024-02-29", as_of="2024-02-29T18:00+09:00")
    raw = lake.prices("000660", START, "2024-02-29", adjust=False)
    after = lake.prices("000660", START, "2024-02-29")
    assert before["close"].equals(raw["close"])
    np.testing.assert_array_equal(after["close"], raw["close"] * 0.2)
    np.testing.assert_array_equal(after["volume"], raw["volume"] / 0.2)


def test_prices_at_the_release_s_instant_are_the_adjusted_view(lake):
    mine = lake.prices([*CODES, "AAPL"], START, END).sort_values(["security_id", "session_date"])
    view = lake.sql(
        "SELECT * FROM gold.prices_adjusted WHERE security_id <> 'XNYS:MSFT' ORDER BY security_id, session_date"
    )
    for name in ("open", "high", "low", "close", "volume", "cumulative_factor"):
        np.testing.assert_array_equal(mine[name].to_numpy(), view[name].to_numpy().astype(float))


def test_hindsight_is_said(lake):
    prices = lake.prices("035420", START, END, hindsight=True)
    assert prices.attrs["meta"]["hindsight"] is True
    assert prices.attrs["meta"]["as_of"] is None
    assert lake.prices("035420", START, END).attrs["meta"]["hindsight"] is False
    with pytest.raises(Permanent, match="both"):
        lake.prices("035420", START, END, as_of=REVISED, hindsight=True)


def test_features_at_an_earlier_instant_say_that_what_changed_since_is_missing(small_lake, lake):
    then = opened(small_lake, as_of=JUST_BEFORE).features("return_1d", START, END, "035420")
    assert (then["known_at"] <= pd.Timestamp(JUST_BEFORE)).all()
    assert "2024-04-26" not in then["session_date"].astype(str).tolist(), "it was there, and was revised since"
    assert then.attrs["meta"]["hindsight"] is True
    assert "changed or taken back since" in then.attrs["meta"]["hindsight_because"]
    assert lake.features("return_1d", START, END).attrs["meta"]["hindsight"] is False
    assert "hindsight_because" not in lake.features("return_1d", START, END).attrs["meta"]


def test_a_restated_figure_is_the_first_one_until_the_restatement_could_be_read(lake):
    def revenue(**at):
        (row,) = lake.fundamentals("AAPL", "revenue", **at).to_dict("records")
        return row["value"], row["span"], row["fiscal_period"]

    assert revenue() == (90.0, "quarter", "2024Q1")
    assert revenue(as_of="2024-05-02T20:29Z") == (100.0, "quarter", "2024Q1")
    assert lake.fundamentals("AAPL", as_of="2024-02-01T21:29Z").empty
    whole = lake.fundamentals("AAPL")
    assert whole["item"].tolist() == ["assets", "net_income", "revenue"]
    assert (whole["known_at"] <= lake.as_of).all()
    with pytest.raises(Permanent, match="income"):
        lake.fundamentals("AAPL", "income")


def test_ratios_are_told_with_their_parts_as_of_an_instant(lake):
    told = lake.ratios("MSFT").set_index("ratio")
    close = lake.prices("MSFT", START, END, adjust=False)["close"].iloc[-1]
    assert told["value"].dropna().to_dict() == pytest.approx(
        {
            "net_margin": 0.2,
            "return_on_equity": 0.1,
            "earnings_per_share": 2.0,
            "price_to_earnings": close / 2,
            "price_to_book": close / 20,
        }
    )
    assert told["reason"]["operating_margin"] == "no quarter of operating income told"
    assert [part["period_end"].isoformat() for part in told["parts"]["earnings_per_share"]] == [
        "2023-12-31", "2023-09-30", "2023-06-30", "2023-03-31", "2024-01-20",
    ]  # fmt: skip
    assert told.attrs["meta"]["as_of"] == lake.as_of.isoformat()
    assert told["known_at"]["price_to_book"] > told["known_at"]["net_margin"] == pd.Timestamp("2024-02-01T21:30Z")
    early = lake.ratios(["MSFT", "AAPL"], as_of="2024-02-02T00:00Z")
    assert set(early["security_id"]) == {"XNYS:MSFT", "XNYS:AAPL"}
    assert (early["known_at"].dropna() <= pd.Timestamp("2024-02-02T00:00Z")).all()
    assert lake.ratios("MSFT", as_of="2024-02-01T21:29Z").empty
    with pytest.raises(Permanent, match="NOSUCH"):
        lake.ratios("NOSUCH")


def test_a_panel_has_sessions_down_and_symbols_across(lake):
    panel = lake.prices(["005930", "AAPL"], START, END).panel("close")
    assert panel.columns.tolist() == ["005930", "AAPL"]
    assert panel.index.is_monotonic_increasing
    assert np.isnan(panel.loc["2024-03-01", "005930"]), "a holiday in Seoul"
    assert panel.attrs["meta"]["release_id"] == "r00002"
    with pytest.raises(Permanent, match="close"):
        lake.prices("005930", START, END).panel("closing")


@pytest.mark.parametrize("name", program().names)
def test_computing_a_feature_of_the_catalogue_gives_gold_s_bits(lake, name):
    mine = lake.compute(name, [*CODES, "AAPL", "MSFT"], START, END)
    gold = lake.features(name, START, END)
    joined = mine.merge(gold, on=["security_id", "session_date"], how="outer", indicator=True)
    assert (joined["_merge"] == "both").all()
    assert joined["value"].to_numpy().view(np.int64).tolist() == joined[name].to_numpy().view(np.int64).tolist()


def test_a_cross_section_is_over_the_whole_exchange_whoever_was_asked_for(lake):
    asked = lake.compute("cs_rank(close)", "005930", "2024-04-01", END)
    closes = lake.sql(
        "SELECT session_date, security_id, close / cumulative_factor AS close FROM gold.prices "
        "WHERE exchange = 'XKRX' AND session_date >= DATE '2024-04-01'"
    )
    closes["rank"] = closes.groupby("session_date")["close"].rank(pct=True)
    expected = closes[closes["security_id"] == "XKRX:005930"].sort_values("session_date")["rank"]
    assert expected.nunique() > 1
    np.testing.assert_array_equal(asked["value"], expected)


def test_where_nobody_told_a_sector_what_is_neutral_to_it_is_not_known(lake):
    assert lake.compute("cs_demean(close, by=sector)", "005930", "2024-05-02", END)["value"].isna().all()


def test_an_expression_is_not_computed_across_a_hole():
    days = [date(2024, 5, 2), date(2024, 5, 3), date(2024, 5, 8), date(2024, 5, 9)]  # 05-07 is missing, 05-06 a holiday
    bars = pd.DataFrame({"security_id": "XKRX:005930", "exchange": "XKRX", "session_date": days, "volume": 1})
    bars = bars.assign(close=[100.0, 101.0, 500.0, 505.0], cumulative_factor=1.0)
    bars = bars.assign(**dict.fromkeys(("open", "high", "low"), bars["close"]))
    found = computing.computed(computing.feature_of("close / ref(close, 1) - 1"), bars)
    np.testing.assert_allclose(found, [np.nan, 0.01, np.nan, 0.01], rtol=1e-12)


def test_an_expression_is_computed_as_of_the_lake_s_instant(small_lake):
    then = opened(small_lake, as_of=JUST_BEFORE).compute("close", "035420", START, END)
    gold = opened(small_lake, release="r00001").compute("close", "035420", START, END)
    pd.testing.assert_frame_equal(then, gold)


@pytest.mark.parametrize(
    ("expression", "named"), [("ref(close, -1)", "look"), ("closing", "close"), ("close +", "expression")]
)
def test_an_expression_that_cannot_be_is_refused(lake, expression, named):
    with pytest.raises(Permanent, match=named):
        lake.compute(expression, "005930", START, END)


def test_a_feature_of_gold_is_told_with_how_it_behaves_over_every_row(lake):
    told, gold = lake.feature("rsi_14"), lake.features("rsi_14", START, END)
    assert (told.behaviour.coverage.rows, told.behaviour.coverage.known) == (len(gold), gold["rsi_14"].notna().sum())
    assert told.behaviour.distribution.mean == pytest.approx(gold["rsi_14"].mean())
    assert told.behaviour.securities == 6 and set(told.behaviour.coverage_by_exchange) == {"XKRX", "XNYS"}
    labels = lake.sql(
        "SELECT count(*) AS n FROM gold.labels SEMI JOIN gold.features_daily USING (security_id, session_date)"
    )
    assert told.behaviour.labelled == labels["n"][0] < len(gold), "the last sessions have no label yet"
    assert told.behaviour.horizon == 5
    assert told.meta["release_id"] == "r00002" and told.meta["hindsight"] is False and told.meta["unit"] == "percent"


def test_any_other_feature_is_computed_over_every_row(lake):
    everything = lake.compute("adx_14", [*CODES, *TICKERS], START, END)["value"]
    told = lake.feature("adx_14").behaviour
    assert told.coverage.known == everything.notna().sum()
    assert told.distribution.mean == pytest.approx(everything.mean())
    assert lake.feature("close / ref(close, 1) - 1").behaviour == lake.feature("return_1d").behaviour
    with pytest.raises(Permanent, match="look"):
        lake.feature("ref(close, -1)")


def test_a_notebook_draws_a_feature_and_says_what_it_is_of(lake):
    told = lake.feature("rsi_14")
    shown = told._repr_html_()
    (image,) = re.findall(r"data:image/svg\+xml;base64,([^\"]+)", shown)
    picture = base64.b64decode(image).decode()
    assert picture == told.picture()
    texts = [
        "".join(element.itertext())
        for element in ElementTree.fromstring(picture).iter()
        if element.tag.endswith("text")
    ]
    assert any(text.startswith("rsi_14 = where(") for text in texts)
    assert any("release r00002" in text and "have no label (yet)" in text for text in texts)
    assert "autocorrelation" in shown and "<td>2024</td>" in shown
    assert "release r00002" in str(told) and "rank_ic" in str(told)


def test_how_a_feature_behaves_at_an_earlier_instant_is_told_without_what_came_after(small_lake, lake):
    then, now = opened(small_lake, as_of=JUST_BEFORE).feature("rsi_14"), lake.feature("rsi_14")
    assert then.meta["hindsight"] is True
    assert then.behaviour.coverage.rows < now.behaviour.coverage.rows
    assert then.behaviour.labelled < now.behaviour.labelled


def test_features_leave_out_what_was_not_known_at_the_instant(small_lake, lake):
    then = opened(small_lake, as_of=JUST_BEFORE).features("rsi_14", START, END, symbols="035420")
    assert then["session_date"].max() == pd.Timestamp("2024-04-25"), "gold keeps the present belief alone"
    assert lake.features("rsi_14", START, END, symbols="035420")["session_date"].max() == pd.Timestamp("2024-05-03")
    assert isinstance(lake.features(["rsi_14"], START, END, arrow=True), pa.Table)


def test_history_is_point_in_time_in_the_caller_s_order(lake):
    entities = pd.DataFrame({"symbol": ["AAPL", "035420", "035420"], "weight": [1, 2, 3],
                             "event_timestamp": ["2024-05-03T16:00-04:00", REVISED, JUST_BEFORE]})  # fmt: skip
    found = lake.history(entities)
    assert found["weight"].tolist() == [1, 2, 3]
    assert found["session_date"].dt.strftime("%Y-%m-%d").tolist() == ["2024-05-03", "2024-04-30", "2024-04-30"]
    by_session = lake.history(pd.DataFrame({"symbol": ["005930"], "session_date": ["2024-04-30"]}))
    gold = lake.features("rsi_14", "2024-04-30", "2024-04-30", symbols="005930")
    assert by_session["rsi_14"].tolist() == gold["rsi_14"].tolist()


@pytest.mark.parametrize("instant", ["2024-05-02T08:59+09:00", "2024-04-26T15:30+09:00"])
def test_a_history_before_a_revision_has_the_values_of_then_to_the_bit(small_lake, lake, instant):
    entities = pd.DataFrame({"symbol": CODES, "event_timestamp": [instant] * len(CODES)})
    now, then = lake.history(entities), opened(small_lake, release="r00001").history(entities)
    pd.testing.assert_series_equal(now["session_date"], then["session_date"])
    for name in program().names:
        assert now[name].to_numpy().view(np.int64).tolist() == then[name].to_numpy().view(np.int64).tolist(), name
    after = lake.history(entities.assign(event_timestamp=REVISED))
    revised = entities["symbol"] == "035420"
    assert (after["rsi_14"] != now["rsi_14"])[revised].all()
    assert set(now["release_id"]) == {"r00002"}


@pytest.mark.parametrize(
    ("rows", "more", "named"),
    [
        ({"symbol": ["005930"]}, {}, "event_timestamp"),
        ({"event_timestamp": [REVISED]}, {}, "security_id"),
        ({"symbol": ["005930"], "event_timestamp": ["2030-01-01T00:00Z"]}, {}, "up to"),
        ({"symbol": ["005930"], "event_timestamp": ["2024-05-03"]}, {}, "time zone"),
        ({"symbol": ["005930"], "session_date": ["2024-05-04"]}, {}, "2024-05-04"),
        ({"symbol": ["005930"], "event_timestamp": [REVISED]}, {"service": "other"}, "price_model"),
    ],
)
def test_a_history_that_cannot_be_is_refused(lake, rows, more, named):
    with pytest.raises(Permanent, match=named):
        lake.history(pd.DataFrame(rows), **more)


def test_online_says_which_release_fills_the_store(small_lake, tmp_path):
    settings = small_lake.with_online(tmp_path)
    fill(settings, small_lake.before)
    found = marketlake.open(settings=settings).online(["005930"])
    assert found.attrs["meta"]["online_release_id"] == "r00001"
    assert found.attrs["meta"]["hindsight"] is False
    fill(settings, small_lake.after)
    older = marketlake.open(release="r00001", settings=settings).online(["005930"])
    assert older.attrs["meta"]["online_release_id"] == "r00002"
    assert older.attrs["meta"]["hindsight"] is True
    assert found["session_date"].tolist() == [pd.Timestamp("2024-04-30")]


def test_the_universe_of_a_day_is_what_had_a_bar(lake):
    assert lake.universe("2024-03-01")["symbol"].tolist() == ["AAPL", "MSFT"]
    halted = lake.universe("2024-02-01").set_index("symbol")
    assert halted["is_halted"].to_dict() == {
        "0001A0": True,
        "000660": False,
        "005930": False,
        "035420": False,
        "AAPL": False,
        "MSFT": False,
    }
    assert halted.loc["005930", "name"] == "삼성전자"
    with pytest.raises(Permanent, match="Saturday"):
        lake.universe("2024-05-04")


def test_listings_tell_what_held_on_a_day_and_all_that_ever_did(lake):
    halted = lake.listings("2024-02-01").set_index(["security_id", "status"])
    assert ("XKRX:0001A0", "halted") in halted.index and ("XKRX:005930", "halted") not in halted.index
    halt = halted.loc[("XKRX:0001A0", "halted")]
    assert (f"{halt['first_session']:%Y-%m-%d}", f"{halt['last_session']:%Y-%m-%d}") == ("2024-02-01", "2024-02-01")
    assert "halted" not in lake.listings("2024-02-02")["status"].tolist()
    ever = lake.listings()
    assert set(ever["status"]) == {"listed", "halted"} and ever.attrs["meta"]["as_of"]


def test_tables_and_descriptions_come_from_the_contracts(lake):
    assert lake.tables().set_index("table").loc["gold.prices", "version"] == 1
    described = lake.describe("gold.features_daily")
    assert described.rows == 508
    assert described.columns.set_index("column").loc["rsi_14", "unit"] == "percent"
    assert "state" not in described.columns["column"].tolist()
    assert "known_at" in str(described)
    with pytest.raises(Permanent, match=r"gold.prices"):
        lake.describe("gold.price")


def test_sql_reads_and_never_writes(small_lake, lake):
    assert lake.sql("SELECT count(*) AS n FROM silver.prices WHERE symbol = ?", ["005930"])["n"][0] == 84
    with pytest.raises(Permanent):
        lake.sql("DROP VIEW gold.prices")
    assert opened(small_lake, as_of=JUST_BEFORE).sql("SELECT 1 AS one").attrs["meta"]["hindsight"] is True


def test_explain_verifies_the_payload(lake):
    text = str(lake.explain("gold.features_daily", "005930", END, "rsi_14"))
    assert "verified: True" in text


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda lake: lake.prices("005931", START, END), "005930"),
        (lambda lake: lake.prices("005930", END, START), "after"),
        (lambda lake: lake.prices("005930", "3 May", END), "2024-05-03"),
        (lambda lake: lake.prices("005930", START, END, as_of="2024-05-03"), "time zone"),
        (lambda lake: lake.prices("005930", START, END, as_of="2030-01-01T00:00Z"), "up to"),
        (lambda lake: lake.features("rsi_15", START, END), "rsi_14"),
    ],
)
def test_a_reading_that_cannot_be_says_what_can(lake, call, named):
    with pytest.raises(Permanent, match=named):
        call(lake)


def test_an_instant_after_the_release_or_an_unknown_release_is_refused(small_lake):
    with pytest.raises(Permanent, match="up to"):
        opened(small_lake, as_of="2030-01-01T00:00Z")
    with pytest.raises(Permanent, match="r09999"):
        opened(small_lake, release="r09999")


def test_importing_the_package_imports_nothing_heavy():
    check = "import sys, marketlake; print([m for m in ('pandas', 'duckdb', 'feast', 'pyarrow') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_ledger_says_what_explains_each_factor_and_lists_what_nothing_does(lake):
    rows = lake.adjustments()
    assert {"session_date", "security_id", "factor", "cause", "evidence", "confidence", "disclosed_by"} <= set(rows)
    assert rows["known_at"].le(pd.Timestamp(lake.as_of)).all()
    left = lake.adjustments(unexplained=True)
    assert len(rows) >= 1
    assert left["disclosed_by"].isna().all()
    assert len(left) == rows["disclosed_by"].isna().sum()
    assert lake.adjustments("000660")["factor"].tolist() == [0.2]
    assert lake.adjustments("000660", as_of="2024-02-29T18:00+09:00").empty
