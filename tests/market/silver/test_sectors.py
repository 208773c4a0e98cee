"""silver.sectors: since which session a security is in which sector, and since when that is known."""

from datetime import date
from typing import Any

import pandas as pd
import pytest

from expectations.judge import judge
from market import registry
from market.bitemporal import true_at
from market.datasets.bronze.krx_sectors import told
from tests.market.silver.conftest import sessions

KRX, SEC, SILVER = "bronze.krx_sectors", "bronze.sec_submissions", "silver.sectors"
THURSDAY, FRIDAY, TUESDAY, WEDNESDAY = date(2024, 5, 2), date(2024, 5, 3), date(2024, 5, 7), date(2024, 5, 8)
"""Sessions of Seoul, one after the other: the Monday between is a holiday."""
DAYS = (THURSDAY, FRIDAY, TUESDAY, WEDNESDAY)


def utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def closes(day: date) -> pd.Timestamp:
    return utc(f"{day} 06:30")


def shown(rows: pd.DataFrame) -> list[tuple[date, str]]:
    """Session and sector of the rows in their order."""
    return list(zip(rows["session_date"], rows["sector"], strict=True))


@pytest.fixture
def days(answer: Any) -> Any:
    """``days("A", "A", "B")``: an answer of each session in turn, told the next morning; None: nobody asked."""

    def make(*industries: str | None) -> list[Any]:
        return [
            answer(KRX, f"{day} 23:00", {"IDX_IND_NM": industry}, day=day)
            for day, industry in zip(DAYS, industries, strict=False)
            if industry is not None
        ]

    return make


def test_a_sector_is_one_row_until_a_session_tells_another(days: Any, silver: Any) -> None:
    rows = silver(SILVER, *days("전기전자", "전기전자", "서비스업", "서비스업"))
    assert shown(rows) == [(THURSDAY, "전기전자"), (TUESDAY, "서비스업")]
    assert rows["known_at"].tolist() == [closes(THURSDAY), closes(TUESDAY)]
    assert rows["known_until"].isna().all(), "a change ends nothing: what was told of Thursday stays true"
    assert rows[["security_id", "exchange", "sector_scheme", "source"]].drop_duplicates().values.tolist() == [
        ["XKRX:005930", "XKRX", "krx", "krx_market"]
    ]
    assert rows["sector_code"].isna().all()


def test_one_that_comes_back_is_a_row_again(days: Any, silver: Any) -> None:
    rows = silver(SILVER, *days("화학", "기계", "화학"))
    assert shown(rows) == [(THURSDAY, "화학"), (FRIDAY, "기계"), (TUESDAY, "화학")]


def test_it_is_known_from_the_close_of_its_session_however_late_it_is_fetched(answer: Any, silver: Any) -> None:
    late = answer(KRX, "2025-01-02 00:00", {}, day=FRIDAY)
    assert silver(SILVER, late)["known_at"].tolist() == [closes(FRIDAY)]


def test_sessions_of_which_nobody_asked_end_nothing(days: Any, silver: Any) -> None:
    assert shown(silver(SILVER, *days("화학", None, None, "화학"))) == [(THURSDAY, "화학")]
    assert shown(silver(SILVER, *days("화학", "-", "", "기계"))) == [(THURSDAY, "화학"), (WEDNESDAY, "기계")]


def test_a_correction_of_a_session_is_a_version_and_moves_the_beginning(days: Any, answer: Any, silver: Any) -> None:
    """Thursday A, Friday A, Tuesday B; a month later Friday was B already: B begins on Friday from then on, on Tuesday until then."""
    corrected = utc("2024-06-03 23:00")
    rows = silver(SILVER, *days("A", "A", "B", "B"), answer(KRX, "2024-06-03 23:00", {"IDX_IND_NM": "B"}, day=FRIDAY))
    assert shown(true_at(rows, corrected - pd.Timedelta(seconds=1))) == [(THURSDAY, "A"), (TUESDAY, "B")]
    assert shown(true_at(rows, corrected)) == [(THURSDAY, "A"), (FRIDAY, "B")]
    ended = rows[rows["known_until"].notna()]
    assert (shown(ended), ended["known_until"].tolist()) == ([(TUESDAY, "B")], [corrected])


