"""gold.sentiment: a day reads what its windows reach and has the bits of the whole; what nobody read is not neutral."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from market import calendars
from market.datasets.gold import sentiment

PAIR = ("XKRX:000660", "XKRX:005930")
JOINED = {"url": "string", "title": "string", "story_id": "string", "level": "float64", "read_at": "timestamp"}
TITLES = ("공급계약 체결 소식", "영업손실 어닝 쇼크", "신제품 흥행 기대감", "공급계약 체결 소식 왜")


@pytest.fixture(scope="module")
def build(sessions: Any, window: Any, days: Any) -> Any:
    """``build(rows, days)``: features of the days from those joined rows."""
    calendar = sessions(days)

    def run(rows: pa.Table, of: Sequence[date]) -> pa.Table:
        made = sentiment.build({"gold.prices": rows, "silver.sessions": calendar}, window(of))
        return made.sort_by([("session_date", "ascending"), ("security_id", "ascending")])

    return run


def joined(days: Sequence[date], security: str = PAIR[1], seed: int = 3) -> list[dict[str, Any]]:
    """Bars with none to three headlines each; some sessions are not covered."""
    rng, rows = np.random.default_rng(seed), []
    for i, day in enumerate(days):
        n = int(rng.integers(0, 4))
        bar = {"session_date": day, "security_id": security, "n_headlines": None if i % 9 == 8 else float(n)}
        at = calendars.close_at("XKRX", day) - timedelta(hours=3)
        heads = [
            {"url": f"https://p/{day}/{k}", "title": TITLES[int(rng.integers(4))], "story_id": f"{k // 2}",
             "level": float(rng.uniform(-1, 1)), "read_at": at + timedelta(minutes=k)}
            for k in range(0 if i % 9 == 8 else n)
        ]  # fmt: skip
        rows += [bar | head for head in heads] or [bar]
    return rows


def test_a_day_reads_its_history_and_has_the_bits_of_the_whole(build: Any, rows_of: Any, days: Any) -> None:
    some = days[:60]
    gone = {(some[33], PAIR[0]), (some[50], PAIR[1])}
    said = [row for who, seed in zip(PAIR, (1, 2), strict=True) for row in joined(some, who, seed)]
    rows = rows_of(
        "gold.prices", [row for row in said if (row["session_date"], row["security_id"]) not in gone], **JOINED
    )
    whole = build(rows, some)
    assert pc.sum(pc.is_valid(whole["sentiment_surprise"])).as_py() > 10
    for at in range(sentiment.HISTORY + 1, 60):
        days_read = pc.and_(
            pc.greater_equal(rows["session_date"], some[at - sentiment.HISTORY]),
            pc.less_equal(rows["session_date"], some[at]),
        )
        one = build(rows.filter(days_read), [some[at]])
        assert one.equals(whole.filter(pc.equal(whole["session_date"], some[at]))), some[at]


def test_a_session_without_a_story_has_no_level_and_one_that_was_not_covered_no_number(
    build: Any, rows_of: Any, days: Any
) -> None:
    some = days[:25]
    bars = [{"session_date": day, "n_headlines": 0.0} for day in some]
    head = {
        "url": "https://p/1",
        "title": TITLES[0],
        "story_id": "1",
        "level": 0.5,
        "read_at": calendars.close_at("XKRX", some[22]),
    }
    bars[22] |= head | {"n_headlines": 1.0}
    made = build(rows_of("gold.prices", bars, **JOINED), some).to_pylist()
    assert [made[at]["sentiment_level"] for at in (21, 22, 23)] == [None, 0.5, None]
    assert [made[at]["sentiment_level_5d"] for at in (21, 22, 23)] == [None, 0.5, 0.5]
    assert [made[at]["sentiment_volume_5d"] for at in (21, 22, 23)] == [None, 1.0, 1.0]  # of none there is no share
    bars[24] |= {"n_headlines": None}
    assert build(rows_of("gold.prices", bars, **JOINED), some).to_pylist()[24]["sentiment_volume_5d"] is None


def test_surprise_is_measured_in_what_the_sessions_before_differed(build: Any, rows_of: Any, days: Any) -> None:
    some, levels = days[:22], np.linspace(-0.5, 0.5, 22)
    bars = [
        {"session_date": day, "n_headlines": 1.0, "url": f"https://p/{day}", "title": TITLES[0], "story_id": "1", "level": float(level),
         "read_at": calendars.close_at("XKRX", day)}
        for day, level in zip(some, levels, strict=True)
    ]  # fmt: skip
    made = build(rows_of("gold.prices", bars, **JOINED), some).to_pylist()
    before = levels[1:21]
    assert made[21]["sentiment_surprise"] == pytest.approx((levels[21] - before.mean()) / before.std(ddof=1))
    assert made[4]["sentiment_surprise"] is None and made[5]["sentiment_surprise"] is not None


def test_a_row_is_known_when_the_last_headline_that_it_counts_is(build: Any, rows_of: Any, days: Any) -> None:
    some = days[:30]
    bars = [{"session_date": day, "n_headlines": 1.0} for day in some]
    late = calendars.close_at("XKRX", some[29]) + timedelta(hours=1)
    bars[10] |= {"url": "https://p/1", "title": TITLES[0], "story_id": "1", "level": 0.5, "read_at": late}
    known = build(rows_of("gold.prices", bars, **JOINED), some)["known_at"].to_pylist()
    reach = sentiment.program().lookback
    assert known[9] == calendars.close_at("XKRX", some[9]) and set(known[10 : min(10 + reach + 1, 30)]) == {late}
