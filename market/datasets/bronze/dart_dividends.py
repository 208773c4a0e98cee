"""bronze.dart_dividends: dividends as an annual report tells them, as OpenDART delivers them."""

import pandas as pd
import pyarrow as pa

from market import bitemporal, identity
from market.datasets.bronze import _dart
from market.datasets.bronze._delivered import as_text, delivered
from market.datasets.bronze._parse import month, number, unreadable
from market.table import Frames, Table

TABLE = Table(
    __name__,
    doc="Dividends and what is told beside them (profit, pay-out, per share) in each newly listed annual report, this year and the two before, "
    "as delivered by OpenDART (alotMatter.json).",
    columns=delivered(
        as_text("rcept_no", "receipt number of the report that the figures are of"),
        as_text("corp_cls", "Y KOSPI, K KOSDAQ, N KONEX, E other"),
        as_text("corp_code", "DART's code of the company, eight digits"),
        as_text("corp_name", "company"),
        as_text("se", "what the line tells, with its unit"),
        as_text("stock_knd", "kind of share; - where the line is of the company"),
        as_text("thstrm", "this year"),
        as_text("frmtrm", "the year before"),
        as_text("lwfr", "two years before"),
        as_text("stlm_dt", "last day of the business year, YYYY-MM-DD"),
        as_text("stock_code", "short code of the listed share, as the list of receipts has it"),
        as_text("report_nm", "name of the report in that list"),
    ),
    key=("request", "payload_digest", "row_no", "fetched_at"),
    known_at="when the payload was fetched",
    commits="append",
    source="dart",
)

SERIES = "corp_code"
PER_SHARE = "주당현금배당금(원)"
"""The line that tells cash per share, blanks left out."""
COMMON, PREFERRED = "보통주", "우선주"
FACT = ("security_id", "session_date", "action", "evidence")


def corporate_actions(delivered_rows: pa.Table, frames: Frames) -> pa.Table:
    """Rows of silver.corporate_actions: what a year's dividends per share add up to, known as the annual report is.

    Parameters
    ----------
    delivered_rows : every report of each company that is in it, so that a correction is held against what was told before.

    The report tells no ex-date, and none follows from it: a year may hold several payments, and a company sets its own record dates. So
    a row is of the session of the receipt and names its year by `period_end`. A report that tells the same amount again has no row, nor
    has a year without dividends; an amount that a correction takes back is 0 there.
    """
    told = bitemporal.versions(_per_share(delivered_rows, frames), FACT, ("amount", "unreadable"))
    return pa.Table.from_pandas(told[~_said_before(told)], preserve_index=False)


def _per_share(delivered_rows: pa.Table, frames: Frames) -> pd.DataFrame:
    """The amounts of every report, those of none as 0, each with the security that it was paid for."""
    raw = delivered_rows.to_pandas(timestamp_as_object=False).drop(columns=["known_at", "session_month"])
    line, kind = (raw[name].astype("string").str.replace(r"\s", "", regex=True) for name in ("se", "stock_knd"))
    is_common, is_preferred = kind.str.startswith(COMMON).fillna(False), kind.str.startswith(PREFERRED).fillna(False)
    kept = (line == PER_SHARE).fillna(False) & (is_common | is_preferred)
    rows = _dart.told_by_report(raw[kept].reset_index(drop=True), frames)
    of_preferred = is_preferred[kept].reset_index(drop=True)
    theirs = _preferred_of(rows, frames.get("silver.securities"))
    rows["security_id"] = rows["security_id"].mask(of_preferred, theirs)
    rows["unreadable"] = unreadable(rows, {"thstrm": number})
    rows["amount"] = number(rows["thstrm"]).fillna(0.0)
    rows["period_end"] = pd.Series(_dart.last_days(rows["report_nm"]), rows.index, dtype=object)
    rows["action"], rows["evidence"], rows["report_name"] = (
        "cash_dividend",
        "DART " + rows["rcept_no"],
        rows["report_nm"],
    )
    rows["session_month"] = month(rows["session_date"])
    return _one_line(rows[rows["security_id"].notna()].reset_index(drop=True))


def _one_line(rows: pd.DataFrame) -> pd.DataFrame:
    """One line per report and security where the others tell nothing or the same: a class that got nothing has a line of its own.

    Two amounts are left, and the gate refuses both: the report does not say whose they are.
    """
    report = ["payload_digest", "fetched_at", "rcept_no", "security_id"]
    tells = (rows["amount"] != 0) | rows["unreadable"].notna()
    kept = rows[tells | ~tells.groupby([rows[name] for name in report]).transform("any")]
    return kept.drop_duplicates([*report, "amount", "unreadable"]).reset_index(drop=True)


def _preferred_of(rows: pd.DataFrame, listed: pa.Table | None) -> pd.Series:
    """The one preferred share that each row's company was known to have; null where it had none or several, which the report does not name."""
    none = pd.Series(None, rows.index, dtype="string")
    if listed is None or rows.empty:
        return none
    shares = listed.select(["security_id", "known_at"]).to_pandas(timestamp_as_object=False)
    shares = shares.groupby("security_id", as_index=False)["known_at"].min()
    shares["issuer"] = identity.issuer(shares["security_id"])
    pairs = rows[["security_id", "first_known_at"]].assign(issuer=identity.issuer(rows["security_id"]))
    pairs = pairs.reset_index().merge(shares, on="issuer", suffixes=("", "_other"))
    is_other = (pairs["security_id"] != pairs["security_id_other"]) & (pairs["known_at"] <= pairs["first_known_at"])
    others = pairs[is_other].drop_duplicates("index", keep=False).set_index("index")["security_id_other"]
    return none.mask(none.index.isin(others.index), others.astype("string").reindex(rows.index))


def _said_before(told: pd.DataFrame) -> pd.Series:
    """Whether the first version of a report's amount says what an earlier report of that year did, or that there was none.

    Judged by what each report said first: a later delivery of an earlier report takes nothing back that was told since.
    """
    fact = list(FACT)
    first = told.drop_duplicates(fact).sort_values("evidence", kind="stable")
    before = first.groupby(["security_id", "period_end"], sort=False)["amount"].shift(fill_value=0.0)
    again = first[(first["amount"] == before) & first["unreadable"].isna()][[*fact, "known_at"]]
    found = told[[*fact, "known_at"]].merge(again, how="left", indicator=True)["_merge"] == "both"
    return found.set_axis(told.index) & ~told.duplicated([*fact, "known_at"], keep=False)


FEEDS = {"silver.corporate_actions": corporate_actions}
