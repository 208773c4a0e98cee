"""From SEC's bodies to rows: tickers, columns of filings, figures below concept and unit; a changed format is drift.

What does not belong here: asking, and which sessions are wanted (`lake.clients.sec`).
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pyarrow as pa

from lake.delivery import SchemaDrift, noting, own_columns, said
from lake.host import Answer
from market import edgar, registry
from market.errors import Permanent

TICKERS, SUBMISSIONS, FACTS = "bronze.sec_tickers", "bronze.sec_submissions", "bronze.sec_facts"
_INDUSTRY = ("sic", "sicDescription")
_ADDED = ("cik", "symbol", "name", "accepted_at", *_INDUSTRY)
_FACT = ("end", "val", "accn", "fy", "fp", "form", "filed")
_PAGE = re.compile(r"CIK\d{10}-submissions-\d{3}\.json")
_TICKER = re.compile(r"[A-Z0-9][A-Z0-9./-]{0,11}")
_LEFT = {"core_type"}  # SEC sends it with newer filings: the kind once more
_CHANGED = "The source changed its format: compare the kept payload with the contract"
NEW_YORK = ZoneInfo("America/New_York")
T = TypeVar("T")


@dataclass(frozen=True)
class Company:
    """A company by its number, with its symbols that are ingested."""

    cik: int
    symbols: tuple[str, ...]

    @property
    def digits(self) -> str:
        """The number as SEC's addresses have it."""
        return f"{self.cik:010d}"

    @property
    def symbol(self) -> str:
        """The symbols as text."""
        return ",".join(self.symbols)


def listed(answer: Answer) -> dict[str, dict[str, Any]]:
    """SEC's list by symbol, in its order, each with its place in the payload; a symbol that comes twice counts where it is first.

    Raises
    ------
    SchemaDrift
        The answer is no object of tickers.
    """
    where = told_by(answer)
    body = answer.body
    if not isinstance(body, dict) or not all(isinstance(row, dict) for row in body.values()):
        raise SchemaDrift(where, expected="an object of tickers", found=type(body).__name__, do=_CHANGED)
    found: dict[str, dict[str, Any]] = {}
    for row_no, row in enumerate(body.values()):
        _need(row, ("cik_str", "ticker", "title"), where)
        is_ticker = isinstance(row["ticker"], str) and _TICKER.fullmatch(row["ticker"])
        if not is_ticker or type(row["cik_str"]) is not int or not 0 < row["cik_str"] < 10**10:
            told = f"{row['cik_str']!r} and {row['ticker']!r}"[:200]
            raise SchemaDrift(where, expected="a number in cik_str, a ticker in ticker", found=told, do=_CHANGED)
        found.setdefault(row["ticker"], {**row, "symbol": row["ticker"], "row_no": row_no})
    return found


def tickers(answer: Answer, found: Mapping[str, Mapping[str, Any]], symbols: Sequence[str]) -> pa.Table:
    """The rows of these symbols of a list, in their order.

    Raises
    ------
    SchemaDrift
        A type is another.
    """
    records = [found[symbol] for symbol in symbols if symbol in found]
    return _table(records, TICKERS, told_by(answer), (("row_no", pa.int32()),))


def filings(answer: Answer, company: Company, head: Mapping[str, Any]) -> pa.Table:
    """The filings of a list, each with its instant of acceptance, its session and its place in the payload.

    Parameters
    ----------
    head : the company's own answer, by whose filings the convention of its clock is judged.

    Raises
    ------
    SchemaDrift
        Columns are missing, uneven or of another type; an acceptance is no instant.
    """
    where = told_by(answer)
    columns = _recent(answer.body, where) if answer.body is head else answer.body
    names = [name for name in own_columns(registry.table(SUBMISSIONS)).names if name not in _ADDED]
    if not isinstance(columns, dict):
        raise SchemaDrift(where, expected="columns of filings", found=type(columns).__name__, do=_CHANGED)
    _need(columns, names, where)
    lengths = {name: len(columns[name]) if isinstance(columns[name], list) else -1 for name in names}
    if len(set(lengths.values())) != 1:
        raise SchemaDrift(where, expected="columns of one length", found=f"{lengths}", do=_CHANGED)
    try:
        accepted = edgar.instants(columns["acceptanceDateTime"], _recent(head, where)["acceptanceDateTime"])
    except (TypeError, ValueError, OverflowError) as error:
        raise SchemaDrift(where, expected="instants in acceptanceDateTime", found=str(error), do=_CHANGED) from error
    _need(head, _INDUSTRY, where)
    same, called = {"cik": company.digits, "symbol": company.symbol}, names_then(head, where)
    same |= {name: head[name] for name in _INDUSTRY}
    records = [
        {**same, **{name: columns[name][i] for name in names}, "name": called(at), "accepted_at": at, "row_no": i,
         "session_date": _session(edgar.session_of, at, "acceptanceDateTime", where)}
        for i, at in enumerate(accepted)
    ]  # fmt: skip
    rows = _table(records, SUBMISSIONS, where, (("session_date", pa.date32()), ("row_no", pa.int32())))
    return noting(rows, columns.keys() - set(names) - _LEFT)


