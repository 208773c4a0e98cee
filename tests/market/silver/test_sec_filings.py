"""silver.filings from SEC: known from the instant of acceptance, amendments by their form, told beside DART's."""

from datetime import UTC, date, datetime
from typing import Any

import pandas as pd

from market import registry

SUBMISSIONS = "bronze.sec_submissions"


def test_a_filing_is_known_from_its_acceptance_however_late_it_is_fetched(answer: Any, silver: Any) -> None:
    rows = silver("silver.filings", answer(SUBMISSIONS, "2024-08-01 02:30", {}))
    assert rows["known_at"].tolist() == [pd.Timestamp("2024-05-03T16:31:05-04:00")]
    assert rows["known_until"].isna().all()
    (row,) = rows.to_dict("records")
    assert (row["security_id"], row["exchange"], row["corp_code"]) == ("XNYS:AAPL", "XNYS", "0000320193")
    assert (row["report_name"], row["receipt_no"], row["receipt_date"]) == (
        "8-K",
        "0000320193-24-000001",
        date(2024, 5, 3),
    )
    assert (row["remarks"], row["is_amendment"], row["stock_code"]) == ("2.02,9.01", False, "AAPL")


def test_an_amendment_is_known_by_its_form_and_is_a_filing_of_its_own(answer: Any, silver: Any) -> None:
    later = {"form": "10-K/A", "accessionNumber": "0000320193-24-000009", "items": ""}
    rows = silver("silver.filings", answer(SUBMISSIONS, "2024-05-04 02:30", {"form": "10-K"}, later))
    assert rows["is_amendment"].tolist() == [False, True]
    assert rows["known_until"].isna().all()


def test_the_same_filing_in_a_longer_list_is_no_news(answer: Any, silver: Any) -> None:
    more = {"accessionNumber": "0000320193-24-000002", "accepted_at": datetime(2024, 5, 3, 21, 0, tzinfo=UTC)}
    told = [answer(SUBMISSIONS, "2024-05-04 02:30", {}), answer(SUBMISSIONS, "2024-05-05 02:30", more, {})]
    assert silver("silver.filings", *told)["receipt_no"].tolist() == ["0000320193-24-000001", "0000320193-24-000002"]


def test_one_filing_in_the_lists_of_two_companies_is_a_row_of_each(answer: Any, silver: Any) -> None:
    other = {"cik": "0000019617", "symbol": "JPM", "form": "SC 13G"}
    rows = silver("silver.filings", answer(SUBMISSIONS, "2024-05-04 02:30", {"form": "SC 13G"}, other))
    assert sorted(rows["security_id"]) == ["XNYS:AAPL", "XNYS:JPM"]
    assert not rows.duplicated(list(registry.table("silver.filings").key)).any()


def test_of_two_symbols_of_a_company_the_first_named_has_the_filing(answer: Any, silver: Any) -> None:
    rows = silver("silver.filings", answer(SUBMISSIONS, "2024-05-04 02:30", {"symbol": "BRK.B,BRK.A"}))
    assert rows["security_id"].tolist() == ["XNYS:BRK.B"]


def test_korean_and_american_filings_stand_side_by_side(answer: Any, silver: Any) -> None:
    told = [answer(SUBMISSIONS, "2024-05-04 02:30", {}), answer("bronze.dart_filings", "2024-05-03 11:00", {})]
    rows = silver("silver.filings", *told)
    assert rows["source"].tolist() == ["sec", "dart"]
    for rule in [c.rules[0].pattern for c in registry.table("silver.filings").columns if c.name == "receipt_no"]:
        assert rows["receipt_no"].str.match(rule).all()
