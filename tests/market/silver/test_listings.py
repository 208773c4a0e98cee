"""silver.listings: the life of a security as base information and bars tell it, and the exchange's own truth found again."""

from datetime import date
from typing import Any

import pandas as pd
import pytest

from market import calendars
from market.bitemporal import true_at

DAYS = calendars.sessions("XKRX", date(2024, 5, 2), date(2024, 5, 10))
HALT = {"TDD_OPNPRC": "0", "TDD_HGPRC": "0", "TDD_LWPRC": "0", "ACC_TRDVOL": "0", "ACC_TRDVAL": "0"}
ADMIN = {"SECT_TP_NM": "관리종목(소속부없음)"}


def life(answer: Any, bars: str, listed: str = "") -> list[Any]:
    """Answers of consecutive sessions. A bar: t traded, h halted, - missing; listed: l, a administrative, - not there."""
    told: list[Any] = []
    for day, bar, state in zip(DAYS, bars, listed or bars.replace("h", "l").replace("t", "l"), strict=False):
        fetched = f"{day} 23:00"
        if bar != "-":
            told.append(answer("bronze.krx_daily", fetched, HALT if bar == "h" else {}, day=day))
        if state != "-":
            told.append(answer("bronze.krx_listing", fetched, ADMIN if state == "a" else {}, day=day))
        told += [
            answer("bronze.krx_services", fetched, {"service": f"stk_{kind}"}, day=day, request=f"GET {kind} {day}")
            for kind in ("bydd_trd", "isu_base_info")
        ]
    return told


def spells(rows: pd.DataFrame, at: str = "2025-01-01") -> dict[str, list[tuple[int, int | None]]]:
    """Positions of first and last session of the spells believed then, by status."""
    found: dict[str, list[tuple[int, int | None]]] = {}
    for row in true_at(rows, pd.Timestamp(at, tz="UTC")).itertuples():
        last = None if pd.isna(row.last_session) else DAYS.index(row.last_session)
        found.setdefault(row.status, []).append((DAYS.index(row.first_session), last))
    return found


def test_a_halt_has_its_first_and_last_session_and_each_is_known_when_it_was_seen(answer: Any, silver: Any) -> None:
    rows = silver("silver.listings", *life(answer, "thht"))
    assert spells(rows) == {"listed": [(0, None)], "halted": [(1, 2)]}
    assert spells(rows, f"{DAYS[1]} 06:29") == {"listed": [(0, None)]}
    assert spells(rows, f"{DAYS[2]} 06:30") == {"listed": [(0, None)], "halted": [(1, None)]}


def test_a_delisting_ends_the_listing_and_the_halt_in_it(answer: Any, silver: Any) -> None:
    rows = silver("silver.listings", *life(answer, "thh--"))
    assert spells(rows) == {"listed": [(0, 2)], "halted": [(1, 2)]}
    assert spells(rows, f"{DAYS[3]} 06:29")["listed"] == [(0, None)]


def listed_on(answer: Any, listing_date: str, days: str) -> list[Any]:
    """Base information alone, of a listing date: l there, - not."""
    told: list[Any] = []
    for day, state in zip(DAYS, days, strict=False):
        fetched = f"{day} 23:00"
        if state != "-":
            told.append(answer("bronze.krx_listing", fetched, {"LIST_DD": listing_date}, day=day))
        told.append(
            answer("bronze.krx_services", fetched, {"service": "stk_isu_base_info"}, day=day, request=f"GET base {day}")
        )
    return told


def test_the_first_day_of_a_listing_is_a_spell_of_one_session_known_at_its_close(answer: Any, silver: Any) -> None:
    rows = silver("silver.listings", *listed_on(answer, f"{DAYS[1]:%Y%m%d}", "-lll"))
    assert spells(rows) == {"listed": [(1, None)], "first_day": [(1, 1)]}
    assert spells(rows, f"{DAYS[1]} 06:29") == {}
    assert spells(rows, f"{DAYS[1]} 06:30") == {"listed": [(1, None)], "first_day": [(1, 1)]}


