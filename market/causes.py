"""What explains a factor: decisions that the company disclosed, or, for a declared split, the prices that were traded.

Only what could be known with the factor counts: a decision that nobody could read by then explains nothing. What does not belong
here: the factor itself (`market.adjust`).
"""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from market import identity

SOON = timedelta(days=150)
LATER = timedelta(days=270)
"""How long before the ex-date a decision may lie: new shares follow it within months; what needs a meeting of the holders (and a
halt, and a relisting) takes longer. Ours; the longest in the synthetic world are 30 sessions."""


RATIO_TOLERANCE = 0.05
"""How far a factor may be from the one that the decision's own ratio gives, as a logarithm: room for the tick of a low price, and for the
company's own shares, which get none of a bonus issue (1.4 % in the one recorded: 14,580,207 new of 30,470,749 shares at 0.5 each). Ours."""


@dataclass(frozen=True)
class Explanation:
    """Which factors a disclosed action accounts for.

    Parameters
    ----------
    cause : what the factor is called then.
    of : causes as the base price alone tells them (`adjust.base_price_events`).
    lowers : whether it lowers the price of a share (a factor below 1) or raises it; None: either.
    within : how long before the ex-date the decision may lie.
    title : part of the report's name that it must have.
    """

    cause: str
    of: tuple[str, ...]
    lowers: bool | None
    within: timedelta
    title: str = ""


_NEW_SHARES = ("split_or_bonus", "rights_or_other", "opening_auction")
"""What new shares look like; without a halt, a base at which trading also opened looks like an auction's by chance."""

EXPLANATIONS = {
    "split_decision": Explanation("split", ("split_or_bonus",), True, LATER),
    "bonus_decision": Explanation("bonus_issue", _NEW_SHARES, True, SOON),
    "rights_and_bonus_decision": Explanation("rights_and_bonus", _NEW_SHARES, True, SOON),
    "rights_decision": Explanation("rights_issue", _NEW_SHARES, True, SOON),
    "dividend_decision": Explanation("stock_dividend", _NEW_SHARES, True, SOON, "주식배당"),
    "spin_off_decision": Explanation("spin_off", ("spin_off",), None, LATER),
    "consolidation_decision": Explanation("consolidation", ("consolidation", "opening_auction"), False, LATER),
    "capital_reduction_decision": Explanation("capital_reduction", ("consolidation", "opening_auction"), False, LATER),
}
"""By action of silver.corporate_actions. Where several account for one factor the newest receipt counts; where the shares moved with the
base, the first of these does: those of a split and of some bonuses are there at once, those of rights weeks after the ex-date.
"""


_CORRECTED = "정정]"


def explained(events: pd.DataFrame, decisions: pd.DataFrame) -> pd.DataFrame:
    """The events, those that a decision accounts for with its cause and `disclosed_by`; null where none does.

    Parameters
    ----------
    events : `adjust.base_price_events`: security_id, session_date, known_at, factor, cause, evidence, confidence; any order.
    decisions : security_id, session_date, action, report_name, evidence, price_factor (old shares / new shares, NaN where it was not told),
        known_at and known_until, every version; any order.

    Returns
    -------
    A new frame, index and order as given. A decision makes a factor of medium confidence a high one; where an opening auction had a
    hand in it, low becomes medium. Where the decision tells the share's own ratio, the factor must be that within RATIO_TOLERANCE: one that
    is has high confidence, one that is not stays unexplained. The company decides for all its shares: 005930's decision explains 005935's
    factor, whose ratio is not compared.
    """
    rows = events.assign(disclosed_by=pd.Series(None, events.index, dtype="string"))
    told = decisions[decisions["action"].isin(list(EXPLANATIONS))]
    if rows.empty or told.empty:
        return rows
    found = _accounting(rows, told)
    at = found.index
    rows.loc[at, "cause"], rows.loc[at, "disclosed_by"] = found["explains_as"], found["receipt"]
    rows.loc[at, "evidence"] = rows.loc[at, "evidence"] + "; " + found["report_name"].astype("string").fillna("")
    rows.loc[at, "confidence"] = rows.loc[at, "confidence"].map({"low": "medium", "medium": "high", "high": "high"})
    agreed = found["disclosed"].dropna()
    rows.loc[agreed.index, "confidence"] = "high"
    rows.loc[agreed.index, "evidence"] += agreed.map("; factor {:.6g} by its ratio".format)
    return rows


