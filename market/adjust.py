"""Adjustment: factors from the exchange's base price, and series made comparable across them.

The exchange announces a base price for each session; where it differs from the previous close, something happened to the share
(a split, a consolidation, rights, a bonus issue, a spin-off). The factor is base price / previous close. Cash dividends do not
move the base on KRX. What does not belong here: US splits, which are declared events; the ledger's file takes them as such.
"""

import numpy as np
import pandas as pd

from market import bitemporal

TOLERANCE = 0.005  # a base price is rounded to its tick: 0.15 % at 2,000 KRW is rounding, not an event
RATIO_TOLERANCE = 0.02

LONGEST_HOLE = 4
"""Sessions without a row across which a split is still recognised: a refused row is mended or missed within days. Ours."""

_HARDLY_SOLD = np.log(1.45)
"""Shares that moved by less across a hole may be new ones sold long after their ex-date, while the price moved as far by itself. Ours."""

PRICE_COLUMNS = ("open", "high", "low", "close")
BEFORE = ("close", "listed_shares", "is_halted", "market")


def beside_session_before(rows: pd.DataFrame) -> pd.DataFrame:
    """Each version of a row beside each version of the session before that was believed at the same time.

    Parameters
    ----------
    rows : versions, any order, with security_id, session_no, close, listed_shares, is_halted, market, known_at and known_until.

    Returns
    -------
    The rows with `close_before`, `listed_shares_before`, `is_halted_before` and `market_before`; known_at and known_until enclose
    the time at which both were believed. A row after a hole in the sessions has no row before it and is left out.
    """
    return bitemporal.together(rows, _moved_on(rows, 1), _SAME)


def beside_session_before_hole(rows: pd.DataFrame) -> pd.DataFrame:
    """What `beside_session_before` leaves out, each version beside that of the nearest of up to LONGEST_HOLE earlier sessions, with `hole`.

    Parameters
    ----------
    rows : as there.

    Returns
    -------
    As there; `hole` counts the sessions between.
    """
    known = [*_SAME, "known_at", "known_until"]
    beside = rows[known].merge(_moved_on(rows, 1)[known].drop_duplicates(), how="left", on=known, indicator=True)
    left = bitemporal.apart(rows[beside["_merge"].to_numpy() == "left_only"], _moved_on(rows, 1), _SAME)
    found = []
    for hole in range(1, LONGEST_HOLE + 1):
        earlier = _moved_on(rows, hole + 1)
        found.append(bitemporal.together(left, earlier, _SAME).assign(hole=hole))
        left = bitemporal.apart(left, earlier, _SAME)
    return pd.concat(found, ignore_index=True)


def splits_across_holes(pairs: pd.DataFrame) -> pd.DataFrame:
    """The ledger rows that moved shares imply where the base price of the ex-date is not there, or the close before it.

    Parameters
    ----------
    pairs : `beside_session_before_hole`.

    Returns
    -------
    Rows as of `base_price_events`, the ex-date that of the first row behind the hole, factor the ratio of the shares, confidence low: rows
    whose shares moved by at least 45 % and whose base price moved with them, nearer to that than to no event at all.
    """
    shares = np.log(pairs["listed_shares_before"] / pairs["listed_shares"])
    moved = np.log(pairs["base_price"] / pairs["close_before"])
    is_split = (shares.abs() >= _HARDLY_SOLD) & ((moved - shares).abs() < shares.abs() / 2)
    events = pairs[is_split.fillna(False)].copy()
    events["factor"] = events["listed_shares_before"] / events["listed_shares"]
    events["cause"] = np.where(events["factor"] < 1.0, "split_or_bonus", "consolidation")
    told = zip(events["hole"], events["base_price"], events["close_before"], events["factor"], strict=True)
    events["evidence"] = [
        f"base price {base:.10g} against close {close:.10g}, {hole} sessions without a row between, shares ratio {share:.6g}"
        for hole, base, close, share in told
    ]
    return events.assign(confidence="low").drop(columns="hole")


