"""A small lake made with the real contracts, two releases of it (the second holds a revision), and a real booster.

005930 splits 5:1 in the middle of its sessions; its close of REVISED is told again, later and different.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from fastapi.testclient import TestClient

from lake.objects import Store, lake_store
from lake.releases import Release, Releases
from lake.settings import Settings
from market import calendars, registry
from market.table import Window
from serving.app import create_app
from tests.support.champion import MODEL, export_champion

SECURITIES = (
    ("XKRX:005930", "삼성전자", "Samsung Electronics", "KOSPI", "KRW", 70_000.0),
    ("XKRX:000660", "SK하이닉스", "SK hynix", "KOSPI", "KRW", 120_000.0),
    ("XKRX:035720", "카카오 <b>&", "Kakao", "KOSPI", "KRW", 50_000.0),
    ("XKRX:247540", "에코프로비엠", "Ecopro BM", "KOSDAQ", "KRW", 200_000.0),
    ("XNYS:AAPL", "Apple Inc.", "Apple Inc.", "US", "USD", 180.0),
)
START, END = date(2024, 1, 2), date(2024, 5, 31)
SPLIT, REVISED = date(2024, 3, 4), date(2024, 5, 3)
TOLD_AGAIN = datetime(2024, 5, 20, 9, 0, tzinfo=UTC)
REVISED_CLOSE = 15_555.0
AS_OF = datetime(2024, 5, 31, 23, 0, tzinfo=UTC)
REPORTED_AT, RESTATED_AT = datetime(2024, 2, 1, 7, tzinfo=UTC), datetime(2024, 5, 2, 7, tzinfo=UTC)
WINDOW = Window(START, END, AS_OF)


@dataclass(frozen=True)
class SmallLake:
    """The lake's settings and its two releases, the first of which is current."""

    settings: Settings
    first: Release
    second: Release

    @property
    def releases(self) -> Releases:
        return Releases(lake_store(self.settings))


def bars() -> pd.DataFrame:
    """Raw daily rows of every security, seeded; columns of silver.prices."""
    rng = np.random.default_rng(7)
    parts = []
    for security, *_, market, currency, price in SECURITIES:
        exchange, symbol = security.split(":")
        days = calendars.sessions(exchange, START, END)
        close = price * np.exp(np.cumsum(rng.normal(0, 0.02, len(days))))
        shares = np.full(len(days), 1_000_000)
        base = np.concatenate([[price], close[:-1]])
        if security == "XKRX:005930":
            after = np.array([day >= SPLIT for day in days])
            close, shares = np.where(after, close / 5, close), np.where(after, shares * 5, shares)
            base = np.where(after, base / 5, base)
        close, base = np.round(close, 2), np.round(base, 2)
        parts.append(pd.DataFrame({
            "session_date": days, "security_id": security, "exchange": exchange, "symbol": symbol, "market": market,
            "currency": currency, "open": close * 0.99, "high": close * 1.02, "low": close * 0.98, "close": close,
            "volume": rng.integers(1000, 100_000, len(days)), "listed_shares": shares, "base_price": base,
            "is_halted": False, "known_at": [calendars.close_at(exchange, day) for day in days],
        }))  # fmt: skip
    rows = pd.concat(parts, ignore_index=True)
    rows["value"], rows["market_cap"] = rows["close"] * rows["volume"], rows["close"] * rows["listed_shares"]
    return rows.assign(source="krx", payload_digest="a" * 64, row_no=range(len(rows)), known_until=pd.NaT)


def revised(rows: pd.DataFrame) -> pd.DataFrame:
    """The same with one close told again."""
    rows = rows.copy()
    at = (rows["security_id"] == "XKRX:005930") & (rows["session_date"] == REVISED)
    again = rows[at].assign(close=REVISED_CLOSE, high=16_000.0, known_at=TOLD_AGAIN, payload_digest="b" * 64)
    rows["known_until"] = rows["known_until"].dt.tz_localize("UTC")
    rows.loc[at, "known_until"] = TOLD_AGAIN
    return pd.concat([rows, again], ignore_index=True)


