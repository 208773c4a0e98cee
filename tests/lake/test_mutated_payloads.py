"""A spoilt payload becomes parsed rows, quarantined rows, or a clear error that keeps it: nothing crashes, nothing is lost."""

import importlib
import io
import json
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from exchange.server import Server, serve
from expectations.judge import judge
from lake.bronze_rows import with_identity
from lake.clients import client, names
from lake.delivery import Company, Delivery
from lake.landing import digest, path_of
from lake.settings import ROOT, Settings
from lake.world import World, open_world
from market import calendars, registry
from market.sources import SOURCES
from market.table import Window
from tests.support.spoiling import Onward, as_plain, counts, misplace, spoil
from tests.support.tape import Key, Still, Taking, Tape, kept

FEW, MANY = 120, 10_000
FEW_ONWARD, MANY_ONWARD = (4, 80), (2, 20)
"""Of so many mutants that became rows one goes on to silver, and one before the gate, which takes longer than all the rest."""
MEMORY_MB = 256
REPORTS = {"sec": 60, "dart": 60, "krx_market": 16}
"""Sources with reports, or delistings, which are rare: so many sessions are asked for, and three of the others."""
UNASKED = {"bronze.dart_companies", "bronze.dart_capital_reductions"}
"""Asked where a fiscal year is not the calendar's, and where a company reduces its capital: none does at the exchange."""
SHARED = ROOT.parent / "shared" / "data"
NO_DATA = '{"status":"013","message":"조회된 데이타가 없습니다."}'.encode()
CODES = (
    "<result><list><corp_code>00126380</corp_code><corp_name>삼성전자</corp_name><corp_eng_name>SAMSUNG</corp_eng_name>"
    "<stock_code>005930</stock_code><modify_date>20230110</modify_date></list></result>"
)
RECORDED = {"dart": "opendart_json_samples", "naver": "naver_news", "sec": "sec_edgar", "yahoo": "yahoo_v8_chart"}
"""Where answers of a source are recorded as its client asks for them; KRX's are of its other service, Daum has none."""


@pytest.fixture(scope="module")
def world() -> Any:
    """A world with reports, dividends and news of a quarter."""
    with serve("synthetic:7", symbols=12, us_symbols=3, sessions=90) as server:
        yield server


@pytest.fixture
def taking(world: Server, make: Callable[..., Settings]) -> Callable[[str], Taking]:
    """All answers of a source for the world's last three sessions."""
    settings = make(exchange_url=world.url, http_attempts=1, http_parallel=1)
    companies = tuple(Company(c.stock_code, c.corp_name) for c in list(world.world.companies.values())[:2])

    def take(source: str) -> Taking:
        context = Still(settings, open_world(settings), companies=companies, now=world.world.end)
        sessions = context.world.sessions(SOURCES[source].exchange, date(2000, 1, 1), date(2100, 1, 1))
        return kept(source, sessions[-REPORTS.get(source, 3) :], context)

    return take


@pytest.mark.parametrize("source", names())
def test_a_spoilt_payload_is_rows_or_a_clear_error_that_keeps_it(taking: Callable[[str], Taking], source: str) -> None:
    outcomes = spoil(taking(source), FEW, onward())
    assert outcomes["rows"] and outcomes["error"], outcomes


@pytest.mark.parametrize("source", ["dart", "daum", "naver", "sec", "yahoo"])
def test_nonsense_in_place_of_a_day_a_host_or_a_ticker_loses_no_row(
    taking: Callable[[str], Taking], source: str
) -> None:
    assert sum(misplace(taking(source), onward()).values()) > 20


@pytest.mark.slow
@pytest.mark.timeout(3600)  # OpenDART's answers are 45 to a mutant
@pytest.mark.parametrize("source", names())
def test_ten_thousand_spoilt_payloads_are_rows_or_clear_errors(taking: Callable[[str], Taking], source: str) -> None:
    outcomes = spoil(taking(source), MANY, onward(*MANY_ONWARD))
    assert outcomes["rows"] > MANY / 10 and outcomes["error"] > MANY / 10, outcomes


@pytest.mark.parametrize("source", sorted(RECORDED))
def test_a_recorded_payload_that_is_spoilt_is_rows_or_a_clear_error(make: Callable[..., Settings], source: str) -> None:
    if not (SHARED / RECORDED[source]).is_dir():
        pytest.skip("needs the recorded data in ../shared/data, which is not here")
    outcomes = spoil(recorded(source, make), FEW, onward())
    assert outcomes["rows"] and outcomes["error"], outcomes


@pytest.mark.parametrize("source", names())
def test_every_table_of_a_source_has_rows_on_the_tape(taking: Callable[[str], Taking], source: str) -> None:
    """A table that none of the good payloads fills would be spoilt in vain."""
    filled = {table for (table, _), n in counts(list(taking(source).deliveries())).items() if n}
    assert filled == set(client(source).TABLES) - UNASKED


