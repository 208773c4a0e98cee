"""silver.fundamentals from SEC: known from acceptance, quarters out of 10-Qs and 10-Ks, the world's truth, recorded companies."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from exchange.clock import Clock
from exchange.model import World
from exchange.wires.answer import Ask
from exchange.wires.sec import Sec
from exchange.worlds import open_world
from market import edgar, registry
from market.bitemporal import true_at
from market.datasets.bronze import sec_facts

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "sec_edgar"
FACTS = "bronze.sec_facts"
TABLE = registry.table("silver.fundamentals")
NINE_MONTHS = {"start": "2023-01-01", "end": "2023-09-30", "val": 60.0, "accn": "0000320193-23-000009",
               "filed": "2023-11-03", "accepted_at": datetime(2023, 11, 3, 20, 5, tzinfo=UTC)}  # fmt: skip
YEAR = {"start": "2023-01-01", "end": "2023-12-31", "val": 100.0, "accn": "0000320193-24-000002", "form": "10-K", "fp": "FY",
        "filed": "2024-02-02", "accepted_at": datetime(2024, 2, 2, 21, 5, tzinfo=UTC)}  # fmt: skip


def delivered(body: Mapping[str, Any], symbol: str, accepted: Mapping[str, datetime] | None = None) -> pa.Table:
    """Bronze rows of a whole companyfacts body."""
    levels = (
        (taxonomy, concept, unit, row)
        for taxonomy, concepts in body["facts"].items()
        for concept, said in concepts.items()
        for unit, rows in said["units"].items()
        for row in rows
    )
    late = datetime(2026, 1, 5, tzinfo=UTC)
    same = {"cik": f"{int(body['cik']):010d}", "symbol": symbol, "payload_digest": "a" * 64, "request": "r", "landing_path": "x",
            "fetched_at": late, "known_at": late}  # fmt: skip
    records = []
    for row_no, (taxonomy, concept, unit, row) in enumerate(levels):
        session = edgar.session_on_or_after(date.fromisoformat(row["filed"]))
        more = {"taxonomy": taxonomy, "concept": concept, "unit": unit, "row_no": row_no, "session_date": session}
        more |= {
            "session_month": f"{session:%Y-%m}",
            "accepted_at": (accepted or {}).get(row["accn"]),
            "val": float(row["val"]),
        }
        records.append({name: {**row, **same, **more}.get(name) for name in sec_facts.TABLE.schema.names})
    return pa.Table.from_pylist(records, schema=sec_facts.TABLE.schema)


def built(rows: pa.Table) -> pd.DataFrame:
    return TABLE.conform(sec_facts.fundamentals(rows, {})).to_pandas(timestamp_as_object=False)


def test_a_figure_is_known_from_the_acceptance_of_its_filing_however_late_it_is_fetched(
    answer: Any, silver: Any
) -> None:
    (row,) = silver("silver.fundamentals", answer(FACTS, "2024-08-01 02:30", {})).to_dict("records")
    assert row["known_at"] == pd.Timestamp("2024-05-03T16:31:05-04:00")
    assert (row["security_id"], row["item"], row["basis"], row["currency"]) == (
        "XNYS:AAPL",
        "revenue",
        "consolidated",
        "USD",
    )
    assert (row["span"], row["fiscal_period"], row["value"], row["is_derived"]) == ("quarter", "2024Q1", 100.0, False)
    assert (row["filing_no"], row["form"], row["concept"]) == ("0000320193-24-000001", "10-Q", "us-gaap:Revenues")
    assert (row["period_start"], row["period_end"]) == (date(2024, 1, 1), date(2024, 3, 31))


def test_a_filing_that_its_list_lacks_is_known_when_edgar_closes_that_day(answer: Any, silver: Any) -> None:
    rows = silver("silver.fundamentals", answer(FACTS, "2024-08-01 02:30", {"accepted_at": None}))
    assert rows["known_at"].tolist() == [pd.Timestamp("2024-05-03T22:00-04:00")]


def test_a_fourth_quarter_is_derived_and_leads_to_the_filing_that_completed_it(answer: Any, silver: Any) -> None:
    told = [
        answer(FACTS, "2023-11-04 03:30", NINE_MONTHS, day=date(2023, 11, 3)),
        answer(FACTS, "2024-02-03 03:30", YEAR),
    ]
    rows = silver("silver.fundamentals", *told)
    quarter = rows[rows["span"] == "quarter"].iloc[0]
    assert (quarter["fiscal_period"], quarter["value"], quarter["is_derived"]) == ("2023Q4", 40.0, True)
    assert (quarter["filing_no"], quarter["form"]) == (YEAR["accn"], "10-K")
    assert quarter["known_at"] == pd.Timestamp(YEAR["accepted_at"])
    assert quarter["payload_digest"] == told[1]["payload_digest"][0].as_py()
    assert rows[rows["span"] == "year"]["fiscal_period"].tolist() == ["2023FY"]


def test_the_figures_of_a_company_are_those_of_each_of_its_symbols(answer: Any, silver: Any) -> None:
    rows = silver("silver.fundamentals", answer(FACTS, "2024-05-04 02:30", {"symbol": "BRK.B,BRK.A"}))
    assert rows["security_id"].tolist() == ["XNYS:BRK.A", "XNYS:BRK.B"]


def test_other_concepts_and_units_tell_none_of_our_items(answer: Any, silver: Any) -> None:
    others = [
        {"concept": "EarningsPerShareBasic", "unit": "USD/shares"},
        {"unit": "pure"},
        {"concept": "Goodwill"},
        {"val": None},
    ]
    assert silver("silver.fundamentals", answer(FACTS, "2024-05-04 02:30", *others)).empty


@pytest.mark.parametrize("item", sec_facts.CONCEPTS)
def test_every_concept_of_an_item_tells_it_and_the_first_one_wins(item: str, answer: Any, silver: Any) -> None:
    unit = "shares" if item == "shares_outstanding" else "USD"
    said = []
    for rank, name in enumerate(sec_facts.CONCEPTS[item]):
        taxonomy, concept = name.split(":")
        said.append({"taxonomy": taxonomy, "concept": concept, "unit": unit, "val": float(rank), "start": None})
        (row,) = silver("silver.fundamentals", answer(FACTS, "2024-05-04 02:30", said[-1])).to_dict("records")
        assert (row["item"], row["value"], row["concept"]) == (item, rank, name)
    (first,) = silver("silver.fundamentals", answer(FACTS, "2024-05-04 02:30", *said)).to_dict("records")
    assert first["value"] == 0
    assert first["currency"] == ("XXX" if unit == "shares" else "USD")


@pytest.mark.parametrize(
    ("said", "column"),
    [
        ({"start": "2024-05-01"}, "period_start"),
        ({"end": "soon"}, "unreadable"),
        ({"start": "once"}, "unreadable"),
        ({"unit": "USD_NEW"}, "unreadable"),
    ],
)
def test_a_period_or_unit_that_makes_no_sense_is_a_row_that_the_gate_refuses(
    said: Any, column: str, answer: Any, silver: Any
) -> None:
    (row,) = silver("silver.fundamentals", answer(FACTS, "2024-05-04 02:30", said)).to_dict("records")
    assert row["span"] == "other"
    assert row["span"] not in TABLE.column("span").rules[0].values  # type: ignore[union-attr]
    if column == "unreadable":
        assert (next(iter(said.values())) or "unit") in row["unreadable"]
    else:
        assert row["period_start"] > row["period_end"]


@pytest.fixture(scope="module")
def world() -> World:
    return open_world("synthetic:7", symbols=5, us_symbols=12, sessions=20)


@pytest.fixture(scope="module")
def of_world(world: World) -> pd.DataFrame:
    """The table from everything that the world's companies reported."""
    parts = []
    for cik, registrant in world.registrants.items():
        ask = Ask(f"/api/xbrl/companyfacts/CIK{cik}.json", {}, {"user-agent": "Jane Doe jane@example.com"})
        accepted = {f.accession: datetime.fromtimestamp(f.accepted_at, UTC) for f in registrant.filings}
        parts.append(delivered(Sec({}).answer(ask, world, Clock(world.end)).body, registrant.symbol, accepted))
    return built(pa.concat_tables(parts))


