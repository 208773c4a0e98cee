"""bronze.dart_accounts: all accounts of a periodic report's statements, one row each, as OpenDART delivers them."""

import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from market import bitemporal
from market import fundamentals as figures
from market.datasets.bronze import _dart
from market.datasets.bronze._delivered import as_text, delivered
from market.datasets.bronze._parse import number, unreadable
from market.table import Frames, Table

TABLE = Table(
    __name__,
    doc="Accounts of the statements of each newly listed periodic report, of the group (CFS) and of the company alone (OFS), as delivered "
    "by OpenDART (fnlttSinglAcntAll.json); where it has none of a report, the major accounts alone (fnlttSinglAcnt.json), without account_id. "
    "It tells the newest correction's figures alone: rcept_no says of which receipt they are.",
    columns=delivered(
        as_text("rcept_no", "receipt number of the report that the figures are of"),
        as_text("reprt_code", "11013 first quarter, 11012 half year, 11014 third quarter, 11011 year"),
        as_text("bsns_year", "business year"),
        as_text("corp_code", "DART's code of the company, eight digits"),
        as_text("fs_div", "CFS group, OFS company alone, as asked; of the major accounts, as told"),
        as_text("sj_div", "BS balance, IS income, CIS comprehensive income, CF cash flow, SCE equity"),
        as_text("sj_nm", "name of the statement"),
        as_text(
            "account_id", "account in the taxonomy's word; -표준계정코드 미사용- for none; null: of the major accounts"
        ),
        as_text("account_nm", "account in the company's word"),
        as_text("account_detail", "component of equity, for SCE alone"),
        as_text("thstrm_nm", "this period"),
        as_text("thstrm_amount", "this period; three months in the income statement of a report within the year"),
        as_text("thstrm_add_amount", "this year so far"),
        as_text("frmtrm_nm", "the period before"),
        as_text("frmtrm_amount", "the year before, or its end"),
        as_text("frmtrm_q_nm", "the same period a year before"),
        as_text("frmtrm_q_amount", "the same three months a year before"),
        as_text("frmtrm_add_amount", "the year before up to the same day"),
        as_text("bfefrmtrm_nm", "two periods before"),
        as_text("bfefrmtrm_amount", "two years before, or their end"),
        as_text("ord", "place of the account in its statement"),
        as_text("currency", "currency of the amounts"),
        as_text("stock_code", "short code of the listed share, as the list of receipts has it"),
        as_text("report_nm", "name of the report in that list; tells the last month"),
    ),
    key=("request", "payload_digest", "row_no", "fetched_at"),
    known_at="when the payload was fetched",
    commits="append",
    source="dart",
)

SERIES = "corp_code"
IDS: Mapping[str, tuple[str, ...]] = {
    "revenue": ("ifrs-full_Revenue",),
    "operating_income": ("dart_OperatingIncomeLoss", "ifrs-full_ProfitLossFromOperatingActivities"),
    "net_income": ("ifrs-full_ProfitLossAttributableToOwnersOfParent", "ifrs-full_ProfitLoss"),
    "assets": ("ifrs-full_Assets",),
    "liabilities": ("ifrs-full_Liabilities",),
    "equity": ("ifrs-full_EquityAttributableToOwnersOfParent", "ifrs-full_Equity"),
}
"""By item, the accounts that tell it by the taxonomy's word; the first one that a report tells counts."""

NAMES: Mapping[str, tuple[str, ...]] = {
    "revenue": ("매출액", "수익(매출액)", "영업수익", "매출", "매출및지분법손익"),
    "operating_income": ("영업이익", "영업이익(손실)", "영업손익", "영업손실"),
    "net_income": (
        "지배기업의소유주에게귀속되는당기순이익(손실)", "지배기업의소유주에게귀속되는당기순이익", "당기순이익(손실)", "당기순이익",
        "분기순이익(손실)", "분기순이익", "반기순이익(손실)", "반기순이익", "당기순손실",
    ),
    "assets": ("자산총계",),
    "liabilities": ("부채총계",),
    "equity": ("지배기업의소유주에게귀속되는자본", "자본총계"),
}  # fmt: skip
"""By item, the company's own words, blanks left out, for accounts without the taxonomy's."""

