"""SEC EDGAR: the shapes of recorded answers, who is let in, nothing from later, and the traps of its figures."""

import json
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from exchange.clock import Clock
from exchange.pace import Pace
from exchange.server import serve
from exchange.wires.answer import Ask
from exchange.wires.sec import Sec

AGENT = {"User-Agent": "Jane Doe jane@example.com"}
NEW_YORK = ZoneInfo("America/New_York")
TESLA = "0001318605"


@pytest.fixture
def sec(client) -> Any:
    return lambda path, **headers: client.http.get(f"/sec{path}", headers={**AGENT, **headers})


@pytest.fixture
def submissions(sec) -> Any:
    return lambda cik=TESLA: sec(f"/submissions/CIK{cik}.json").json()


def figures(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"concept": name, **row}
        for taxonomy in body["facts"].values()
        for name, concept in taxonomy.items()
        for rows in concept["units"].values()
        for row in rows
    ]


@pytest.fixture
def facts(sec) -> Any:
    return lambda cik=TESLA: figures(sec(f"/api/xbrl/companyfacts/CIK{cik}.json").json())


def test_a_company_has_the_keys_and_types_of_a_recorded_one(submissions, shared: Path):
    real = json.loads((shared / "sec_edgar/submissions.json").read_text())
    ours = submissions()
    assert list(ours) == list(real)
    assert {k: type(v) for k, v in ours.items()} == {k: type(v) for k, v in real.items()}
    assert {k: type(v[0]) for k, v in ours["filings"]["recent"].items()} == {
        k: type(v[0]) for k, v in real["filings"]["recent"].items()
    }
    assert [list(page) for page in ours["filings"]["files"]] == [list(page) for page in real["filings"]["files"]]


def test_figures_have_the_keys_and_types_of_recorded_ones(sec, shared: Path):
    real = json.loads((shared / "sec_edgar/companyfacts_SNOW_CIK0001640147.json").read_text())
    ours = sec(f"/api/xbrl/companyfacts/CIK{TESLA}.json").json()
    assert list(ours) == list(real)
    assert set(ours["facts"]) <= set(real["facts"])
    assert {frozenset(row) for row in figures(ours)} <= {frozenset(row) for row in figures(real)}
    assert list(ours["facts"]["us-gaap"]["Assets"]) == list(real["facts"]["us-gaap"]["Assets"])


def test_tickers_have_the_shape_of_recorded_ones_and_the_real_numbers(sec, shared: Path):
    real = json.loads((shared / "sec_edgar/company_tickers.json").read_text())
    ours = sec("/files/company_tickers.json").json()
    assert list(ours["0"]) == list(real["0"])
    known = {row["ticker"]: row["cik_str"] for row in real.values()}
    assert all(known[row["ticker"]] == row["cik_str"] for row in ours.values())


@pytest.mark.parametrize("agent", ["", "python-httpx/0.28", "Mozilla/5.0 (compatible; marketlake)", "jane@example.com"])
def test_who_does_not_name_himself_is_refused_with_a_page(sec, agent):
    answer = sec("/files/company_tickers.json", **{"User-Agent": agent})
    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("text/html")
    assert "Undeclared Automated Tool" in answer.text


@pytest.mark.parametrize(
    "path", ["/submissions/CIK0000000001.json", "/submissions/CIK1318605.json", "/api/xbrl/companyfacts/CIK0000000001.json", "/x"]
)  # fmt: skip
def test_what_is_not_there_is_404_and_no_json(sec, path):
    answer = sec(path)
    assert answer.status_code == 404
    assert answer.text.startswith("<?xml")


def test_whoever_is_too_fast_gets_429():
    with serve("synthetic:7", symbols=5, us_symbols=1, sessions=5, pace=Pace(per_second={"sec": 1})) as running:
        asked = [httpx.get(f"{running.url}/sec/files/company_tickers.json", headers=AGENT) for _ in range(4)]
    assert 429 in {answer.status_code for answer in asked}


