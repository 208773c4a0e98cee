"""SEC: who asks and where, one download a company, which filings count for a session, and its own ways to say no."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from lake.clients import sec
from lake.delivery import Delivery, SchemaDrift
from market import calendars
from market.errors import Permanent, Transient

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "sec_edgar"
Ask = Callable[..., list[Delivery]]
NAMED = {"sec_user_agent": "Jane Doe jane@example.com"}
FRIDAY, MONDAY = date(2024, 5, 3), date(2024, 5, 6)
FACT = {"end": "2024-03-31", "val": 5, "accn": "a", "fy": 2024, "fp": "Q1", "form": "10-Q", "filed": "2024-05-03"}


def filing(number: str, accepted: str, form: str = "8-K", **more: Any) -> dict[str, Any]:
    """One filing of a list."""
    plain = {"reportDate": "", "act": "34", "fileNumber": "", "filmNumber": "", "items": "", "size": 9, "isXBRL": 1}
    plain |= {"isInlineXBRL": 1, "primaryDocument": "x.htm", "primaryDocDescription": form, "filingDate": accepted[:10]}
    return {"accessionNumber": number, "acceptanceDateTime": accepted, "form": form, **plain, **more}


def columns(filings: list[dict[str, Any]]) -> dict[str, list[Any]]:
    names = filing("", "")
    return {name: [one[name] for one in filings] for name in names}


class Edgar:
    """A scripted SEC of one company: what was asked, and what it answers."""

    def __init__(
        self, *recent: dict[str, Any], older: dict[str, list[dict[str, Any]]] | None = None, **tickers: int
    ) -> None:
        self.asked: list[str] = []
        self.agents: set[str] = set()
        self.tickers = tickers or {"BRK-B": 1067983}
        self.recent, self.older = list(recent), older or {}
        self.facts: dict[str, Any] | None = {}
        self.former: Any = []
        self.change: Callable[[str, Any], Any] = lambda path, body: body

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.asked.append(f"{request.url.host}{path}")
        self.agents.add(request.headers["User-Agent"])
        body = self.change(path, self._body(path))
        if isinstance(body, httpx.Response):
            return body
        return (
            httpx.Response(404, text="<?xml version='1.0'?><Error/>")
            if body is None
            else httpx.Response(200, json=body)
        )

    def _body(self, path: str) -> Any:
        if path.startswith("/files/"):
            rows = [{"cik_str": cik, "ticker": ticker, "title": "X"} for ticker, cik in self.tickers.items()]
            return {str(i): row for i, row in enumerate(rows)}
        if "companyfacts" in path:
            rows = [] if self.facts is None else [self.facts] if self.facts else []
            facts = {"us-gaap": {"Assets": {"label": None, "description": None, "units": {"USD": rows}}}}
            return None if self.facts is None else {"cik": int(path[-15:-5]), "entityName": "X", "facts": facts}
        page = path.rpartition("/")[2]
        if page in self.older:
            return columns(self.older[page])
        files = [
            {"name": name, "filingCount": len(rows), "filingFrom": rows[-1]["filingDate"], "filingTo": rows[0]["filingDate"]}
            for name, rows in self.older.items()
        ]  # fmt: skip
        return {
            "cik": "1",
            "name": "X Corp",
            "sic": "6331",
            "sicDescription": "Fire, Marine & Casualty Insurance",
            "formerNames": self.former,
            "filings": {"recent": columns(self.recent), "files": files},
        }


@pytest.fixture
def live(ask: Ask) -> Ask:
    """Deliveries of the client from a scripted SEC, of the symbol BRK.B unless others are named."""
    return lambda edgar, sessions, **values: ask("sec", sessions, edgar, **{"us_symbols": "BRK.B", **NAMED, **values})


def rows(found: list[Delivery], table: str) -> list[dict[str, Any]]:
    return [row for delivery in found if delivery.table == table for row in delivery.rows.to_pylist()]


def test_both_hosts_are_asked_by_who_was_named(live: Ask) -> None:
    edgar = Edgar(filing("a", "2024-05-03T23:30:00.000Z"))
    live(edgar, [FRIDAY])
    assert edgar.asked == [
        "www.sec.gov/files/company_tickers.json",
        "data.sec.gov/submissions/CIK0001067983.json",
        "data.sec.gov/api/xbrl/companyfacts/CIK0001067983.json",
    ]
    assert edgar.agents == {"Jane Doe jane@example.com"}


@pytest.mark.parametrize("agent", ["", "Jane", "jane@example.com", "Jane Doé jane@example.com"])
def test_nobody_asks_the_real_sec_without_a_name(live: Ask, agent: str) -> None:
    edgar = Edgar()
    with pytest.raises(Permanent, match=r"MARKETLAKE_SEC_USER_AGENT: expected 'Name email@host'"):
        live(edgar, [FRIDAY], sec_user_agent=agent)
    assert edgar.asked == []


def test_a_symbol_is_found_in_secs_own_spelling_and_two_symbols_of_a_company_are_one_download(live: Ask) -> None:
    edgar = Edgar(filing("a", "2024-05-03T23:30:00.000Z"), **{"BRK-B": 1067983, "BRK-A": 1067983})
    found = live(edgar, [FRIDAY], us_symbols="BRK.B,BRK.A")
    assert [(r["symbol"], r["ticker"], r["row_no"]) for r in rows(found, sec.TABLES[0])] == [
        ("BRK-B", "BRK-B", 0),
        ("BRK-A", "BRK-A", 1),
    ]
    assert len(edgar.asked) == 3
    assert [r["symbol"] for r in rows(found, sec.TABLES[1])] == ["BRK-B,BRK-A"]


def test_a_symbol_without_a_number_is_told_and_no_error(live: Ask, logged: list[str]) -> None:
    edgar = Edgar(filing("a", "2024-05-03T23:30:00.000Z"))
    found = live(edgar, [FRIDAY], us_symbols="BRK.B,SPY")
    assert [r["symbol"] for r in rows(found, sec.TABLES[0])] == ["BRK-B"]
    assert any("symbol without a CIK" in line and "SPY" in line for line in logged)


def test_a_filing_belongs_to_the_session_of_its_day_in_new_york_and_a_weekend_to_the_next(live: Ask) -> None:
    edgar = Edgar(
        filing("sunday", "2024-05-05T15:00:00.000Z"),
        filing("late on friday", "2024-05-04T01:59:00.000Z"),
        filing("on thursday", "2024-05-03T01:00:00.000Z"),
    )
    found = rows(live(edgar, [FRIDAY, MONDAY]), sec.TABLES[1])
    assert {r["accessionNumber"]: r["session_date"] for r in found} == {"sunday": MONDAY, "late on friday": FRIDAY}
    assert {r["row_no"] for r in found} == {0, 1}


def test_new_yorks_clock_with_a_z_is_known_by_the_hours_at_which_edgar_is_closed(live: Ask) -> None:
    edgar = Edgar(filing("early", "2024-05-03T06:10:00.000Z"), filing("late", "2024-05-03T21:30:00.000Z"))
    found = rows(live(edgar, [FRIDAY]), sec.TABLES[1])
    assert [r["accepted_at"] for r in found] == [
        datetime(2024, 5, 3, 10, 10, tzinfo=UTC),
        datetime(2024, 5, 4, 1, 30, tzinfo=UTC),
    ]


def test_a_backfill_reads_the_older_pages_that_it_reaches_and_each_company_once(live: Ask) -> None:
    older = {
        "CIK0001067983-submissions-001.json": [filing("c", "2023-05-03T23:30:00.000Z")],
        "CIK0001067983-submissions-002.json": [filing("d", "2013-05-03T23:30:00.000Z")],
    }
    edgar = Edgar(filing("a", "2024-05-03T23:30:00.000Z"), older=older)
    sessions = calendars.sessions("XNYS", date(2023, 5, 1), FRIDAY)
    found = live(edgar, sessions)
    assert [path.rpartition("/")[2] for path in edgar.asked] == [
        "company_tickers.json", "CIK0001067983.json", "CIK0001067983-submissions-001.json", "CIK0001067983.json",
    ]  # fmt: skip
    assert [r["accessionNumber"] for r in rows(found, sec.TABLES[1])] == ["a", "c"]
    edgar.asked.clear()
    live(edgar, [FRIDAY])
    assert len(edgar.asked) == 3


def test_figures_come_with_the_acceptance_of_their_filing_and_only_those_of_the_sessions(live: Ask) -> None:
    edgar = Edgar(filing("a", "2024-05-03T23:30:00.000Z"), filing("b", "2024-05-02T23:30:00.000Z"))
    edgar.facts = FACT
    [row] = rows(live(edgar, [FRIDAY]), sec.TABLES[2])
    assert row["accepted_at"] == datetime(2024, 5, 3, 23, 30, tzinfo=UTC)
    assert (row["cik"], row["concept"], row["val"], row["start"]) == ("0001067983", "Assets", 5.0, None)
    assert rows(live(edgar, [date(2024, 5, 2)]), sec.TABLES[2]) == []
    edgar.facts = {**FACT, "accn": "not listed"}
    assert [r["accepted_at"] for r in rows(live(edgar, [FRIDAY]), sec.TABLES[2])] == [None]


def test_a_session_without_figures_does_not_download_them(live: Ask) -> None:
    edgar = Edgar(filing("a", "2024-05-03T23:30:00.000Z", "4", isXBRL=0))
    live(edgar, [FRIDAY])
    assert not any("companyfacts" in path for path in edgar.asked)


def test_a_company_without_any_figures_is_told_and_no_error(live: Ask, logged: list[str]) -> None:
    edgar = Edgar(filing("a", "2024-05-03T23:30:00.000Z"))
    edgar.facts = None
    found = live(edgar, [FRIDAY])
    assert [d.problem for d in found] == [None, None]
    assert any("without figures" in line for line in logged)


@pytest.mark.parametrize("told", [{}, None])
def test_a_report_of_today_whose_figures_are_not_there_yet_is_transient(
    live: Ask, monkeypatch: pytest.MonkeyPatch, told: Any
) -> None:
    edgar = Edgar(filing("a", "2024-05-03T23:30:00.000Z", "10-Q"))
    edgar.facts = told
    assert [d.problem for d in live(edgar, [FRIDAY]) if d.problem] == [], "years ago: they never come"
    monkeypatch.setattr(sec, "_FIGURES_DUE", timedelta(days=36_500))
    with pytest.raises(Transient, match=r"the figures of every report.*keys a"):
        raise next(d.problem for d in live(edgar, [FRIDAY]) if d.problem)


@pytest.mark.parametrize("status", [403, 429])
def test_whoever_was_too_fast_waits(live: Ask, status: int) -> None:
    edgar = Edgar()
    edgar.change = lambda path, body: httpx.Response(status, text="<h1>Request Rate Threshold Exceeded</h1>")
    with pytest.raises(Transient, match=r"too many requests.*MARKETLAKE_SEC_PACE_PER_S|too many requests after 3"):
        live(edgar, [FRIDAY])
    assert len(edgar.asked) == 3


def test_a_page_of_refusal_names_the_setting(live: Ask) -> None:
    edgar = Edgar()
    edgar.change = lambda path, body: httpx.Response(403, text="<title>Undeclared Automated Tool</title>")
    with pytest.raises(Permanent, match="MARKETLAKE_SEC_USER_AGENT"):
        live(edgar, [FRIDAY])
    assert len(edgar.asked) == 1


def test_a_number_that_sec_does_not_have_is_permanent(live: Ask) -> None:
    edgar = Edgar()
    edgar.change = lambda path, body: None if "submissions" in path else body
    with pytest.raises(sec.NotThere, match=r"CIK0001067983\.json"):
        live(edgar, [FRIDAY])


def test_a_page_that_is_named_and_not_there_stops_the_day_with_the_list_that_names_it(live: Ask) -> None:
    older = {"CIK0001067983-submissions-001.json": [filing("c", "2024-05-03T23:30:00.000Z")]}
    edgar = Edgar(filing("a", "2024-05-03T23:30:00.000Z"), older=older)
    edgar.change = lambda path, body: None if path.endswith("-001.json") else body
    *_, listed = live(edgar, [FRIDAY])
    assert isinstance(listed.problem, sec.NotThere) and "submissions-001" in str(listed.problem)
    assert b"submissions-001" in listed.payload


@pytest.mark.parametrize("told", ["Wed, 99 Foo", 20240503, None])
def test_a_page_whose_days_are_none_is_drift(live: Ask, told: Any) -> None:
    def change(path: str, body: Any) -> Any:
        if path.endswith("CIK0001067983.json") and "submissions" in path:
            body["filings"]["files"][0]["filingTo"] = told
        return body

    older = {"CIK0001067983-submissions-001.json": [filing("c", "2024-05-03T23:30:00.000Z")]}
    edgar = Edgar(filing("a", "2024-05-03T23:30:00.000Z"), older=older)
    edgar.change = change
    [problem] = [d.problem for d in live(edgar, [FRIDAY]) if d.problem]
    assert isinstance(problem, SchemaDrift) and "a day in filingTo" in str(problem)


def renamed(name: str) -> Callable[[Any], Any]:
    def change(value: Any) -> Any:
        if isinstance(value, dict):
            return {f"{key}_new" if key == name else key: change(one) for key, one in value.items()}
        return [change(one) for one in value] if isinstance(value, list) else value

    return change


def test_a_filing_is_of_the_name_that_the_company_had_when_it_was_accepted(live: Ask) -> None:
    days = ("2024-04-30", "2024-05-01", "2024-05-02", "2024-05-03")
    edgar = Edgar(*(filing(day, f"{day}T15:00:00.000Z") for day in days))
    edgar.former = [
        {"name": "X MOTORS", "from": "2024-05-01T00:00:00.000Z", "to": "2024-05-02T00:00:00.000Z"},
        {"name": "X BIKES", "from": None, "to": "2024-04-30T00:00:00.000Z"},
    ]
    sessions = calendars.sessions("XNYS", date(2024, 4, 30), FRIDAY)
    found = {r["accessionNumber"]: r["name"] for r in rows(live(edgar, sessions), sec.TABLES[1])}
    assert found == dict(zip(days, ("X BIKES", "X MOTORS", "X MOTORS", "X Corp"), strict=True))


@pytest.mark.parametrize(
    ("accepted", "name"),
    [
        ("2024-05-01T15:00:00.000Z", "X"),
        ("2024-05-02T15:00:00.000Z", "X/ FA"),
        ("2024-05-03T15:00:00.000Z", "X"),
        ("2024-05-04T00:30:00.000Z", "X"),
    ],
    ids=["before a variant", "on its day", "after it", "an evening in New York"],
)
def test_a_variant_of_a_name_is_of_its_own_days_alone_and_days_are_new_york_s(
    live: Ask, accepted: str, name: str
) -> None:
    edgar = Edgar(filing("a", accepted))
    edgar.former = [
        {"name": "X", "from": "1994-01-26T00:00:00.000Z", "to": "2024-05-03T00:00:00.000Z"},
        {"name": "X/ FA", "from": "2024-05-02T00:00:00.000Z", "to": "2024-05-02T00:00:00.000Z"},
    ]
    sessions = calendars.sessions("XNYS", date(2024, 5, 1), date(2024, 5, 6))
    assert [r["name"] for r in rows(live(edgar, sessions), sec.TABLES[1])] == [name]


@pytest.mark.parametrize(
    "former", [None, "none", [{"name": "X"}], [{"name": 1, "to": "2024-05-01"}], [{"name": "X", "to": None}]]
)
def test_former_names_of_another_form_are_drift(live: Ask, former: Any) -> None:
    edgar = Edgar(filing("a", "2024-05-03T23:30:00.000Z"))
    edgar.former = former
    [problem] = [d.problem for d in live(edgar, [FRIDAY]) if d.problem]
    assert isinstance(problem, SchemaDrift)


@pytest.mark.parametrize(
    "name",
    ["formerNames", "sic", "sicDescription", "cik_str", "ticker", "filings", "recent", "files", "acceptanceDateTime", "form", "size", "filingTo", "facts", "units", "val", "accn", "filed"],
)  # fmt: skip
def test_a_renamed_key_is_drift_and_says_which(live: Ask, name: str) -> None:
    older = {"CIK0001067983-submissions-001.json": [filing("c", "2023-05-03T23:30:00.000Z")]}
    edgar = Edgar(filing("a", "2024-05-03T23:30:00.000Z"), older=older)
    edgar.facts = FACT
    edgar.change = lambda path, body: renamed(name)(body)
    problems = [d.problem for d in live(edgar, [FRIDAY]) if d.problem]
    assert [type(problem) for problem in problems] == [SchemaDrift]
    assert name in str(problems[0])


def test_every_filing_has_the_industry_that_the_company_s_own_answer_tells(live: Ask) -> None:
    older = {"CIK0001067983-submissions-001.json": [filing("c", "2024-05-02T23:30:00.000Z")]}
    edgar = Edgar(filing("a", "2024-05-03T23:30:00.000Z"), older=older)
    found = rows(live(edgar, [date(2024, 5, 2), FRIDAY]), "bronze.sec_submissions")
    assert {row["accessionNumber"]: (row["sic"], row["sicDescription"]) for row in found} == dict.fromkeys(
        ("a", "c"), ("6331", "Fire, Marine & Casualty Insurance")
    )


@pytest.mark.parametrize("value", [6331, ["6331"]])
def test_an_industry_that_is_no_text_is_drift_and_none_is_null(live: Ask, value: Any) -> None:
    edgar = Edgar(filing("a", "2024-05-03T23:30:00.000Z"))
    for told, is_drift in ((value, True), (None, False)):
        edgar.change = lambda path, body, told=told: body | {"sic": told} if "/submissions/" in path else body
        problems = [d.problem for d in live(edgar, [FRIDAY]) if d.problem]
        assert [("sic" in str(problem)) for problem in problems] == [True] * is_drift


@pytest.mark.parametrize(
    ("where", "value"),
    [("size", "9"), ("acceptanceDateTime", "yesterday"), ("acceptanceDateTime", None), ("isXBRL", "yes"), ("form", 10),
     ("acceptanceDateTime", "0001-01-01T00:00:00.000Z"), ("acceptanceDateTime", "9999-12-31T23:59:59.000Z")],
)  # fmt: skip
def test_another_type_in_a_filing_is_drift(live: Ask, where: str, value: Any) -> None:
    edgar = Edgar(filing("a", "2024-05-03T23:30:00.000Z") | {where: value})
    [problem] = [d.problem for d in live(edgar, [FRIDAY]) if d.problem]
    assert isinstance(problem, SchemaDrift)
    assert where in str(problem)


@pytest.mark.parametrize(
    ("where", "value"),
    [("val", "5"), ("val", True), ("accn", {"value": "a"}), ("filed", 5), ("end", 3)],
)
def test_another_type_in_a_figure_is_drift(live: Ask, where: str, value: Any) -> None:
    edgar = Edgar(filing("a", "2024-05-03T23:30:00.000Z"))
    edgar.facts = FACT | {where: value}
    [problem] = [d.problem for d in live(edgar, [FRIDAY]) if d.problem]
    assert isinstance(problem, SchemaDrift)
    assert where in str(problem)


@pytest.mark.parametrize("listed", ["", {}, None, 0])
def test_figures_that_are_no_list_are_drift(live: Ask, listed: Any) -> None:
    """An empty text would pass for no figures."""
    edgar = Edgar(filing("a", "2024-05-03T23:30:00.000Z"))
    facts = {"us-gaap": {"Assets": {"units": {"USD": listed}}}}
    edgar.change = lambda path, body: body | {"facts": facts} if "companyfacts" in path else body
    edgar.facts = FACT
    [problem] = [d.problem for d in live(edgar, [FRIDAY]) if d.problem]
    assert isinstance(problem, SchemaDrift) and "units, rows" in str(problem)


def test_another_companys_figures_are_drift(live: Ask) -> None:
    edgar = Edgar(filing("a", "2024-05-03T23:30:00.000Z"))
    edgar.facts = FACT
    edgar.change = lambda path, body: body | {"cik": "0000000007"} if "companyfacts" in path else body
    [problem] = [d.problem for d in live(edgar, [FRIDAY]) if d.problem]
    assert "figures of CIK 1067983; was of 0000000007" in str(problem)


def test_nobody_listed_and_nothing_ever_filed_are_no_answers(live: Ask) -> None:
    [delivery] = live(Edgar(filing("a", "2024-05-03T23:30:00.000Z")), [FRIDAY], us_symbols="SPY")
    assert delivery.problem is None
    [*_, empty] = live(Edgar(), [FRIDAY])
    assert isinstance(empty.problem, Transient)
    edgar = Edgar()
    edgar.change = lambda path, body: {}
    assert isinstance(live(edgar, [FRIDAY])[0].problem, Transient)


@pytest.mark.parametrize("file", ["companyfacts_SNOW_CIK0001640147.json", "companyfacts_LPA.json"])
def test_recorded_figures_are_read_whole(live: Ask, file: str) -> None:
    if not (SHARED / file).exists():
        pytest.skip(f"{SHARED / file} is not there")
    body = json.loads((SHARED / file).read_text())
    edgar = Edgar(filing("a", "2024-05-03T23:30:00.000Z"), X=int(body["cik"]))
    edgar.change = lambda path, ours: body if "companyfacts" in path else ours
    sessions = calendars.sessions("XNYS", date(2020, 1, 2), date(2025, 12, 31))
    found = rows(live(edgar, sessions, us_symbols="X"), sec.TABLES[2])
    n = sum(len(u) for t in body["facts"].values() for c in t.values() for u in c["units"].values())
    assert len(found) == n == max(r["row_no"] for r in found) + 1


def test_recorded_submissions_are_read_as_new_yorks_clock(live: Ask) -> None:
    """Tesla's earnings of 2022-10-19 came after the close, at 17:15 in New York; read as UTC they came at 13:15."""
    if not (SHARED / "submissions.json").exists():
        pytest.skip(f"{SHARED} is not there")
    body = json.loads((SHARED / "submissions.json").read_text())
    edgar = Edgar(X=1318605)
    older = columns([filing("old", "2013-12-10T16:00:00.000Z")])
    edgar.change = lambda path, ours: older if "-001" in path else body if "submissions" in path else ours
    found = rows(
        live(edgar, calendars.sessions("XNYS", date(2010, 1, 4), date(2022, 12, 30)), us_symbols="X"), sec.TABLES[1]
    )
    assert len(found) == 1001 + 1
    told = {r["accessionNumber"]: r["accepted_at"] for r in found}
    assert told["0001564590-22-034639"] == datetime(2022, 10, 19, 21, 15, 46, tzinfo=UTC)
    called = {r["name"]: r["accepted_at"] for r in sorted(found, key=lambda r: r["accepted_at"], reverse=True)}
    assert list(called) == ["Tesla, Inc.", "TESLA MOTORS INC"]
    assert called["Tesla, Inc."] > datetime(2017, 1, 28, tzinfo=UTC), "its first filing under the present name"
