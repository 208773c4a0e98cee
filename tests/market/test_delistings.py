"""Classes of the reasons for a delisting, against every reason that KRX wrote until March 2026."""

from collections import Counter

import pandas as pd
import pytest

from lake.settings import ROOT
from market.delistings import CLASSES, SHARES, reason_class

LIST = ROOT.parent / "shared" / "data" / "krx_listing_fdr" / "listing_delisting_2026-03-20.csv"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("피흡수합병(스팩소멸합병)", "merger"),
        ("합병상장예비심사신청서 미제출로 관리종목 지정 후 1개월 이내 동 사유 미해소", "expiry"),
        ("포괄적 주식교환에 따른 상장폐지 신청('20.7.17)", "acquisition"),
        ("자본잠식률 50%이상으로 관리종목 지정 후 반기 재무제표에 대한 감사의견 거절", "audit_opinion"),
        ("회사정리절차 개시 신청 기각", "insolvency"),
        ("파산선고에 따른 해산사유 발생", "insolvency"),
        ("자본전액잠식(2년) , 기타 등록취소", "capital_impairment"),
        ("기업의 계속성 및 경영의 투명성 등을 종합적으로 고려하여 상장폐지기준에 해당한다고 결정", "continuity_review"),
        ("종류주식 상장주식수 미달 2반기 계속", "listing_standard"),
        ("사업보고서 법정제출기한('21.3.31限)내 미제출", "disclosure"),
        ("상장폐지 신청('25.11.06)", "voluntary"),
        ("유가증권시장 이전상장", "transfer"),
        ("계약이전", "other"),
    ],
)
def test_a_reason_has_its_class(text: str, expected: str) -> None:
    assert reason_class(text) == expected


def test_of_2057_reasons_that_were_really_given_102_have_no_class() -> None:
    if not LIST.is_file():
        pytest.skip("needs the recorded data in ../shared/data, which is not here")
    rows = pd.read_csv(LIST, dtype=str)
    given = rows.loc[rows["SecuGroup"].isin(SHARES), "Reason"].dropna()
    counts = Counter(given.map(reason_class))
    assert set(counts) <= set(CLASSES)
    assert counts == {
        "dissolution": 402, "audit_opinion": 373, "listing_standard": 212, "expiry": 159, "voluntary": 157, "merger": 149,
        "continuity_review": 148, "insolvency": 137, "capital_impairment": 130, "other": 102, "acquisition": 57, "disclosure": 31,
    }  # fmt: skip
    assert Counter(given[given.map(reason_class) == "other"]).most_common(1) == [("상장폐지유예기간종료", 87)]
