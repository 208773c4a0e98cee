"""Whose a code was: of one release, at an instant, from one query."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake import holders
from lake.releases import Release
from lake.sql import ReleaseSql
from market.errors import Transient

DAY = datetime(2024, 5, 3, tzinfo=UTC)
COLUMNS = ("place", "security_id", "symbol", "known_at", "known_until")
SCHEMA = pa.schema([
    ("place", pa.int32()), ("security_id", pa.string()), ("symbol", pa.string()),
    ("known_at", pa.timestamp("us", tz="UTC")), ("known_until", pa.timestamp("us", tz="UTC")),
])  # fmt: skip


class Told(ReleaseSql):
    """A release of which a list of versions is told, as often as it is asked."""

    def __init__(self, *versions, failures=0):
        self._begin(Release("r00001", "data", DAY, DAY, "0" * 40, False, "krx-1", {}, "a", "b"))
        rows = [dict(zip(COLUMNS, version, strict=True)) for version in versions]
        self.rows = pa.Table.from_pylist(sorted(rows, key=lambda r: (r["known_at"], r["security_id"])), SCHEMA)
        self.n_asked, self.failures = 0, failures

    def query(self, sql, params=()):
        self.n_asked += 1
        if self.n_asked <= self.failures:
            raise Transient("query", expected="an answer", found="none")
        return self.rows


def days(n):
    return DAY + timedelta(days=n)


def of(sql, code, at):
    return sql.once(holders.read).of(code, at)


def test_a_code_used_again_means_its_holder_at_the_instant():
    sql = Told((0, "XKRX:A", "036720", days(0), days(10)), (0, "XKRX:A~2", "036720", days(20), None))
    assert of(sql, "036720", days(5)) == ["XKRX:A"]
    assert of(sql, "036720", days(10)) == ["XKRX:A~2"], "nobody had it then: the last one who did"
    assert of(sql, "036720", days(20)) == ["XKRX:A~2"]
    assert of(sql, "000000", days(5)) == []


def test_who_is_gone_keeps_no_code_that_another_has():
    gone, heir = (1, "XKRX:A", "036720", days(0), None), (0, "XKRX:B", "036720", days(20), None)
    assert of(Told(gone, heir), "036720", days(30)) == ["XKRX:B"]
    assert of(Told(gone, heir), "036720", days(5)) == ["XKRX:A"]


def test_two_exchanges_with_one_code_are_both_told():
    sql = Told((0, "XNYS:AB", "AB", days(0), None), (0, "XKRX:AB", "AB", days(1), None))
    assert of(sql, "AB", days(2)) == ["XKRX:AB", "XNYS:AB"]
    assert of(sql, "AB", days(0)) == ["XNYS:AB"]


def test_a_release_is_asked_once_and_again_only_after_a_failure():
    sql = Told((0, "XKRX:A", "000001", days(0), None), failures=1)
    with pytest.raises(Transient):
        sql.once(holders.read)
    assert not sql.has(holders.read)
    assert [of(sql, "000001", days(0)) for _ in range(3)] == [["XKRX:A"]] * 3
    assert (sql.has(holders.read), sql.n_asked) == (True, 2)


SPELLS = st.lists(
    st.tuples(st.sampled_from([0, 1]), st.sampled_from("ABC"), st.just("X"), st.integers(0, 9), st.integers(1, 9)),
    max_size=8,
)  # fmt: skip


@given(SPELLS, st.integers(0, 20))
def test_a_holder_at_an_instant_is_one_of_whom_a_version_is_true_then(spells, now):
    versions = [(place, one, code, days(at), days(at + long)) for place, one, code, at, long in spells]
    found = of(Told(*versions), "X", days(now))
    true = {place: {v[1] for v in versions if v[0] == place and v[3] <= days(now) < v[4]} for place in (0, 1)}
    expected = true[0] or true[1]
    assert set(found) == expected if expected else len(found) == bool(versions)
