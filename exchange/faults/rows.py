"""Faults inside the rows: drifted schemas, bad and doubled rows, revisions, days that are empty or should be.

Row faults understand KRX rows fully and the other sources as far as each fault says; they never touch the world, whose
answers stay the same once the fault is gone.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from exchange.clock import NEW_YORK, krx_ready_at, parse_instant
from exchange.faults import sec
from exchange.faults.context import Context
from exchange.wires.answer import Answer

_DRIFT_COLUMNS = {
    "krx": ("TDD_CLSPRC",), "yahoo": ("close",), "dart": ("rcept_no",), "naver": ("pubDate",), "daum": ("datetime",), "sec": ("size",),
    "krx_market": ("DELIST_DD", "IDX_IND_NM"),
}  # fmt: skip
"""By source, the column that drifts; of several the first that an answer has."""


def schema_drift(answer: Answer, context: Context) -> Answer:
    """A column renamed (``kind=renamed``), dropped (``gone``) or of another type (``type``) in every row."""
    fault = context.fault
    columns = (fault["column"],) if fault["column"] else _DRIFT_COLUMNS[context.source]
    answer = replace(answer, body=copy.deepcopy(answer.body))
    for row in _records(answer, context.source):
        column = next((name for name in columns if name in row), None)
        if column is None:
            continue
        value = row.pop(column)
        if fault["kind"] == "type":
            row[column] = [str(v) for v in value] if isinstance(value, list) else {"value": value}
        elif fault["kind"] == "renamed":
            row[fault["to"] or f"{column}_NEW"] = value
    return answer


def bad_rows(answer: Answer, context: Context) -> Answer:
    """Every 1/share-th row of KRX's stocks gets one of four defects in turn; a Yahoo high falls below the low; a figure of SEC ends before it
    begins; an amount of OpenDART is a word, as is a day of delisting; a code of an issue with its industry is none."""
    step = max(1, round(1 / max(context.fault.number("share"), 1e-6)))
    answer = replace(answer, body=copy.deepcopy(answer.body))
    records = _records(answer, context.source)
    if context.source == "krx":
        is_stocks = "/sto/" in context.ask.path  # of five funds one would be a fifth
        for turn, row in enumerate(records[step // 2 :: step] if is_stocks else []):
            _DEFECTS[turn % len(_DEFECTS)](row)
    elif context.source == "yahoo":
        for bars in records:
            for i in range(step // 2, len(bars.get("high", [])), step):
                bars["high"][i], bars["low"][i] = bars["low"][i] * 0.99, bars["high"][i]
    elif context.source == "sec":
        sec.turn_around(records, step)
    elif context.source == "dart":
        for row in [row for row in records if "thstrm_amount" in row][step // 2 :: step]:
            row["thstrm_amount"] = "삼백억"
    elif context.source == "krx_market":
        for row in records[step // 2 :: step]:
            row["DELIST_DD" if "DELIST_DD" in row else "ISU_SRT_CD"] = "미정"
    return answer


def duplicates(answer: Answer, context: Context) -> Answer:
    """The first ``share`` of the rows come twice, the copies after the originals."""
    if not answer.rows:
        return answer
    answer = replace(answer, body=copy.deepcopy(answer.body))
    share = context.fault.number("share")
    if context.source == "yahoo":
        for result in answer.body["chart"]["result"]:
            quotes = [*result["indicators"]["quote"], *result["indicators"].get("adjclose", [])]
            for values in [result.get("timestamp", []), *(v for quote in quotes for v in quote.values())]:
                values.extend(values[: int(len(values) * share)])
        return answer
    if context.source == "sec":
        sec.double(answer.body, share)
        return answer
    records = _records(answer, context.source)
    records.extend(copy.deepcopy(records[: int(len(records) * share)]))
    return answer


def late_revision(answer: Answer, context: Context) -> Answer:
    """From the instant ``at`` on, the close of ``code`` on ``date`` is another price within that day's range.

    ``code`` is a KRX code, a Yahoo symbol or ``all``; of SEC, a ten-digit CIK whose figures filed on ``date`` are others; of OpenDART,
    a corp code whose amounts of receipts of ``date`` are others; in the list of delistings, one of ``date`` whose reason is another, and in the industries of ``date`` one that is another.
    """
    fault = context.fault
    if fault.session is None or context.clock.now < parse_instant(fault["at"]):
        return answer
    answer = replace(answer, body=copy.deepcopy(answer.body))
    for row in _records(answer, context.source):
        if context.source == "krx" and "TDD_CLSPRC" in row and fault["code"] in ("all", row["ISU_CD"]):
            _revise(row)
        elif context.source == "yahoo" and fault["code"] in ("all", context.ask.path.rsplit("/", 1)[-1]):
            _revise_bar(row, answer.body["chart"]["result"][0].get("timestamp", []), fault.session)
        elif context.source == "sec" and (fault["code"] == "all" or fault["code"] in context.ask.path):
            sec.revise(row, fault.session)
        elif context.source == "dart" and fault["code"] in ("all", row.get("corp_code")):
            _revise_amount(row, fault.session)
        elif context.source == "krx_market" and fault["code"] in ("all", row.get("ISU_CD"), row.get("ISU_SRT_CD")):
            _revise_told(row, answer.session, fault.session)
    return answer


def empty_day(answer: Answer, context: Context) -> Answer:
    """No rows although the session is covered and due, said as the source says it."""
    if not answer.rows:
        return answer
    if context.source == "dart":
        return replace(answer, body={"status": "013", "message": "조회된 데이타가 없습니다."}, rows=())
    answer = replace(answer, body=copy.deepcopy(answer.body))
    if context.source == "yahoo":
        for result in answer.body["chart"]["result"]:
            result.pop("timestamp", None)
            result.pop("events", None)
            result["indicators"] = {"quote": [{}]}
        return answer
    if context.source == "sec":
        sec.clear(answer.body)
        return answer
    _records(answer, context.source).clear()
    if "total" in answer.body:
        answer.body |= {"total": 0, "display": 0}
    if "meta" in answer.body:
        answer.body["meta"] = {"total_count": 0, "pageable_count": 0, "is_end": True}
    return answer


def holiday_rows(answer: Answer, context: Context) -> Answer:
    """A full KRX answer on a day without a session: the rows of the session before, under the closed day's date."""
    day, sessions = answer.session, context.world.daily.sessions
    if context.source != "krx" or day is None or day in sessions or context.clock.now < krx_ready_at(day):
        return answer
    filled = _of_the_session_before(answer, day, context)
    for row in filled.body.get("OutBlock_1", []):
        if "BAS_DD" in row:
            row["BAS_DD"] = f"{day:%Y%m%d}"
    return filled


