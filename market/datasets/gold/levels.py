"""gold.levels: support and resistance, as what happened to each level: formed, touched, broken.

A level that lives at a session is the last row of its `level_id` up to then, unless that says broken, and unless it is older than
`levels.LIFE` sessions.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from market import adjust, calendars, levels
from market.datasets.gold import _series
from market.datasets.silver._typed import MONTH
from market.features.runs import unbroken
from market.table import Between, Column, Frames, OneOf, Read, Table, Window

_BARS = ("open", "high", "low", "close", "volume")
SPAN = levels.LIFE + 1
"""Sessions up to one that can hold a level which lives there."""
_ROLES = {levels.SUPPORT: "support", levels.RESISTANCE: "resistance"}


def build(frames: Frames, window: Window) -> pa.Table:
    """Events within the window, on forward-adjusted bars; a missing session ends every level, and what follows starts anew."""
    rows = _series.rows_of(frames, TABLE.name)
    bars, scale = adjust.forward_adjusted(rows), rows["cumulative_factor"].to_numpy(dtype=np.float64)
    columns = {name: bars[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in _BARS}
    raw = rows["close"].to_numpy(dtype=np.float64, na_value=np.nan)
    runs = unbroken(_series.offsets_of(rows), rows["session_no"].to_numpy())
    events = levels.find(**columns, round_step=levels.round_steps(raw) / scale, offsets=runs)
    is_new = _series.new_in(rows, window)
    events = events.take(is_new[events.row])
    at, dates = events.row, rows["session_date"].to_numpy()
    kinds = np.array(levels.KINDS)[events.kind]
    formed = dates[events.formed]
    made = _series.to_arrow(rows.iloc[at][_series.IDENTITY].assign(
        level_id=[f"{day}:{kind}:{n}" for day, kind, n in zip(formed, kinds, events.serial, strict=True)],
        event=np.array(levels.EVENTS)[events.event], kind=kinds, role=[_ROLES[int(role)] for role in events.role],
        price=events.price * scale[at], tolerance=events.tolerance * scale[at], adjusted_price=events.price,
        strength=events.strength, touches=events.touches, held_share=events.held_share, age=events.age, formed_date=formed,
    ))  # fmt: skip
    known = _series.known_upto(rows, window, levels.LOOKBACK)
    return TABLE.conform(made.append_column("known_at", pc.take(known, np.cumsum(is_new)[at] - 1)))


def living(events: pa.Table, bars: pa.Table) -> pa.Table:
    """The levels that live after the close of the newest bar, by price.

    Parameters
    ----------
    events : rows of one security, the columns of the contract or some of them, in order of session.
    bars : its newest SPAN bars up to the session, newest first: `session_date`, `exchange`, `cumulative_factor`.

    Returns
    -------
    The last event of each level that is neither broken, nor older than `levels.LIFE` sessions, nor from before a session that is missing.
    `age`, `price` and `tolerance` are those at the newest bar; strength, touches and the share that held are the event's.
    """
    days, exchange = bars["session_date"].to_pylist(), bars["exchange"][0].as_py()
    numbers = [calendars.session_no(exchange, day) for day in days]
    unbroken_for = next((n for n, number in enumerate(numbers) if number != numbers[0] - n), len(numbers))
    last = {row["level_id"]: row for row in events.to_pylist() if row["session_date"] <= days[0]}
    first, scale, kept = days[unbroken_for - 1], bars["cumulative_factor"][0].as_py(), []
    for row in last.values():
        age = numbers[0] - calendars.session_no(exchange, row["formed_date"])
        if row["event"] != levels.EVENTS[levels.BROKEN] and row["formed_date"] >= first and age <= levels.LIFE:
            rescaled = row["adjusted_price"] * scale / row["price"]
            kept.append(
                row | {"age": age, "price": row["adjusted_price"] * scale, "tolerance": row["tolerance"] * rescaled}
            )
    return pa.Table.from_pylist(sorted(kept, key=lambda row: row["price"]), schema=events.schema)


TABLE = Table(
    __name__,
    doc=f"Support and resistance levels of forward-adjusted bars, one row for what happened to a level at a session. A level lives until it is "
    f"broken or {levels.LIFE} sessions old; its newest row says how it stands. Prices are those of the session.",
    columns=(
        Column("session_date", "date", "session whose close makes the event"),
        MONTH,
        Column("security_id", "string", "our stable id"),
        Column("exchange", "string", "exchange"),
        Column("level_id", "string", "level of the security: session that founded it, kind, number"),
        Column("event", "string", "what happened", rules=(OneOf(levels.EVENTS),)),
        Column("kind", "string", "a turn of the price, a price much traded at, a round price", rules=(OneOf(levels.KINDS),)),
        Column("role", "string", "below the price or above it", rules=(OneOf(tuple(_ROLES.values())),)),
        Column("price", "float64", "price of the level, on the scale of the session", "currency", rules=(Between(0),)),
        Column("tolerance", "float64", "half the width of its zone", "currency", rules=(Between(0),)),
        Column("adjusted_price", "float64", "its price over the cumulative factor, equal at every session", "currency", rules=(Between(0),)),
        Column("strength", "float64", "touches, volume and how recent, 0 to 1; it orders, and is no probability", "1", rules=(Between(0, 1),)),
        Column("touches", "int64", "times that it was tested and held so far", rules=(Between(0),)),
        Column("held_share", "float64", "share of its tests that held; null before the first", "fraction", nullable=True, rules=(Between(0, 1),)),
        Column("age", "int64", "sessions since it was founded", rules=(Between(0, levels.LIFE),)),
        Column("formed_date", "date", "session that founded it"),
        Column("known_at", "timestamp", "when the last of the bars it was found in was known"),
    ),
    key=("security_id", "session_date", "level_id"),
    known_at="the latest known_at of the security's prices in the 250 sessions before and its own, as far as they are unbroken",
    commits="replace",
    reads=(
        _series.prices(levels.LOOKBACK),
        Read("silver.sessions", "side", history=None),
    ),
    follows=True,  # a changed factor rescales, and dates, every later price; a corrected close does not
    build=build,
    may_be_empty=True,
)  # fmt: skip
