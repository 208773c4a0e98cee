"""What people see of a build in the Dagster UI: of the ledger, the factors that nothing disclosed."""

from datetime import UTC, date, datetime

import pandas as pd
import pyarrow as pa
import pytest

from assets.building import Built
from assets.metadata import describe
from market import registry
from market.table import Window

DAY = date(2024, 5, 3)


def ledger(*told: tuple[str, float, str | None, datetime | None]) -> Built:
    """A build of silver.adjustments that wrote these: security, factor, what disclosed it, until when it was believed."""
    table = registry.table("silver.adjustments")
    rows = pd.DataFrame([
        {"session_date": DAY, "session_month": "2024-05", "security_id": security, "exchange": "XKRX", "factor": factor,
         "cause": "rights_or_other", "evidence": "base price 950", "confidence": "medium", "disclosed_by": by,
         "known_at": datetime(2024, 5, 3, 7, tzinfo=UTC), "known_until": until}
        for security, factor, by, until in told
    ], columns=table.schema.names)  # fmt: skip
    built = table.conform(pa.Table.from_pandas(rows, schema=table.schema, preserve_index=False))
    return Built(table, Window(DAY, DAY, datetime(2024, 5, 4, tzinfo=UTC)), 3, built, 0, ())


def shown(built: Built) -> str:
    return str(describe.judged(built)["unexplained_factors"].value)


def test_only_believed_factors_that_nothing_disclosed_are_listed():
    said = shown(ledger(
        ("XKRX:000001", 0.95, None, None), ("XKRX:000002", 0.5, "DART 1", None),
        ("XKRX:000003", 0.9, None, datetime(2024, 5, 7, tzinfo=UTC)),
    ))  # fmt: skip
    assert "XKRX:000001" in said
    assert "XKRX:000002" not in said
    assert "XKRX:000003" not in said
    assert "disclosed_by IS NULL" in said, "and how to list those of the whole release"


@pytest.mark.parametrize("told", [(), (("XKRX:000002", 0.5, "DART 1", None),)])
def test_where_all_are_explained_it_says_so(told):
    assert shown(ledger(*told)) == "none"


def test_a_long_list_is_cut_and_says_by_how_many():
    many = [(f"XKRX:{n:06d}", 0.9, None, None) for n in range(describe.LISTED + 7)]
    assert "and 7 more" in shown(ledger(*many))


def test_other_tables_have_no_such_list():
    built = ledger()
    prices = registry.table("silver.prices")
    other = Built(prices, built.window, 1, prices.schema.empty_table(), 0, ())
    assert "unexplained_factors" not in describe.judged(other)
