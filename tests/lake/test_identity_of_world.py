"""Identity of a whole market recovered from what its sources said, every fault on the way: held against the world's truth."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from exchange.model import MARKETS
from exchange.server import Server, serve
from market import calendars, lookup, registry
from market.bitemporal import true_at
from market.errors import MarketlakeError
from tests.lake.conftest import Intake, make_settings
from tests.market.silver.conftest import WINDOW, built

pytestmark = pytest.mark.slow
TOLD = (
    "bronze.krx_listing",
    "bronze.dart_filings",
    "bronze.dart_corp_codes",
    "bronze.sec_tickers",
    "bronze.sec_submissions",
    "bronze.yahoo_chart",
)
STOPPING = (
    "expired-key",
    "quota",
    "schema-drift",
    "empty-day",
    "stale-day",
    "error-body",
    "schema-drift:column=ISU_ABBRV,kind=gone",
)
PASSING = ("rate-limit:retry_after=0", "server-errors", "cut", "truncated", "html", "slow:delay=0.01")


@pytest.fixture(scope="module")
def served() -> Iterator[Server]:
    with serve("synthetic:7", symbols=200, us_symbols=3, sessions=60) as server:
        yield server


@pytest.fixture(scope="module")
def symbols(served: Server, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """silver.symbols of 60 sessions, taken through every fault of the exchange."""
    folder: Path = tmp_path_factory.mktemp("world")
    intake = Intake(make_settings(lake_url=str(folder / "lake"), exchange_url=served.url, krx_pace_per_s=1000.0))
    served.set_clock(served.world.end)
    sources = ("krx", "dart", "sec", "yahoo")
    for fault in STOPPING:
        served.set_faults([fault])
        for source in sources:
            _try(intake, source, intake.sessions(source)[-1:])
    for fault in PASSING:
        served.set_faults([f"{fault},first=2" if ":" in fault else f"{fault}:first=2"])
        for source in sources:
            intake.take(source, intake.sessions(source)[-1:])
    day = intake.sessions("krx")[20]
    revised = f"late-revision:at=2024-06-27T09:00:00+09:00,date={day}"
    served.set_faults([f"duplicates:share=0.5,date={day}", revised, "clock-skew:seconds=300"])
    for source in sources:
        intake.take(source, intake.sessions(source))
    served.set_faults(["bad-rows", "holiday-rows"])
    for source in sources:
        _try(intake, source, intake.sessions(source)[-2:])
    served.set_faults(())
    n_told = intake.delta.read(registry.table("bronze.krx_listing")).num_rows
    assert n_told > 5_000, "what was told through the faults is what the lake is made of"
    for source in sources:
        intake.take(source, intake.sessions(source)[-2:])
    answers = [
        intake.delta.read(registry.table(name)).cast(registry.table(name).schema).replace_schema_metadata({"table": name})
        for name in TOLD
    ]  # fmt: skip
    return built("silver.symbols", answers, WINDOW).to_pandas(timestamp_as_object=False)


def _try(intake: Intake, source: str, sessions: list[date]) -> None:
    """What a source could be made to give; what it could not is asked for again at the end."""
    try:
        intake.take(source, sessions)
    except MarketlakeError:
        return


def then(symbols: pd.DataFrame, day: date) -> pd.DataFrame:
    """What was true at the end of that session in Seoul, by security."""
    now = true_at(symbols[symbols["exchange"] == "XKRX"], pd.Timestamp(calendars.close_at("XKRX", day)))
    assert not now["security_id"].duplicated().any()
    return now.set_index("security_id")


def test_code_name_and_board_of_every_security_are_right_on_every_session(
    served: Server, symbols: pd.DataFrame
) -> None:
    daily, n, wrong = served.world.daily, 0, []
    for at, day in enumerate(daily.sessions):
        now = then(symbols, day)
        for i in range(daily.offsets[at], daily.offsets[at + 1]):
            code, n = daily.codes[daily.code[i]], n + 1
            truth = (code, daily.names[daily.name[i]], MARKETS[daily.market[i]])
            found = (
                now.loc[f"XKRX:{code}", ["symbol", "name", "market"]] if f"XKRX:{code}" in now.index else ("", "", "")
            )
            if tuple(found) != truth:
                wrong.append((day, truth, tuple(found)))
    assert n == 11_861
    assert wrong == []


def test_renames_transfers_listings_and_delistings_are_the_worlds_and_give_no_second_id(
    served: Server, symbols: pd.DataFrame
) -> None:
    korean, truth = symbols[symbols["exchange"] == "XKRX"], served.world.truth["krx"]
    ids = set(korean["security_id"])
    daily = served.world.daily
    assert ids == {f"XKRX:{daily.codes[at]}" for at in set(daily.code.tolist())}
    for kind, old, new, column in (("renames", "old_name", "new_name", "name"), ("transfers", "from", "to", "market")):
        changes = (
            korean.sort_values("known_at")
            .groupby("security_id")[column]
            .agg(lambda values: list(dict.fromkeys(values)))
        )
        found = {(who, *values) for who, values in changes.items() if len(values) > 1}
        assert found == {(f"XKRX:{event['code']}", event[old], event[new]) for event in truth[kind]}
        assert found
    first = korean.groupby("security_id")["known_at"].min()
    for event in truth["listings"]:
        assert first[f"XKRX:{event['code']}"] == pd.Timestamp(
            calendars.close_at("XKRX", date.fromisoformat(event["date"]))
        )
    for event in truth["delistings"]:
        assert lookup.resolve(symbols, event["code"], pd.Timestamp(served.world.end)).kind == "found"


def test_corp_codes_and_ciks_are_the_companies_own(served: Server, symbols: pd.DataFrame) -> None:
    now = true_at(symbols, pd.Timestamp(served.world.end)).set_index("security_id")
    companies = {f"XKRX:{c.stock_code}": c.corp_code for c in served.world.companies.values()}
    told = now.loc[now["corp_code"].notna() & now["common_id"].isna(), "corp_code"].to_dict()
    assert len(told) > 150
    assert {who: companies[who] for who in told} == told
    assert now.loc["XKRX:005935", ["common_id", "corp_code"]].tolist() == ["XKRX:005930", "00126380"]
    ciks = {f"XNYS:{r.symbol}": f"{r.cik:010d}" for r in served.world.registrants.values()}
    assert now["cik"].dropna().to_dict() == ciks