def test_the_older_page_goes_on_where_the_recent_filings_end(sec, submissions, server):
    body = submissions()
    (page,) = body["filings"]["files"]
    older, recent = sec(f"/submissions/{page['name']}").json(), body["filings"]["recent"]
    assert list(older) == list(recent)
    assert len(older["form"]) == page["filingCount"]
    assert (min(older["filingDate"]), max(older["filingDate"])) == (page["filingFrom"], page["filingTo"])
    numbers = [*recent["accessionNumber"], *older["accessionNumber"]]
    assert numbers == [f.accession for f in reversed(server.world.registrants[TESLA].filings)]
    assert older["acceptanceDateTime"][0] <= recent["acceptanceDateTime"][-1]


def test_a_filing_and_its_figures_show_from_their_acceptance_on(server, submissions, facts):
    filing = [f for f in server.world.registrants[TESLA].filings if f.form == "10-Q"][-1]
    at = datetime.fromtimestamp(filing.accepted_at, UTC)
    for now, is_there in ((at - timedelta(seconds=1), False), (at, True)):
        server.set_clock(now)
        assert (filing.accession in submissions()["filings"]["recent"]["accessionNumber"]) is is_there
        assert (filing.accession in {row["accn"] for row in facts()}) is is_there


def test_nothing_is_shown_from_later_than_the_clock(server):
    wire, world = Sec({}), server.world
    for now in (datetime(2023, 2, 3, 12, tzinfo=UTC), datetime(2024, 1, 9, 22, tzinfo=UTC)):
        accepted = {f.accession: f.accepted_at for r in world.registrants.values() for f in r.filings}
        for cik in world.registrants:
            ask = [Ask(p, {}, {"user-agent": AGENT["User-Agent"]}) for p in
                   (f"/submissions/CIK{cik}.json", f"/api/xbrl/companyfacts/CIK{cik}.json")]  # fmt: skip
            listed, told = (wire.answer(one, world, Clock(now)).body for one in ask)
            shown = {*listed["filings"]["recent"]["accessionNumber"], *(row["accn"] for row in figures(told))}
            assert shown
            assert all(accepted[number] <= now.timestamp() for number in shown)


def test_some_companies_write_new_yorks_clock_with_a_z(server, submissions):
    """As measured of the real host: the convention belongs to the filer, and the text does not tell it."""
    kinds = set()
    for cik, registrant in server.world.registrants.items():
        newest = registrant.filings[-1]
        text = datetime.fromisoformat(submissions(cik)["filings"]["recent"]["acceptanceDateTime"][0])
        real = datetime.fromtimestamp(newest.accepted_at, UTC)
        kinds.add(text == real)
        assert text == (real if not registrant.writes_new_york else real.astimezone(NEW_YORK).replace(tzinfo=UTC))
    assert kinds == {True, False}


def test_filings_of_every_form_come_while_edgar_is_open_and_late_ones_count_for_the_next_day(server):
    filings = [f for r in server.world.registrants.values() for f in r.filings]
    assert {f.form for f in filings} == {"10-K", "10-K/A", "10-Q", "8-K", "4"}
    for filing in filings:
        at = datetime.fromtimestamp(filing.accepted_at, NEW_YORK)
        assert 6 <= at.hour < 22
        assert (filing.filed > at.date()) == (at.hour * 60 + at.minute >= 17 * 60 + 30 and filing.form != "4")


def test_fiscal_year_and_period_are_the_filings_not_the_figures(facts):
    by_filing = defaultdict(list)
    for row in facts():
        by_filing[row["accn"]].append(row)
    for rows in by_filing.values():
        assert len({(row["fy"], row["fp"], row["form"]) for row in rows}) == 1
    assert any(len({row["end"][:4] for row in rows}) > 1 for rows in by_filing.values())


def test_a_period_is_told_by_several_filings_and_the_newest_alone_has_the_frame(facts):
    told = defaultdict(list)
    for row in facts():
        told[row["concept"], row.get("start"), row["end"]].append(row)
    assert any(len(rows) > 1 for rows in told.values())
    for rows in told.values():
        assert all("frame" not in row for row in rows[:-1])
        assert [row["filed"] for row in rows] == sorted(row["filed"] for row in rows)
    framed = [row["frame"] for row in facts() if "frame" in row]
    assert len({(row["concept"], row["frame"]) for row in facts() if "frame" in row}) == len(framed)


