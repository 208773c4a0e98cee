"""OpenDART at the exchange, taken into bronze: every report of the world is there, whatever faults pass, and a backfill is the sum of its days."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange.clock import SEOUL
from exchange.model import Filing
from exchange.server import Server, serve
from exchange.synthetic.accounts import report_of
from lake.clients import dart
from market import registry
from market.errors import Permanent
from tests.lake.conftest import Intake

FILINGS, CODES, COMPANIES, ACCOUNTS, SHARES, DIVIDENDS, CHANGES, BONUS_ISSUES, _ = dart.TABLES
PASSING = [
    "rate-limit:retry_after=0,first=3", "server-errors:first=3", "cut:first=3", "truncated:first=3", "html:first=3",
    "error-body:first=3", "duplicates", "slow:delay=0.01",
]  # fmt: skip


@pytest.fixture(scope="module")
def spring() -> Iterator[Server]:
    """A world that reaches back to the annual reports of March."""
    with serve("synthetic:7", symbols=14, us_symbols=1, sessions=75) as server:
        yield server


@pytest.fixture(autouse=True)
def calm(spring: Server) -> Iterator[None]:
    yield
    spring.set_faults([])
    spring.set_clock(spring.world.end)


@pytest.fixture
def intake(spring: Server, make: Any, tmp_path: Path) -> Intake:
    return Intake(make(lake_url=str(tmp_path / "lake"), exchange_url=spring.url, http_attempts=20))


def rows(intake: Intake, table: str) -> list[dict[str, Any]]:
    return list(intake.delta.read(registry.table(table)).to_pylist())


def reports(server: Server) -> list[Filing]:
    return [f for f in server.world.filings or () if report_of(f.report_nm) and f.stock_code]


def told(intake: Intake) -> set[tuple[str, ...]]:
    names = ("rcept_no", "fs_div", "sj_div", "account_id", "thstrm_amount", "thstrm_add_amount")
    return {tuple(row[name] for name in names) for row in rows(intake, ACCOUNTS)}


def test_every_amount_of_the_world_is_delivered_through_all_passing_faults(spring: Server, intake: Intake) -> None:
    """Asked on the evening of each receipt's day, so that a corrected report's first figures are seen, too."""
    days = sorted({datetime.fromtimestamp(f.received_at, SEOUL).date() for f in reports(spring)})
    for day in days:
        spring.set_clock(datetime.combine(day, datetime.min.time(), SEOUL) + timedelta(hours=21))
        spring.set_faults(PASSING)
        intake.take("dart", [day])
    receipts = {f.rcept_no: f for f in reports(spring)}
    found: dict[tuple[str, str], dict[str, str]] = {}
    for row in rows(intake, ACCOUNTS):
        if row["sj_div"] in ("BS", "IS") or row["sj_nm"] == "포괄손익계산서":
            found.setdefault((row["rcept_no"], row["fs_div"]), {})[row["account_id"]] = row["thstrm_amount"]
    due = {
        (said.rcept_no, key[3]): said.items
        for key, all_said in spring.world.statements.items() for said in all_said if said.rcept_no in receipts
    }  # fmt: skip
    assert len(due) > 30
    assert set(found) == set(due)
    for key, items in due.items():
        assert found[key]["ifrs-full_Assets"] == str(items["assets"].now)
        assert found[key]["dart_OperatingIncomeLoss"] == str(items["operating_income"].now)
    corrected = {f.amends for f in receipts.values() if f.report_nm.startswith("[기재정정]")} & set(receipts)
    assert corrected
    assert corrected <= {number for number, _ in found}


def test_day_by_day_gives_what_a_backfill_gives(spring: Server, make: Any, tmp_path: Path) -> None:
    lakes = [Intake(make(lake_url=str(tmp_path / name), exchange_url=spring.url)) for name in ("whole", "daily")]
    sessions = [day for day in lakes[0].sessions("dart") if date(2024, 5, 7) <= day <= date(2024, 5, 20)]
    lakes[0].take("dart", sessions)
    for day in sessions:
        lakes[1].take("dart", [day])
    for name in (ACCOUNTS, SHARES):
        own = [c.name for c in registry.table(name).columns if c.name not in ("fetched_at", "known_at", "landing_path")]
        both = [
            lake.delta.read(registry.table(name)).select(own).sort_by([(c, "ascending") for c in own]) for lake in lakes
        ]
        assert both[0].num_rows > 10
        assert both[0].equals(both[1])


def test_a_backfill_asks_for_a_report_once_and_for_no_company_a_day(spring: Server, intake: Intake) -> None:
    sessions = intake.sessions("dart")
    intake.take("dart", sessions)
    asked = [row["request"] for row in rows(intake, "ops.requests")]
    accounts = [request for request in asked if "fnlttSinglAcntAll" in request]
    distinct = {(f.corp_code, *report_of(f.report_nm)[:2]) for f in reports(spring)}  # type: ignore[index]
    assert len(set(accounts)) == 2 * len(distinct)
    assert len(accounts) <= 2 * len(
        reports(spring)
    )  # ranges of three months ask again where a correction falls into the next
    assert len([request for request in asked if "corpCode" in request]) == 1
    assert len(asked) < len(sessions) * 14 / 2
    assert intake.settings.dart_api_key.get_secret_value() not in str(asked)


def test_a_spent_quota_within_the_reports_keeps_nothing_of_an_unfinished_range(spring: Server, intake: Intake) -> None:
    """The quota is counted before each call, as for every source; what was paid for is kept as payload."""
    sessions = [day for day in intake.sessions("dart") if day >= date(2024, 5, 7)]
    few = intake.with_settings(dart_quota_per_day=12)
    with pytest.raises(Permanent, match="at most 12 calls"):
        few.take("dart", sessions)
    assert sum(len(rows(intake, name)) for name in dart.TABLES) == 0
    assert intake.store.list("landing/dart/")
    assert sum(row["attempts"] for row in rows(intake, "ops.requests")) == 12


def test_the_list_of_companies_is_kept_as_the_zip_that_it_was(spring: Server, intake: Intake) -> None:
    intake.take("dart", intake.sessions("dart")[-1:])
    kept = rows(intake, CODES)
    listed = {
        company.corp_code: company.stock_code for company in spring.world.companies.values() if company.stock_code
    }
    assert {row["corp_code"]: row["stock_code"] for row in kept} == listed
    assert {row["landing_path"].rpartition(".")[2] for row in kept} == {"zip"}
    assert intake.store.get(kept[0]["landing_path"]).startswith(b"PK")


def test_annual_reports_tell_shares_dividends_and_changes_of_capital(spring: Server, intake: Intake) -> None:
    intake.take("dart", intake.sessions("dart"))
    annual = {f.rcept_no for f in reports(spring) if "사업보고서" in f.report_nm}
    for name in (DIVIDENDS, CHANGES):
        assert rows(intake, name)
        assert {row["rcept_no"] for row in rows(intake, name)} <= annual
    paid = {(row["corp_code"], row["thstrm"]) for row in rows(intake, DIVIDENDS) if row["se"] == "주당 현금배당금(원)"}
    events = spring.world.truth["krx"]["dividends"]
    assert ("00126380", "1,444") in paid
    assert {event["amount_krw"] for event in events if event["code"] == "005930"} <= {361}


def test_a_bonus_issue_has_the_ratio_of_the_truth(spring: Server, intake: Intake) -> None:
    intake.take("dart", intake.sessions("dart"))
    truth = {event["code"]: event["ratio"] for event in spring.world.truth["krx"]["bonus_issues"]}
    filed = {f.rcept_no: f.stock_code for f in spring.world.filings or () if "무상증자결정" in f.report_nm}
    kept = rows(intake, BONUS_ISSUES)
    assert {row["rcept_no"]: float(row["nstk_ascnt_ps_ostk"]) for row in kept} == {
        no: truth[code] for no, code in filed.items()
    }
    assert kept


def test_a_revision_by_the_source_and_a_word_for_an_amount_are_rows_as_they_came(
    spring: Server, intake: Intake
) -> None:
    filing = next(f for f in reports(spring) if f.report_nm.startswith("분기보고서"))
    day = datetime.fromtimestamp(filing.received_at, SEOUL).date()
    intake.take("dart", [day])
    before = told(intake)
    spring.set_faults(
        [f"late-revision:source=dart,date={day},at={spring.world.end.isoformat()},code={filing.corp_code}"]
    )
    intake.take("dart", [day])
    revised = told(intake) - before
    assert revised
    assert {row[0][:8] for row in revised} == {f"{day:%Y%m%d}"}
    spring.set_faults(["bad-rows:source=dart,share=1"])
    intake.take("dart", [day])
    assert {row[4] for row in told(intake) - before - revised} == {"삼백억"}


def test_company_data_as_the_exchange_tells_it_is_the_recorded_shape(spring: Server) -> None:
    shared = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "opendart_json_samples"
    if not shared.is_dir():
        pytest.skip(f"{shared} is not there")
    recorded = json.loads((shared / "disclosure/company_samsung.json").read_text())
    own = {c.name for c in registry.table(COMPANIES).columns} & set(recorded)
    assert own == set(recorded) - {"status", "message"}
