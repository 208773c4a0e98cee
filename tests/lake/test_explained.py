"""Every value of silver and gold can be followed to payloads that are there and unchanged, whichever tables are in between."""

from functools import partial

import pytest

from lake.explain import explain
from lake.explain_links import Trail
from lake.explain_past import Past
from lake.objects import open_store
from lake.sql import ReleaseSql
from market import registry
from market.errors import Permanent
from tests.support.small_lake import REVISED_AT, SPLIT_CODE, SPLIT_DAY
from tests.support.whole_lake import (
    BONUS,
    DECIDED,
    GONE,
    GONE_AFTER,
    GONE_LAST,
    NINE_MONTHS_AT,
    OTHER_BASE,
    YEAR_AT,
    whole_lake,
)

TYPICAL = {
    "silver.listings": "status = 'listed' AND last_session IS NOT NULL",
    "silver.news_coverage": "n_headlines > 0",
    "silver.prices": "session_date = DATE '2024-05-03'",
    "silver.symbols": f"security_id = 'XKRX:{SPLIT_CODE}' AND known_until IS NULL",
    "gold.features_daily": "security_id = 'XKRX:005930' AND session_date = DATE '2024-05-03'",
    "gold.prices": "security_id = 'XKRX:005930' AND session_date = DATE '2024-05-03'",
    "gold.sentiment": "sentiment_level IS NOT NULL",
}
"""Which row of a table is explained; any of the others."""

TOLD = [
    table.name
    for table in registry.tables().values()
    if table.layer in ("silver", "gold") and table.name != "silver.sessions"
]


@pytest.fixture(scope="module")
def trail(small_lake, tmp_path_factory):
    """Follows the values of a lake that has something in every table."""
    settings, release = whole_lake(small_lake, tmp_path_factory.mktemp("whole"))
    sql = ReleaseSql(settings, release)
    yield Trail(sql, open_store(settings.lake_url), Past(settings))
    sql.close()


@pytest.fixture
def ask(trail):
    """The chain behind a value of that lake."""
    return partial(explain, trail.sql, store=trail.store)


def payloads(link, table=""):
    return [one for one in link.walk() if one.what.startswith(f"bronze.{table}")]


@pytest.mark.parametrize("name", TOLD)
def test_every_column_leads_to_payloads_that_are_there(trail, name):
    table = registry.table(name)
    query = f"SELECT * FROM {name} WHERE {TYPICAL.get(name, 'true')} ORDER BY {', '.join(table.key)} LIMIT 1"
    (row,) = trail.sql.query(query).to_pylist()
    for column in table.public:
        link = trail.link(table, row, column)
        if row[column.name] is None:
            assert link.facts["null"]
            continue
        assert payloads(link), f"{name}.{column.name} leads to no payload"
        assert all(payload.facts["verified"] is True for payload in payloads(link))


def test_a_session_is_the_calendar_s(ask):
    chain = ask("silver.sessions", "XKRX", "2024-05-03", "close_at")
    assert chain.link.facts["made from"] == "the exchange's calendar"


@pytest.mark.parametrize(
    ("symbol", "column", "told_by"),
    [
        (SPLIT_CODE, "corp_code", "dart_filings"),
        (SPLIT_CODE, "corp_name", "dart_filings"),
        (SPLIT_CODE, "name", "krx_listing"),
        ("005930", "corp_code", "dart_corp_codes"),
        ("AAPL", "cik", "sec_tickers"),
        ("AAPL", "name", "yahoo_chart"),
    ],
)
def test_a_column_of_symbols_leads_to_what_told_it(ask, symbol, column, told_by):
    chain = ask("silver.symbols", symbol, column)
    assert [link.what.split()[0] for link in payloads(chain.link)] == [f"bronze.{told_by}"]
    delivered = payloads(chain.link)[0].facts["delivered"].values()
    assert chain.value.lstrip("0") in {str(value).lstrip("0") for value in delivered}


def test_a_number_that_nobody_told_is_said_to_be_null(ask):
    chain = ask("silver.symbols", "0001A0", "corp_code")
    assert (chain.value, payloads(chain.link)) == (None, [])
    assert chain.link.facts["null"] == "not known: nothing told it"


@pytest.mark.parametrize(
    ("symbol", "item", "currency", "value", "names", "amounts"),
    [
        ("AAPL", "operating_income", "USD", 40.0, ("val", "val"), (100.0, 60.0)),
        ("005930", "revenue", "KRW", 30_000.0, ("thstrm_amount", "thstrm_add_amount"), ("100,000", "70,000")),
    ],
)
def test_a_derived_quarter_leads_to_both_reports(ask, symbol, item, currency, value, names, amounts):
    chain = ask("silver.fundamentals", symbol, item, "consolidated", currency, "quarter", "2023-12-31", "value")
    assert chain.value == value
    parts = payloads(chain.link)
    assert [part.facts["fetched_at"] for part in parts] == [YEAR_AT, NINE_MONTHS_AT]
    assert tuple(part.facts["delivered"][name] for part, name in zip(parts, names, strict=True)) == amounts
    assert chain.link.facts["calculated"] == "the first figure less the others"