def test_a_first_day_does_not_rest_on_an_answer_that_was_taken_back(answer: Any, silver: Any) -> None:
    listing = {"LIST_DD": f"{DAYS[2]:%Y%m%d}"}
    asked = {"day": DAYS[1], "request": "GET base again"}
    told = listed_on(answer, listing["LIST_DD"], "--ll")
    wrong = answer("bronze.krx_listing", f"{DAYS[1]} 22:00", listing, **asked)
    right = answer("bronze.krx_listing", f"{DAYS[1]} 23:30", listing | {"ISU_SRT_CD": "000660"}, **asked)
    services = [
        answer("bronze.krx_services", f"{DAYS[1]} {at}", {"service": "stk_isu_base_info"}, **asked)
        for at in ("22:00", "23:30")
    ]
    rows = silver("silver.listings", *told, wrong, right, *services)
    mine = rows[rows["security_id"] == "XKRX:005930"]
    assert spells(mine)["first_day"] == [(2, 2)]


@pytest.mark.parametrize(
    ("listing_date", "days"),
    [(DAYS[2], "lll"), (DAYS[0], "lll"), (DAYS[0], "-ll"), (DAYS[2], "-ll")],
    ids=["transfer", "since before the first answer", "not the date that it tells", "a hole of the day before"],
)
def test_no_first_day_where_the_security_was_there_before_or_its_date_is_another(
    listing_date: date, days: str, answer: Any, silver: Any
) -> None:
    rows = silver("silver.listings", *listed_on(answer, f"{listing_date:%Y%m%d}", days))
    assert "first_day" not in spells(rows)


def test_what_trades_after_a_halt_and_then_is_gone_was_liquidated(answer: Any, silver: Any) -> None:
    rows = silver("silver.listings", *life(answer, "thtt-"))
    assert spells(rows) == {"listed": [(0, 3)], "halted": [(1, 1)], "liquidation": [(2, 3)]}
    assert "liquidation" not in spells(rows, f"{DAYS[4]} 06:29")


def test_a_refused_bar_is_no_delisting_and_does_not_cut_a_halt(answer: Any, silver: Any) -> None:
    rows = silver("silver.listings", *life(answer, "th-ht", "lllll"))
    assert spells(rows) == {"listed": [(0, None)], "halted": [(1, 3)]}


def test_a_refused_bar_after_a_halt_looks_like_a_liquidation_until_the_next_bar_comes(answer: Any, silver: Any) -> None:
    rows = silver("silver.listings", *life(answer, "tht-t", "lllll"))
    assert "liquidation" not in spells(rows, f"{DAYS[3]} 06:29")
    assert spells(rows, f"{DAYS[3]} 06:30")["liquidation"] == [(2, 2)]
    assert "liquidation" not in spells(rows, f"{DAYS[4]} 06:30") and "liquidation" not in spells(rows)
    assert spells(rows) == {"listed": [(0, None)], "halted": [(1, 1)]}


def test_a_halt_told_later_makes_no_liquidation_before_it_was_told(answer: Any, silver: Any) -> None:
    """The bar of the second session came as traded, and a correction long after the end says that it was a halt."""
    told = life(answer, "tttt-")
    again = answer("bronze.krx_daily", "2024-07-01 00:00", HALT, day=DAYS[1])
    rows = silver("silver.listings", *told, again)
    assert "liquidation" not in spells(rows, "2024-06-30")
    assert spells(rows, "2024-07-02")["liquidation"] == [(2, 3)]