def base_price_events(pairs: pd.DataFrame) -> pd.DataFrame:
    """The ledger rows that base prices imply.

    Parameters
    ----------
    pairs : rows with open, base_price, listed_shares, market, and close, listed_shares, is_halted and market of the session before
        (`beside_session_before`): a base across a hole in the sessions would mix in market moves.

    Returns
    -------
    Rows where base price / previous close differs from 1 by more than 0.5 %, with `factor`, `cause`, `evidence`, `confidence`.
    Where the opening auction after a halt set the base (base = open: spin-off, relisting, merger), that ratio holds a market
    move: the factor is the share ratio, and shares that did not move are no event. So too without a halt where shares moved
    otherwise than the base did. Where shares fell and yet the base stayed nearer to the previous close than to their ratio, part of the
    company was split off: the base's ratio takes out what the new company is worth, and the market move with it. A first session on another board that opens at its base (KONEX to KOSDAQ) is no event: the new
    shares were sold, and the auction set the price.

    Source
    ------
    KRX Open API, CMPPREVDD_PRC is measured against the base price; checked on 470,695 pairs of consecutive raw sessions.
    """
    moved = np.abs(pairs["base_price"] / pairs["close_before"] - 1.0) > TOLERANCE
    events = pairs[moved].copy()
    ratio = events["base_price"] / events["close_before"]
    shares = events["listed_shares_before"] / events["listed_shares"]
    shares_moved = (np.abs(shares - 1.0) > TOLERANCE).fillna(False)
    fits_shares = (np.abs(ratio - shares) <= RATIO_TOLERANCE * shares).fillna(False)
    at_open = events["base_price"] == events["open"]
    is_spin_off = at_open & (shares > 1.0 + TOLERANCE) & (np.abs(np.log(ratio)) < np.abs(np.log(ratio / shares)))
    relisted = at_open & events["is_halted_before"] & shares.notna() & ~is_spin_off
    by_auction = at_open & ~fits_shares
    events["factor"] = ratio.mask(
        relisted | (by_auction & shares_moved & ~is_spin_off), shares.where(shares_moved, 1.0)
    )
    matched = shares_moved & (np.abs(events["factor"] / shares - 1.0) <= RATIO_TOLERANCE).fillna(False)
    kinds = np.where(events["factor"] < 1.0, "split_or_bonus", "consolidation")
    others = np.where(by_auction, "opening_auction", "rights_or_other")
    events["cause"] = np.where(is_spin_off, "spin_off", np.where(matched, kinds, others))
    events["evidence"] = [
        f"base price {base:.10g} against previous close {close:.10g}, shares ratio {share:.6g}"
        for base, close, share in zip(events["base_price"], events["close_before"], shares, strict=True)
    ]
    events["confidence"] = np.where(by_auction, "low", np.where(matched, "high", "medium"))
    is_transfer = at_open & (events["market"] != events["market_before"])
    return events[(np.abs(events["factor"] - 1.0) > TOLERANCE) & ~is_transfer]


_SAME = ("security_id", "session_no")


def _moved_on(rows: pd.DataFrame, sessions: int) -> pd.DataFrame:
    """The columns named BEFORE of each version, so many sessions later."""
    before = rows[[*_SAME, *BEFORE, "known_at", "known_until"]]
    return before.assign(session_no=before["session_no"] + sessions).rename(columns={n: f"{n}_before" for n in BEFORE})


def cumulative_factor(ledger: pd.DataFrame, rows: pd.DataFrame) -> np.ndarray:
    """Product of the ledger's factors up to and including each row's session, per security.

    Parameters
    ----------
    ledger : security_id, session_date (ex-date), factor; any order.
    rows : security_id, session_date; any order.

    Returns
    -------
    (n,) pure number, 1 before the first factor. Multiplied in order of the ex-dates, so batch and one-day runs have equal bits.
    """
    result = np.ones(len(rows))
    if not len(ledger):
        return result
    ordered = ledger.sort_values(["security_id", "session_date"], kind="stable")
    products = ordered.groupby("security_id", sort=False)["factor"].cumprod().to_numpy()
    spans = ordered.groupby("security_id", sort=False).indices
    ex_dates = ordered["session_date"].to_numpy().astype("datetime64[D]")
    dates = rows["session_date"].to_numpy().astype("datetime64[D]")
    for security, at in rows.groupby("security_id", sort=False).indices.items():
        if security in spans:
            span = spans[security]
            passed = np.searchsorted(ex_dates[span], dates[at], side="right")
            result[at] = np.where(passed > 0, products[span][np.maximum(passed, 1) - 1], 1.0)
    return result


def forward_adjusted(rows: pd.DataFrame) -> pd.DataFrame:
    """Prices divided, volume multiplied, by the cumulative factor: a later split never rescales what came before it."""
    adjusted = rows.copy()
    for name in PRICE_COLUMNS:
        adjusted[name] = rows[name].astype("float64") / rows["cumulative_factor"]
    adjusted["volume"] = rows["volume"].astype("float64") * rows["cumulative_factor"]
    return adjusted


def adjusted_as_of(rows: pd.DataFrame, last_factor: pd.Series) -> pd.DataFrame:
    """Prices on the scale of the as-of day: forward-adjusted values times the cumulative factor of that day.

    Parameters
    ----------
    rows : raw prices with `cumulative_factor`.
    last_factor : the cumulative factor on the as-of day, aligned with the rows.
    """
    scaled = forward_adjusted(rows)
    for name in PRICE_COLUMNS:
        scaled[name] = scaled[name] * last_factor
    scaled["volume"] = scaled["volume"] / last_factor
    return scaled
