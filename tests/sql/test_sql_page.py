"""docs/sql.md: every query runs on both engines with equal results, every Python connection gives rows."""

import re
from pathlib import Path

import pandas as pd
import pytest

from bench.sql import same
from lake.sql.trino_release import TrinoSql

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sql.md"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    """The page's blocks of that language."""
    return [found[2] for found in FENCE.finditer(PAGE.read_text()) if found[1] == language]


QUERIES = blocks("sql")


@pytest.fixture(scope="module")
def as_typed(lake):
    """Trino as an analyst asks it: in its own dialect, the text as it stands."""
    opened = TrinoSql(lake.settings, lake.third, is_own_dialect=True)
    yield opened
    opened.close()


@pytest.mark.parametrize("number", range(len(QUERIES)))
def test_a_query_of_the_page_gives_the_same_rows_on_both_engines(number, both, as_typed):
    duckdb, turned = both
    query = QUERIES[number]
    expected = duckdb.query(query)
    assert expected.num_rows > 0, query
    for found in (as_typed.query(query), turned.query(query)):
        assert same(found, expected), f"{query}\n{found.to_pandas()}\n{expected.to_pandas()}"


def test_the_page_has_ten_questions_each_with_a_query():
    parts = re.split(r"^### \d+\. ", PAGE.read_text(), flags=re.MULTILINE)[1:]
    assert [len(re.findall("^```sql", part, re.MULTILINE)) for part in parts] == [1] * 10


@pytest.mark.parametrize("code", blocks("python"), ids=["trino", "sqlalchemy", "ibis"])
def test_a_python_connection_of_the_page_gives_rows(code, lake, server):
    made: dict[str, object] = {}
    exec(compile(code.replace("18080", str(server.port)), str(PAGE), "exec"), made)
    rows = made["rows"]
    found = [tuple(row) for row in (rows.itertuples(index=False) if isinstance(rows, pd.DataFrame) else rows)]
    expected = TrinoSql(lake.settings, lake.third).query(
        "SELECT symbol, close FROM gold.prices WHERE session_date = DATE '2024-04-26' ORDER BY symbol"
    )
    assert found == [tuple(row.values()) for row in expected.to_pylist()]
    assert len(found) == 5


def test_the_uri_of_the_page_is_one_that_sqlalchemy_takes(lake, server):
    from sqlalchemy import create_engine, text

    uri = next(block for block in blocks("text") if block.startswith("trino://")).strip()
    with create_engine(uri.replace("18080", str(server.port))).connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM prices")).scalar() > 400