def test_a_row_that_a_correction_brings_leaves_the_delisting_that_was_believed(answer: Any, silver: Any) -> None:
    """The second session's answer lacked the security, the third had it; a correction weeks later has it on the second too."""
    listing, service, request = (
        "bronze.krx_listing",
        {"service": "stk_isu_base_info"},
        f"GET /bronze.krx_listing/{DAYS[1]}",
    )
    first, late = f"{DAYS[1]} 23:00", "2024-07-01 00:00"
    other = answer(listing, first, {"ISU_SRT_CD": "000660"}, day=DAYS[1])
    again = answer(listing, late, {}, day=DAYS[1])
    answers = [
        _as(answer("bronze.krx_services", at, service, day=DAYS[1], request=request), [rows], listing)
        for at, rows in ((first, other), (late, again))
    ]
    rows = silver("silver.listings", *life(answer, "ttt", "l-l"), other, again, *answers)
    rows = rows[rows["security_id"] == "XKRX:005930"]
    assert spells(rows, f"{DAYS[1]} 23:59")["listed"] == [(0, 0)]
    assert spells(rows, "2024-06-30")["listed"] == [(0, 0), (2, None)]
    assert spells(rows, "2024-07-02")["listed"] == [(0, None)]


def test_an_administrative_issue_is_told_by_its_section(answer: Any, silver: Any) -> None:
    rows = silver("silver.listings", *life(answer, "ttttt", "laal-"))
    assert spells(rows) == {"listed": [(0, 3)], "administrative": [(1, 2)]}


def test_a_security_that_comes_back_is_listed_twice(answer: Any, silver: Any) -> None:
    assert spells(silver("silver.listings", *life(answer, "tt--t")))["listed"] == [(0, 1), (4, None)]


def test_a_session_that_was_not_answered_says_nothing(answer: Any, silver: Any) -> None:
    told = [a for a in life(answer, "tt-t") if a.num_rows and a["session_date"][0].as_py() != DAYS[2]]
    assert spells(silver("silver.listings", *told)) == {"listed": [(0, None)]}


def test_a_correction_that_takes_a_security_off_the_list_counts_from_its_fetch(answer: Any, silver: Any) -> None:
    told = life(answer, "tt")
    listing = "bronze.krx_listing"
    again = answer(listing, "2024-07-01 00:00", {"ISU_SRT_CD": "000660"}, day=DAYS[1])
    service = {"service": "stk_isu_base_info"}
    of_it = answer("bronze.krx_services", "2024-07-01 00:00", service, day=DAYS[1], request=f"GET /{listing}/{DAYS[1]}")
    first = answer("bronze.krx_services", f"{DAYS[1]} 23:00", service, day=DAYS[1], request=f"GET /{listing}/{DAYS[1]}")
    rows = silver("silver.listings", *told, again, _as(first, told, listing), _as(of_it, [again], listing))
    samsung = rows[rows["security_id"] == "XKRX:005930"]
    assert spells(samsung, "2024-06-30") == {"listed": [(0, None)]}
    assert spells(samsung, "2024-07-02") == {"listed": [(0, 0)]}


def _as(service: Any, told: list[Any], listing: str) -> Any:
    """The service's row with the payload of the last listing among the answers: in bronze both name one payload."""
    of_listing = [a for a in told if a.schema.metadata[b"table"] == listing.encode()][-1]
    at = service.schema.get_field_index("payload_digest")
    return service.set_column(at, service.schema.field(at), of_listing["payload_digest"].slice(0, 1))


@pytest.mark.parametrize("n", range(1, 6))
@pytest.mark.parametrize(
    ("bars", "listed"), [("thtt-", ""), ("tht-t", "lllll"), ("th-t-", "lll--"), ("ht-h-", "l-ll-")]
)
def test_each_day_s_build_agrees_with_the_builds_before_it(
    n: int, bars: str, listed: str, answer: Any, silver: Any
) -> None:
    """What the first n sessions gave is what a read as of then gives from all of them."""
    told, cut = life(answer, bars, listed), life(answer, bars[:n], listed[:n])
    then = f"{DAYS[n - 1]} 23:59"
    assert spells(silver("silver.listings", *told), then) == spells(silver("silver.listings", *cut), then)
