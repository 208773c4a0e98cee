"""What formulas read: prices on the forward-adjusted scale, what the exchange's calendar says of each session, and sectors.

What does not belong here: computing features (``engine``), where the rows come from.
"""

from collections.abc import Callable
from datetime import date
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from market import adjust, calendars
from market.errors import Permanent
from market.features.engine import Program


def _session_of_month(exchange: str, day: date) -> float:
    first = calendars.sessions(exchange, day.replace(day=1), day)[0]
    return float(calendars.session_no(exchange, day) - calendars.session_no(exchange, first) + 1)


CALENDAR: Final[dict[str, Callable[[str, date], float]]] = {
    "weekday": lambda _, day: float(day.weekday()),
    "month": lambda _, day: float(day.month),
    "days_since_session": lambda exchange, day: float((day - calendars.previous_session(exchange, day)).days),
    "session_of_month": _session_of_month,
}
"""Columns that follow from the session alone, all known before it: weekday (0 is Monday), month, calendar days since the session before (1, 3 behind a weekend,
more behind holidays), and which session of its month it is, from 1. None says what comes after: a closure may be announced the day before."""


SECTOR: Final = "sector"
"""A number for each sector told by the session, for `by=`; equal numbers are equal sectors, and say no more. Not known where nobody told one."""


def inputs_of(
    program: Program, rows: pd.DataFrame, sectors: pd.DataFrame | None = None
) -> dict[str, NDArray[np.float64]]:
    """The program's inputs.

    Parameters
    ----------
    rows : prices as gold.prices has them, with `exchange` and `session_date`.
    sectors : where the program reads them: `security_id`, `session_date` from which it holds, `sector_scheme`, `sector`, `known_at`.

    Raises
    ------
    Permanent : the program reads sectors, and none were given.
    """
    prepared = adjust.forward_adjusted(rows)
    if SECTOR in program.inputs:
        prepared[SECTOR] = _sectors(rows, sectors)
    plain = [name for name in program.inputs if name not in CALENDAR]
    found = {name: prepared[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in plain}
    return found | {name: _of_sessions(name, rows) for name in program.inputs if name in CALENDAR}


def _sectors(rows: pd.DataFrame, sectors: pd.DataFrame | None) -> pd.Series:
    """The newest sector that was known by each row's close."""
    if sectors is None:
        raise Permanent("features by sector", expected="sectors beside the prices", found="none")
    keys = list(zip(rows["exchange"], rows["session_date"], strict=True))
    closes = {key: calendars.close_at(*key) for key in set(keys)}
    asked = pd.DataFrame(
        {"security_id": rows["security_id"], "at": pd.to_datetime([closes[key] for key in keys], utc=True)}
    )
    told = sectors.assign(
        code=pd.factorize(sectors["sector_scheme"] + " " + sectors["sector"], sort=True)[0].astype(float)
    )
    told["at"] = pd.to_datetime(told["known_at"], utc=True)
    told = told.sort_values(["at", "session_date"], kind="stable")
    days = pd.to_datetime(told["session_date"])
    told = told[days == days.groupby(told["security_id"]).cummax()]  # without an older session that was told later
    asked, told = (part.assign(at=part["at"].astype("datetime64[us, UTC]")) for part in (asked.reset_index(), told))
    found = pd.merge_asof(
        asked.sort_values("at", kind="stable"), told[["security_id", "at", "code"]], on="at", by="security_id"
    )
    return found.set_index("index")["code"].sort_index()


def _of_sessions(name: str, rows: pd.DataFrame) -> NDArray[np.float64]:
    keys = list(zip(rows["exchange"], rows["session_date"], strict=True))
    told = {key: CALENDAR[name](*key) for key in set(keys)}
    return np.array([told[key] for key in keys], dtype=np.float64)
