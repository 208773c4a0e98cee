"""The command line over a small lake: help with examples, exit codes, errors on stderr, and what each reading command prints."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from marketlake.cli import app

ROOT = Path(__file__).resolve().parents[2]
SECRET = "a-key-that-nobody-may-see"
TOP = (
    "demo up down status doctor settings day backfill sql tables release explain features symbol rulebook models predict replay quarantine "
    "exchange vacuum backup restore metrics"
).split()


@pytest.fixture(scope="module")
def lake_copy(small_lake, tmp_path_factory):
    """A copy of the small lake, since some commands move its pointer."""
    folder = tmp_path_factory.mktemp("cli") / "lake"
    shutil.copytree(small_lake.settings.lake_url, folder)
    return folder


@pytest.fixture(autouse=True)
def environment(lake_copy, monkeypatch, tmp_path):
    """The settings of a user whose lake is the copy."""
    for name in [name for name in os.environ if name.startswith("MARKETLAKE_")]:
        monkeypatch.delenv(name)
    values = {
        "LAKE_URL": lake_copy, "STATE_DIR": tmp_path / "var", "ONLINE_URL": f"sqlite:///{tmp_path}/online.db",
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow/mlflow.db", "DAGSTER_HOME": tmp_path / "dagster",
        "KRX_API_KEY": SECRET, "EXCHANGE_URL": "http://127.0.0.1:9",
    }  # fmt: skip
    for name, value in values.items():
        monkeypatch.setenv(f"MARKETLAKE_{name}", str(value))


def run(*words, code=0):
    """The result of a command, with its exit code checked."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == code, f"{words}: {result.exit_code}\n{result.output}\n{result.exception!r}"
    return result


def every_command():
    """Words of each command, groups walked."""
    found = []

    def walk(command, words):
        if hasattr(command, "commands"):
            for name, below in command.commands.items():
                walk(below, [*words, name])
        else:
            found.append(words)

    walk(typer.main.get_command(app), [])
    return found


@pytest.mark.parametrize("words", every_command(), ids=" ".join)
def test_every_command_shows_an_example_of_itself(words):
    text = " ".join(run(*words, "--help").output.split())
    assert f"marketlake {' '.join(words)}" in text.split("Example", 1)[1]


def test_the_commands_are_those_that_people_were_promised():
    assert {words[0] for words in every_command()} == set(TOP)


def test_help_answers_at_once_and_imports_nothing_heavy():
    heavy = "pyspark dagster mlflow great_expectations feast pandas duckdb pyarrow httpx".split()
    code = f"import sys, marketlake.cli; print([name for name in {heavy} if name in sys.modules])"
    began = time.monotonic()
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
    assert time.monotonic() - began < 5


def test_settings_hide_secrets_and_name_where_each_value_came_from(tmp_path):
    result = run("settings", "--json")
    assert SECRET not in result.output
    told = {row["name"]: row for row in json.loads(result.output)}
    assert told["MARKETLAKE_KRX_API_KEY"]["source"] == "environment"
    assert told["MARKETLAKE_HTTP_TIMEOUT_S"]["source"] == "default"
    file = tmp_path / "var" / "stack" / "embedded.env"
    file.parent.mkdir(parents=True)
    file.write_text(
        "MARKETLAKE_DART_API_KEY=another-secret\nMARKETLAKE_ALERT_WEBHOOK_URL=https://hooks.example/T0/B1/tok\n"
    )
    result = run("settings", "--json")
    told = {row["name"]: row for row in json.loads(result.output)}
    assert told["MARKETLAKE_DART_API_KEY"]["source"] == str(file)
    assert "another-secret" not in result.output and "/T0/B1" not in result.output


def test_a_setting_of_the_wrong_type_is_named(monkeypatch):
    monkeypatch.setenv("MARKETLAKE_API_PORT", "eighty")
    error = run("release", "current", code=1).stderr
    assert error.startswith("error: settings: expected") and "MARKETLAKE_API_PORT='eighty'" in error


