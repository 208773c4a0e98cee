"""Why a security left the exchange: classes of the reasons that KRX writes. That it left, its base information tells (`silver.listings`)."""

import re

SHARES = ("주권", "외국주권", "주식예탁증권", "부동산투자회사", "선박투자회사", "투자회사")
"""Kinds of security that the boards' base information lists; the list of delistings has funds and subscription rights beside them."""

TRANSFER, OTHER = "transfer", "other"
_PATTERNS = {
    TRANSFER: r"이전\s?상장|시장\s?이전",
    "expiry": r"예비심사\s?(청구서|신청서)|존[속립]기간|신탁기간|행사기간",
    "acquisition": r"완전자회사|주식\s?교환",
    "merger": r"합병",
    "audit_opinion": r"감사\s?의견|의견\s?거절|한정의견|부적정|감사범위",
    "capital_impairment": r"잠식",
    "insolvency": r"부도|은행거래|당좌거래|회사정리|회생절차|화의|파산",
    "continuity_review": r"종합적|계속기업",
    "dissolution": r"해산",
    "disclosure": r"보고서|불성실공시",
    "listing_standard": r"분산|분포|거래량|거래실적|시가총액|주가수준|액면가|매출액|상장주식수|손실|영업활동|영업의|영업이|양도|자문인|자기자본",
    "voluntary": r"신청|자진|취소\s?요청",
}
CLASSES = (*_PATTERNS, OTHER)
"""What a reason may be. Of several in one text the first in this order counts: an audit opinion refused after a year of impaired capital
is an audit opinion. `expiry` is a term that ended, a SPAC's without a merger too; `acquisition` leaves one owner, whose shares holders got."""


def reason_class(text: str) -> str:
    """The class of a reason in KRX's words.

    Examples
    --------
    >>> reason_class("피흡수합병"), reason_class("감사의견 거절(감사범위 제한)"), reason_class("기타 등록취소")
    ('merger', 'audit_opinion', 'other')
    """
    return next((name for name, pattern in _PATTERNS.items() if re.search(pattern, text)), OTHER)
