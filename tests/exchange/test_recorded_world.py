"""Recordings: made from both published shapes without losing a row, and served through the same wires."""

import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from exchange.isin import korean_isin
from exchange.keys import DEFAULT_KEYS
from exchange.recorded.convert import convert
from exchange.recorded.shape import DAILY_SCHEMA
from exchange.server import serve
from exchange.worlds import open_world
from market.errors import Permanent

DAYS = ("2024-03-04", "2024-03-05", "2024-03-07")  # a hole on the 6th
HEADERS = {"AUTH_KEY": DEFAULT_KEYS["KRX_API_KEY"]}


def raw_frame(days: tuple[str, ...] = DAYS) -> pd.DataFrame:
    """Raw market days as published: a split in the middle, a halt, a lettered code, unsigned changes."""
    rows = []
    for day in days:
        rows += [
            ("005930", "삼성전자", "KOSPI", 1000, "2", 50, 10, 10_000, 1000, 1050, 990, 5_000_000, 5_000, day),
            ("0126Z0", "새상장", "KOSPI", 500, "1", 20, 5, 2_500, 490, 510, 480, 50_000, 100, day),
            ("000250", "멈춘회사", "KOSDAQ GLOBAL", 700, "0", 0, 0, 0, 0, 0, 0, 7_000, 10, day),
        ]
    names = [
        "Code",
        "Name",
        "Market",
        "Close",
        "ChangeCode",
        "Changes",
        "Volume",
        "Amount",
        "Open",
        "High",
        "Low",
        "Marcap",
        "Stocks",
        "Date",
    ]
    return pd.DataFrame(rows, columns=names)


@pytest.fixture
def raw_source(tmp_path: Path) -> Path:
    source = tmp_path / "raw"
    source.mkdir()
    raw_frame(DAYS[:2]).assign(ChagesRatio=1.0).to_csv(source / "first.csv.gz", index=False)
    last = raw_frame(DAYS[2:]).assign(
        Date=lambda f: pd.to_datetime(f.Date), ChangesRatio=1.0, Changes=lambda f: f.Changes * 1.0
    )
    last.assign(Changes=np.where(last.ChangeCode == "2", -last.Changes, last.Changes)).to_parquet(
        source / "second.parquet"
    )
    pd.DataFrame({"Code": ["005930"], "note": ["derived"]}).to_csv(source / "derived.csv", index=False)
    return source


@pytest.fixture
def adjusted_source(tmp_path: Path) -> Path:
    source = tmp_path / "adjusted"
    source.mkdir()
    frame = raw_frame().assign(Change=0.01)[["Code", "Date", "Open", "High", "Low", "Close", "Volume", "Change"]]
    frame = frame.assign(Date=pd.to_datetime(frame.Date).dt.date, Code=frame.Code.astype("category"))
    frame.to_parquet(source / "anything.parquet")
    listing = raw_frame()[["Code", "Name", "Market"]].drop_duplicates().assign(Stocks=1)
    listing[listing.Code != "000250"].to_parquet(source / "names.parquet")
    return source


def test_raw_days_keep_every_row_and_their_changes_get_signs(raw_source, tmp_path):
    done = convert(raw_source, tmp_path / "out")
    assert (done.price_basis, done.rows_in, done.rows_out, done.codes, done.sessions) == ("raw", 9, 9, 3, 3)
    assert set(done.files) == {"first.csv.gz", "second.parquet"}
    table = pq.read_table(tmp_path / "out/daily.parquet")
    assert table.schema.equals(DAILY_SCHEMA)
    frame = table.to_pandas()
    assert frame.groupby("code")["change"].unique().map(list).to_dict() == {
        "005930": [-50],
        "0126Z0": [20],
        "000250": [0],
    }
    assert set(frame["market"]) == {"KOSPI", "KOSDAQ"}
    assert json.loads((tmp_path / "out/world.json").read_text()) == {"price_basis": "raw"}