def test_spoilt_payloads_and_bombs_take_little_memory(taking: Callable[[str], Taking], tmp_path: Path) -> None:
    """In a process of its own: what they add to what the libraries and the good payloads hold."""
    file = tmp_path / "takings"
    file.write_bytes(pickle.dumps([as_plain(taking(source)) for source in names()]))
    command = [sys.executable, "-m", "tests.support.spoiling", str(file)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=ROOT)
    assert told.returncode == 0, told.stderr[-3000:]
    assert json.loads(told.stdout.splitlines()[-1])["more"] < MEMORY_MB, told.stdout


def onward(each: int = FEW_ONWARD[0], judged: int = FEW_ONWARD[1]) -> Onward:
    """One in so many to silver, and one in so many before the gate, which is a multiple."""
    turns = count()

    def go(came: Sequence[Delivery]) -> None:
        if (turn := next(turns)) % each == 0:
            to_silver(came, is_judged=turn % judged == 0)

    return go


def to_silver(came: Sequence[Delivery], *, is_judged: bool) -> None:
    """The rows as bronze stores them, through every function to silver, and before the gate: each is good or quarantined."""
    for table in sorted({delivery.table for delivery in came}):
        parts = [with_identity(d, digest(d.payload), path_of(d, digest(d.payload))) for d in came if d.table == table]
        rows = pa.concat_tables(parts)
        assert rows.num_rows == sum(d.rows.num_rows for d in came if d.table == table)
        module = importlib.import_module(f"market.datasets.bronze.{table.partition('.')[2]}")
        for name, feed in getattr(module, "FEEDS", {}).items():
            contract = registry.table(name)
            sides = [read.table for read in contract.reads if read.role == "side"]
            nothing = {side: registry.table(side).schema.empty_table() for side in sides}
            candidate = feed(rows, nothing | {"silver.sessions": sessions()})
            if not is_judged or not set(contract.schema.names) <= set(candidate.schema.names):
                continue  # the others are joined to more before they are judged
            verdict = judge(contract, contract.conform(candidate))
            assert all(reason for _, reason in verdict.reasons)
            if "unreadable" in candidate.schema.names:  # what could not be read is never stored as if it had been
                told = candidate["unreadable"].is_valid().to_numpy()
                assert not (told & verdict.good).any()


@cache
def sessions() -> pa.Table:
    """silver.sessions of all years that a mutant can reach with rows."""
    build = registry.table("silver.sessions").build
    assert build is not None
    return build({}, Window(date(2020, 1, 2), date(2025, 6, 30), datetime(2025, 6, 30, 9, tzinfo=ZoneInfo("UTC"))))


def recorded(source: str, make: Callable[..., Settings]) -> Taking:
    """Recorded answers of the real hosts as a taking."""
    live: dict[str, Any] = {s.setting("base_url"): "live" for s in SOURCES.values()}
    live |= {s.setting("pace_per_s"): 0.0 for s in SOURCES.values()}
    symbols, days, answers = _recorded(source)
    settings = make(**live, http_attempts=1, http_parallel=1, us_symbols=",".join(symbols), sec_user_agent="A b@c.de")
    exchange = SOURCES[source].exchange
    asked = calendars.sessions(exchange, *days)
    now = calendars.close_at(exchange, asked[-1]) + timedelta(days=2)
    world = World("live", "raw", frozenset(), {}, {}, settings)
    context = Still(settings, world, companies=(Company("005930", "삼성전자"),), now=now)
    tape = Tape(answers={})
    taking = Taking(source, asked, context, tape)
    tape.answers.update(answers)
    return replace(taking, tape=tape)


def _recorded(source: str) -> tuple[Sequence[str], tuple[date, date], dict[Key, bytes]]:
    folder = SHARED / RECORDED[source]
    if source == "yahoo":
        told = json.loads((folder / "chart-AAPL-2020-08-31-to-2020-11-07.json").read_bytes())["response"]["bodyJson"]
        chart = json.dumps(told).encode()
        return ("AAPL",), (date(2020, 8, 31), date(2020, 11, 6)), {("/v8/finance/chart/AAPL", ""): chart}
    if source == "dart":
        body = (folder / "real_list_005930_20230912.json").read_bytes()
        codes = io.BytesIO()
        with zipfile.ZipFile(codes, "w") as archive:
            archive.writestr("CORPCODE.xml", CODES)
        answers = {("/api/list.json", ""): body, ("/api/corpCode.xml", ""): codes.getvalue()}
        empty = ("fnlttSinglAcntAll", "fnlttSinglAcnt", "company")
        answers |= {(f"/api/{name}.json", ""): NO_DATA for name in empty}
        return (), (date(2023, 9, 12), date(2023, 9, 12)), answers
    if source == "naver":
        body = (folder / "real_news_search_20230308_excerpt.json").read_bytes()
        return (), (date(2023, 3, 8), date(2023, 3, 8)), {("/v1/search/news.json", ""): body}
    tickers = json.loads((folder / "company_tickers.json").read_bytes())
    few = {at: row for at, row in tickers.items() if int(at) < 20 or row["ticker"] == "TSLA"}
    listed = (folder / "submissions.json").read_bytes()
    return ("TSLA",), (date(2022, 11, 28), date(2022, 11, 30)), {
        ("/files/company_tickers.json", ""): json.dumps(few).encode(),
        ("/submissions/CIK0001318605.json", ""): listed,
    }  # fmt: skip