def stale_day(answer: Answer, context: Context) -> Answer:
    """KRX answers a session with the rows of the session before, under that session's own date."""
    day = answer.session
    if context.source != "krx" or day is None or day not in context.world.daily.sessions:
        return answer
    return _of_the_session_before(answer, day, context)


def _of_the_session_before(answer: Answer, day: date, context: Context) -> Answer:
    """What KRX says of the world's last session before the day, as if it were the day's; the answer where there is none."""
    before = [session for session in context.world.daily.sessions if session < day]
    if not before:
        return answer
    query = {**context.ask.query, "basDd": f"{before[-1]:%Y%m%d}"}
    return replace(context.wire.answer(replace(context.ask, query=query), context.world, context.clock), session=day)


def _records(answer: Answer, source: str) -> list[Any]:
    """The list of rows inside a body; for Yahoo and SEC's filings objects of columns; empty where the answer is an error."""
    if isinstance(answer.body, bytes) or not answer.rows:
        return []
    if source == "sec":
        return sec.records(answer.body)
    if source == "yahoo":
        results = answer.body["chart"]["result"] or []
        return [quote for result in results for quote in result["indicators"]["quote"]]
    found: Any = answer.body
    for key in answer.rows:
        found = found[key]
    return list(found) if not isinstance(found, list) else found