def tables(prices: pd.DataFrame) -> dict[str, pa.Table]:
    """Every table of a release that follows from those prices, built by the contracts where they have a build."""
    made = {"silver.prices": conformed("silver.prices", prices), **silver(prices)}
    believed = prices[prices["known_until"].isna()].assign(n_headlines=np.nan, news_known_at=lambda p: p["known_at"])
    frames = {"silver.prices": conformed_frame(believed), "silver.adjustments": made["silver.adjustments"]}
    made["gold.prices"] = built("gold.prices", frames)
    made["gold.features_daily"] = features(made["gold.prices"])
    joined = made["gold.prices"].append_column("return_1d", made["gold.features_daily"].column("return_1d"))
    joined = joined.append_column("features_known_at", made["gold.features_daily"].column("known_at"))
    made["gold.market_summary"] = built("gold.market_summary", {"gold.prices": joined})
    frames = {"gold.prices": made["gold.prices"], "silver.sessions": built("silver.sessions", {})}
    return made | {name: built(name, frames) for name in ("gold.levels", "gold.patterns")}


def features(prices: pa.Table) -> pa.Table:
    """Every feature of the contract: the one-session return, seeded numbers for the others; null on the first day."""
    rng = np.random.default_rng(11)
    frame = prices.select(
        ["session_date", "security_id", "exchange", "close", "cumulative_factor", "known_at"]
    ).to_pandas()
    comparable = frame["close"] / frame["cumulative_factor"]
    is_first = ~frame["security_id"].duplicated()
    for column in registry.table("gold.features_daily").columns:
        if column.type == "float64":
            frame[column.name] = pd.Series(rng.normal(size=len(frame))).where(~is_first)
    frame["return_1d"] = comparable.groupby(frame["security_id"]).pct_change()
    return conformed("gold.features_daily", frame.assign(state=[[0.0, 1.0]] * len(frame)))