def names_then(head: Mapping[str, Any], where: str) -> Callable[[datetime], Any]:
    """What the company was called at an instant: the former name whose span holds the day in New York, else the one that ended next, else the present one.

    The present name on an earlier filing would be hindsight. Spans may lie within each other (a variant of one filing).

    Raises
    ------
    SchemaDrift
        The former names are not there, or not a list of names that end on a day.
    """
    _need(head, ("name", "formerNames"), where)
    told = head["formerNames"]
    if not isinstance(told, list):
        raise SchemaDrift(where, expected="formerNames, a list", found=said(told), do=_CHANGED)
    ended = []
    for former in told:
        _need(former, ("name", "to"), where)
        if not isinstance(former["name"], str):
            raise SchemaDrift(where, expected="text in a former name", found=repr(former["name"]), do=_CHANGED)
        days = {name: text[:10] if isinstance(text := former.get(name), str) else text for name in ("from", "to")}
        begun = date.min if days["from"] is None else _day(days, "from", where)
        ended.append((_day(days, "to", where), begun, former["name"]))
    ended.sort(key=lambda one: one[:2])

    def called(at: datetime) -> Any:
        day = at.astimezone(NEW_YORK).date()
        left = [(begun, name) for to, begun, name in ended if day <= to]
        return next((name for begun, name in left if begun <= day), left[0][1] if left else head["name"])

    return called


def pages(answer: Answer, first: date, last: date) -> list[str]:
    """Names of the older pages whose filings reach into the days from first to last.

    Raises
    ------
    SchemaDrift
        The list of pages has another form.
    """
    where = told_by(answer)
    files = answer.body["filings"].get("files")
    if not isinstance(files, list) or not all(isinstance(page, dict) for page in files):
        raise SchemaDrift(where, expected="filings.files, a list", found=type(files).__name__, do=_CHANGED)
    found = []
    for page in files:
        _need(page, ("name", "filingFrom", "filingTo"), where)
        if not _PAGE.fullmatch(str(page["name"])):
            raise SchemaDrift(where, expected="a page's name", found=repr(page["name"]), do=_CHANGED)
        if _day(page, "filingFrom", where) <= last and _day(page, "filingTo", where) >= first:
            found.append(str(page["name"]))
    return found


def facts(answer: Answer, company: Company, accepted: Mapping[str, datetime], sessions: Iterable[date]) -> pa.Table:
    """The figures of filings of these sessions, with their place in the payload.

    Parameters
    ----------
    accepted : when each listed filing was accepted; a figure of another one counts for the end of the day it was filed.

    Raises
    ------
    SchemaDrift
        Another form, another type, or another company's figures.
    """
    where, wanted = told_by(answer), set(sessions)
    same = {"cik": company.digits, "symbol": company.symbol}
    known = set(own_columns(registry.table(FACTS)).names)
    records, new = [], set[str]()
    for row_no, row in enumerate(_figures(answer.body, company, where)):
        new |= row.keys() - known
        at = accepted.get(row["accn"])
        if at:
            session = edgar.session_of(at)
        else:
            session = _session(edgar.session_on_or_after, _day(row, "filed", where), "filed", where)
        if session in wanted:
            more = {"accepted_at": at, "row_no": row_no, "session_date": session}
            records.append({"start": None, "frame": None, **row, **same, **more})
    return noting(_table(records, FACTS, where, (("session_date", pa.date32()), ("row_no", pa.int32()))), new)


