"""Under what a security is found: its dated codes, names and numbers side by side, and whose one of them was at an instant.

What does not belong here: which id a security has (`market.identity`).
"""

import re
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from market.identity import common_code, plain_name, yahoo_symbol
from market.table import ARROW

COMPANY = ("corp_code", "cik")
"""Numbers of a company, which several of its securities share."""

KINDS = (*COMPANY, "corp_name")
"""What other sources than the exchange tell of a security."""

NAMES = ("name", "name_en", "corp_name")
IDENTIFIERS = ("security_id", "symbol", "yahoo_symbol", "isin", *COMPANY, *NAMES)
"""Columns of silver.symbols by which a security is found."""

_NOBODY = ""
_TOLD = pa.schema(
    [
        ("security_id", pa.string()), ("kind", pa.string()), ("value", pa.string()), ("known_at", ARROW["timestamp"]),
        ("payload_digest", pa.string()), ("row_no", pa.int32()),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """What an identifier means at an instant.

    Parameters
    ----------
    kind : `found` (one security; of a company's number all its securities), `ambiguous` (several), `not_yet` (known later),
        `former` (no longer anybody's), `unknown`.
    rows : versions of silver.symbols with the column `matched`: those true at the instant; of `not_yet` and `former` the nearest.
    """

    kind: str
    rows: pd.DataFrame


def resolve(symbols: pd.DataFrame, text: str, at: pd.Timestamp) -> Answer:
    """Whose identifier a text was at an instant, as known then.

    Digits alone are a code where they are six, a DART corp code where they are eight, else a CIK; "CIK" in front says so.

    Parameters
    ----------
    symbols : versions of silver.symbols, any order.
    text : an id, code, Yahoo symbol, ISIN, DART corp code, CIK, or name; capitals and spaces do not matter.
    at : instant (UTC).
    """
    matched = _matches(symbols, text)
    rows = symbols.assign(matched=matched)[matched.notna()]
    was_known = rows["known_at"] <= at
    now = rows[was_known & (rows["known_until"].isna() | (rows["known_until"] > at))].sort_values("security_id")
    if len(now):
        is_one = now["security_id"].nunique() == 1 or now["matched"].isin(COMPANY).all()
        return Answer("found" if is_one else "ambiguous", now.reset_index(drop=True))
    kind, near = ("former", rows[was_known]) if was_known.any() else ("not_yet", rows)
    if near.empty:
        return Answer("unknown", near)
    edge = near["known_until"].max() if kind == "former" else near["known_at"].min()
    column = "known_until" if kind == "former" else "known_at"
    return Answer(kind, near[near[column] == edge].sort_values("security_id", ignore_index=True))


def described(listed: pd.DataFrame) -> pd.DataFrame:
    """The versions with `yahoo_symbol` and `common_id`, the common share that a preferred one belongs to.

    Parameters
    ----------
    listed : versions of silver.securities. The common share is the newest holder of its code that was known at the version.
    """
    rows = listed.sort_values(["known_at", "security_id"], kind="stable", ignore_index=True)
    pairs = zip(rows["exchange"], rows["symbol"], rows["market"], strict=True)
    rows["yahoo_symbol"] = pd.Series([yahoo_symbol(*one) for one in pairs], rows.index, dtype="string")
    classes = rows["share_class"] if "share_class" in rows else pd.Series(None, rows.index)
    codes = [
        common_code(symbol, told if isinstance(told, str) else None) if exchange == "XKRX" else None
        for exchange, symbol, told in zip(rows["exchange"], rows["symbol"], classes, strict=True)
    ]
    rows["common_symbol"] = pd.Series(codes, rows.index, dtype="string")
    rows[["exchange", "symbol"]] = rows[["exchange", "symbol"]].astype("string")
    first = rows.drop_duplicates("security_id")[["known_at", "exchange", "symbol", "security_id"]]
    first = first.rename(columns={"symbol": "common_symbol", "security_id": "common_id"})
    return pd.merge_asof(rows, first, on="known_at", by=["exchange", "common_symbol"]).drop(columns="common_symbol")


def told(rows: pd.DataFrame) -> pa.Table:
    """What a source tells of securities: `security_id`, `kind` (one of KINDS), `value`, `known_at` and the origin of the rows."""
    return pa.Table.from_pandas(rows[_TOLD.names], schema=_TOLD, preserve_index=False)


def beside(versions: pd.DataFrame, told: pd.DataFrame) -> pd.DataFrame:
    """The versions with a column of each kind: what had been told of the security by then, and a row for each telling.

    Parameters
    ----------
    versions : of `described`. A preferred share has the numbers of its common share's company.
    told : any order: `security_id`, `kind`, `value` and `known_at`. Of two told at once the greater counts.

    Returns
    -------
    A new frame ordered by `known_at`, with no `known_until`: what repeats is left in.
    """
    shares = versions[["security_id", "common_id"]].dropna().drop_duplicates()
    company = told[told["kind"].isin(COMPANY)].rename(columns={"security_id": "common_id"})
    told = pd.concat([told, shares.merge(company, on="common_id").drop(columns="common_id")], ignore_index=True)
    told = told.dropna(subset=["value", "known_at"]).sort_values(["known_at", "value"], kind="stable")
    instants = pd.concat([versions[["security_id", "known_at"]], told[["security_id", "known_at"]]])
    rows = instants.drop_duplicates().sort_values(["known_at", "security_id"], ignore_index=True)
    known = versions.drop(columns="known_until").sort_values("known_at", kind="stable")
    rows = pd.merge_asof(rows, known, on="known_at", by="security_id")
    for kind in KINDS:
        one = told.loc[told["kind"] == kind, ["security_id", "known_at", "value"]].rename(columns={"value": kind})
        rows = pd.merge_asof(rows, one, on="known_at", by="security_id")
    return rows[rows["symbol"].notna()].reset_index(drop=True)


def until_passed_on(dated: pd.DataFrame) -> pd.DataFrame:
    """The versions, those of a code's former holder ended where its next holder was first known.

    Parameters
    ----------
    dated : versions with `exchange` and `symbol`.
    """
    first = dated.groupby(["exchange", "symbol", "security_id"], sort=False)["known_at"].min().sort_values()
    following = first.groupby(["exchange", "symbol"], sort=False).shift(-1)
    end = (
        dated[["exchange", "symbol", "security_id"]]
        .merge(following.rename("end").reset_index(), on=["exchange", "symbol", "security_id"], how="left")["end"]
        .set_axis(dated.index)
    )
    until = dated["known_until"].where(dated["known_until"].notna() & ~(dated["known_until"] > end), end)
    return dated.assign(known_until=until)[end.isna() | (dated["known_at"] < end)]


def _matches(symbols: pd.DataFrame, text: str) -> pd.Series:
    """Name of the first column of IDENTIFIERS in which each row has the text; null where in none."""
    wanted = text.strip()
    asked: dict[str, str] = {}
    if digits := re.fullmatch(r"(?:CIK)?(\d+)", wanted.upper()):
        number = digits.group(1)
        form = "symbol" if len(wanted) == 6 else "corp_code" if len(wanted) == 8 else "cik"
        asked[form] = number.zfill(10) if form == "cik" else number
    else:
        asked = dict.fromkeys(("security_id", "symbol", "yahoo_symbol", "isin"), wanted.upper())
    found = pd.Series(pd.NA, symbols.index, dtype="string")
    for column in IDENTIFIERS:
        if column in NAMES:
            same = symbols[column].map(plain_name, na_action="ignore") == plain_name(wanted)
        else:
            same = symbols[column] == asked.get(column, _NOBODY)
        found = found.mask(found.isna() & same.fillna(False).astype(bool), column)
    return found