def test_no_filing_tells_three_months_of_a_fourth_quarter(server, facts):
    for registrant in server.world.registrants.values():
        ends = {year["end"] for year in registrant.years}
        rows = [row for row in facts(f"{registrant.cik:010d}") if "start" in row and row["end"] in ends]
        assert rows
        assert all((date.fromisoformat(r["end"]) - date.fromisoformat(r["start"])).days > 350 for r in rows)


def test_the_truth_is_in_the_figures(server, facts):
    n_restated = 0
    for registrant in server.world.registrants.values():
        told = server.world.truth["sec"][registrant.symbol]
        assert told["cik"] == registrant.cik
        rows: dict[tuple[str, str], int] = {}
        for row in facts(f"{registrant.cik:010d}"):
            if row["concept"] == "OperatingIncomeLoss" and row["fp"] == "FY":
                rows.setdefault((row["end"], row["form"]), row["val"])  # later ones are comparatives
        for year in told["years"]:
            assert sum(year["quarters"]["operating_income"]) == year["year"]["operating_income"]
            if (year["end"], "10-K") in rows:
                assert rows[year["end"], "10-K"] == year["year"]["operating_income"]
            if year["restated"] and (year["end"], "10-K/A") in rows:
                n_restated += 1
                assert rows[year["end"], "10-K/A"] == year["restated"]["operating_income"]
                assert year["restated"]["revenue"] < year["year"]["revenue"]
    assert n_restated > 8


def test_some_companies_tell_net_income_of_a_10_q_from_the_years_beginning_alone(facts):
    spans = {
        (date.fromisoformat(row["end"]) - date.fromisoformat(row["start"])).days // 85
        for row in facts("0000789019") if row["concept"] == "NetIncomeLoss"
    }  # fmt: skip
    assert {1, 2, 3, 4} == spans
    second = [
        r for r in facts("0000789019") if r["concept"] == "NetIncomeLoss" and r["fp"] == "Q2" and r["end"][5:7] == "12"
    ]
    assert {row["start"][5:] for row in second} == {"07-01"}


def test_faults_strike_each_of_secs_shapes(server, sec, submissions, facts):
    calm, listed = facts(), submissions()["filings"]["recent"]
    server.set_faults(["bad-rows:share=1"])
    assert all(row["end"] < row["start"] for row in facts() if "start" in row)
    server.set_faults(["duplicates"])
    assert len(facts()) == 2 * len(calm)
    assert submissions()["filings"]["recent"]["form"] == listed["form"] * 2
    server.set_faults(["schema-drift:kind=gone"])
    assert "size" not in submissions()["filings"]["recent"]
    server.set_faults(["schema-drift:column=val,to=value"])
    assert all("value" in row and "val" not in row for row in facts())
    server.set_faults(["schema-drift:column=cik_str,to=cik"])
    assert "cik" in sec("/files/company_tickers.json").json()["0"]
    server.set_faults(["empty-day"])
    assert (facts(), submissions()["filings"]["recent"]["form"]) == ([], [])
    assert sec("/files/company_tickers.json").json() == {}
    server.set_faults(["error-body"])
    assert sec(f"/submissions/CIK{TESLA}.json").json() == {"message": "Internal server error"}
    for fault, words in (("expired-key", "Undeclared"), ("quota", "Threshold Exceeded")):
        server.set_faults([fault])
        assert sec(f"/submissions/CIK{TESLA}.json").status_code == 403
        assert words in sec(f"/submissions/CIK{TESLA}.json").text
    server.set_faults([])
    assert facts() == calm


def test_a_late_revision_changes_the_figures_of_one_day_from_its_instant_on(server, facts):
    calm = facts()
    day = calm[-1]["filed"]
    server.set_faults([f"late-revision:date={day},at={server.world.end.isoformat()},source=sec,code={TESLA}"])
    revised = facts()
    changed = {a["filed"] for a, b in zip(calm, revised, strict=True) if a != b}
    assert changed == {day}
    assert facts("0000320193")
    server.set_clock(server.world.end - timedelta(minutes=1))
    assert facts() == calm