def test_quarters_and_years_are_the_worlds_truth_before_and_after_an_amendment(
    world: World, of_world: pd.DataFrame
) -> None:
    n_years = n_restated = 0
    by = of_world.set_index(["security_id", "item", "fiscal_period"]).sort_index()
    for symbol, truth in world.truth["sec"].items():
        for year in truth["years"]:
            for item, quarters in year["quarters"].items():
                whole = by.loc[(f"XNYS:{symbol}", item, f"{year['fiscal_year']}FY")]
                last = by.loc[(f"XNYS:{symbol}", item, f"{year['fiscal_year']}Q4")]
                first_three = [by.loc[(f"XNYS:{symbol}", item, f"{year['fiscal_year']}Q{n}")] for n in (1, 2, 3)]
                assert [rows["value"].tolist() for rows in first_three] == [[value] for value in quarters[:3]]
                restated = [year["restated"][item]] if year["restated"] else []
                assert whole["value"].tolist() == [year["year"][item], *restated]
                assert last["value"].tolist() == [quarters[3], *(value - sum(quarters[:3]) for value in restated)]
                assert last["is_derived"].all()
                assert last["known_at"].tolist() == whole["known_at"].tolist()
                n_years, n_restated = n_years + 1, n_restated + len(restated)
    assert n_years > 100
    assert n_restated > 10


