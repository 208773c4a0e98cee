"""silver.listings: since when and until when each Korean security was listed, on its first day, halted, administrative or in liquidation.

What does not belong here: names, boards and codes, which are `silver.securities` and `silver.symbols`.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from market import bitemporal, identity, listings
from market.datasets.bronze._parse import day, with_first_known
from market.datasets.bronze.krx_services import OPEN
from market.datasets.silver._typed import HOLDERS, KNOWN
from market.identity import ID
from market.listings import HELD, NOT, UNTOLD
from market.table import Column, Frames, Matches, OneOf, Read, RowRule, Table, Window

STATUSES = ("listed", "first_day", "halted", "administrative", "liquidation")
LISTED, FIRST_DAY, HALTED, ADMINISTRATIVE, LIQUIDATION = STATUSES
ADMINISTRATIVE_SECTION = "관리종목"
_EVIDENCE = {
    LISTED: "base information of the exchange",
    FIRST_DAY: "listing date in the base information, which lacked it before",
    HALTED: "no open, high and low that day",
    ADMINISTRATIVE: f"section {ADMINISTRATIVE_SECTION} in the base information",
    LIQUIDATION: "up to seven sessions traded after a halt, then gone",
}
SHOWN_BY = {
    LISTED: "bronze.krx_listing",
    FIRST_DAY: "bronze.krx_listing",
    HALTED: "silver.prices",
    ADMINISTRATIVE: "bronze.krx_listing",
    LIQUIDATION: "silver.prices",
}
"""The table that shows each status session by session."""

SERVICE = {"bronze.krx_listing": "isu_base_info", "silver.prices": "bydd_trd"}
"""By that table, how the names of the services end whose answers it is made from."""


def build(frames: Frames, window: Window) -> pa.Table:
    """Spells of the securities: from the base information, those of being listed and administrative; from the bars, the others."""
    main = next(name for name in SERVICE if name in frames)
    sessions = _sessions(frames)
    answers = _answers(frames, SERVICE[main])
    answered = sessions.loc[sessions["session_date"].isin(answers["session_date"]), "session_no"].to_numpy()
    told = _listed(frames, answers) if main == "bronze.krx_listing" else _bars(frames)
    told = told.merge(sessions, on="session_date")
    for name in ("known_at", "known_until"):  # once, not for each security
        told[name] = _instants(told[name])
    made = [
        row | {"security_id": security}
        for security, rows in told.groupby("security_id", sort=True)
        for row in (
            _life(rows, answered, sessions) if main == "bronze.krx_listing" else _trading(rows, answered, sessions)
        )
    ]
    return TABLE.conform(_dated(pd.DataFrame(made, columns=[*_ROW, "security_id"]), sessions))


_DELIVERED = ("session_date", "request", "payload_digest", "row_no", "fetched_at")
_TOLD = (*_DELIVERED, "ISU_SRT_CD", "SECT_TP_NM", "LIST_DD")
_BARS = ("security_id", "session_date", "exchange", "is_halted", "known_at", "known_until")
_ROW = ["status", "first", "last", "known_at", "known_until"]


def _sessions(frames: Frames) -> pd.DataFrame:
    rows = frames["silver.sessions"].to_pandas(timestamp_as_object=False)
    rows = rows[rows["exchange"] == "XKRX"].sort_values("session_no")
    rows["close_at"] = _instants(rows["close_at"])
    return rows[["session_date", "session_no", "close_at"]].reset_index(drop=True)


def _answers(frames: Frames, service: str) -> pd.DataFrame:
    """Every answer with rows of that kind of service: a session is committed whole, so one of its boards stands for all."""
    rows = frames["bronze.krx_services"].to_pandas(timestamp_as_object=False)
    is_answer = rows["service"].str.endswith(service) & rows["market"].notna() & (rows["state"] == OPEN)
    return rows[is_answer & (rows["n_rows"] != "0")]


def _listed(frames: Frames, answers: pd.DataFrame) -> pd.DataFrame:
    """Versions of each security's presence in the base information, with whether it was administrative, and listed that very day."""
    raw = frames["bronze.krx_listing"].select(_TOLD).to_pandas(timestamp_as_object=False)
    rows = raw[list(_DELIVERED)].copy()
    plain = identity.security_id("XKRX", raw["ISU_SRT_CD"])
    rows["security_id"] = identity.ids_then(plain, rows["session_date"], frames.get("silver.securities"))
    rows["is_administrative"] = raw["SECT_TP_NM"].astype("string").str.contains(ADMINISTRATIVE_SECTION).fillna(False)
    rows["is_listing_date"] = (day(raw["LIST_DD"]) == rows["session_date"]).astype(bool)
    rows = rows[raw["ISU_SRT_CD"].notna()]
    timed = with_first_known(rows, "XKRX", frames)
    return bitemporal.versions(
        timed, ("security_id", "session_date"), ("is_administrative", "is_listing_date"), answers=answers
    )