def test_sql_prints_a_table_csv_json_and_parquet(tmp_path):
    query = "SELECT symbol, close FROM gold.prices WHERE symbol IN ('005930', 'AAPL') ORDER BY session_date DESC, symbol LIMIT 4"
    assert run("sql", query).output.splitlines()[0].split() == ["symbol", "close"]
    rows = json.loads(run("sql", query, "--json").output)
    assert len(rows) == 4 and rows[0]["symbol"] == "005930"
    read = list(csv.DictReader(io.StringIO(run("sql", query, "--format", "csv").output)))
    assert [(row["symbol"], float(row["close"])) for row in read] == [(row["symbol"], row["close"]) for row in rows]
    target = tmp_path / "answer.parquet"
    run("sql", query, "--format", "parquet", "--output", target)
    assert pq.read_table(target).to_pylist() == rows


def test_a_symbol_is_found_by_code_or_name_as_of_a_day():
    told = dict(line.split(None, 1) for line in run("symbol", "삼성전자").output.splitlines()[1:])
    assert (told["security_id"], told["yahoo_symbol"], told["matched"]) == ("XKRX:005930", "005930.KS", "name")
    found = json.loads(run("symbol", "aapl", "--as-of", "2024-05-03", "--json").output)
    assert [row["security_id"] for row in found["rows"]] == ["XNYS:AAPL"]
    assert found["meta"]["as_of"] == "2024-05-03T23:59:59.999999+00:00"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["삼성전자", "--as-of", "2000-01-03"], "known only from 20"),
        (["삼섬전자"], "Did you mean 삼성전자"),
        (["삼성전자", "--as-of", "yesterday"], "was 'yesterday'"),
    ],
)
def test_a_symbol_that_nobody_has_is_told_in_one_line(words, said):
    assert said in run("symbol", *words, code=1).stderr


def test_sql_reads_the_release_that_is_asked_for(small_lake):
    query = "SELECT max(session_date) AS last FROM gold.prices"
    last = {
        name: json.loads(run("sql", query, "--release", name, "--json").output)[0]["last"]
        for name in ("r00001", "r00002")
    }
    assert last["r00001"] < last["r00002"] == small_lake.after.last_session


def test_a_feature_is_shown_with_what_it_is_and_how_it_behaves():
    told = run("features", "show", "rsi_14").output
    assert told.splitlines()[0].split() == ["feature", "rsi_14"] and "J. W. Wilder" in told
    assert "release r00002: " in told and "have no label (yet)" in told
    for word in ("coverage", "mean, std", "quantiles", "histogram", "autocorrelation"):
        assert f"\n{word}" in told, word
    (year,) = [line.split() for line in told.splitlines() if line.startswith("2024")]
    assert year[0] == "2024" and 0 < float(year[1]) < 1 and year[2:] == ["-", "-", "-", "-", "0"], (
        "six securities rank nothing"
    )


def test_a_feature_that_no_table_holds_is_computed_and_drawn(tmp_path):
    target = tmp_path / "adx.svg"
    told = json.loads(run("features", "show", "adx_14", "--picture", target, "--json").output)
    assert told["meta"]["release_id"] == "r00002" and told["formula"].startswith("wilder(")
    assert told["behaviour"]["distribution"]["count"] > 0 and told["behaviour"]["rank_ic"]["mean"] is None
    texts = [element.text or "" for element in ElementTree.parse(target).iter() if element.tag.endswith("text")]
    assert any(text.startswith("adx_14 = wilder(") for text in texts)


def test_without_a_release_a_feature_is_what_it_is_and_what_is_missing_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("MARKETLAKE_LAKE_URL", str(tmp_path / "empty"))
    told = run("features", "show", "cdl_doji").output
    assert told.startswith("feature") and "how it behaves is not known: lake " in told and "a published release" in told
    found = json.loads(run("features", "show", "cdl_doji", "--json").output)
    assert found["unit"] == "signal" and found["behaviour"] is None and "a published release" in found["missing"]
    assert "a published release" in run("features", "show", "cdl_doji", "--picture", tmp_path / "x.svg", code=1).stderr
    assert not (tmp_path / "x.svg").exists()