def test_adjusted_prices_keep_every_row_and_what_they_do_not_know_stays_unknown(adjusted_source, tmp_path):
    done = convert(adjusted_source, tmp_path / "out")
    assert (done.price_basis, done.rows_in, done.rows_out, done.unnamed_codes) == ("adjusted", 9, 9, ("000250",))
    frame = pq.read_table(tmp_path / "out/daily.parquet").to_pandas()
    assert frame[["value", "market_cap", "listed_shares", "change"]].isna().all().all()
    assert set(frame.loc[frame.code == "005930", "name"]) == {"삼성전자"}
    assert open_world(f"recorded:{tmp_path / 'out'}").price_basis == "adjusted"


def test_a_cut_keeps_the_well_known_and_then_the_largest(raw_source, tmp_path):
    done = convert(raw_source, tmp_path / "out", symbols=2)
    assert (done.rows_in, done.rows_out) == (9, 6)
    assert set(pq.read_table(tmp_path / "out/daily.parquet")["code"].to_pylist()) == {"005930", "0126Z0"}


def test_an_unknown_shape_says_what_was_looked_for_and_found(tmp_path):
    pd.DataFrame({"a": [1]}).to_csv(tmp_path / "x.csv")
    with pytest.raises(Permanent, match=r"ChangeCode.*x\.csv with"):
        convert(tmp_path, tmp_path / "out")
    with pytest.raises(Permanent, match="no such folder"):
        convert(tmp_path / "nowhere", tmp_path / "out")


def test_an_unknown_market_is_refused_by_name(raw_source, tmp_path):
    raw_frame().assign(Market="NYSE").to_parquet(raw_source / "third.parquet")
    with pytest.raises(Permanent, match="NYSE"):
        convert(raw_source, tmp_path / "out")


def test_rows_of_a_day_without_a_session_are_set_aside_and_said_aloud(raw_source, tmp_path):
    """A recording with the substitute holiday 2024-05-06, and with a Saturday."""
    raw_frame(("2024-05-03", "2024-05-04", "2024-05-06", "2024-05-07")).to_parquet(raw_source / "third.parquet")
    done = convert(raw_source, tmp_path / "out")
    assert (done.rows_in, done.rows_out, done.sessions) == (21, 15, 5)
    assert [(day, n) for day, n, _ in done.set_aside] == [(date(2024, 5, 4), 3), (date(2024, 5, 6), 3)]
    told = str(done)
    assert "NOT ON A SESSION, in set_aside.parquet and not in the world: 6 rows" in told
    assert "2024-05-04  3 rows: Saturday" in told
    assert "2024-05-06  3 rows: a holiday of XKRX by its calendar" in told
    aside = pq.read_table(tmp_path / "out/set_aside.parquet")
    assert aside.column_names == [*DAILY_SCHEMA.names, "reason"]
    assert date(2024, 5, 6) not in open_world(f"recorded:{tmp_path / 'out'}").daily.sessions
    (raw_source / "third.parquet").unlink()
    assert convert(raw_source, tmp_path / "out").set_aside == ()
    assert not (tmp_path / "out/set_aside.parquet").exists()


def test_a_recording_with_a_day_that_is_no_session_is_not_served(raw_source, tmp_path):
    convert(raw_source, tmp_path / "out")
    path = tmp_path / "out/daily.parquet"
    table = pq.read_table(path)
    pq.write_table(table.set_column(0, "date", pa.array([date(2024, 5, 6)] * len(table))), path)
    with pytest.raises(Permanent, match=r"daily\.parquet.*2024-05-06: a holiday of XKRX.*set_aside\.parquet"):
        open_world(f"recorded:{tmp_path / 'out'}")


def test_days_outside_the_calendar_are_refused(raw_source, tmp_path):
    raw_frame(("2031-03-04",)).to_parquet(raw_source / "third.parquet")
    with pytest.raises(Permanent, match=r"convert .*days from 1990-01-03 to 2027-11-30.*2031-03-04"):
        convert(raw_source, tmp_path / "out")