def silver(prices: pd.DataFrame) -> dict[str, pa.Table]:
    """Reference tables, the split's factor, and a few disclosures of 005930."""
    names = pd.DataFrame(
        [
            {"security_id": s, "exchange": s[:4], "symbol": s[5:], "name": n, "name_en": e, "market": m, "currency": c}
            for s, n, e, m, c, _ in SECURITIES
        ]
    )
    common = {"source": "krx", "payload_digest": "c" * 64, "known_at": datetime(2024, 1, 2, 7, tzinfo=UTC)}
    names = names.assign(kind="stock", row_no=range(len(names)), valid_from=START, **common)
    samsung = {"security_id": "XKRX:005930", "exchange": "XKRX", **common}
    factor = pd.DataFrame([{**samsung, "session_date": SPLIT, "factor": 0.2, "cause": "split_or_bonus",
                            "evidence": "base", "confidence": "high",
                            "known_at": calendars.close_at("XKRX", SPLIT)}])  # fmt: skip
    kakao = {**common, "security_id": "XKRX:035720", "exchange": "XKRX", "evidence": "base"}
    moved = [
        {**kakao, "session_date": day, "factor": moved_by, "cause": cause, "confidence": "medium", "disclosed_by": receipt,
         "known_at": calendars.close_at("XKRX", day)}
        for day, moved_by, cause, receipt in (
            (date(2024, 2, 1), 0.999, "rights_issue", "20240115000001"), (date(2024, 4, 2), 1.001, "consolidation", None),
        )
    ]  # fmt: skip
    factor = pd.concat([factor, pd.DataFrame(moved)], ignore_index=True)
    ended = calendars.close_at("XKRX", date(2024, 5, 13))
    spells = pd.DataFrame([
        {**kakao, "status": status, "first_session": first, "last_session": last, "known_at": known_at, "known_until": until}
        for status, first, last, known_at, until in (
            ("listed", START, None, common["known_at"], ended), ("listed", START, date(2024, 5, 10), ended, None),
            ("halted", date(2024, 4, 1), date(2024, 4, 5), calendars.close_at("XKRX", date(2024, 4, 8)), None),
        )
    ])  # fmt: skip
    filings = pd.DataFrame([
        {**samsung, "session_date": day, "corp_code": "00126380", "corp_name": "삼성전자", "stock_code": "005930",
         "report_name": f"보고서 {i}", "receipt_no": f"202404010000{i:02d}", "receipt_date": day, "is_amendment": False,
         "row_no": i, "known_at": calendars.open_at("XKRX", day)}
        for i, day in enumerate(calendars.sessions("XKRX", date(2024, 4, 1), date(2024, 4, 12)))
    ])  # fmt: skip
    news = pd.DataFrame([
        {**samsung, "session_date": row.session_date, "symbol": "005930", "title": f"기사 {i}", "row_no": i,
         "url": f"https://news.example/{i}", "published_at": row.known_at - timedelta(hours=i + 1),
         "known_at": row.known_at}
        for i, row in enumerate(filings.itertuples())
    ])  # fmt: skip
    actions = pd.DataFrame([{**samsung, "session_date": SPLIT, "action": "split_decision", "evidence": "20240301000001",
                             "row_no": 0}])  # fmt: skip
    figures = pd.DataFrame([
        {**samsung, "session_date": known_at.date(), "item": item, "basis": "consolidated", "currency": "KRW",
         "span": "quarter", "fiscal_period": "2023Q4", "period_start": date(2023, 10, 1), "period_end": date(2023, 12, 31),
         "value": value, "is_derived": False, "concept": item, "filing_no": filing, "row_no": 0, "known_at": known_at,
         "known_until": known_until}
        for item, value, filing, known_at, known_until in (
            ("revenue", 100.0, "1", REPORTED_AT, RESTATED_AT), ("revenue", 90.0, "2", RESTATED_AT, None),
            ("net_income", 30.0, "1", REPORTED_AT, None), ("assets", 1e3, "1", REPORTED_AT, None),
        )
    ])  # fmt: skip
    figures = pd.concat([figures, quarters(common)], ignore_index=True)
    frames = {
        "silver.fundamentals": figures, "silver.listings": spells, "silver.securities": names, "silver.symbols": names, "silver.adjustments": factor, "silver.filings": filings,
        "silver.news": news, "silver.corporate_actions": actions,
    }  # fmt: skip
    return {name: conformed(name, frame) for name, frame in frames.items()}


def quarters(common: dict[str, object]) -> pd.DataFrame:
    """Five quarters of SK hynix, whose net income of the last one was restated, and its balance."""
    ends = [date(2022, 12, 31), date(2023, 3, 31), date(2023, 6, 30), date(2023, 9, 30), date(2023, 12, 31)]
    told = {
        **common, "security_id": "XKRX:000660", "exchange": "XKRX", "session_date": REPORTED_AT.date(), "basis": "consolidated",
        "currency": "KRW", "fiscal_period": None, "is_derived": False, "filing_no": "1", "row_no": 0, "known_at": REPORTED_AT,
        "known_until": None,
    }  # fmt: skip
    flows = [
        {**told, "span": "quarter", "item": item, "concept": item, "value": value, "period_end": end,
         "period_start": (pd.Timestamp(end) + pd.Timedelta(days=1) - pd.DateOffset(months=3)).date()}
        for end in ends for item, value in (("revenue", 50e6), ("net_income", 10e6))
    ]  # fmt: skip
    flows[-1]["known_until"] = RESTATED_AT
    flows.append({**flows[-1], "value": 5e6, "filing_no": "2", "known_at": RESTATED_AT, "known_until": None})
    day = {"span": "instant", "period_start": None, "period_end": ends[-1]}
    return pd.DataFrame(
        [
            *flows,
            *({**told, **day, "item": i, "concept": i, "value": v} for i, v in (("equity", 4e8), ("liabilities", 2e8))),
        ]
    )