@pytest.mark.parametrize("name", ["x.png", "nowhere/x.svg"])
def test_a_picture_goes_into_an_svg_file_of_a_folder_that_is_there(tmp_path, name):
    assert "--picture: expected a file FILE.svg" in " ".join(
        run("features", "show", "rsi_14", "--picture", tmp_path / name, code=2).output.replace("│", " ").split()
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sql", "DELETE FROM gold.prices"], "error: "),
        (["sql", "SELECT * FROM gold.pricse"], "gold.prices"),
        (["sql", "SELECT 1", "--release", "r99999"], "release r99999: expected a published release"),
        (["explain", "gold.prices", "005930", "2024-05-03", "clsoe"], "Did you mean close?"),
        (["tables", "gold.nothing"], "expected a table among"),
        (["features", "compute", "rsj(close, 14)", "--symbol", "005930"], "expected an operator"),
        (["features", "show", "nothing"], "expected one of"),
        (
            ["rulebook", "2024-05-03", "--market", "NYSE"],
            "expected a market of KOSPI, KOSDAQ, KONEX, NXT, ETF; was 'NYSE'",
        ),
        (["rulebook", "2024-05-03", "--rule", "ticks"], "expected a rule of tick_size"),
        (["rulebook", "1999-05-03"], "expected a day from 2010-01-04"),
        (["predict", "999999"], "expected securities that release r00002 knows"),
        (["models", "show", "nothing"], "none is registered yet"),
        (["day", "2024-05-03"], "Start it with `marketlake up`"),
        (["exchange", "truth", "--world", "nowhere"], "expected synthetic:SEED or recorded:FOLDER"),
        (["quarantine", "release", "silver.prices", "--session", "2024-05-03", "--reason", "x"], "expected held rows"),
    ],
    ids=lambda value: " ".join(value[:3]) if isinstance(value, list) else "",
)
def test_a_failure_is_one_line_on_stderr_and_code_1(words, said):
    result = run(*words, code=1)
    assert result.stderr.startswith("error: ") and said in result.stderr
    assert "Traceback" not in result.output and len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [["nothing"], ["sql"], ["sql", "SELECT 1", "--format", "xml"], ["day", "3 May"], ["rulebook", "3 May"], ["backfill", "2024-05-03", "2024-05-02"],
     ["replay"], ["replay", "abc", "--all"], ["models", "promote", "return_rank_5d", "0"],
     ["models", "shadow", "return_rank_5d"], ["models", "shadow", "return_rank_5d", "2", "--clear"]],
    ids=" ".join,
)  # fmt: skip
def test_bad_usage_is_code_2(words):
    assert "Traceback" not in run(*words, code=2).output


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), (["status", "--stack", "nowhere"], 2)])
def test_the_program_ends_with_the_commands_code_after_all_that_was_registered_for_the_end(words, code):
    program = "import atexit; atexit.register(print, 'at the end'); from marketlake.cli import run; run()"
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (code, "at the end"), done.stderr