_FLOWS = ("revenue", "operating_income", "net_income")
_STATEMENTS = {"BS": ("assets", "liabilities", "equity"), "IS": _FLOWS, "CIS": _FLOWS}
_OTHER_STATEMENTS = ("CF", "SCE")
_BASES = {"CFS": "consolidated", "OFS": "separate"}
_OF_OTHERS_TOO = ("net_income", "equity")  # the major accounts of a group tell these with what belongs to others
_DOUBTFUL = 1_000  # added to a rank: any other way to the figure comes first
_NO_ID = 200  # ranks of accounts that are told by name alone begin here: any of the taxonomy's comes first
FACT = ("corp_code", "filing_no", "basis", "concept", "currency", "place", "amount")


class _Told(NamedTuple):
    """Which period an amount is of: so many quarters, 0 where it is counted on a day, up to so many years before the report's end."""

    n_quarters: int
    years_before: int
    is_year_end: bool = False  # counted on the business year's last day rather than on the report's, years before


def _amounts(sheet: str, quarter: int) -> Mapping[str, _Told]:
    """The amounts of a row and their periods, by its statement and the report's quarter."""
    if sheet == "BS":
        ends = {"thstrm_amount": _Told(0, 0), "frmtrm_amount": _Told(0, 1, True)}
        return ends | ({"bfefrmtrm_amount": _Told(0, 2, True)} if quarter == 4 else {})
    if quarter == 4:
        return {f"{name}_amount": _Told(4, back) for back, name in enumerate(("thstrm", "frmtrm", "bfefrmtrm"))}
    now = {"thstrm_amount": _Told(1, 0), "thstrm_add_amount": _Told(quarter, 0)}
    return now | {"frmtrm_q_amount": _Told(1, 1), "frmtrm_add_amount": _Told(quarter, 1)}


_COLUMNS = (
    "thstrm_amount",
    "thstrm_add_amount",
    "frmtrm_amount",
    "frmtrm_q_amount",
    "frmtrm_add_amount",
    "bfefrmtrm_amount",
)
_KEPT = ("session_date", "rcept_no", "corp_code", "fs_div", "sj_div", "account_id", "account_nm", "ord", "currency", "stock_code",
         "report_nm", "reprt_code", "payload_digest", "row_no", "fetched_at")  # fmt: skip


def fundamentals(delivered_rows: pa.Table, frames: Frames) -> pa.Table:
    """Rows of silver.fundamentals: known from the opening after the day of the receipt whose figures they are.

    Group and company alone are series of their own. What a later receipt tells of an earlier period, as a comparison or as a
    correction, is a version known from that receipt on.
    """
    told = bitemporal.versions(_of_items(delivered_rows, frames), FACT, ("value",)).drop(columns="known_until")
    return _dart.by_fiscal_period(figures.untangled(told))


def _of_items(delivered_rows: pa.Table, frames: Frames) -> pd.DataFrame:
    """The amounts of our items, one row each, with rank, period and the first day of the report's business year."""
    others = pc.is_in(delivered_rows["sj_div"], pa.array(_OTHER_STATEMENTS))
    ours = delivered_rows.filter(
        pc.invert(others)
    )  # a statement that nobody knows is refused where it has an item of ours
    raw = ours.select([*_KEPT, *_COLUMNS]).to_pandas(timestamp_as_object=False)
    raw["item"], raw["rank"] = _ranked(raw)
    with_others = raw["account_id"].isna() & (raw["fs_div"] == "CFS") & raw["item"].isin(_OF_OTHERS_TOO)
    raw = raw[
        raw["item"].notna()
        & ~with_others
        & raw["fs_div"].isin(list(_BASES))
        & raw["reprt_code"].isin(list(_dart.QUARTERS))
    ]
    raw = raw.reset_index(drop=True)
    raw["basis"], raw["currency"] = (
        raw["fs_div"].map(_BASES),
        raw["currency"].fillna(""),
    )  # without one it is refused, not lost
    raw["concept"] = raw["account_id"].where(raw["rank"] < _NO_ID, raw["account_nm"])
    raw["place"] = raw["sj_div"].fillna("") + raw["ord"].fillna("").astype("string")
    raw["quarter"], raw["last_day"] = raw["reprt_code"].map(_dart.QUARTERS), _dart.last_days(raw["report_nm"])
    rows = pd.concat([_amount(raw, column) for column in _COLUMNS], ignore_index=True)
    return _dart.told_by_report(rows, frames)


