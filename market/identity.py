"""Who a row is about: stable security ids from the codes that sources use.

What does not belong here: which codes exist on a day; that is `silver.symbols`.
"""

import pandas as pd


def krx_code(issue_code: pd.Series) -> pd.Series:
    """Short codes of six characters; an ISIN such as KR7005930003 gives its 005930, zeros and letters kept."""
    text = issue_code.astype("string")
    return text.where(text.str.len() != 12, text.str.slice(3, 9))


def security_id(exchange: str, symbol: pd.Series) -> pd.Series:
    """Ids such as XKRX:005930: the exchange and the code under which the security is listed."""
    return exchange + ":" + symbol.astype("string")


def symbol_of(security: str) -> str:
    """The code of an id: 005930 of XKRX:005930."""
    return security.split(":", 1)[1]
