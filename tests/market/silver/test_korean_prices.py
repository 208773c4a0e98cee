"""silver.prices from KRX: a text that is no number is refused with its name, and a complete answer ends what it no longer holds."""

from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from expectations.judge import judge
from market import calendars, registry
from market.datasets.bronze import _parse

DAY, CLOSE = date(2024, 5, 3), pd.Timestamp(calendars.close_at("XKRX", date(2024, 5, 3)))
PRICES = registry.table("silver.prices")


def refused(rows: pd.DataFrame) -> dict[str, str]:
    """Why the gate refuses rows, by symbol."""
    frame = PRICES.conform(pa.Table.from_pandas(rows, preserve_index=False))
    return {rows["symbol"].iloc[position]: reason for position, reason in judge(PRICES, frame).reasons}


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("TDD_OPNPRC", "₩990"), ("TDD_HGPRC", "1만"), ("TDD_CLSPRC", "n/a"), ("CMPPREVDD_PRC", "nan"),
        ("ACC_TRDVAL", "1만"), ("MKTCAP", "1,2,3"), ("LIST_SHRS", "many"), ("LIST_SHRS", "5.5"), ("ACC_TRDVOL", "9" * 25),
    ],
)  # fmt: skip
def test_a_text_that_is_no_number_is_refused_by_its_column_and_text(
    column: str, text: str, answer: Any, silver: Any
) -> None:
    told = answer("bronze.krx_daily", "2024-05-03 23:00", {"ISU_CD": "000660"}, {column: text})
    assert set(reasons := refused(silver("silver.prices", told))) == {"005930"}
    assert f"{column} '{text}'" in reasons["005930"]


def test_every_unreadable_text_of_a_row_is_told(answer: Any, silver: Any) -> None:
    told = answer("bronze.krx_daily", "2024-05-03 23:00", {"TDD_OPNPRC": "₩990", "LIST_SHRS": "many"})
    assert silver("silver.prices", told)["unreadable"].tolist() == ["TDD_OPNPRC '₩990', LIST_SHRS 'many'"]


def test_the_sources_words_for_unknown_are_readable(answer: Any, silver: Any) -> None:
    told = answer("bronze.krx_daily", "2024-05-03 23:00", {"ACC_TRDVAL": "-", "MKTCAP": "", "LIST_SHRS": None})
    rows = silver("silver.prices", told)
    assert rows["unreadable"].isna().all()
    assert refused(rows) == {}


def test_a_halt_is_no_unreadable_row(answer: Any, silver: Any) -> None:
    nothing = dict.fromkeys(("TDD_OPNPRC", "TDD_HGPRC", "TDD_LWPRC", "ACC_TRDVOL", "ACC_TRDVAL"), "0")
    rows = silver("silver.prices", answer("bronze.krx_daily", "2024-05-03 23:00", nothing))
    assert rows["is_halted"].tolist() == [True]
    assert rows["open"].isna().all()
    assert refused(rows) == {}


def test_a_row_that_a_corrected_answer_lacks_is_true_until_that_answer(answer: Any, silver: Any) -> None:
    told = [
        answer("bronze.krx_daily", "2024-05-03 23:00", {"ISU_CD": "000660"}, {}),
        answer("bronze.krx_daily", "2024-05-07 23:00", {}),
    ]
    rows = silver("silver.prices", *told).set_index("symbol")
    assert rows["known_at"].to_dict() == {"000660": CLOSE, "005930": CLOSE}
    assert rows.loc["000660", "known_until"] == pd.Timestamp("2024-05-07T23:00Z")
    assert pd.isna(rows.loc["005930", "known_until"])


def test_the_answer_of_another_board_or_day_takes_no_row_back(answer: Any, silver: Any) -> None:
    told = [
        answer("bronze.krx_daily", "2024-05-03 23:00", {}, request="GET /stk"),
        answer("bronze.krx_daily", "2024-05-03 23:01", {"ISU_CD": "0001A0", "MKT_NM": "KOSDAQ"}, request="GET /ksq"),
        answer("bronze.krx_daily", "2024-05-07 23:00", {"ISU_CD": "000660"}, day=date(2024, 5, 7)),
    ]
    assert silver("silver.prices", *told)["known_until"].isna().all()


@pytest.mark.parametrize(
    ("text", "value"), [("1,234", 1234.0), ("-1,100", -1100.0), ("+5", 5.0), (" 4.39 ", 4.39), ("0", 0.0), (".5", 0.5)]
)
def test_numbers_are_read_as_the_exchange_writes_them(text: str, value: float) -> None:
    assert _parse.number(pd.Series([text])).tolist() == [value]


@pytest.mark.parametrize("text", ["", "-", None])
def test_unknown_is_neither_a_value_nor_unreadable(text: str | None) -> None:
    rows = pd.DataFrame({"a": [text]}, dtype="string")
    assert _parse.number(rows["a"]).isna().all()
    assert _parse.unreadable(rows, {"a": _parse.number}).isna().all()


def test_a_whole_number_that_a_float_cannot_hold_is_unreadable() -> None:
    rows = pd.DataFrame({"a": ["9007199254740991", "9007199254740992", "1,234.5"]}, dtype="string")
    told = _parse.unreadable(rows, {"a": _parse.whole})
    assert told.isna().tolist() == [True, False, False]


def test_the_global_segment_of_kosdaq_is_kosdaq(answer: Any, silver: Any) -> None:
    told = answer("bronze.krx_daily", "2024-05-07 00:00", {"MKT_NM": "KOSDAQ GLOBAL"})
    assert silver("silver.prices", told)["market"].tolist() == ["KOSDAQ"]


@given(st.lists(st.from_regex(_parse.NUMBER, fullmatch=True).filter(lambda text: len(text) < 18), min_size=1))
def test_every_text_that_is_a_number_is_read_as_python_reads_it(texts: list[str]) -> None:
    assert _parse.number(pd.Series(texts)).tolist() == [float(text.replace(",", "")) for text in texts]


def test_a_day_told_many_times_is_each_rows_own() -> None:
    told = _parse.day(pd.Series(["20240503", None, "2024-05-02", "20240503", "no day"], index=[3, 1, 4, 9, 5]))
    assert told.index.tolist() == [3, 1, 4, 9, 5]
    assert [None if pd.isna(d) else f"{d}" for d in told] == ["2024-05-03", None, "2024-05-02", "2024-05-03", None]
    assert _parse.day(pd.Series([], dtype="string")).empty
