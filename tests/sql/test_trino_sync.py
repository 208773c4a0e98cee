"""Schemas of releases in the catalog: pinned, moved with the pointer, told again for nothing, dropped when over."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from loguru import logger
from trino.dbapi import connect

from lake import shown
from lake.delta import DeltaLake
from lake.objects import lake_store
from lake.sql import Current, ReleaseSql, open_release, trino
from lake.sql.trino_catalog import Catalog
from lake.sql.trino_client import Refused
from lake.sql.trino_release import TrinoSql
from market import registry
from market.errors import Permanent, Transient
from marketlake.processes import free_port

COUNT = "SELECT count(*) AS n FROM gold.prices"


@pytest.fixture(scope="module")
def catalog(own) -> Iterator[Catalog]:
    """The catalog of this module's lake."""
    with Catalog(own.settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def own(make_lake):
    """A lake of this module's own, with two releases, synced."""
    made = make_lake("own", "other", n_releases=2)
    trino.sync(made.settings, made.releases)
    return made


def one(catalog: Catalog, query: str) -> object:
    return catalog.run(query).column(0)[0].as_py()


def names(catalog: Catalog, schema: str) -> set[str]:
    return set(catalog.run(f"SHOW TABLES FROM {schema}")["Table"].to_pylist())


def test_a_release_s_schemas_are_pinned_to_its_versions(own, catalog):
    assert (one(catalog, "SELECT count(*) FROM r00001_gold.prices"), one(catalog, "SELECT count(*) FROM r00002_gold.prices")) == (
        494, 508,
    )  # fmt: skip
    text = one(catalog, "SHOW CREATE VIEW r00001_gold.prices")
    assert f"FOR VERSION AS OF {own.first.tables['gold.prices']}" in str(text)
    assert "SECURITY INVOKER" in str(text)


def test_a_release_has_every_contract_and_people_the_same_names(catalog):
    for layer in ("bronze", "silver", "gold", "ops"):
        expected = {table.name.split(".")[1] for table in registry.layer(layer)}
        expected |= {"gold": {"prices_adjusted"}, "ops": {"releases"}}.get(layer, set())
        assert names(catalog, f"r00002_{layer}") == names(catalog, layer) == expected


def test_machine_columns_are_not_shown(catalog):
    assert not {"state", "state_layout"} & set(
        catalog.run("SHOW COLUMNS FROM gold.features_daily")["Column"].to_pylist()
    )


def test_views_and_columns_say_what_the_contracts_say(own, catalog):
    shown = catalog.run("SHOW COLUMNS FROM gold.prices").to_pylist()
    contract = registry.table("gold.prices")
    assert {row["Column"]: row["Comment"] for row in shown} == {
        c.name: c.doc + (f" [{c.unit}]" if c.unit else "") for c in contract.public
    }
    for schema in ("gold", "r00002_gold"):
        query = (
            "SELECT comment FROM system.metadata.table_comments WHERE catalog_name = 'other' "
            f"AND schema_name = '{schema}' AND table_name = 'prices'"
        )
        assert one(catalog, query) == contract.doc


def test_a_second_sync_makes_nothing(own):
    done = trino.sync(own.settings, own.releases)
    assert done is not None
    assert (done.n_made, done.kept, done.dropped) == (0, ("r00002", "r00001"), ())


def test_people_s_names_follow_the_pointer_and_a_release_stays(own, catalog):
    own.releases.rollback()
    done = trino.sync(own.settings, own.releases)
    assert one(catalog, COUNT) == 494
    assert one(catalog, "SELECT count(*) FROM r00002_gold.prices") == 508
    assert 0 < done.n_made <= len(registry.tables()) + 1
    own.releases.rollback("r00002")
    trino.sync(own.settings, own.releases)
    assert one(catalog, COUNT) == 508


def test_a_pointer_that_never_stays_is_an_error_that_a_rerun_may_clear(own, monkeypatch):
    numbers = iter(range(100))
    monkeypatch.setattr(trino, "SYNCS", 2)
    monkeypatch.setattr(own.releases, "head", lambda: (next(numbers), own.second))
    with pytest.raises(Transient, match="stay where it is during one of 2 syncs"):
        trino.sync(own.settings, own.releases)


def test_a_contract_s_new_words_reach_a_catalog_that_is_there(own, catalog):
    catalog.run("COMMENT ON COLUMN gold.prices.close IS 'as it was'")
    catalog.run("COMMENT ON VIEW gold.labels IS 'as it was'")
    trino.sync(own.settings, own.releases)
    shown = {row["Column"]: row["Comment"] for row in catalog.run("SHOW COLUMNS FROM gold.prices").to_pylist()}
    close = next(c for c in registry.table("gold.prices").public if c.name == "close")
    assert shown["close"].startswith(close.doc)
    query = "SELECT comment FROM system.metadata.table_comments WHERE catalog_name = 'other' AND schema_name = 'gold' AND table_name = 'labels'"
    assert one(catalog, query) == registry.table("gold.labels").doc


def test_a_release_that_is_not_kept_loses_its_schemas_and_can_still_be_read(own, catalog):
    done = trino.sync(own.settings, own.releases, kept=["r00002"])
    assert done.dropped == ("r00001",)
    assert not [name for name in catalog.schemas() if name.startswith("r00001")]
    opened = open_release(own.settings, own.first)
    assert opened.query(COUNT)["n"].to_pylist() == [494]
    opened.close()


def test_a_view_that_is_gone_comes_back(own, catalog):
    catalog.run("DROP VIEW r00002_gold.labels")
    catalog.run("DROP VIEW gold.labels")
    assert trino.sync(own.settings, own.releases).n_made == 2
    assert one(catalog, "SELECT count(*) FROM gold.labels") > 0
    said = catalog.run("SHOW COLUMNS FROM gold.labels")["Comment"].to_pylist()
    assert all(said)


def test_a_release_is_ready_before_it_is_published_and_a_sync_leaves_it(own, catalog):
    coming = replace(own.second, release_id="r00098")
    shown.prepare(own.settings, coming)
    trino.sync(own.settings, own.releases)
    assert one(catalog, "SELECT count(*) FROM r00098_gold.prices") == 508
    assert one(catalog, COUNT) == 508, "people's names stay at the current one"
    made = trino.sync(own.settings, own.releases).n_made
    with closing(TrinoSql(own.settings, coming)) as sql:
        assert (sql.query(COUNT)["n"][0].as_py(), made) == (508, 0)


def test_while_trino_is_away_a_publication_does_not_wait_for_it(own):
    away = own.settings.model_copy(update={"sql_url": f"trino://marketlake@127.0.0.1:{free_port()}/lake"})
    said: list[str] = []
    sink = logger.add(said.append, level="WARNING")
    shown.prepare(away, own.second)
    logger.remove(sink)
    assert len(said) == 1 and "release not made ready in SQL" in said[0]


def test_a_version_that_is_not_there_is_permanent(own):
    missing = replace(own.second, release_id="r00099", tables={**own.second.tables, "gold.prices": 99})
    with pytest.raises(Permanent, match=r"gold\.prices version 99"):
        TrinoSql(own.settings, missing)


def test_a_release_older_than_a_column_shows_it_as_null(own, catalog):
    delta = DeltaLake(own.settings)
    rows = delta.read(registry.table("gold.prices")).drop_columns(["n_headlines"])
    write_deltalake(delta.uri("gold.prices"), rows, mode="overwrite", schema_mode="overwrite",
                    partition_by=["session_month"], storage_options=delta.storage_options)  # fmt: skip
    versions = {**own.second.tables, "gold.prices": delta.version("gold.prices")}
    opened = TrinoSql(own.settings, replace(own.second, release_id="r00098", tables=versions))
    for name in ("gold.prices", "gold.prices_adjusted"):
        found = opened.query(f"SELECT n_headlines FROM {name}")["n_headlines"]
        assert (found.type, found.null_count, len(found)) == (pa.float64(), 494, 494)
    assert opened.query("SELECT max(close) AS c FROM gold.prices")["c"][0].as_py() > 0
    opened.close()


def test_a_catalog_shows_one_lake(own, server):
    with pytest.raises(Permanent, match=r"catalog other .* expected to show the lake s3://marketlake/another"):
        trino.sync(own.settings.model_copy(update={"lake_url": "s3://marketlake/another"}), own.releases)


def test_people_read_and_do_not_write(own, server):
    with connect(host="127.0.0.1", port=server.port, user="ann", catalog="other") as connection:
        cursor = connection.cursor()
        cursor.execute(COUNT)
        assert cursor.fetchall() == [[508]]
        for statement in (
            "DELETE FROM tables_gold.prices", "DROP VIEW gold.prices", "CREATE SCHEMA mine",
            "CREATE OR REPLACE VIEW gold.prices AS SELECT 1 AS a", "CALL system.unregister_table('tables_gold', 'labels')",
        ):  # fmt: skip
            with pytest.raises(Exception, match="Access Denied"):
                connection.cursor().execute(statement)


def test_our_own_user_writes_no_rows(own, catalog):
    for statement in (
        "DELETE FROM tables_gold.prices",
        "INSERT INTO tables_gold.prices SELECT * FROM tables_gold.prices",
    ):
        with pytest.raises(Refused, match="Access Denied"):
            catalog.run(statement)


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE tables_gold.mine (a INTEGER)", "ALTER TABLE tables_gold.prices EXECUTE optimize"]
)
def test_a_statement_that_the_rules_do_not_know_reaches_no_file(own, catalog, statement):
    """The S3 key that Trino has can only read."""
    before = lake_store(own.settings).list("gold/")
    with suppress(Refused, Transient):  # one that finds nothing to do is none to refuse
        catalog.run(statement)
    assert lake_store(own.settings).list("gold/") == before