def test_a_correction_of_a_beginning_hands_it_on_to_the_next_session(days: Any, answer: Any, silver: Any) -> None:
    """Tuesday was A still: B begins on Wednesday, known since the correction, of the payload that told Wednesday."""
    corrected = utc("2024-06-03 23:00")
    rows = silver(SILVER, *days("A", "A", "B", "B"), answer(KRX, "2024-06-03 23:00", {"IDX_IND_NM": "A"}, day=TUESDAY))
    believed = true_at(rows, corrected)
    assert shown(believed) == [(THURSDAY, "A"), (WEDNESDAY, "B")]
    assert believed["known_at"].tolist() == [closes(THURSDAY), corrected]
    assert shown(true_at(rows, closes(WEDNESDAY))) == [(THURSDAY, "A"), (TUESDAY, "B")]


def test_a_correction_in_between_is_one_more_sector_and_back(days: Any, answer: Any, silver: Any) -> None:
    rows = silver(SILVER, *days("A", "A", "A", "A"), answer(KRX, "2024-06-03 23:00", {"IDX_IND_NM": "B"}, day=FRIDAY))
    assert shown(true_at(rows, utc("2024-06-03 23:00"))) == [(THURSDAY, "A"), (FRIDAY, "B"), (TUESDAY, "A")]
    assert shown(true_at(rows, utc("2024-06-03 22:59"))) == [(THURSDAY, "A")]


def test_a_correction_taken_back_leaves_the_same_beliefs_as_before(days: Any, answer: Any, silver: Any) -> None:
    told_ = days("A", "A", "B", "B")
    again = [
        answer(KRX, f"2024-06-0{n} 23:00", {"IDX_IND_NM": what, "TDD_CLSPRC": f"{n}"}, day=FRIDAY)
        for n, what in ((3, "B"), (4, "A"))
    ]
    rows = silver(SILVER, *told_, *again)
    assert shown(true_at(rows, utc("2024-06-05 00:00"))) == shown(silver(SILVER, *told_))
    assert shown(true_at(rows, utc("2024-06-04 00:00"))) == [(THURSDAY, "A"), (FRIDAY, "B")]


def test_an_as_of_read_gives_what_the_answers_of_its_time_alone_give(days: Any, answer: Any, silver: Any) -> None:
    told_ = [*days("A", "B", "B", "A"), answer(KRX, "2024-06-03 23:00", {"IDX_IND_NM": "C"}, day=TUESDAY)]
    whole = silver(SILVER, *told_)
    for n, instant in enumerate((*map(closes, DAYS), utc("2024-06-03 23:00")), 1):
        alone = silver(SILVER, *told_[:n])
        assert shown(true_at(whole, instant)) == shown(alone[alone["known_until"].isna()])


def test_the_order_in_which_sessions_were_fetched_does_not_matter(days: Any, answer: Any, silver: Any) -> None:
    told_ = days("A", "A", "B", "A")
    backwards = [
        answer(KRX, f"2024-07-0{9 - n} 23:00", {"IDX_IND_NM": what}, day=day)
        for n, (day, what) in enumerate(zip(DAYS, "AABA", strict=True))
    ]
    columns = ["security_id", "session_date", "sector", "known_at", "known_until"]
    pd.testing.assert_frame_equal(silver(SILVER, *told_)[columns], silver(SILVER, *backwards)[columns])


def test_a_delisting_and_silence_leave_the_last_sector(answer: Any, days: Any, silver: Any) -> None:
    gone = answer("bronze.krx_delistings", "2024-05-08 00:00", {"DELIST_DD": "2024/05/07"}, day=TUESDAY)
    others = answer(KRX, f"{WEDNESDAY} 23:00", {"ISU_SRT_CD": "000660"}, day=WEDNESDAY)
    rows = silver(SILVER, *days("화학", "기계"), gone, others)
    ours = rows[rows["security_id"] == "XKRX:005930"]
    assert shown(ours) == [(THURSDAY, "화학"), (FRIDAY, "기계")] and ours["known_until"].isna().all()


def test_a_preferred_share_has_what_is_told_of_itself_and_inherits_nothing(answer: Any, days: Any, silver: Any) -> None:
    assert set(silver(SILVER, *days("화학"))["security_id"]) == {"XKRX:005930"}
    its = answer(KRX, f"{FRIDAY} 23:00", {"ISU_SRT_CD": "005935", "IDX_IND_NM": "기타금융"}, {}, day=FRIDAY)
    rows = silver(SILVER, *days("화학"), its).set_index("security_id")
    assert rows.loc["XKRX:005935", ["session_date", "sector"]].tolist() == [FRIDAY, "기타금융"]


