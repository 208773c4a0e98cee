"""A number is explained by the code and the expression that made it, which need not be those of today or of the release."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import CommitProperties, write_deltalake

from lake import explain_commits, explain_links
from lake.delta import DeltaLake
from lake.explain import Past, explain
from lake.explain_commits import Commit, commit_note, expressions, writer_of
from lake.objects import lake_store
from lake.releases import Releases
from lake.sql import ReleaseSql
from market import registry
from market.features.catalogue import catalogue
from market.table import Window

NOW = datetime(2024, 5, 6, 9, 0, tzinfo=UTC)
FEATURES = registry.table("gold.features_daily")
FIRST, MIDDLE, NEXT, LAST = date(2024, 1, 2), date(2024, 3, 29), date(2024, 4, 1), date(2024, 5, 3)


@pytest.fixture(scope="module")
def whole(small_lake):
    return small_lake


@pytest.fixture
def own(whole, tmp_path):
    """The small lake, of this test alone, and its settings."""
    shutil.copytree(whole.settings.lake_url, tmp_path / "lake")
    return whole.settings.model_copy(update={"lake_url": str(tmp_path / "lake")}), whole.after


def rewrite(settings, table, window, note, change=None):
    """Replace the window's rows of the newest version by themselves with that note; the new version."""
    delta = DeltaLake(settings)
    rows = delta.read(table)
    if table.is_partitioned:
        inside = pc.and_(
            pc.greater_equal(rows["session_date"], window.start), pc.less_equal(rows["session_date"], window.end)
        )
        rows = rows.filter(inside)
    rows = change(rows) if change else rows
    where = f"session_date >= '{window.start}' AND session_date <= '{window.end}'" if table.is_partitioned else None
    properties = CommitProperties(custom_metadata={"userMetadata": note} if note else None)
    write_deltalake(delta.uri(table), rows, mode="overwrite", predicate=where, commit_properties=properties)
    return delta.version(table)


def written(settings, table, start, end, sha, change=None):
    window = Window(start, end, NOW)
    return rewrite(settings, table, window, commit_note(table, sha, window), change)


def test_a_row_is_from_the_newest_commit_whose_window_holds_its_session(own):
    settings, _ = own
    first = written(settings, FEATURES, FIRST, LAST, "a" * 40)
    second = written(settings, FEATURES, NEXT, LAST, "b" * 40)
    delta = DeltaLake(settings)
    assert writer_of(delta, FEATURES, second, MIDDLE).code_sha == "a" * 40
    assert writer_of(delta, FEATURES, second, NEXT).code_sha == "b" * 40
    assert writer_of(delta, FEATURES, first, NEXT).code_sha == "a" * 40, "later commits are none of that version's"
    assert writer_of(delta, FEATURES, second, NEXT).version == second


def test_a_table_without_sessions_is_wholly_from_its_newest_commit(own):
    settings, _ = own
    symbols = registry.table("silver.symbols")
    written(settings, symbols, FIRST, FIRST, "a" * 40)
    version = written(settings, symbols, LAST, LAST, "b" * 40)
    assert writer_of(DeltaLake(settings), symbols, version, None).code_sha == "b" * 40


def test_a_commit_without_a_note_is_not_taken_for_an_older_one(own):
    settings, _ = own
    written(settings, FEATURES, FIRST, LAST, "a" * 40)
    version = rewrite(settings, FEATURES, Window(NEXT, LAST, NOW), "")
    assert writer_of(DeltaLake(settings), FEATURES, version, NEXT) == Commit(version)
    assert "does not say its code" in str(Commit(version))


def test_a_session_written_long_ago_is_found_behind_many_commits(own, monkeypatch):
    monkeypatch.setattr(explain_commits, "FEW", 2)
    settings, _ = own
    written(settings, FEATURES, FIRST, LAST, "a" * 40)
    for _ in range(5):
        version = written(settings, FEATURES, LAST, LAST, "b" * 40, lambda rows: rows.slice(0, 1))
    assert writer_of(DeltaLake(settings), FEATURES, version, FIRST).code_sha == "a" * 40