def test_the_current_release_is_opened_through_the_engine_of_the_setting(own):
    for settings, kind in ((own.settings, TrinoSql), (own.on_duckdb, ReleaseSql)):
        current = Current(settings)
        assert current.refresh()
        with current.reading() as opened:
            assert type(opened) is kind
            assert opened.query(COUNT)["n"].to_pylist() == [508]
        current.close()


def test_without_trino_there_is_nothing_to_sync(own):
    assert trino.sync(own.on_duckdb, own.releases) is None


@pytest.mark.slow  # every schema is made twice
def test_clearing_takes_everything_of_ours_and_no_file(own, catalog):
    trino.clear(own.settings)
    assert catalog.schemas() <= {"information_schema", "default"}
    assert DeltaLake(own.settings).exists("gold.prices")
    trino.sync(own.settings, own.releases)
    assert one(catalog, COUNT) == 508


def test_many_may_open_a_new_release_at_once(own):
    fresh = replace(own.second, release_id="r00097", tables=dict(own.first.tables))
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: TrinoSql(own.settings, fresh), range(4)))
    assert [one.query(COUNT)["n"][0].as_py() for one in opened] == [494] * 4
    for one in opened:
        one.close()


@pytest.mark.slow  # every schema is made twice
def test_a_sync_that_a_publication_overtakes_ends_at_what_is_current(own, catalog, monkeypatch):
    """It was slow: another release was published, and synced, before it wrote what people see. The last test here: it publishes."""
    make, moved = Catalog.make_release, []

    def overtaken(catalog, release, *given, people=False):
        if people and not moved:
            moved.append(own.releases.publish(own.third))
            trino.sync(own.settings, own.releases)
        return make(catalog, release, *given, people=people)

    monkeypatch.setattr(Catalog, "make_release", overtaken)
    done = trino.sync(own.settings, own.releases, kept=["r00002"])
    assert one(catalog, COUNT) == one(catalog, "SELECT count(*) FROM r00003_gold.prices") == 494
    assert one(catalog, "SELECT count(*) FROM ops.releases") == 3
    assert done.kept == ("r00003", "r00002")