def test_each_company_of_a_code_used_again_has_its_own(answer: Any, silver: Any) -> None:
    listing, old, new = "bronze.krx_listing", date(2024, 1, 10), date(2024, 6, 3)
    names = ("옛회사", "OLD", "20000104", old), ("새회사", "NEW", f"{new:%Y%m%d}", new)
    listed = [
        answer(listing, f"{day} 23:00", {"ISU_ABBRV": name, "ISU_NM": name, "ISU_ENG_NM": english, "LIST_DD": since}, day=day)
        for name, english, since, day in names
    ]  # fmt: skip
    told_ = [answer(KRX, f"{day} 23:00", {}, day=day) for day in (old, new)]
    rows = silver(SILVER, *listed, *told_)
    assert rows["security_id"].tolist() == ["XKRX:005930", f"XKRX:005930~{new:%Y%m%d}"]


def test_a_code_that_is_none_and_a_row_that_contradicts_another_are_quarantined_and_not_lost(answer: Any) -> None:
    bronze = answer(
        KRX, "2024-05-03 23:00", {"ISU_SRT_CD": "미정"}, {}, {}, {"ISU_SRT_CD": "000660"},
        {"ISU_SRT_CD": "000660", "IDX_IND_NM": "화학"}, {"ISU_SRT_CD": None}, day=FRIDAY,
    )  # fmt: skip
    contract = registry.table(SILVER)
    verdict = judge(contract, contract.conform(told(bronze, {"silver.sessions": sessions()})), limit=1.0)
    assert (int(verdict.good.sum()), verdict.n_quarantined) == (1, 4), "the same row twice is one"


# The sectors of SEC


def test_sec_tells_the_sector_of_today_known_from_the_fetch_and_of_no_session_before(answer: Any, silver: Any) -> None:
    """Asked on a Monday in May for the filings of January: what it says is of the Friday, the last session that was over."""
    (row,) = silver(SILVER, answer(SEC, "2024-05-06 12:00", {}, {}, day=date(2024, 1, 3))).itertuples()
    assert (row.security_id, row.session_date, row.known_at) == ("XNYS:AAPL", FRIDAY, utc("2024-05-06 12:00"))
    assert (row.sector_scheme, row.sector_code, row.sector) == ("sic", "3571", "Electronic Computers")


def test_another_sic_is_a_row_from_the_session_at_which_it_was_told(answer: Any, silver: Any) -> None:
    then = {"sic": "7372", "sicDescription": "Services-Prepackaged Software"}
    told_ = (
        answer(SEC, "2024-05-04 02:30", {}),
        answer(SEC, "2024-05-07 02:30", {}, day=date(2024, 5, 6)),
        answer(SEC, "2024-05-08 02:30", then, day=date(2024, 5, 7)),
    )
    rows = silver(SILVER, *told_)
    assert list(zip(rows["session_date"], rows["sector_code"], strict=True)) == [(FRIDAY, "3571"), (TUESDAY, "7372")]
    assert rows["known_at"].tolist() == [utc("2024-05-04 02:30"), utc("2024-05-08 02:30")]


def test_two_words_of_one_session_are_two_versions(answer: Any, silver: Any) -> None:
    rows = silver(SILVER, answer(SEC, "2024-05-04 02:30", {}), answer(SEC, "2024-05-05 02:30", {"sic": "7372"}))
    assert (rows["session_date"] == FRIDAY).all()
    assert rows["known_until"].tolist()[0] == rows["known_at"].tolist()[1] == utc("2024-05-05 02:30")


def test_every_symbol_of_a_company_has_its_sector_and_what_was_fetched_before_it_was_kept_tells_none(
    answer: Any, silver: Any
) -> None:
    both = answer(SEC, "2024-05-04 02:30", {"symbol": "GOOGL,GOOG"})
    assert silver(SILVER, both)["security_id"].tolist() == ["XNYS:GOOG", "XNYS:GOOGL"]
    assert silver(SILVER, answer(SEC, "2024-05-04 02:30", {"sic": None, "sicDescription": None})).empty
    assert silver(SILVER, answer(SEC, "2024-05-04 02:30", {"sic": "", "sicDescription": " "})).empty


def test_a_sic_that_is_no_number_is_quarantined(answer: Any) -> None:
    from market.datasets.bronze.sec_submissions import industries

    contract = registry.table(SILVER)
    made = contract.conform(industries(answer(SEC, "2024-05-04 02:30", {"sic": "35x1"}), {}))
    assert judge(contract, made, limit=1.0).n_quarantined == 1
