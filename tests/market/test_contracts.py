"""Contracts as data: every one is whole, and its schemas agree."""

import importlib

import pyarrow as pa
import pytest

from lake.clients import names as clients
from market import registry
from market.table import SPARK, Column, Table

ALL = list(registry.tables().values())


@pytest.mark.parametrize("table", ALL, ids=lambda t: t.name)
def test_a_contract_says_what_it_is_and_when_its_rows_are_known(table):
    assert len(table.doc) > 20
    assert table.known_at
    assert all(column.doc for column in table.columns)
    assert all(column.unit for column in table.columns if column.type == "float64")


@pytest.mark.parametrize("table", ALL, ids=lambda t: t.name)
def test_the_schemas_of_the_engines_agree(table):
    words = [f"`{c.name}` {SPARK[c.type]}" for c in table.columns]
    assert table.spark_ddl == ", ".join(words)
    assert table.schema.names == [c.name for c in table.columns]
    assert table.conform(table.schema.empty_table()).num_rows == 0


@pytest.mark.parametrize("table", ALL, ids=lambda t: t.name)
def test_a_table_reads_tables_that_exist_and_come_before_it(table):
    order = list(registry.tables())
    for read in table.reads:
        assert read.table == table.name or order.index(read.table) < order.index(table.name)


@pytest.mark.parametrize("table", ALL, ids=lambda t: t.name)
def test_what_is_joined_comes_with_the_instant_it_was_known_at(table):
    taken = {column.name for column in table.columns}
    for read in table.reads:
        assert bool(read.known_as) == (read.role == "join"), f"{read.table} is joined without its known_at"
        assert read.known_as not in taken


@pytest.mark.parametrize("table", registry.layer("bronze"), ids=lambda t: t.name)
def test_a_bronze_table_names_a_source_that_has_a_client(table):
    assert table.source in clients()
    assert table.name in importlib.import_module(f"lake.clients.{table.source}").TABLES


@pytest.mark.parametrize("table", registry.layer("silver"), ids=lambda t: t.name)
def test_silver_rows_say_from_when_until_when_they_were_believed(table):
    # that nothing is overwritten is shown by what the builds do: silver/test_overwrites_nothing.py
    assert table.is_bitemporal


def test_a_missing_column_is_named():
    with pytest.raises(KeyError, match=r"gold.prices: expected column session_date"):
        registry.table("gold.prices").conform(pa.table({"close": [1.0]}))


def test_a_float_without_a_unit_is_refused():
    with pytest.raises(ValueError, match="a float needs a unit"):
        Column("close", "float64", "price")


def test_a_contract_without_known_at_is_refused():
    with pytest.raises(ValueError, match="known_at"):
        Table("market.datasets.gold.x", "x", (Column("a", "string", "a"),), ("a",), "now", "spark")


def test_an_unknown_table_is_answered_with_those_there_are():
    with pytest.raises(KeyError, match=r"no table 'gold.price'.*gold.prices"):
        registry.table("gold.price")
