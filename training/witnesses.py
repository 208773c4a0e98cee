"""What the lake says against a training frame: outcomes that are not those of the label, names left out, values known too late.

The leak court (training.court) puts questions to a model; these are facts about its rows, which no model can answer for.
What does not belong here: reading the tables (the caller does, at the release), what becomes of a finding (training.gates).
"""

import numpy as np
import pandas as pd

from market.labels import forward_return
from training.model import Model

SAME = 1e-9
HINDSIGHT_SHARE = 0.01
"""Of the labelled rows, how many may have features that were known only after their outcome: corrections, which are few."""


def against(
    model: Model, frame: pd.DataFrame, prices: pd.DataFrame, known: pd.DataFrame, again: pd.DataFrame
) -> list[str]:
    """A sentence for each thing that is wrong with the rows; none where nothing is.

    Parameters
    ----------
    frame : as ``training.train.train`` takes it: security_id, session_date, exchange, features, label.
    prices : the release's, over the frame's sessions: security_id, session_date, exchange, close, cumulative_factor.
    known : security_id, session_date, features_known_at and label_known_at (timestamps) of the rows with a label.
    again : security_id, session_date and the features of some names, made again from what was there up to a session.
    """
    keyed = frame.assign(session_date=pd.to_datetime(frame["session_date"]))
    bars = prices.assign(session_date=pd.to_datetime(prices["session_date"]))
    return [*_outcomes(model, keyed, bars), *_universe(keyed, bars), *_hindsight(known), *_future(model, keyed, again)]


def _outcomes(model: Model, frame: pd.DataFrame, prices: pd.DataFrame) -> list[str]:
    """The label is the return over exactly the horizon that the split purges by."""
    dates = prices.groupby("exchange")["session_date"].rank(method="dense").astype(np.int64)
    rows = prices.assign(number=dates).sort_values(["security_id", "number"], ignore_index=True)
    offsets = np.append(np.flatnonzero(~rows["security_id"].duplicated()), len(rows))
    comparable = rows["close"] / rows["cumulative_factor"]
    rows["truth"] = forward_return(comparable, offsets, model.horizon, session_numbers=rows["number"])
    both = frame.merge(rows[["security_id", "session_date", "truth"]], on=["security_id", "session_date"])
    both = both[both[model.label].notna()]
    wrong = both[~((both[model.label] - both["truth"]).abs() <= SAME * (1.0 + both["truth"].abs()))]
    if wrong.empty:
        return []
    one = wrong.iloc[0]
    return [
        f"label: {len(wrong)} of {len(both)} are not the return over the next {model.horizon} sessions, such as"
        f" {one['security_id']} {one['session_date']:%Y-%m-%d}: {one[model.label]:.6g}, the prices say {one['truth']:.6g}"
    ]


def _universe(frame: pd.DataFrame, prices: pd.DataFrame) -> list[str]:
    """Every name that had a price in those sessions is there, those that are gone since above all."""
    inside = prices[prices["session_date"].between(frame["session_date"].min(), frame["session_date"].max())]
    missing = np.setdiff1d(inside["security_id"].unique(), frame["security_id"].unique())
    if not len(missing):
        return []
    last = inside.groupby("security_id")["session_date"].max()
    gone = int((last[missing] < inside["session_date"].max()).sum())
    named = ", ".join(map(str, missing[:5]))
    return [
        f"universe: {len(missing)} of {len(last)} names with prices are left out, {gone} of them gone since: {named}"
    ]


def _hindsight(known: pd.DataFrame) -> list[str]:
    """Features were known before the outcome that they are held against."""
    late = known[known["features_known_at"] > known["label_known_at"]]
    if len(late) <= HINDSIGHT_SHARE * len(known):
        return []
    one = late.iloc[0]
    return [
        f"hindsight: {len(late)} of {len(known)} labelled rows have features that were known only after their outcome, such as"
        f" {one['security_id']} {one['session_date']}: known {one['features_known_at']:%Y-%m-%d %H:%M}, the outcome"
        f" {one['label_known_at']:%Y-%m-%d %H:%M}"
    ]


def _future(model: Model, frame: pd.DataFrame, again: pd.DataFrame) -> list[str]:
    """The features have the bits that they have without anything after them."""
    keys = ["security_id", "session_date"]
    made = again.assign(session_date=pd.to_datetime(again["session_date"]))
    both = frame.merge(made[[*keys, *model.features]], on=keys, suffixes=("", "_again"))
    found = []
    for name in model.features:
        here, there = (both[column].to_numpy(dtype=np.float64) for column in (name, f"{name}_again"))
        differ = ~((here == there) | (np.isnan(here) & np.isnan(there)))
        if differ.any():
            one = both[differ].iloc[0]
            found.append(
                f"future: {name} has another value in {int(differ.sum())} of {len(both)} rows where nothing after them is there, such as"
                f" {one['security_id']} {one['session_date']:%Y-%m-%d}: {one[name]:.6g}, without it {one[f'{name}_again']:.6g}"
            )
    return found