def _won(text: str) -> int:
    return 0 if text in ("", "-") else int(text.replace(",", ""))


def _written_like(number: int, model: str) -> str:
    return f"{number:,}" if "," in model or abs(number) < 1_000 else str(number)


def _high_below_low(row: dict[str, Any]) -> None:
    low = max(_won(row["TDD_LWPRC"]), _won(row["TDD_CLSPRC"]))
    row["TDD_HGPRC"] = f"{max(low // 2, 1):,}"
    row["TDD_LWPRC"] = f"{low + 1:,}"


def _negative_price(row: dict[str, Any]) -> None:
    row["TDD_CLSPRC"] = f"-{row['TDD_CLSPRC']}"


def _unknown_market(row: dict[str, Any]) -> None:
    if "MKT_NM" in row:
        row["MKT_NM"] = "KOSPLUS"
    else:
        _negative_price(row)  # a fund's row tells no board


def _no_session(row: dict[str, Any]) -> None:
    day = datetime.strptime(row["BAS_DD"], "%Y%m%d").date()
    sunday = day + timedelta(days=6 - day.weekday())
    row["BAS_DD"] = f"{sunday:%Y%m%d}"


def _on_trades(defect: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    return lambda row: defect(row) if "TDD_CLSPRC" in row and "BAS_DD" in row else None


_DEFECTS = tuple(_on_trades(d) for d in (_high_below_low, _negative_price, _unknown_market, _no_session))


def _revise(row: dict[str, Any]) -> None:
    """Move the close to the day's high (or low, where it was there already) with all that hangs on it."""
    close, high, low = (_won(row[name]) for name in ("TDD_CLSPRC", "TDD_HGPRC", "TDD_LWPRC"))
    revised = high if close != high else low
    if revised in (0, close):
        return
    row["TDD_CLSPRC"] = _written_like(revised, row["TDD_CLSPRC"])
    if row["LIST_SHRS"] != "-":
        row["MKTCAP"] = _written_like(revised * _won(row["LIST_SHRS"]), row["MKTCAP"])
    if row["CMPPREVDD_PRC"] != "-":
        base = close - _won(row["CMPPREVDD_PRC"])
        row["CMPPREVDD_PRC"] = _written_like(revised - base, row["TDD_CLSPRC"])
        row["FLUC_RT"] = f"{100 * (revised - base) / base + 0.0:.2f}"


def _revise_amount(row: dict[str, Any], received: date) -> None:
    """The amount of a receipt of that day is one percent more."""
    if row.get("thstrm_amount", "").lstrip("-").isdecimal() and row["rcept_no"].startswith(f"{received:%Y%m%d}"):
        amount = int(row["thstrm_amount"])
        row["thstrm_amount"] = str(amount + abs(amount) // 100)


def _revise_told(row: dict[str, Any], asked: date | None, session: date) -> None:
    """The reason of a delisting of that day is another, or the industry of an issue on that day."""
    if row.get("DELIST_DD") == f"{session:%Y/%m/%d}":
        row["DELIST_RSN_DSC"] = (
            "기업의 계속성 및 경영의 투명성 등을 종합적으로 고려하여 상장폐지 기준에 해당한다고 결정"
        )
    elif "IDX_IND_NM" in row and asked == session:
        row["IDX_IND_NM"] = "오락·문화"


def _revise_bar(bars: dict[str, Any], timestamps: list[int], session: date) -> None:
    for i, at in enumerate(timestamps):
        if datetime.fromtimestamp(at, NEW_YORK).date() == session:
            bars["close"][i] = bars["high"][i] if bars["close"][i] != bars["high"][i] else bars["low"][i]
