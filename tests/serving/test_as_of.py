"""Whatever the instant: no reading as of it has a row, or says anything, that was known later. Over HTTP and in SQL."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from lake.sql import ReleaseSql
from market import bitemporal, registry
from serving.app import create_app
from tests.serving.conftest import AS_OF, RESTATED_AT, TOLD_AGAIN, Built, small_lake

STOCK = "/api/v1/stocks/005930"
ROUTES = (
    "/api/v1/stocks", STOCK, *(f"{STOCK}/{name}" for name in ("prices", "prices?adjust=true", "adjustments", "filings", "news", "actions",
    "fundamentals", "indicators", "predictions", "patterns", "levels", "levels/events")), "/api/v1/stocks/035720/listings", "/api/v1/stocks/000660/ratios", "/api/v1/market/summary",
)  # fmt: skip
LISTED_AT = datetime(2024, 1, 2, 7, tzinfo=AS_OF.tzinfo)
INSTANTS = st.one_of(
    st.datetimes(AS_OF.replace(tzinfo=None) - timedelta(days=160), AS_OF.replace(tzinfo=None)).map(lambda at: at.replace(tzinfo=AS_OF.tzinfo)),
    st.sampled_from([at + timedelta(microseconds=step) for at in (RESTATED_AT, TOLD_AGAIN) for step in (-1, 0, 1)]),
)  # fmt: skip


@pytest.fixture(scope="module")
def revised(tmp_path_factory: pytest.TempPathFactory, built_tables: Built) -> Iterator[TestClient]:
    """The API over the release that holds a revision."""
    lake = small_lake(tmp_path_factory.mktemp("revised"), built_tables)
    lake.releases.publish(lake.second)
    with TestClient(create_app(lake.settings), raise_server_exceptions=False) as client:
        yield client


def instants(body: Any) -> Iterator[datetime]:
    """Every known_at in a body, whatever it belongs to."""
    for name, value in body.items() if isinstance(body, dict) else enumerate(body):
        if name == "known_at" and value is not None:
            yield datetime.fromisoformat(value)
        elif isinstance(value, dict | list):
            yield from instants(value)


@given(at=INSTANTS, url=st.sampled_from(ROUTES))
def test_an_answer_as_of_an_instant_tells_nothing_that_was_known_later(
    revised: TestClient, at: datetime, url: str
) -> None:
    answer = revised.get(
        url,
        params={**dict(pair.split("=") for pair in url.partition("?")[2].split("&") if pair), "as_of": at.isoformat()},
    )
    is_too_early = "/stocks/" in url and at < LISTED_AT  # nobody knew the security then
    assert answer.status_code == 200 or (is_too_early and answer.status_code == 404), answer.text
    told = list(instants(answer.json()))
    assert all(one <= at for one in told)
    if answer.status_code == 200:
        assert datetime.fromisoformat(answer.json()["meta"]["as_of"]) == at


@pytest.mark.parametrize("url", [url for url in ROUTES if not url.endswith("patterns")])  # this lake has none
def test_the_routes_tell_when_what_they_tell_was_known(revised: TestClient, url: str) -> None:
    """Else the test above would hold of anything."""
    assert list(instants(revised.get(url).json()))


@given(at=INSTANTS, name=st.sampled_from([name for name, table in registry.tables().items() if table.is_bitemporal]))
def test_a_macro_has_exactly_the_versions_believed_at_its_instant(revised: TestClient, at: datetime, name: str) -> None:
    with revised.app.state.current.reading() as sql:  # type: ignore[attr-defined]
        every, found = (
            _sorted(sql, name, source) for source in (name, f"{name}_as_of('{at.isoformat()}'::TIMESTAMPTZ)")
        )
    expected = bitemporal.true_at(every, pd.Timestamp(at)).reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    assert (found["known_at"] <= pd.Timestamp(at)).all()


def _sorted(sql: ReleaseSql, name: str, source: str) -> pd.DataFrame:
    return sql.query(f"SELECT * FROM {source} ORDER BY {', '.join(registry.table(name).key)}").to_pandas(
        timestamp_as_object=False
    )
