"""A small lake for tests: six securities, 80 sessions, real landing, bronze, silver and gold at the contracts' schemas.

The contracts' own functions build silver and gold; delta-rs plays Spark. Two releases: `before` a late revision of one
close, and `after` it, with predictions. What does not belong here: assertions.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import write_deltalake

from lake.bronze import Bronze
from lake.delivery import Delivery, own_columns
from lake.delta import DeltaLake
from lake.objects import Store, open_store
from lake.parity import joined
from lake.releases import Release, Releases
from lake.settings import Settings
from market import calendars, registry, rulebook
from market.table import Table, Window

CODES = {"005930": "삼성전자", "000660": "SK하이닉스", "035420": "NAVER", "0001A0": "새별"}
TICKERS = ("AAPL", "MSFT")
FIRST, LAST = date(2024, 1, 2), date(2024, 5, 3)
SPLIT_CODE, SPLIT_DAY, SPLIT_FACTOR = "000660", date(2024, 3, 4), 0.2
REVISED_CODE, REVISED_DAY = "035420", date(2024, 4, 26)
REVISED_AT = datetime(2024, 5, 2, 1, 0, tzinfo=UTC)
HALTED_CODE, HALTED_DAY = "0001A0", date(2024, 2, 1)
REPORTED_AT, RESTATED_AT = datetime(2024, 2, 1, 21, 30, tzinfo=UTC), datetime(2024, 5, 2, 20, 30, tzinfo=UTC)
LAST_BEFORE = date(2024, 4, 30)
NOW = datetime(2024, 5, 6, 9, 0, tzinfo=UTC)
SHARES = 1_000_000


@dataclass(frozen=True)
class SmallLake:
    """The lake and what a test wants to know of it."""

    settings: Settings
    store: Store
    before: Release
    after: Release

    def with_online(self, folder: Path) -> Settings:
        """The settings, with an online store of the test's own."""
        return self.settings.model_copy(update={"online_url": f"sqlite:///{folder}/online.db"})


@cache
def small_lake(folder: Path) -> SmallLake:
    """The lake under that folder, built once per process."""
    settings = Settings(lake_url=str(folder / "lake"), online_url=f"sqlite:///{folder}/online.db", _env_file=None)
    store, delta = open_store(settings.lake_url), DeltaLake(settings)
    Path(settings.lake_url).mkdir(parents=True)
    bronze = Bronze(delta, store)
    seen = [day for day in calendars.sessions("XKRX", FIRST, LAST) if day <= LAST_BEFORE]
    unseen = [day for day in calendars.sessions("XKRX", FIRST, LAST) if day > LAST_BEFORE]
    bronze.take([*_krx(seen), *_listing(), *_yahoo(LAST_BEFORE), *_coverage(seen), _facts(REPORTED_AT, 100.0), _year()])
    before = publish(store, delta, 1, Window(FIRST, LAST_BEFORE, REVISED_AT - timedelta(hours=1)), "")
    revised = [
        _krx_day(day, REVISED_AT, revised=True) for day in (REVISED_DAY, calendars.next_session("XKRX", REVISED_DAY))
    ]
    bronze.take([*revised, *_krx(unseen), *_yahoo(LAST), *_coverage(unseen), _facts(RESTATED_AT, 90.0)])
    after = publish(store, delta, 2, Window(FIRST, LAST, NOW), before.release_id)
    return SmallLake(settings, store, before, after)


def publish(store: Store, delta: DeltaLake, number: int, window: Window, parent: str) -> Release:
    """Silver and gold of all that bronze holds, with predictions, as a release of that number."""
    versions = {n: delta.version(n) for n in registry.tables() if n.startswith("bronze") and delta.exists(n)}
    frames = _built(delta, window)
    frames["gold.predictions"] = _predictions(frames["gold.features_daily"], number)
    for name, rows in frames.items():
        versions[name] = _write(delta, registry.table(name), rows)
    release = Release(
        f"r{number:05d}", "predictions", window.now, window.now, "0123abc", False, rulebook.version(),
        {name: int(version or 0) for name, version in versions.items()}, str(window.start), str(window.end), parent,
    )  # fmt: skip
    return Releases(store).publish(release)