def _is_doubtful(raw: pd.DataFrame, column: str) -> pd.Series:
    """True where a later report gives the year so far in the place of its three months; what follows from the reports before is surer.

    Both are right where every earlier month of the year was nil.
    """
    so_far = {"thstrm_amount": "thstrm_add_amount", "frmtrm_q_amount": "frmtrm_add_amount"}.get(column)
    if so_far is None:
        return pd.Series(False, raw.index)
    later = raw["quarter"].isin([2, 3]) & (raw["sj_div"] != "BS")
    return later & (number(raw[column]) == number(raw[so_far])) & (number(raw[so_far]) != 0)


def _amount(raw: pd.DataFrame, column: str) -> pd.DataFrame:
    """One amount of each row with its period; rows that leave it out, or in which it says nothing of its own, are left out."""
    values, words = number(raw[column]), unreadable(raw, {column: number})
    sheet = raw["sj_div"].astype("string").fillna("")
    words = words.where(sheet.isin(list(_STATEMENTS)) | values.isna() | words.notna(), "sj_div " + sheet)
    meant = {key: _amounts(*key).get(column) for key in set(zip(raw["sj_div"], raw["quarter"], strict=True))}
    told = [meant[key] for key in zip(raw["sj_div"], raw["quarter"], strict=True)]
    is_told = (values.notna() | words.notna()) & pd.Series([one is not None for one in told], raw.index, dtype=bool)
    rows = raw.assign(rank=raw["rank"].where(~_is_doubtful(raw, column), raw["rank"] + _DOUBTFUL))
    rows = rows[is_told].drop(columns=list(_COLUMNS))
    rows["value"], rows["unreadable"], rows["amount"] = values[is_told].fillna(0.0), words[is_told], column
    at = zip(
        rows["last_day"],
        [one for one, is_one in zip(told, is_told, strict=True) if is_one],
        rows["quarter"],
        strict=True,
    )
    periods = [_period(*one) for one in at]
    for place, name in enumerate(("period_start", "period_end", "year_start")):
        rows[name] = pd.Series([period[place] for period in periods], rows.index, dtype=object)
    rows["period_end"] = rows["period_end"].mask(rows["unreadable"].notna(), None)  # no figure, but a row to refuse
    return rows


@cache
def _period(last: date | None, told: _Told, quarter: int) -> tuple[date | None, date | None, date | None]:
    """First day (None on a balance), last day, and the first day of the report's business year."""
    if last is None:
        return None, None, None
    year_ended = _dart.month_end(last, 3 * quarter)  # the one before
    end = _dart.month_end(year_ended if told.is_year_end else last, 12 * (told.years_before - told.is_year_end))
    start = _dart.first_day(end, 3 * told.n_quarters) if told.n_quarters else None
    return start, end, _dart.first_day(last, 3 * quarter)


def _ranked(raw: pd.DataFrame) -> tuple[list[str | None], list[int]]:
    """The item that each row tells, None for none of ours, and its rank: by the taxonomy's word, else by the company's."""
    ids = {name: (item, rank) for item, names in IDS.items() for rank, name in enumerate(names)}
    words = {name: (item, _NO_ID // 2 + rank) for item, names in NAMES.items() for rank, name in enumerate(names)}
    items: list[str | None] = []
    ranks: list[int] = []
    for sheet, account, word in zip(raw["sj_div"], raw["account_id"], raw["account_nm"], strict=True):
        known = re.sub("^ifrs_", "ifrs-full_", str(account or "").strip())  # as the taxonomies before 2019 have it
        is_named = known.startswith(("ifrs-full_", "dart_"))
        found = ids.get(known) if is_named else words.get("".join(str(word or "").split()))
        item, rank = found if found and found[0] in _STATEMENTS.get(sheet, (found[0],)) else (None, 0)
        items.append(item)
        # The same account in the comprehensive statement is the income statement's, told again.
        ranks.append(2 * rank + (sheet == "CIS"))
    return items, ranks


FEEDS = {"silver.fundamentals": fundamentals}