def test_no_period_of_the_world_is_told_twice_at_once_and_nothing_breaks_the_contract(of_world: pd.DataFrame) -> None:
    assert not of_world.duplicated(list(TABLE.key)).any()
    for now in (pd.Timestamp("2022-06-01", tz="UTC"), pd.Timestamp("2024-06-01", tz="UTC")):
        seen = true_at(of_world, now)
        assert len(seen) > 500
        assert not seen.duplicated(["security_id", "item", "basis", "currency", "span", "period_end"]).any()
        named = seen[seen["item"] != "shares_outstanding"]
        assert not named.duplicated(["security_id", "item", "fiscal_period"]).any()
    assert of_world["fiscal_period"].str.match(r"\d{4}(Q[1-4]|FY)$").all()
    assert set(of_world["item"]) == set(sec_facts.CONCEPTS)


def recorded(name: str) -> dict[str, Any]:
    if not (SHARED / name).exists():
        pytest.skip(f"{SHARED / name} is not there")
    return dict(json.loads((SHARED / name).read_text()))


def test_a_recorded_company_has_every_quarter_once_and_they_add_up_to_its_years() -> None:
    """Snowflake's filings from December 2020 to May 2025: each figure is told by up to three of them, no fourth quarter by any."""
    rows = built(delivered(recorded("companyfacts_SNOW_CIK0001640147.json"), "SNOW"))
    now = rows[rows["known_until"].isna()]
    assert not now.duplicated(["item", "span", "period_end"]).any()
    revenue = now[now["item"] == "revenue"].set_index("fiscal_period")["value"]
    quarters = [f"{year}Q{n}" for year in range(2021, 2026) for n in (1, 2, 3, 4)]
    assert set(revenue.index) == {"2020Q3", "2020Q4", *quarters, "2026Q1", *(f"{year}FY" for year in range(2019, 2026))}
    assert revenue["2025Q1"] == 828_709_000
    assert revenue["2025Q4"] == 3_626_396_000 - 2_639_626_000
    for item in ("revenue", "operating_income", "net_income"):
        values = now[now["item"] == item].set_index("fiscal_period")["value"]
        for year in range(2021, 2026):
            assert sum(values[f"{year}Q{n}"] for n in (1, 2, 3, 4)) == values[f"{year}FY"]
    derived = now[now["is_derived"] & (now["item"] == "revenue")]
    assert set(derived["fiscal_period"]) == {f"{year}Q4" for year in range(2020, 2026)}
    assert set(derived["form"]) == {"10-K"}
    balance = now[now["fiscal_period"] == "2025Q4"].set_index("item")["value"]
    assert balance["assets"] == 9_033_938_000
    assert balance["liabilities"] == 6_027_295_000


def test_a_recorded_foreign_issuer_has_its_years_by_its_own_taxonomy() -> None:
    rows = built(delivered(recorded("companyfacts_LPA.json"), "LPA"))
    assert rows["known_until"].isna().all()
    revenue = rows[rows["item"] == "revenue"].set_index("fiscal_period")["value"]
    assert revenue.to_dict() == {"2021FY": 25_596_073, "2022FY": 31_983_567, "2023FY": 39_436_343, "2024FY": 43_862_372}
    assert set(rows["concept"].str.partition(":")[0]) == {"ifrs-full", "dei"}
    assert set(rows["span"]) == {"year", "instant"}