def confirmed(declared: pd.DataFrame, bars: pd.DataFrame) -> pd.DataFrame:
    """Declared splits with cause, evidence, confidence and `disclosed_by`: high where the opening moved as the split says.

    Parameters
    ----------
    declared : bars of ex-dates with session_no, open, known_at, factor, and as evidence what declared it.
    bars : versions of the sessions before: security_id, session_no, close, known_at and known_until.

    A source may declare what never happened, or on the wrong day. The opening over the close before is held against the factor: nearer
    to it than half of the way to no split at all confirms it. Without a bar before, or an opening, nothing can: medium.
    """
    before = bars[["security_id", "session_no", "close", "known_at", "known_until"]]
    before = before.assign(session_no=before["session_no"] + 1)
    rows = declared.reset_index(drop=True)
    pairs = rows[["security_id", "session_no", "known_at"]].reset_index()
    pairs = pairs.merge(before, on=["security_id", "session_no"], suffixes=("", "_before"))
    pairs = pairs[_believed(pairs["known_at"], pairs["known_at_before"], pairs["known_until"])]
    close = pairs.drop_duplicates("index").set_index("index")["close"].reindex(rows.index)
    moved, factor = np.log(rows["open"] / close), np.log(rows["factor"])
    fits = (moved - factor).abs() < factor.abs() / 2
    unknown = moved.isna()
    said = np.where(fits, "the opening moved with it", "the opening did not move with it")
    return rows.assign(
        cause="split",
        evidence="declared by the source; "
        + pd.Series(said, rows.index).mask(unknown, "no opening to hold it against"),
        confidence=np.where(unknown, "medium", np.where(fits, "high", "low")),
        disclosed_by=rows["evidence"],
    )


def unexplained(ledger: pa.Table) -> pa.Table:
    """The rows of silver.adjustments that are believed and that no disclosed action accounts for, newest ex-date first."""
    rows = ledger.filter(pc.and_(pc.is_null(ledger["known_until"]), pc.is_null(ledger["disclosed_by"])))
    return rows.sort_by([("session_date", "descending"), ("security_id", "ascending")])


def _accounting(rows: pd.DataFrame, told: pd.DataFrame) -> pd.DataFrame:
    """By the event's index, the decision that accounts for it."""
    ranks = {action: rank for rank, action in enumerate(EXPLANATIONS)}
    left = rows[["security_id", "session_date", "known_at", "cause", "factor"]].assign(
        issuer=identity.issuer(rows["security_id"])
    )
    right = told[
        ["security_id", "session_date", "action", "report_name", "price_factor", "known_at", "known_until"]
    ].assign(issuer=identity.issuer(told["security_id"]), receipt=told["evidence"], rank=told["action"].map(ranks))
    pairs = left.reset_index(names="event").merge(right, on="issuer", suffixes=("", "_told"))
    if pairs.empty:
        return pairs.set_index("event").assign(explains_as=None, disclosed=np.nan)
    age = pd.to_datetime(pairs["session_date"]) - pd.to_datetime(pairs["session_date_told"])
    is_own = pairs["security_id"] == pairs["security_id_told"]
    pairs["disclosed"] = pairs["price_factor"].astype("float64").where(is_own)
    pairs["age"] = age
    pairs = _as_corrected(pairs[_believed(pairs["known_at"], pairs["known_at_told"], pairs["known_until"])])
    asked = (pairs[name] for name in ("action", "cause", "factor", "report_name", "age", "disclosed"))
    pairs = pairs[np.array([_accounts(*one) for one in zip(*asked, strict=True)], dtype=bool)]
    pairs = pairs.assign(explains_as=[EXPLANATIONS[action].cause for action in pairs["action"]])
    first = pairs["rank"].where(pairs["cause"] == "split_or_bonus", 0)
    order = ["first", "known_at_told", "rank", "receipt"]
    newest = pairs.assign(first=first).sort_values(order, ascending=[True, False, True, False], kind="stable")
    return newest.drop_duplicates("event").set_index("event")


def _as_corrected(pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs, decisions without a ratio with that of their first correction: a source may tell the figures of the newest receipt alone."""
    rows = pairs.sort_values("receipt", kind="stable")
    is_correction = rows["report_name"].astype("string").str.contains(_CORRECTED, regex=False).fillna(False)
    one = [rows[name] for name in ("event", "security_id_told", "action")]
    decision = (~is_correction).groupby(one).cumsum()  # an original, and the corrections behind it
    corrected = rows["disclosed"].where(is_correction).groupby([*one, decision]).bfill()
    return pairs.assign(disclosed=rows["disclosed"].fillna(corrected))


def _accounts(action: str, cause: str, factor: float, report_name: object, age: pd.Timedelta, disclosed: float) -> bool:
    explanation = EXPLANATIONS[action]
    fits = (
        cause in explanation.of and explanation.lowers in (None, factor < 1.0) and explanation.title in str(report_name)
    )
    agrees = np.isnan(disclosed) or abs(np.log(factor / disclosed)) <= RATIO_TOLERANCE
    return bool(fits and agrees and timedelta(0) <= age <= explanation.within)


def _believed(at: pd.Series, known_at: pd.Series, known_until: pd.Series) -> pd.Series:
    """Where the version was known at the instant and not yet replaced."""
    return (known_at <= at) & (known_until.isna() | (known_until > at))