def conformed_frame(frame: pd.DataFrame) -> pa.Table:
    """The frame with its partition month, as Arrow with microseconds in UTC."""
    if "session_date" in frame.columns:
        frame = frame.assign(session_month=[f"{day:%Y-%m}" for day in frame["session_date"]])
    for name in ("known_at", "known_until", "published_at"):
        if name in frame.columns:
            frame = frame.assign(**{name: pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]")})
    return pa.Table.from_pandas(frame, preserve_index=False)


def conformed(name: str, frame: pd.DataFrame) -> pa.Table:
    """The frame as the contract has it."""
    return registry.table(name).conform(conformed_frame(frame))


def built(name: str, frames: dict[str, pa.Table]) -> pa.Table:
    """What the contract's own build makes of the frames."""
    build = registry.table(name).build
    assert build is not None
    return build(frames, WINDOW)


def write(settings: Settings, name: str, rows: pa.Table) -> int:
    """Replace the table by the rows; the new version."""
    table = registry.table(name)
    uri = Path(settings.lake_url, *name.split("."))
    write_deltalake(uri, rows, mode="overwrite", partition_by=[table.partition] if table.is_partitioned else None)
    return DeltaTable(uri).version()


def predicted(features: pa.Table) -> pa.Table:
    """Predictions of one model for every row of the features, with made-up scores."""
    frame = features.select(["session_date", "security_id", "exchange", "known_at"]).to_pandas()
    frame = frame.assign(model=MODEL, model_version=1, run_id="run1", score=0.5, rank=0.5, data_release="r00001")
    return conformed("gold.predictions", frame)


@pytest.fixture(scope="session")
def built_tables() -> "Built":
    """Tables of the first and of the second release."""
    rows = bars()
    return tables(rows), tables(revised(rows))


Built = tuple[dict[str, pa.Table], dict[str, pa.Table]]


def small_lake(folder: Path, built_tables: Built) -> SmallLake:
    """A lake in the folder with the first release published, the second one made, and a champion exported."""
    settings = Settings(lake_url=str(folder / "lake"), online_url=f"sqlite:///{folder}/online.db",
                        cache_url=f"sqlite:///{folder}/cache.db", _env_file=None)  # fmt: skip
    before, after = built_tables
    versions = {name: write(settings, name, rows) for name, rows in before.items()}
    first = Release(
        release_id="r00001", kind="data", created_at=AS_OF, as_of=AS_OF, code_sha="0" * 40, code_dirty=False,
        rulebook="krx-1", tables=versions, first_session=str(START), last_session=str(END),
    )  # fmt: skip
    Releases(lake_store(settings)).publish(first)
    later = {name: write(settings, name, rows) for name, rows in after.items()}
    later["gold.predictions"] = write(settings, "gold.predictions", predicted(after["gold.features_daily"]))
    second = replace(first, release_id="r00002", kind="predictions", tables=later, parent="r00001", code_dirty=True)
    export_champion(settings, before["gold.features_daily"], version=1, rounds=5)
    return SmallLake(settings, first, second)


@pytest.fixture
def lake(tmp_path: Path, built_tables: Built) -> SmallLake:
    """A lake of the test's own, to be changed."""
    return small_lake(tmp_path, built_tables)


@pytest.fixture(scope="session")
def shared_client(tmp_path_factory: pytest.TempPathFactory, built_tables: Built) -> Iterator[TestClient]:
    """The API over a lake that no test changes."""
    lake = small_lake(tmp_path_factory.mktemp("shared"), built_tables)
    with TestClient(create_app(lake.settings), raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def client(request: pytest.FixtureRequest) -> Iterator[TestClient]:
    """The API: over the test's own lake where it asks for one, over the shared one otherwise."""
    if "lake" not in request.fixturenames:
        yield request.getfixturevalue("shared_client")
        return
    own = request.getfixturevalue("lake")
    with TestClient(create_app(own.settings), raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture(name="export_champion")
def exporter() -> Callable[..., None]:
    """The function that exports a champion."""
    return export_champion


@pytest.fixture
def store(lake: SmallLake) -> Store:
    """The small lake's files."""
    return lake_store(lake.settings)