def told_by(answer: Answer) -> str:
    """Where an answer came from, for messages."""
    return f"{answer.url_redacted} of sec"


def _recent(body: Any, where: str) -> dict[str, Any]:
    filings = body.get("filings") if isinstance(body, dict) else None
    recent = filings.get("recent") if isinstance(filings, dict) else None
    if not isinstance(recent, dict):
        raise SchemaDrift(where, expected="filings.recent", found=said(body), do=_CHANGED)
    return recent


def _figures(body: Any, company: Company, where: str) -> Iterator[dict[str, Any]]:
    told = body if isinstance(body, dict) else {}
    if not isinstance(told.get("facts"), dict) or not str(told.get("cik")).isdecimal():
        raise SchemaDrift(where, expected="cik and facts", found=said(body), do=_CHANGED)
    if int(told["cik"]) != company.cik:
        raise SchemaDrift(where, expected=f"figures of CIK {company.cik}", found=f"of {told['cik']}", do=_CHANGED)
    try:
        levels = [
            (taxonomy, concept, unit, row)
            for taxonomy, concepts in told["facts"].items()
            for concept, said in concepts.items()
            for unit, rows in said["units"].items()
            for row in _listed(rows)
        ]
    except (AttributeError, KeyError, TypeError) as error:
        raise SchemaDrift(where, expected="taxonomy, concept, units, rows", found=repr(error), do=_CHANGED) from error
    for taxonomy, concept, unit, row in levels:
        _need(row, _FACT, where)
        if not isinstance(row["accn"], str):
            raise SchemaDrift(where, expected="text in accn", found=repr(row["accn"]), do=_CHANGED)
        if not _is_figure(row["val"]):
            raise SchemaDrift(
                where, expected="a number in val", found=f"{type(row['val']).__name__} {row['val']!r}", do=_CHANGED
            )
        yield {**row, "taxonomy": taxonomy, "concept": concept, "unit": unit}


def _listed(rows: Any) -> list[Any]:
    if not isinstance(rows, list):  # an empty text would pass for no rows
        raise TypeError(f"{said(rows)} for a list of figures")
    return rows


def _is_figure(value: Any) -> bool:
    """A number that a float holds, or nothing."""
    if value is None or isinstance(value, bool) or not isinstance(value, int | float):
        return value is None
    return abs(value) <= sys.float_info.max


def _need(row: Any, names: Sequence[str], where: str) -> None:
    missing = [name for name in names if name not in row] if isinstance(row, dict) else list(names)
    if missing:
        there = ", ".join(map(str, row)) if isinstance(row, dict) else type(row).__name__
        raise SchemaDrift(
            where, expected=", ".join(names), found=f"none of {', '.join(missing)}; there: {there}", do=_CHANGED
        )


def _day(row: Mapping[str, Any], name: str, where: str) -> date:
    try:
        return date.fromisoformat(row[name])
    except (TypeError, ValueError) as error:
        raise SchemaDrift(where, expected=f"a day in {name}", found=repr(row[name]), do=_CHANGED) from error


def _session(session_of: Callable[[T], date], told: T, name: str, where: str) -> date:
    try:
        return session_of(told)
    except (Permanent, OverflowError) as error:  # a day that no calendar reaches
        raise SchemaDrift(where, expected=f"a day of our calendars in {name}", found=f"{told}", do=_CHANGED) from error


def _table(
    records: Sequence[Mapping[str, Any]], table: str, where: str, placed: Sequence[tuple[str, pa.DataType]]
) -> pa.Table:
    schema = pa.schema([*own_columns(registry.table(table)), *placed])
    arrays = []
    for field in schema:
        try:
            arrays.append(pa.array([record[field.name] for record in records], field.type))
        except (pa.ArrowTypeError, pa.ArrowInvalid, OverflowError) as error:
            raise SchemaDrift(where, expected=f"{field.type} in {field.name}", found=str(error), do=_CHANGED) from error
    return pa.table(arrays, schema=schema)