def test_the_note_holds_the_expressions_of_features_and_of_nothing_else():
    note = json.loads(commit_note(FEATURES, "a" * 40, Window(FIRST, LAST, NOW)))
    assert note["expressions"]["rsi_14"] == catalogue()["rsi_14"].formula
    assert set(note["expressions"]) == set(catalogue())
    prices = json.loads(commit_note(registry.table("gold.prices"), "a" * 40, Window(FIRST, LAST, NOW)))
    assert prices == {"code_sha": "a" * 40, "from": "2024-01-02", "to": "2024-05-03"}


def test_the_chain_shows_the_expression_that_made_the_number_and_says_that_today_s_differs(own):
    settings, release = own
    window = Window(FIRST, MIDDLE, NOW)
    old = {**expressions(FEATURES), "momentum_20": "close / ref(close, 10) - 1"}
    written(settings, FEATURES, FIRST, LAST, "b" * 40)
    note = {"code_sha": "a" * 40, "from": f"{window.start}", "to": f"{window.end}", "expressions": old}
    version = rewrite(settings, FEATURES, window, json.dumps(note))
    at = replace(release, tables={**release.tables, FEATURES.name: version})
    sql, past = ReleaseSql(settings, at), Past(settings)

    before = explain(sql, FEATURES.name, "005930", f"{MIDDLE}", "momentum_20", past=past)
    assert before.link.facts["expression"] == "close / ref(close, 10) - 1"
    assert before.link.facts["today"].startswith(catalogue()["momentum_20"].formula)
    assert before.link.facts["lookback"] == "10 sessions"
    assert len(before.link.links) + before.link.not_listed == 11, "the inputs are those of the old expression"
    assert before.meta["written_by"] == "a" * 40
    assert before.meta["code_sha"] == "0123abc", "the release's own commit stays what it is"
    assert f"written by: commit {'a' * 40}" in before.render()

    after = explain(sql, FEATURES.name, "005930", f"{NEXT}", "momentum_20", past=past)
    assert after.link.facts["expression"] == catalogue()["momentum_20"].formula
    assert "today" not in after.link.facts
    assert after.meta["written_by"] == "b" * 40
    assert after.to_dict()["meta"]["written_by"] == "b" * 40


def test_an_expression_of_operators_that_are_gone_is_shown_as_text(own):
    settings, release = own
    note = {"code_sha": "a" * 40, "from": f"{FIRST}", "to": f"{LAST}", "expressions": {"rsi_14": "gone(close, 14)"}}
    version = rewrite(settings, FEATURES, Window(FIRST, LAST, NOW), json.dumps(note))
    sql = ReleaseSql(settings, replace(release, tables={**release.tables, FEATURES.name: version}))
    facts = explain(sql, FEATURES.name, "005930", f"{LAST}", "rsi_14", past=Past(settings)).link.facts
    assert facts["expression"] == "gone(close, 14)"
    assert "cannot read" in facts["inputs"]


def test_a_recursive_feature_counts_the_rows_since_the_series_was_last_broken(own):
    settings, release = own
    prices, missed = registry.table("gold.prices"), date(2024, 4, 29)
    version = written(
        settings, prices, missed, missed, "a" * 40,
        lambda rows: rows.filter(pc.not_equal(rows["security_id"], "XKRX:005930")),
    )  # fmt: skip
    sql = ReleaseSql(settings, replace(release, tables={**release.tables, prices.name: version}))
    chain = explain(sql, FEATURES.name, "005930", f"{LAST}", "rsi_14")
    assert [link.what[-10:] for link in chain.link.links] == ["2024-05-03", "2024-05-02", "2024-04-30"]
    assert chain.link.not_listed == 0


def test_without_a_record_the_expression_is_said_to_be_today_s(own):
    settings, release = own
    chain = explain(ReleaseSql(settings, release), FEATURES.name, "005930", f"{LAST}", "rsi_14", past=Past(settings))
    assert chain.link.facts["the expression is"].startswith("today's")
    assert chain.meta["written_by"] == ""
    assert catalogue()["rsi_14"].formula == chain.link.facts["expression"]


