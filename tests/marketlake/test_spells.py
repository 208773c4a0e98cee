"""`lake.listings` in SQL: why a listing ended stands beside the spell that ended, by code and date, as believed at the instant."""

from datetime import UTC, date, datetime, timedelta

import duckdb
import pyarrow as pa
import pytest

from market import registry
from marketlake import reading

NOW = datetime(2024, 12, 31, tzinfo=UTC)


class Tables:
    """The two tables in a DuckDB of their own, asked as a release is."""

    def __init__(self, listings: list[dict], delistings: list[dict], **others: list[dict]) -> None:
        self._db = duckdb.connect()
        self._db.execute("CREATE SCHEMA silver; SET TimeZone='UTC'")
        given = {"listings": listings, "delistings": delistings, **others}
        for name, rows in ((f"silver.{name}", rows) for name, rows in given.items()):
            schema = registry.table(name).schema
            rows_ = pa.Table.from_pylist(
                [{c: row.get(c) for c in schema.names} for row in rows],
                schema=pa.schema([f.with_nullable(True) for f in schema]),
            )
            self._db.register("given", rows_)
            self._db.execute(f"CREATE TABLE {name} AS SELECT * FROM given")

    def query(self, text: str, parameters: list) -> pa.Table:
        return self._db.execute(text, parameters).to_arrow_table()


def spell(security: str, first: date, last: date | None, status: str = "listed") -> dict:
    return {
        "security_id": security,
        "status": status,
        "first_session": first,
        "last_session": last,
        "evidence": "x",
        "known_at": at(1),
    }


def delisting(security: str, last: date, reason: str, known: int = 1, until: int | None = None) -> dict:
    return {
        "security_id": security, "delist_date": last + timedelta(1), "last_session": last, "reason": reason, "reason_class": "other", "known_at": at(known),
        "known_until": at(until) if until else None,
    }  # fmt: skip


def at(month: int) -> datetime:
    return datetime(2024, month, 1, tzinfo=UTC)


def told(sql: Tables, as_of: datetime = NOW, day: date | None = None) -> list[tuple]:
    rows = reading.spells(sql, day, as_of).to_pylist()
    return [(row["security_id"], row["status"], row["reason"]) for row in rows]


EARLY, LATE = date(2024, 1, 9), date(2024, 6, 3)


def test_each_end_of_a_code_has_its_own_reason_and_a_transfer_ends_nothing():
    spells = [
        spell("XKRX:000001", date(2023, 1, 2), EARLY),
        spell("XKRX:000001", date(2024, 3, 4), LATE),
        spell("XKRX:000002", EARLY, None),
    ]
    list_ = [
        delisting("XKRX:000001", EARLY, "merged"),
        delisting("XKRX:000001", LATE, "failed"),
        delisting("XKRX:000002", LATE, "moved"),
    ]
    assert told(Tables(spells, list_)) == [
        ("XKRX:000001", "listed", "merged"),
        ("XKRX:000001", "listed", "failed"),
        ("XKRX:000002", "listed", None),
    ]


def test_a_session_that_nobody_answered_does_not_hide_the_reason():
    """The spell ends where it was seen last; the calendar has two sessions more before the day of the delisting."""
    spells = [spell("XKRX:000001", date(2023, 1, 2), EARLY - timedelta(2)), spell("XKRX:000001", LATE, None)]
    assert told(Tables(spells, [delisting("XKRX:000001", EARLY, "merged")])) == [
        ("XKRX:000001", "listed", "merged"),
        ("XKRX:000001", "listed", None),
    ]


def test_a_spell_is_known_with_its_reason():
    spells, list_ = [spell("XKRX:000001", date(2023, 1, 2), EARLY)], [delisting("XKRX:000001", EARLY, "merged", 5)]
    known = [reading.spells(Tables(spells, list_), None, as_of)["known_at"].to_pylist() for as_of in (at(4), NOW)]
    assert known == [[at(1)], [at(5)]]


def test_a_halt_that_ended_with_the_listing_has_no_reason_of_its_own():
    spells = [spell("XKRX:000001", EARLY, LATE), spell("XKRX:000001", EARLY, LATE, "halted")]
    assert told(Tables(spells, [delisting("XKRX:000001", LATE, "failed")])) == [
        ("XKRX:000001", "halted", None),
        ("XKRX:000001", "listed", "failed"),
    ]


@pytest.mark.parametrize(("month", "expected"), [(4, None), (6, "first"), (9, "second")])
def test_a_reason_is_the_one_believed_at_the_instant(month, expected):
    spells = [spell("XKRX:000001", date(2023, 1, 2), EARLY)]
    list_ = [delisting("XKRX:000001", EARLY, "first", 5, 8), delisting("XKRX:000001", EARLY, "second", 8)]
    assert told(Tables(spells, list_), at(month)) == [("XKRX:000001", "listed", expected)]


def test_the_universe_of_a_day_is_the_same_with_and_without_the_list():
    spells = [spell("XKRX:000001", date(2023, 1, 2), EARLY), spell("XKRX:000002", EARLY, None)]
    list_ = [delisting("XKRX:000001", EARLY, "merged"), delisting("XKRX:000002", EARLY, "moved")]
    for day in (date(2024, 1, 8), EARLY, LATE):
        assert [row[:2] for row in told(Tables(spells, list_), day=day)] == [
            row[:2] for row in told(Tables(spells, []), day=day)
        ]


def test_a_share_whose_bar_was_refused_is_in_the_universe_of_its_day_without_a_close():
    spells = [spell("XKRX:000001", date(2023, 1, 2), None), spell("XKRX:000002", EARLY, LATE)]
    spells = [{**one, "exchange": "XKRX"} for one in spells]
    bar = {"security_id": "XKRX:000001", "symbol": "000001", "exchange": "XKRX", "market": "KOSPI", "currency": "KRW", "close": 7.0,
           "is_halted": False, "session_date": EARLY, "known_at": at(1)}  # fmt: skip
    named = [{"security_id": f"XKRX:00000{n}", "symbol": f"00000{n}", "name": f"N{n}", "market": "KOSDAQ", "currency": "KRW",
              "known_at": at(1)} for n in (1, 2)]  # fmt: skip
    days = [{"exchange": "XKRX", "session_date": day} for day in (EARLY, LATE)]
    sql = Tables(spells, [], prices=[bar], securities=named, sessions=days)
    rows = reading.listed(sql, EARLY, NOW).to_pylist()
    assert [(row["symbol"], row["close"], row["market"], row["name"]) for row in rows] == [
        ("000001", 7.0, "KOSPI", "N1"),
        ("000002", None, "KOSDAQ", "N2"),
    ]
    assert [row["symbol"] for row in reading.listed(sql, LATE, NOW).to_pylist()] == ["000001", "000002"]
    assert reading.listed(sql, EARLY + timedelta(1), NOW).num_rows == 0  # the exchange was closed
    assert reading.listed(sql, EARLY, datetime(2023, 12, 1, tzinfo=UTC)).num_rows == 0  # nobody knew of them yet