def test_a_code_written_in_two_ways_is_refused_by_name(raw_source, tmp_path):
    both = pd.concat([raw_frame(), raw_frame().assign(Code=lambda f: f.Code.str.lstrip("0"))])
    both.to_csv(raw_source / "third.csv", index=False)
    with pytest.raises(Permanent, match=r"third\.csv, column Code.*one way.*000250, 005930, 0126Z0, 126Z0, 250, 5930"):
        convert(raw_source, tmp_path / "out")


def test_a_recording_is_served_through_krx_wires(raw_source, tmp_path):
    convert(raw_source, tmp_path / "out")
    with serve(f"recorded:{tmp_path / 'out'}") as running:
        world = httpx.get(f"{running.url}/_exchange/world").json()
        assert world["sessions"] == {"XKRX": list(DAYS), "XNYS": []}
        assert {name: source["covered"] for name, source in world["sources"].items()} == {
            "krx": True, "yahoo": False, "dart": False, "naver": False, "daum": False, "sec": False,
            "krx_market": False,
        }  # fmt: skip
        rows = _rows(running.url, "stk_bydd_trd", "20240305")
        assert [row["ISU_CD"] for row in rows] == ["005930", "0126Z0"]
        assert (rows[0]["CMPPREVDD_PRC"], rows[0]["FLUC_RT"]) == ("-50", "-4.76")
        halted = _rows(running.url, "ksq_bydd_trd", "20240305")[0]
        assert (halted["TDD_OPNPRC"], halted["TDD_CLSPRC"], halted["ACC_TRDVOL"]) == ("0", "700", "0")
        assert _rows(running.url, "stk_bydd_trd", "20240306") == []
        info = _rows(running.url, "stk_isu_base_info", "20240305")
        assert [(r["ISU_CD"], r["LIST_DD"]) for r in info] == [
            ("KR7005930003", "20240304"),
            ("KR70126Z0002", "20240304"),
        ]
        assert httpx.get(f"{running.url}/yahoo/v8/finance/chart/AAPL").status_code == 404


def test_unknown_numbers_are_dashes(adjusted_source, tmp_path):
    convert(adjusted_source, tmp_path / "out")
    with serve(f"recorded:{tmp_path / 'out'}") as running:
        rows = _rows(running.url, "stk_bydd_trd", "20240305")
    row = next(row for row in rows if row["ISU_CD"] == "005930")
    assert {row[name] for name in ("CMPPREVDD_PRC", "FLUC_RT", "ACC_TRDVAL", "MKTCAP", "LIST_SHRS")} == {"-"}
    assert row["TDD_CLSPRC"] == "1,000"


def test_news_and_filings_are_served_where_the_recording_has_them(raw_source, tmp_path):
    folder = tmp_path / "out"
    convert(raw_source, folder)
    at = datetime(2024, 3, 5, 3, tzinfo=UTC)
    news = {
        "published_at": [at],
        "title": ['삼성전자 "상승"'],
        "summary": ["요약"],
        "url": ["https://x.example/1"],
        "code": ["005930"],
    }
    pq.write_table(pa.table(news), folder / "news.parquet")
    filing = {
        "received_at": [at], "corp_code": ["00126380"], "corp_name": ["삼성전자"], "stock_code": ["005930"], "corp_cls": ["Y"],
        "report_nm": ["분기보고서 (2024.03)"], "rcept_no": ["20240305000001"], "flr_nm": ["삼성전자"], "rm": [""],
    }  # fmt: skip
    pq.write_table(pa.table(filing), folder / "filings.parquet")
    headers = {
        "X-Naver-Client-Id": DEFAULT_KEYS["NAVER_CLIENT_ID"],
        "X-Naver-Client-Secret": DEFAULT_KEYS["NAVER_CLIENT_SECRET"],
    }
    with serve(f"recorded:{folder}") as running:
        found = httpx.get(f"{running.url}/naver/v1/search/news.json?query=삼성전자", headers=headers).json()
        assert (found["total"], found["items"][0]["title"]) == (1, "<b>삼성전자</b> &quot;상승&quot;")
        params = {"crtfc_key": DEFAULT_KEYS["DART_API_KEY"], "bgn_de": "20240305", "end_de": "20240305"}
        listed = httpx.get(f"{running.url}/dart/api/list.json", params=params).json()
        assert listed["list"][0]["rcept_no"] == "20240305000001"
        running.set_clock(datetime(2024, 3, 5, 2, tzinfo=UTC))
        assert httpx.get(f"{running.url}/dart/api/list.json", params=params).json()["status"] == "013"