def test_an_unexpected_error_is_one_line_that_says_where_the_log_is(lake_copy, monkeypatch, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(lake_copy / "releases", broken / "releases")
    for file in (broken / "releases" / "pointer").glob("*.json"):
        file.write_text("{")
    monkeypatch.setenv("MARKETLAKE_LAKE_URL", str(broken))
    result = run("release", "current", code=1)
    log = tmp_path / "var" / "log" / "marketlake.log"
    assert f"The whole of it is in {log}" in result.stderr and "Traceback" not in result.output
    entry = json.loads(log.read_text().splitlines()[-1])
    assert entry["level"] == "ERROR" and "JSONDecodeError" in entry["traceback"]


def test_the_rulebook_shows_the_lines_of_a_day_with_their_source_and_whether_they_are_verified():
    told = json.loads(run("rulebook", "2024-05-03", "--market", "KOSPI", "--json").output)
    assert told["version"].startswith("krx-") and told["day"] == "2024-05-03"
    lines = {line["rule"]: line for line in told["lines"]}
    assert {line["market"] for line in told["lines"]} == {"KOSPI"}
    assert lines["securities_tax"]["is"] == "0.03 %" and lines["securities_tax"]["from"] == "2023-12-27"
    assert (
        lines["tick_size"]["steps"][0] == {"below": 2000, "number": 1}
        and lines["tick_size"]["steps"][-1]["below"] is None
    )
    assert lines["hours_regular"]["closes"] == "15:30:00" and "hours_after_market" not in lines
    assert all(line["source"] and isinstance(line["verified"], bool) for line in told["lines"])


def test_an_unverified_line_of_the_rulebook_says_so():
    rows = run("rulebook", "2024-05-03", "--market", "KOSPI").output.splitlines()
    said = {row.split()[0]: row for row in rows}
    assert "UNVERIFIED" in said["brokerage_fee"] and "UNVERIFIED" not in said["tick_size"]
    fee = json.loads(run("rulebook", "2024-05-03", "--rule", "brokerage_fee", "--json").output)["lines"]
    assert [line["verified"] for line in fee] == [False] * 3


def test_without_a_day_the_rulebook_is_today_s():
    told = json.loads(run("rulebook", "--rule", "tick_size", "--json").output)
    assert told["day"] == str(datetime.now(ZoneInfo("Asia/Seoul")).date()) and {
        line["market"] for line in told["lines"]
    } == {"KOSPI", "KOSDAQ", "KONEX", "ETF"}


def test_tables_explain_and_features_answer():
    tables = {row["table"]: row for row in json.loads(run("tables", "--json").output)}
    assert tables["gold.prices"]["version"] is not None and tables["ops.checks"]["version"] is None
    described = json.loads(run("tables", "gold.prices", "--json").output)
    assert described["rows"] > 0 and "close" in {column["column"] for column in described["columns"]}
    chain = json.loads(run("explain", "gold.prices", "005930", "2024-05-03", "close", "--json").output)
    assert chain["meta"]["release_id"] == "r00002" and chain["chain"]["from"]
    assert (
        "gold.prices XKRX:005930 2024-05-03 close = "
        in run("explain", "gold.prices", "005930", "2024-05-03", "close").output
    )
    assert "rsi_14" in run("features", "list").output
    words = ("features", "compute", "corr(close, log(volume + 1), 20)", "--symbol", "005930", "--from", "2024-04-01")
    computed = json.loads(run(*words, "--json").output)
    assert computed["rows"][-1]["session_date"] == "2024-05-03" and -1 <= computed["rows"][-1]["value"] <= 1


def test_a_feature_by_name_has_the_bits_of_gold():
    words = ("features", "compute", "momentum_20", "--symbol", "005930", "--from", "2024-05-03", "--json")
    query = (
        "SELECT momentum_20 FROM gold.features_daily WHERE security_id = 'XKRX:005930' AND session_date = '2024-05-03'"
    )
    [computed], [stored] = json.loads(run(*words).output)["rows"], json.loads(run("sql", query, "--json").output)
    assert computed["value"] == stored["momentum_20"]


def test_parity_passes_where_batch_and_online_have_the_release_s_bits_and_names_what_does_not():
    behind = run("features", "parity", code=1)
    assert "gold.features_daily (online)" in behind.output + behind.stderr, "nothing was filled yet"
    run("release", "rollback", "r00002")
    told = json.loads(run("features", "parity", "--all", "--json").output)
    assert [(row["table"], row["against"], row["different"]) for row in told] == [
        (table, against, 0)
        for table in ("gold.alpha158", "gold.features_daily", "gold.sentiment")
        for against in ("batch", "online")
    ]


def test_predict_gives_the_newest_score_in_the_order_asked():
    rows = json.loads(run("predict", "AAPL", "005930", "--json").output)
    assert [row["symbol"] for row in rows] == ["AAPL", "005930"]
    assert all(row["session_date"] == "2024-05-03" and 0 < row["rank"] <= 1 for row in rows)


def test_releases_are_listed_compared_and_digested():
    assert [row["release"] for row in json.loads(run("release", "list", "--json").output)] == ["r00002", "r00001"]
    assert json.loads(run("release", "current", "--json").output)["release_id"] == "r00002"
    assert json.loads(run("release", "show", "r00001", "--json").output)["release_id"] == "r00001"
    changed = {row["table"]: row for row in json.loads(run("release", "diff", "r00001", "r00002", "--json").output)}
    assert changed["gold.prices"]["content"] == "differs"
    assert changed["gold.prices"]["rows_before"] < changed["gold.prices"]["rows_after"]
    first, again = (json.loads(run("release", "digest", "r00001", "--json").output) for _ in range(2))
    other = json.loads(run("release", "digest", "--json").output)
    assert first == again and first["digest"] != other["digest"] and len(first["tables"]["gold.prices"]) == 64
    assert changed["gold.prices"]["digest_before"] == first["tables"]["gold.prices"]


def test_rollback_moves_the_pointer_and_refills_the_online_store(small_lake, lake_copy, tmp_path):
    from lake.online import OnlineFeatures
    from lake.settings import Settings

    try:
        assert "release r00001 is current" in run("release", "rollback").output
        assert json.loads(run("release", "current", "--json").output)["release_id"] == "r00001"
        settings = Settings(lake_url=str(lake_copy), online_url=f"sqlite:///{tmp_path}/online.db", _env_file=None)
        row = OnlineFeatures(settings).get(["XKRX:005930"]).to_pylist()[0]
        assert row["release_id"] == "r00001" and f"{row['session_date']}" == small_lake.before.last_session
    finally:
        run("release", "rollback", "r00002")


def test_an_empty_lake_says_what_to_do_first(monkeypatch, tmp_path):
    monkeypatch.setenv("MARKETLAKE_LAKE_URL", str(tmp_path / "empty"))
    for words in (["release", "current"], ["sql", "SELECT 1"], ["tables"], ["predict", "005930"]):
        assert "make demo" in run(*words, code=1).stderr
    assert "no release yet" in run("release", "list").output
    assert "nothing is held" in run("quarantine", "list").output


def test_the_version_table_of_a_terminal_has_no_markup(monkeypatch):
    monkeypatch.setattr("marketlake.console.is_terminal", lambda: True)
    assert "[red]" in run("sql", "SELECT '[red]' AS word").output


def test_every_delivered_price_row_is_accounted_for(small_lake):
    from lake.sql import ReleaseSql
    from marketlake.accounting import account

    sql = ReleaseSql(small_lake.settings, small_lake.after)
    found = account(sql)
    bars = sql.query("SELECT count(*) AS n FROM bronze.yahoo_chart WHERE kind = 'bar'")["n"][0].as_py()
    n_silver = sql.query("SELECT count(*) AS n FROM silver.prices")["n"][0].as_py()
    assert found.delivered == bars + sql.query("SELECT count(*) AS n FROM bronze.krx_daily")["n"][0].as_py()
    assert (found.silver, found.lost) == (n_silver, 0)
    assert found.repeated > 0  # the revised day brought the other codes again, and Yahoo every bar
    assert "unaccounted" not in str(found) and " = " in str(found)


def test_a_quarantined_row_is_shown_and_carries_the_word_that_released_it(lake_copy):
    from datetime import UTC, date, datetime

    import pyarrow as pa

    from lake.delta import DeltaLake
    from lake.settings import Settings
    from market import registry
    from marketlake.commands import quarantine

    settings, contract = Settings(lake_url=str(lake_copy), _env_file=None), registry.table("ops.quarantine")
    row = {
        "session_date": date(2024, 5, 2), "session_month": "2024-05", "table": "silver.prices", "row_key": '{"security_id":"X"}',
        "reason": "close at least 0.0001: was -1", "row": '{"close":-1}', "payload_digest": "d", "row_no": 1, "state": "held",
        "known_at": datetime(2024, 5, 2, tzinfo=UTC),
    }  # fmt: skip
    DeltaLake(settings).append(contract, contract.conform(pa.Table.from_pylist([row])), app_id="test", app_version=1)
    assert "silver.prices  2024-05-02  held" in run("quarantine", "list").output
    assert json.loads(run("quarantine", "show", "silver.prices", "--json").output)[0]["row"] == {"close": -1}
    quarantine._mark_released(settings, [row], "the source confirmed")
    [told] = json.loads(run("quarantine", "list", "--session", "2024-05-02", "--json").output)
    assert told["state"] == "released" and "the source confirmed" in told["reason"] and told["rows"] == 1


def test_a_world_that_cannot_be_served_does_not_bind_the_lake(monkeypatch, tmp_path):
    monkeypatch.setenv("MARKETLAKE_LAKE_URL", str(tmp_path / "fresh"))
    error = run("demo", "--world", f"recorded:{tmp_path}/nowhere", code=1).stderr
    assert error.startswith("error: service exchange") and "nowhere" in error and "Traceback" not in error
    assert not (tmp_path / "fresh" / "world.json").exists()