def _bars(frames: Frames) -> pd.DataFrame:
    bars = frames["silver.prices"].select(_BARS).to_pandas(timestamp_as_object=False)
    return bars[bars["exchange"] == "XKRX"]


def _life(rows: pd.DataFrame, answered: np.ndarray, sessions: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Versions of one security's spells of being listed and of being an administrative issue."""
    gone = listings.gaps(_in_time(rows, sessions), answered)
    ended = [_at_close(gone, NOT, sessions), _withdrawn(rows, NOT)]
    yield from _spells(LISTED, [_told(rows, np.full(len(rows), HELD)), *ended])
    if rows["is_administrative"].any():
        flags = np.where(rows["is_administrative"].to_numpy(bool), HELD, NOT)
        yield from _spells(ADMINISTRATIVE, [_told(rows, flags), *ended])
    if first_day := _first_day(rows, answered):
        yield from _spells(FIRST_DAY, first_day)


def _first_day(rows: pd.DataFrame, answered: np.ndarray) -> list[pd.DataFrame]:
    """Observations of the day of the listing: a transfer renews the listing date too, but the security was there before it."""
    last_word = rows.sort_values("known_at", kind="stable").drop_duplicates("session_no", keep="last")
    begin = last_word.loc[last_word["known_until"].isna(), "session_no"].min()  # not one that was taken back
    first = rows[rows["session_no"] == begin]
    if first.empty:
        return []
    flags = np.where(first["is_listing_date"].to_numpy(bool) & bool(len(answered) and begin > answered[0]), HELD, NOT)
    over = _observations(
        np.full(len(first), begin + 1), NOT, first["known_at"].to_numpy()
    )  # it is one session, known with it
    return [_told(first, flags), over, _withdrawn(first, NOT)]


def _trading(rows: pd.DataFrame, answered: np.ndarray, sessions: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Versions of one security's halts, and of the liquidation trading that ended it."""
    if not rows["is_halted"].any():
        return
    present = _in_time(rows, sessions)
    if not len(present):
        return
    gone = listings.gaps(present, answered)
    back = gone[gone < present[-1]]  # a bar was missing, and the security was not gone
    returns = present[np.searchsorted(present, back)]
    taken_back = _observations(back, UNTOLD, _close(returns, sessions))
    flags = np.where(rows["is_halted"].to_numpy(bool), HELD, NOT)
    told = [_told(rows, flags), _at_close(gone, NOT, sessions), taken_back, _withdrawn(rows, UNTOLD)]
    yield from _spells(HALTED, told)
    if len(gone):
        yield from _liquidations(rows, _close(gone, sessions), answered, sessions)


def _liquidations(
    rows: pd.DataFrame, ends: np.ndarray, answered: np.ndarray, sessions: pd.DataFrame
) -> Iterator[dict[str, Any]]:
    """What was believed, and when, of the liquidation trading of a security whose bars ended at those closes.

    At each instant it is asked of the bars believed then whether the security is gone, and how it ended: a bar that comes after
    all ends the belief, and so does a correction; neither touches what was believed before.
    """
    known, until = rows["known_at"].to_numpy(), rows["known_until"].to_numpy()
    closes = _close(answered, sessions)
    numbers, is_halted = rows["session_no"].to_numpy(), rows["is_halted"].to_numpy(bool)
    after = [known[known > end].min() for end in ends if (known > end).any()]
    late = known[known > _close(numbers, sessions)]
    instants = np.unique(np.concatenate([ends, np.array(after, dtype=ends.dtype), late, until[~np.isnat(until)]]))
    held: tuple[int, int] | None = None
    since = ends[0]
    for instant in instants[instants >= ends[0]]:
        believed = np.flatnonzero((known <= instant) & ~(until <= instant))
        believed = believed[np.argsort(numbers[believed])]
        is_gone = len(believed) and bool((closes[answered > numbers[believed[-1]]] <= instant).any())
        found = listings.liquidation(numbers[believed], is_halted[believed]) if is_gone else None
        if found != held:
            if held is not None:
                yield _row(LIQUIDATION, held, since, instant)
            held, since = found, instant
    if held is not None:
        yield _row(LIQUIDATION, held, since, None)


def _row(
    status: str, spell: tuple[int, int], known_at: np.datetime64, known_until: np.datetime64 | None
) -> dict[str, Any]:
    ended = None if known_until is None else pd.Timestamp(known_until, tz="UTC")
    return dict(zip(_ROW, (status, *spell, pd.Timestamp(known_at, tz="UTC"), ended), strict=True))


def _in_time(rows: pd.DataFrame, sessions: pd.DataFrame) -> np.ndarray:
    """Sessions that had a row by their close, ascending: one that a correction brought later was a session without, until then."""
    numbers = rows["session_no"].to_numpy()
    return np.unique(numbers[rows["known_at"].to_numpy() <= _close(numbers, sessions)])


def _told(rows: pd.DataFrame, says: np.ndarray) -> pd.DataFrame:
    return _observations(rows["session_no"].to_numpy(), says, rows["known_at"].to_numpy())


def _withdrawn(rows: pd.DataFrame, says: int) -> pd.DataFrame:
    """What is said of a session from the instant at which its last version ended without another."""
    last = rows.sort_values("known_at").drop_duplicates("session_no", keep="last")
    last = last[last["known_until"].notna()]
    return _observations(last["session_no"].to_numpy(), says, last["known_until"].to_numpy())


def _at_close(session_no: np.ndarray, says: int, sessions: pd.DataFrame) -> pd.DataFrame:
    return _observations(session_no, says, _close(session_no, sessions))


def _close(session_no: np.ndarray, sessions: pd.DataFrame) -> np.ndarray:
    at = np.searchsorted(sessions["session_no"].to_numpy(), session_no)
    return np.asarray(sessions["close_at"].to_numpy()[at])


def _instants(column: pd.Series) -> np.ndarray:
    return np.asarray(pd.to_datetime(column, utc=True).dt.tz_localize(None), dtype="datetime64[us]")


def _observations(session_no: np.ndarray, says: np.ndarray | int, known_at: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"session_no": session_no, "says": says, "known_at": known_at})


def _spells(status: str, told: list[pd.DataFrame]) -> Iterator[dict[str, Any]]:
    all_ = pd.concat([part for part in told if len(part)], ignore_index=True)
    for version in listings.versions(*(all_[name].to_numpy() for name in ("session_no", "says", "known_at"))):
        yield dict(zip(_ROW, (status, *version), strict=True))


def _dated(made: pd.DataFrame, sessions: pd.DataFrame) -> pa.Table:
    """The rows with dates instead of session numbers."""
    dates = dict(zip(sessions["session_no"], sessions["session_date"], strict=True))
    for name in ("first", "last"):
        made[f"{name}_session"] = pd.Series([dates.get(number) for number in made[name]], made.index, dtype=object)
    made["exchange"], made["source"] = "XKRX", "krx"
    made["evidence"] = made["status"].map(_EVIDENCE)
    for name in ("known_at", "known_until"):
        made[name] = pd.to_datetime(made[name], utc=True)
    return pa.Table.from_pandas(made.drop(columns=["first", "last"]), preserve_index=False)


TABLE = Table(
    __name__,
    doc="Dated spells of each Korean security: listed, first day of its listing, halted, administrative issue, liquidation trading. They may overlap; a "
    "delisting is the end of a listed spell, a transfer to another board is not. The universe of a past day is what was listed then.",
    columns=(
        Column("security_id", "string", "our stable id", rules=(Matches(ID),)),
        Column("exchange", "string", "exchange", rules=(OneOf(("XKRX",)),)),
        Column("status", "string", "what held", rules=(OneOf(STATUSES),)),
        Column("first_session", "date", "first session on which it held, as far as we saw"),
        Column("last_session", "date", "last session on which it held; null while it goes on", nullable=True),
        Column("evidence", "string", "what shows it"),
        Column("source", "string", "source that said so"),
        *KNOWN,
    ),
    key=("security_id", "status", "first_session", "known_at"),
    known_at="the end of the session that showed the beginning; of the end, that of the first session without it",
    commits="replace",
    may_be_empty=True,
    reads=(
        Read("bronze.krx_listing", spread="ISU_SRT_CD", history=None, columns=_TOLD),
        Read("silver.prices", spread="security_id", history=None, versions=True, columns=_BARS),
        Read("bronze.krx_services", "side", history=None),
        Read("silver.sessions", "side", history=None),
        HOLDERS,
    ),
    build=build,
    row_rules=(RowRule("first_session", "<=", "last_session", "a spell begins before it ends"),),
    partition="",
)