def test_subsets_keep_the_last_sessions_and_known_codes(raw_source, tmp_path):
    convert(raw_source, tmp_path / "out")
    world = open_world(f"recorded:{tmp_path / 'out'}", symbols=1, sessions=2)
    assert world.daily.codes == ("005930",)
    assert world.daily.sessions == (date(2024, 3, 5), date(2024, 3, 7))
    assert world.daily.offsets.tolist() == [0, 1, 2]


def test_a_folder_that_is_no_recording_says_what_is_missing(raw_source, tmp_path):
    with pytest.raises(Permanent, match=r"daily\.parquet"):
        open_world(f"recorded:{tmp_path / 'nowhere'}")
    convert(raw_source, tmp_path / "out")
    path = tmp_path / "out/daily.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["close"]), path)
    with pytest.raises(Permanent, match="without close"):
        open_world(f"recorded:{tmp_path / 'out'}")


def test_a_recording_may_leave_change_and_world_json_out(raw_source, tmp_path):
    convert(raw_source, tmp_path / "out")
    path = tmp_path / "out/daily.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["change"]), path)
    (tmp_path / "out/world.json").unlink()
    world = open_world(f"recorded:{tmp_path / 'out'}")
    assert world.price_basis == "raw"
    assert int(world.daily.offsets[-1]) == 9


def test_isins_are_those_of_the_real_listing(shared: Path):
    listing = pd.read_parquet(shared / "krx_daily_2019_2025/stock_list.parquet")
    ours = listing["Code"].map(korean_isin)
    # The rest are foreign issuers and preferred shares whose issue number the code does not tell.
    assert (ours == listing["ISU_CD"]).mean() > 0.98


@pytest.mark.slow
def test_the_real_raw_windows_convert_whole(shared: Path, tmp_path):
    done = convert(shared / "krx_marcap_windows", tmp_path / "out")
    assert (done.price_basis, done.rows_in, done.rows_out, done.codes, done.sessions) == (
        "raw",
        489_645,
        489_645,
        3_186,
        181,
    )
    world = open_world(f"recorded:{tmp_path / 'out'}")
    row = _first_row(world, date(2021, 1, 4), "005930")
    assert (row["close"], row["change"], row["listed_shares"]) == (83_000, 2_000, 5_969_782_550)
    shutil.rmtree(tmp_path / "out")


@pytest.mark.slow
def test_the_real_adjusted_prices_convert_whole_and_cut(shared: Path, tmp_path):
    done = convert(shared / "krx_daily_2019_2025", tmp_path / "out", symbols=300)
    assert (done.price_basis, done.rows_in, done.codes, done.sessions) == ("adjusted", 4_060_192, 300, 1_719)
    assert done.unnamed_codes == ()
    world = open_world(f"recorded:{tmp_path / 'out'}", symbols=20)
    assert "005930" in world.daily.codes and len(world.daily.codes) == 20


def _rows(url: str, service: str, day: str) -> list[dict[str, str]]:
    answer = httpx.get(f"{url}/krx/svc/apis/sto/{service}?basDd={day}", headers=HEADERS)
    return list(answer.json()["OutBlock_1"])


def _first_row(world, day: date, code: str) -> dict[str, int]:
    rows = world.daily.rows_on(day, "KOSPI")
    row = next(r for r in rows if world.daily.codes[world.daily.code[r]] == code)
    return {name: int(column[row]) for name, column in world.daily.numbers.items()}