def _built(delta: DeltaLake, window: Window) -> dict[str, pa.Table]:
    """Silver and gold, in the order of the registry."""
    frames: dict[str, pa.Table] = {}
    for name, table in registry.tables().items():
        if table.layer == "bronze" and delta.exists(name):
            frames[name] = delta.read(table)
        elif name == "silver.sentiment":
            frames[name] = _said(frames["silver.news"], frames["silver.stories"])
        elif table.build is not None and table.layer in ("silver", "gold"):
            parts = [table.conform(table.build(inputs, window)) for inputs in _calls(table, frames)]
            frames[name] = pa.concat_tables(parts) if parts else table.conform(table.schema.empty_table())
    return {name: rows for name, rows in frames.items() if not name.startswith("bronze")}


def _calls(table: Table, frames: Mapping[str, pa.Table]) -> list[dict[str, pa.Table]]:
    """What each call of the build gets: one main table a call, side tables whole."""
    mains = [read.table for read in table.reads if read.role == "main" and read.table in frames]
    found = _inputs(table, frames)
    rest = {name: rows for name, rows in found.items() if name not in mains}
    if not table.reads:
        return [rest]
    return [{**rest, main: found[main]} for main in mains]


def _inputs(table: Table, frames: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """The tables that it reads, what is true now alone unless it asks for versions; joins are made."""
    found = {}
    for read in table.reads:
        rows = frames.get(read.table)
        is_whole = read.role == "side" or not read.table.startswith("bronze")
        if read.role == "state" or (rows is None and is_whole):
            rows = registry.table(read.table).schema.empty_table()
        if rows is None:
            continue
        if registry.table(read.table).is_bitemporal and not read.versions:
            rows = rows.filter(pc.is_null(rows["known_until"]))
        joins = [one for one in table.reads if one.role == "join"]
        found[read.table] = rows.select(
            read.taken(joins) if read.role in ("main", "side") and read.columns else rows.column_names
        )
    return joined(table, found)


def _write(delta: DeltaLake, table: Table, rows: pa.Table) -> int:
    by = [table.partition] if table.is_partitioned else None
    write_deltalake(delta.uri(table), rows, mode="overwrite", partition_by=by)
    return int(delta.version(table) or 0)


def _said(news: pa.Table, stories: pa.Table) -> pa.Table:
    """As a model of headlines might say it: something else each day and of each headline."""
    rows = news.to_pandas(timestamp_as_object=False)
    rows = rows[rows["mention"].isin(["title", "summary"])].merge(
        stories.select(["security_id", "session_date", "url", "story_id"]).to_pandas(),
        on=["security_id", "session_date", "url"],
    )
    days = pd.to_datetime(rows["session_date"]).dt.day
    rows["positive"] = ((3 * days + rows["url"].str[-1].astype(int)) % 7) / 10
    rows = rows.assign(neutral=0.2, negative=0.8 - rows["positive"], level=2 * rows["positive"] - 0.8)
    rows = rows.assign(model="headline_sentiment", model_version=1, run_id="beef")
    return registry.table("silver.sentiment").conform(pa.Table.from_pandas(rows, preserve_index=False))


def _predictions(features: pa.Table, number: int) -> pa.Table:
    rows = features.to_pandas(timestamp_as_object=False)
    rows = rows[(rows["session_date"] >= date(2024, 4, 29)) & rows["momentum_20"].notna()].copy()
    rows["score"] = rows["momentum_20"]
    rows["rank"] = rows.groupby(["exchange", "session_date"])["score"].rank(pct=True)
    rows = rows.assign(model="return_rank_5d", model_version=3, run_id="f00d", data_release=f"r{number:05d}")
    rows["known_at"] = pd.Timestamp(NOW)
    return registry.table("gold.predictions").conform(pa.Table.from_pandas(rows, preserve_index=False))


def _path(code: str) -> np.ndarray:
    """Closes of one Korean code over all sessions, in whole won on the scale before any split."""
    rng = np.random.default_rng(int.from_bytes(code.encode(), "big") % 2**32)
    n = len(calendars.sessions("XKRX", FIRST, LAST))
    return np.round(50_000 * np.exp(np.cumsum(rng.normal(0, 0.02, n)))).astype(int) // 10 * 10


def _krx(days: Sequence[date]) -> list[Delivery]:
    return [_krx_day(day, calendars.close_at("XKRX", day) + timedelta(hours=17)) for day in days]


def _krx_day(day: date, fetched_at: datetime, *, revised: bool = False) -> Delivery:
    records = [krx_row(code, day, revised) for code in CODES]
    return delivery("bronze.krx_daily", day, records, "stk", f"GET /sto/stk_bydd_trd?basDd={day:%Y%m%d}", fetched_at)


def krx_row(code: str, day: date, revised: bool) -> dict[str, str]:
    """A row of the daily trades, as KRX sends it."""
    days = calendars.sessions("XKRX", FIRST, LAST)
    at, path = days.index(day), _path(code)
    scale = SPLIT_FACTOR if code == SPLIT_CODE and day >= SPLIT_DAY else 1.0
    close = int(path[at] * scale)
    base = int(path[max(at - 1, 0)] * scale)
    if revised and code == REVISED_CODE:  # the close, and with it the base price of the session after
        close, base = (close + 1_000, base) if day == REVISED_DAY else (close, base + 1_000)
    is_halted = (code, day) == (HALTED_CODE, HALTED_DAY)
    shares = int(SHARES / scale)
    opened, high, low = (0, 0, 0) if is_halted else (base, max(base, close) + 100, min(base, close) - 100)
    volume = 0 if is_halted else 10_000 + 37 * at
    return {
        "BAS_DD": f"{day:%Y%m%d}", "ISU_CD": code, "ISU_NM": CODES[code], "MKT_NM": "KOSPI", "SECT_TP_NM": "-",
        "TDD_CLSPRC": f"{close:,}", "CMPPREVDD_PRC": f"{close - base:,}", "FLUC_RT": f"{100 * (close / base - 1):.2f}",
        "TDD_OPNPRC": f"{opened:,}", "TDD_HGPRC": f"{high:,}", "TDD_LWPRC": f"{low:,}", "ACC_TRDVOL": f"{volume:,}",
        "ACC_TRDVAL": f"{volume * close:,}", "MKTCAP": f"{shares * close:,}", "LIST_SHRS": f"{shares:,}",
    }  # fmt: skip


def listing_rows() -> list[dict[str, str]]:
    """The base information of the Korean securities, as KRX sends it."""
    return [
        {
            "ISU_CD": f"KR7{code}00{i}", "ISU_SRT_CD": code, "ISU_NM": f"{name}보통주", "ISU_ABBRV": name,
            "ISU_ENG_NM": f"Company {i}", "LIST_DD": "19750611", "MKT_TP_NM": "KOSPI", "SECUGRP_NM": "주권",
            "SECT_TP_NM": "-", "KIND_STKCERT_TP_NM": "보통주", "PARVAL": "100", "LIST_SHRS": f"{SHARES:,}",
        }
        for i, (code, name) in enumerate(CODES.items())
    ]  # fmt: skip


def _listing() -> list[Delivery]:
    request, at = (
        f"GET /sto/stk_isu_base_info?basDd={FIRST:%Y%m%d}",
        calendars.close_at("XKRX", FIRST) + timedelta(hours=17),
    )
    return [delivery("bronze.krx_listing", FIRST, listing_rows(), "stk", request, at)]


def _yahoo(last: date) -> list[Delivery]:
    days = calendars.sessions("XNYS", FIRST, last)
    made = []
    for seed, ticker in enumerate(TICKERS):
        rng = np.random.default_rng(seed)
        closes = np.round(180 * np.exp(np.cumsum(rng.normal(0, 0.015, len(days)))), 2)
        records = [
            {
                "symbol": ticker, "kind": "bar", "bar_at": calendars.open_at("XNYS", day), "open": float(close),
                "high": float(close) + 1.0, "low": float(close) - 1.0, "close": float(close), "volume": 5e6 + 1e3 * i,
                "later_splits": 1.0, "currency": "USD", "exchange_name": "NMS", "price_hint": 2,
                "long_name": f"{ticker} Inc.", "first_trade": date(1999, 1, 4),
            }
            for i, (day, close) in enumerate(zip(days, closes, strict=True))
        ]  # fmt: skip
        at = calendars.close_at("XNYS", last) + timedelta(hours=2)
        made.append(delivery("bronze.yahoo_chart", last, records, ticker, f"GET /v8/finance/chart/{ticker}", at, days))
    return made


def _coverage(days: Sequence[date]) -> list[Delivery]:
    made = []
    for day in (day for day in days if day >= date(2024, 4, 15)):
        records = [{"query": CODES["005930"], "code": "005930", "is_covered": True, "n_items": day.day % 4}]
        at = calendars.close_at("XKRX", day) + timedelta(minutes=5)
        made.append(delivery("bronze.naver_coverage", day, records, "005930", f"GET /news?{day}", at))
        made += [
            delivery("bronze.naver_news", day, told, "005930", f"GET /news?{day}", at) for told in [_told(day)] if told
        ]
    return made


def _told(day: date) -> list[dict]:
    """As many headlines as the coverage counts, each a story of its own."""
    return [
        {
            "query": CODES["005930"], "code": "005930", "title": f"<b>{CODES['005930']}</b>, {n + 1}번째 소식",
            "originallink": f"https://press.kr/{day}/{n}", "link": f"https://n.news.naver.com/{day}/{n}", "description": "",
            "pubDate": format_datetime(calendars.close_at("XKRX", day) - timedelta(hours=1 + n)),
        }
        for n in range(day.day % 4)
    ]  # fmt: skip


def _facts(accepted_at: datetime, revenue: float) -> Delivery:
    """Apple's last quarter of 2023 as the filing of that instant tells it."""
    day = accepted_at.date()
    told = {
        "cik": "0000320193", "symbol": "AAPL", "taxonomy": "us-gaap", "form": "10-Q", "filed": f"{day}",
        "accn": f"0000320193-24-{day:%m%d}", "end": "2023-12-31", "unit": "USD", "accepted_at": accepted_at,
    }  # fmt: skip
    records = [
        told | {"concept": "Revenues", "start": "2023-10-01", "val": revenue},
        told | {"concept": "NetIncomeLoss", "start": "2023-10-01", "val": 30.0},
        told | {"concept": "Assets", "val": 1_000.0},
    ]
    return delivery("bronze.sec_facts", day, records, "AAPL", f"GET /companyfacts {day}", accepted_at)


def _year() -> Delivery:
    """Microsoft's year 2023 by quarters, its equity, and its shares as the cover counts them."""
    day = REPORTED_AT.date()
    told = {
        "cik": "0000789019", "symbol": "MSFT", "taxonomy": "us-gaap", "form": "10-K", "filed": f"{day}",
        "accn": f"0000789019-24-{day:%m%d}", "end": "2023-12-31", "unit": "USD", "accepted_at": REPORTED_AT,
    }  # fmt: skip
    months = ("01-01", "03-31"), ("04-01", "06-30"), ("07-01", "09-30"), ("10-01", "12-31")
    quarters = [told | {"start": f"2023-{first}", "end": f"2023-{last}"} for first, last in months]
    records = [
        quarter | {"concept": concept, "val": value}
        for quarter in quarters
        for concept, value in (("Revenues", 50.0), ("NetIncomeLoss", 10.0))
    ]
    records.append(told | {"concept": "StockholdersEquity", "val": 400.0})
    cover = {"taxonomy": "dei", "concept": "EntityCommonStockSharesOutstanding", "unit": "shares", "end": "2024-01-20"}
    return delivery(
        "bronze.sec_facts", day, [*records, told | cover | {"val": 20.0}], "MSFT", "GET /companyfacts MSFT", REPORTED_AT
    )


def delivery(
    name: str, day: date, records: list[dict], word: str, request: str, at: datetime, days: Sequence[date] = ()
) -> Delivery:
    """Those records as a source's answer of that instant; `days` where each row has a session of its own."""
    table = registry.table(name)
    schema = own_columns(table)
    rows = pa.Table.from_pylist([{c: r.get(c) for c in schema.names} for r in records], schema=schema)
    if days:
        rows = rows.append_column("session_date", pa.array(list(days), pa.date32()))
        rows = rows.append_column("row_no", pa.array(range(len(days)), pa.int32()))
    payload = json.dumps(records, ensure_ascii=False, default=str).encode()
    return Delivery(name, day, payload, word, request, at, rows, ends_unit=True)
