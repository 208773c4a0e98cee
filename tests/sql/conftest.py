"""One Trino and one S3 server for all tests here, and a small lake on them with a third release that has filings and a loss."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from types import ModuleType

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable, write_deltalake

from lake.delta import DeltaLake
from lake.objects import lake_store
from lake.releases import Release, Releases
from lake.settings import Settings
from lake.sql import ReleaseSql, trino
from lake.sql.trino_release import TrinoSql
from market import calendars, registry
from tests.support import trino_server
from tests.support.champion import export_champion, keep_drift
from tests.support.small_lake import small_lake

GONE, GONE_AFTER = "XKRX:0001A0", date(2024, 4, 12)
ENGINES: dict[str, type[ReleaseSql]] = {"duckdb": ReleaseSql, "trino": TrinoSql}


@dataclass(frozen=True)
class Lake:
    """A lake on S3: its settings, which say Trino, and its releases, the last of which is current."""

    settings: Settings
    releases: Releases
    first: Release
    second: Release
    third: Release

    @property
    def on_duckdb(self) -> Settings:
        """The same lake, read in this process."""
        return self.settings.model_copy(update={"sql_url": "duckdb://"})


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The servers; the catalogs `lake`, `other` and `third` are there."""
    return trino_server.shared_trino()


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small lake in a folder."""
    folder = tmp_path_factory.mktemp("small")
    small_lake(folder)
    return folder / "lake"


@pytest.fixture(scope="session")
def make_lake(server, small_folder: Path) -> Callable[..., Lake]:
    """A small lake of that name on S3, with the first two releases or all three published."""

    def make(name: str, catalog: str = "lake", n_releases: int = 3) -> Lake:
        server.upload(small_folder, name)
        settings = server.settings(name, catalog)
        releases = Releases(lake_store(settings))
        second, first = releases.list()
        third = _third(settings, second)
        if n_releases == 3:
            releases.publish(third)
        return Lake(settings, releases, first, second, third)

    return make


@pytest.fixture(scope="session")
def lake(make_lake) -> Lake:
    """A lake that no test changes, in catalog `lake`, with a champion and a measurement of it."""
    made = make_lake("small")
    features = DeltaLake(made.settings).read(registry.table("gold.features_daily"))
    export_champion(made.settings, features, version=1, rounds=3)
    keep_drift(made.settings, version=1)
    trino.sync(made.settings, made.releases)
    return made


@pytest.fixture(params=list(ENGINES))
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine in turn."""
    return str(request.param)


@pytest.fixture
def open_engine(engine: str, lake: Lake) -> Callable[..., ReleaseSql]:
    """Opens a release of the lake through the engine."""
    return partial(ENGINES[engine], lake.settings)


@pytest.fixture(scope="session")
def _opened(lake: Lake) -> Iterator[dict[str, ReleaseSql]]:
    opened = {name: engine(lake.settings, lake.third) for name, engine in ENGINES.items()}
    yield opened
    for one in opened.values():
        one.close()


@pytest.fixture
def sql(engine: str, _opened: dict[str, ReleaseSql]) -> ReleaseSql:
    """The third release through the engine."""
    return _opened[engine]


@pytest.fixture
def both(_opened: dict[str, ReleaseSql]) -> tuple[ReleaseSql, ReleaseSql]:
    """The third release through DuckDB and through Trino."""
    return _opened["duckdb"], _opened["trino"]


def _third(settings: Settings, second: Release) -> Release:
    """The second release, with filings, predictions of a month, and one security gone from gold after a day."""
    delta, versions = DeltaLake(settings), dict(second.tables)
    for name in ("gold.prices", "gold.features_daily"):
        rows = delta.read(registry.table(name))
        kept = pc.or_(
            pc.not_equal(rows["security_id"], GONE), pc.less_equal(rows["session_date"], pa.scalar(GONE_AFTER))
        )
        versions[name] = write(delta, name, rows.filter(kept))
    versions["gold.predictions"] = write(delta, "gold.predictions", _predictions(delta))
    versions["silver.filings"] = write(delta, "silver.filings", _filings())
    versions["silver.sectors"] = write(delta, "silver.sectors", _sectors())
    versions["silver.corporate_actions"] = write(delta, "silver.corporate_actions", _decisions())
    return replace(second, release_id="r00003", parent=second.release_id, tables=versions)