def test_a_prediction_shows_the_features_that_were_scored_and_not_those_of_now(own):
    settings, release = own
    doubled = written(
        settings, FEATURES, FIRST, LAST, "b" * 40,
        lambda rows: rows.set_column(
            rows.column_names.index("momentum_20"), "momentum_20", pc.multiply(rows["momentum_20"], 2.0)
        ),
    )  # fmt: skip
    later = replace(release, release_id="r00003", tables={**release.tables, FEATURES.name: doubled})
    Releases(lake_store(settings)).publish(later)
    chain = explain(ReleaseSql(settings, later), "gold.predictions", "005930", f"{LAST}", "score", past=Past(settings))
    (scored,) = chain.link.links
    assert chain.link.facts["data_release"] == scored.facts["release"] == "r00002"
    assert scored.facts["values"]["momentum_20"] == chain.value
    assert scored.facts["Delta version"] == release.tables[FEATURES.name]


def test_a_prediction_whose_release_is_gone_says_so(own):
    settings, release = own
    table = registry.table("gold.predictions")
    version = written(
        settings, table, FIRST, LAST, "a" * 40,
        lambda rows: rows.set_column(
            rows.column_names.index("data_release"), "data_release", pa.array(["r00099"] * rows.num_rows)
        ),
    )  # fmt: skip
    sql = ReleaseSql(settings, replace(release, tables={**release.tables, table.name: version}))
    chain = explain(sql, "gold.predictions", "005930", f"{LAST}", "score", past=Past(settings))
    assert "release r00099" in chain.link.links[0].facts["found"]
    alone = explain(sql, "gold.predictions", "005930", f"{LAST}", "score")
    assert alone.link.links[0].facts["found"] == "not opened: they are in release r00099"


def test_an_answer_that_came_back_is_traced_to_the_fetch_that_made_it_known(own):
    """A, then B, then A again: the third version is known by the third fetch, though its payload is the first's."""
    settings, release = own
    delta = DeltaLake(settings)
    bronze, silver = registry.table("bronze.krx_daily"), registry.table("silver.prices")
    again = datetime(2024, 5, 4, 1, 0, tzinfo=UTC)
    rows = delta.read(silver)
    mine = pc.and_(pc.equal(rows["security_id"], "XKRX:035420"), pc.equal(rows["session_date"], date(2024, 4, 26)))
    first = next(row for row in rows.filter(mine).to_pylist() if row["known_until"] is not None)
    came = delta.read(bronze)
    told = came.filter(pc.equal(came["payload_digest"], first["payload_digest"]))
    back = told.set_column(
        told.column_names.index("fetched_at"),
        "fetched_at",
        pa.array([again] * told.num_rows, pa.timestamp("us", "UTC")),
    )
    write_deltalake(delta.uri(bronze), pa.concat_tables([back, came]), mode="overwrite", partition_by=["session_month"])
    third = pa.Table.from_pylist([{**first, "known_at": again, "known_until": None}], schema=rows.schema)
    write_deltalake(
        delta.uri(silver), pa.concat_tables([rows, third]), mode="overwrite", partition_by=["session_month"]
    )
    tables = {**release.tables, **{t.name: delta.version(t) for t in (bronze, silver)}}
    sql = ReleaseSql(settings, replace(release, tables=tables))

    def fetched(known_at):
        chain = explain(sql, "silver.prices", "035420", "2024-04-26", known_at, "close")
        return [link.facts["fetched_at"] for link in chain.links() if link.what.startswith("bronze.")]

    (of_third,), (of_first,) = fetched(again.isoformat()), fetched(first["known_at"].isoformat())
    assert of_third == again
    assert of_first < first["known_until"]


def test_a_code_leads_to_the_listing_and_a_record_of_ours_to_no_calendar(own):
    settings, release = own
    sql = ReleaseSql(settings, release)
    chain = explain(sql, "silver.symbols", "005930", "symbol")
    assert chain.link.links[0].what.startswith("silver.securities XKRX:005930")
    assert any(link.what.startswith("bronze.krx_listing") for link in chain.links())
    trail = explain_links.Trail(sql, None, None)
    checks, sessions = registry.table("ops.checks"), registry.table("silver.sessions")
    row = {**{column.name: "x" for column in checks.columns}, "known_until": None}
    assert "recorded as it worked" in trail.link(checks, row, checks.columns[0]).facts["made from"]
    row = {**{column.name: "x" for column in sessions.columns}, "known_until": None}
    assert "calendar" in trail.link(sessions, row, sessions.columns[0]).facts["made from"]