def test_a_decision_s_ratio_leads_to_its_figures(ask):
    chain = ask("silver.corporate_actions", "000660", f"{DECIDED}", "bonus_decision", f"DART {BONUS}", "price_factor")
    [figures] = payloads(chain.link)
    assert figures.what.startswith("bronze.dart_bonus_issues") and figures.facts["verified"]
    assert chain.value == pytest.approx(1 / (1 + float(figures.facts["delivered"]["nstk_ascnt_ps_ostk"])))


@pytest.mark.parametrize("known_at", ["yesterday", "2024-05-03T15:00"])
def test_an_instant_of_a_key_is_one_with_its_offset(ask, known_at):
    with pytest.raises(Permanent, match="expected known_at such as 2024-05-03T06:30:00Z"):
        ask("silver.adjustments", SPLIT_CODE, f"{SPLIT_DAY}", known_at, "factor")


def test_an_adjustment_is_explained_by_the_prices_of_its_time(ask, trail):
    key = trail.sql.query(
        f"SELECT known_at, known_until FROM silver.adjustments WHERE security_id = 'XKRX:{SPLIT_CODE}' ORDER BY known_at"
    ).to_pylist()
    assert [one["known_until"] for one in key] == [REVISED_AT, None]

    def bars(known_at):
        chain = ask("silver.adjustments", SPLIT_CODE, SPLIT_DAY, str(known_at), "factor")
        return [link.facts for link in chain.links() if link.what.startswith("silver.prices")], chain

    (closed, before), was = bars(key[0]["known_at"])
    (now, _), corrected = bars(key[1]["known_at"])
    assert was.value == pytest.approx(closed["base_price"] / before["close"], rel=1e-3) != corrected.value
    assert closed["known_until"] == REVISED_AT
    assert now["base_price"] == OTHER_BASE
    assert payloads(was.link)[0].facts["payload_digest"] != payloads(corrected.link)[0].facts["payload_digest"]
    assert payloads(was.link, "dart_filings"), "the decision that disclosed it"


def test_the_end_of_a_listing_leads_to_the_last_answer_with_it_and_the_first_without(ask):
    chain = ask("silver.listings", GONE, "listed", f"{GONE_LAST}", "last_session")
    assert [link.what.split()[0] for link in payloads(chain.link)] == ["bronze.krx_listing", "bronze.krx_services"]
    assert payloads(chain.link)[0].facts["delivered"]["ISU_SRT_CD"] == GONE
    assert payloads(chain.link)[1].what.endswith(f"{GONE_AFTER}")


def test_a_halt_leads_to_its_bars(ask):
    chain = ask("silver.listings", "0001A0", "halted", "2024-02-01", "status")
    days = [link.what.split()[-1] for link in chain.links() if link.what.startswith("silver.prices")]
    assert days == ["2024-02-01", "2024-02-02"], "the halted session, and the next one that traded"


def test_a_null_feature_says_how_many_sessions_it_lacks(ask):
    chain = ask("gold.features_daily", "005930", "2024-01-10", "momentum_20")
    assert chain.link.facts["null"] == "21 sessions without a break are needed, it has 7"


def test_a_version_that_there_is_not_is_refused(ask):
    with pytest.raises(Permanent, match="expected a row"):
        ask("silver.adjustments", SPLIT_CODE, SPLIT_DAY, "2024-03-05T00:00:00+00:00", "factor")


@pytest.mark.parametrize(
    ("name", "condition"),
    [("gold.levels", "kind = 'pivot' AND event = 'formed'"), ("gold.patterns", "pivot_1_date IS NOT NULL")],
)
def test_what_was_found_in_bars_leads_to_the_bars_that_it_is_made_of(trail, name, condition):
    table = registry.table(name)
    rows = trail.sql.query(
        f"SELECT * FROM {name} WHERE {condition} ORDER BY {', '.join(table.key)} LIMIT 5"
    ).to_pylist()
    assert rows
    for row in rows:
        links = trail.link(table, row, table.column("price" if name == "gold.levels" else "target")).links
        bars = {link.what.split()[-1]: link.facts for link in links}
        assert f"{row['session_date']}" in bars and len(bars) >= 2
        if name == "gold.levels":
            side = "low" if row["role"] == "support" else "high"
            turned = [bar[side] / bar["cumulative_factor"] for bar in bars.values()]
            assert pytest.approx(row["adjusted_price"]) in turned, "the bar that turned there"
        else:
            assert {f"{row[f'pivot_{n}_date']}" for n in range(1, 6) if row[f"pivot_{n}_date"]} <= set(bars)