def write(delta: DeltaLake, name: str, rows: pa.Table) -> int:
    """Replace the table's rows; the new version."""
    table = registry.table(name)
    by = [table.partition] if table.is_partitioned else None
    write_deltalake(delta.uri(name), rows, mode="overwrite", partition_by=by, storage_options=delta.storage_options)
    return DeltaTable(delta.uri(name), storage_options=delta.storage_options).version()


def _decisions() -> pa.Table:
    """Two decisions of 000660, one with a ratio."""
    table, day = registry.table("silver.corporate_actions"), date(2024, 4, 1)
    told = [("bonus_decision", 1 / 1.5), ("dividend_decision", None)]
    rows = [
        {**dict.fromkeys(table.schema.names), "session_date": day, "session_month": "2024-04", "security_id": "XKRX:000660", "exchange": "XKRX",
         "action": action, "price_factor": factor, "report_name": "주요사항보고서", "evidence": f"DART 2024040100000{n}", "source": "dart",
         "payload_digest": "0" * 64, "row_no": n, "known_at": calendars.open_at("XKRX", calendars.next_session("XKRX", day))}
        for n, (action, factor) in enumerate(told)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=table.schema)


def _sectors() -> pa.Table:
    """A sector of each security but two, one of them changed, and one that was told otherwise since."""
    day, table = date(2024, 1, 2), registry.table("silver.sectors")
    told = [
        ("XKRX:005930", day, "krx", None, "전기전자", None),
        ("XKRX:000660", day, "krx", None, "기계", None),
        ("XKRX:000660", date(2024, 4, 1), "krx", None, "전기전자", None),
        ("XKRX:035420", day, "krx", None, "화학", date(2024, 4, 2)),
        ("XNYS:AAPL", date(2024, 4, 30), "sic", "3571", "Electronic Computers", None),
    ]
    rows = [
        {**dict.fromkeys(table.schema.names), "security_id": security, "exchange": security[:4], "session_date": session,
         "sector_scheme": scheme, "sector_code": code, "sector": sector, "source": "test", "payload_digest": "d" * 64, "row_no": n,
         "known_at": calendars.close_at(security[:4], session), "known_until": until and calendars.close_at("XKRX", until)}
        for n, (security, session, scheme, code, sector, until) in enumerate(told)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=table.schema)


def _predictions(delta: DeltaLake) -> pa.Table:
    rows = delta.read(registry.table("gold.features_daily")).to_pandas(timestamp_as_object=False)
    rows = rows[(rows["session_date"] >= date(2024, 4, 1)) & rows["momentum_20"].notna()].copy()
    rows["score"] = rows["momentum_20"]
    rows["rank"] = rows.groupby(["exchange", "session_date"])["score"].rank(pct=True)
    rows = rows.assign(model="return_rank_5d", model_version=3, run_id="f00d", data_release="r00002")
    return registry.table("gold.predictions").conform(pa.Table.from_pandas(rows, preserve_index=False))


def _filings() -> pa.Table:
    """A filing of two companies on every session of April, readable a quarter of a second after the opening, 1 ms apart."""
    days = calendars.sessions("XKRX", date(2024, 4, 1), date(2024, 4, 30))
    rows = [
        {"session_date": day, "session_month": f"{day:%Y-%m}", "security_id": f"XKRX:{code}", "exchange": "XKRX",
         "corp_code": "00126380", "corp_name": name, "stock_code": code, "report_name": f"주요사항보고서 {i}",
         "receipt_no": f"20240401{n:03d}{i:03d}", "receipt_date": day - timedelta(days=1), "is_amendment": False,
         "source": "dart", "payload_digest": "c" * 64, "row_no": i, "known_at": pd.Timestamp(calendars.open_at("XKRX", day)) + pd.Timedelta(milliseconds=249 + n)}
        for n, (code, name) in enumerate((("000660", "SK하이닉스"), ("035420", "NAVER")))
        for i, day in enumerate(days)
    ]  # fmt: skip
    return registry.table("silver.filings").conform(pa.Table.from_pandas(pd.DataFrame(rows), preserve_index=False))
