"""A day's features are held against whole histories before they are published, and the online store against the release after."""

import pytest

from jobs.names import BUILD
from market import registry
from market.errors import Permanent
from market.table import Window

pytestmark = pytest.mark.slow  # three days

TABLE = registry.table("gold.features_daily")


def test_a_day_is_certified_and_one_that_went_on_from_a_wrong_state_is_not_published(desk, sessions) -> None:
    day, after = sessions[-3], sessions[-2]
    desk.runner.day(day)
    certified = {(row["table"], row["kind"]): row for row in desk.rows("ops.parity") if row["session_date"] == day}
    assert set(certified) == {
        (t, k) for t in ("gold.alpha158", "gold.features_daily", "gold.sentiment") for k in ("batch", "online")
    }
    assert not any(row["n_different"] for row in desk.rows("ops.parity"))
    good = desk.lake.releases.current()

    stored = [row for row in desk.rows(TABLE.name) if row["session_date"] == day]
    for row in stored:
        row["state"] = [row["state"][0], *(2 * number for number in row["state"][1:])]
    spoilt = TABLE.conform(TABLE.schema.empty_table().from_pylist(stored, schema=TABLE.schema))
    desk.lake.replace(TABLE, spoilt, Window(day, day, desk.lake.world.clock()()))
    with pytest.raises(Permanent, match="parity_with_batch"):
        desk.runner.day(after)
    assert desk.lake.releases.current() == good
    refused = [row for row in desk.rows("ops.checks") if row["check"] == "parity_with_batch" and not row["passed"]]
    assert {row["table"] for row in refused} == {TABLE.name}
    assert "again" in refused[0]["found"]

    desk.runner.run(BUILD, day, after)
    assert desk.lake.releases.current().last_session == f"{after}"
