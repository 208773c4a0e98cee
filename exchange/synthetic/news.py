"""Headlines of the synthetic world: most say nothing about what comes, a known share does.

What does not belong here: marks, entities and paging (exchange.wires.naver).
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

import numpy as np

from exchange.clock import SEOUL, epoch
from exchange.model import Headline, News
from exchange.synthetic.companies import Security
from exchange.synthetic.events import Plan
from exchange.synthetic.signal import Signal
from market import calendars

PER_SESSION = 0.36
INFORMATIVE_SHARE = 0.15
HORIZON_SESSIONS = 5
_AGAIN_SHARE = 0.12

GOOD = (
    (
        "{n}, 분기 영업이익 '시장 예상 상회'...목표가 줄상향",
        "{n} 실적이 증권가 전망치를 웃돌았다. 증권사들은 목표주가를 잇달아 올렸다.",
    ),
    (
        '{n}, 대규모 공급계약 체결 "수주잔고 사상 최대"',
        "{n}는 해외 고객사와 공급계약을 맺었다고 밝혔다. 수주잔고는 사상 최대다.",
    ),
    ("외국인, {n} 순매수 지속...강세", "외국인 투자자가 {n} 주식을 연일 사들이고 있다. 주가는 강세를 보였다."),
    ("{n} 신제품 흥행에 실적 개선 기대 <특징주>", "{n} 신제품이 흥행하며 실적 개선 기대가 커지고 있다."),
)
BAD = (
    (
        "{n}, 분기 영업손실 '어닝 쇼크'...목표가 하향",
        "{n} 실적이 전망치를 크게 밑돌았다. 증권사들은 목표주가를 낮췄다.",
    ),
    ('{n}, 공급계약 해지 공시 "실적 악화 우려"', "{n}는 공급계약이 해지됐다고 공시했다. 실적 악화 우려가 커졌다."),
    ("기관, {n} 순매도 지속...약세", "기관 투자자가 {n} 주식을 연일 팔고 있다. 주가는 약세를 보였다."),
    ("{n} 원가 부담에 수익성 악화 전망 <특징주>", "{n}의 원가 부담이 커지며 수익성 악화가 전망된다."),
)
PLAIN = (
    ("{n}, 정기 주주총회 개최", "{n}는 정기 주주총회를 열고 안건을 처리했다고 밝혔다."),
    ("{n}, 지역사회 나눔 행사 진행", "{n} 임직원이 지역사회 나눔 행사를 진행했다."),
    ("[인사] {n}", "{n} ◇전무 승진 ▲경영지원 ◇상무 승진 ▲연구개발"),
    ('{n} "R&D 투자 이어간다"', "{n}는 R&D 투자를 이어간다는 방침이다. 업계는 시장 상황을 지켜보고 있다."),
    ("코스피 혼조 마감...{n} 등 대형주 등락", "지수가 혼조로 마감했다. {n} 등 주요 종목이 엇갈린 흐름을 보였다."),
    ("{n}, 신입사원 공개 채용", "{n}가 신입사원 공개 채용을 시작한다. 지원 기간은 2주다."),
)
# press id at Naver, host; a fifth has no copy at Naver, so link equals originallink there
_PRESS = (
    ("001", "www.yna.example"), ("008", "news.mt.example"), ("009", "www.mk.example"), ("011", "www.sedaily.example"),
    ("014", "www.fnnews.example"), ("015", "www.hankyung.example"), ("018", "www.edaily.example"),
    ("277", "www.asiae.example"), ("", "www.ebn.example"), ("", "www.thevaluenews.example"),
)  # fmt: skip


def headlines(
    securities: list[Security], sessions: tuple[date, ...], plan: Plan, signal: Signal, rng: np.random.Generator
) -> News:
    """All headlines, oldest first."""
    n, m = len(sessions), len(securities)
    counts = rng.poisson(PER_SESSION, (n, m))
    t_axis = np.arange(n)[:, None]
    counts[(t_axis < plan.listed_from) | (t_axis >= plan.listed_until)] = 0
    t, s = (np.repeat(index, counts.ravel()) for index in (np.repeat(np.arange(n), m), np.tile(np.arange(m), n)))
    tone = _tones(t, s, signal, rng)
    draws = rng.random((t.size, 4))
    names = _NameTable(securities, plan)
    midnights = [epoch(datetime.combine(day, time(0), SEOUL)) for day in sessions]
    closes = [epoch(calendars.close_at("XKRX", day)) for day in sessions]
    items: list[Headline] = []
    stories: dict[tuple[int, int, str], int] = {}
    for i, (at, who, says) in enumerate(zip(t.tolist(), s.tolist(), tone.tolist(), strict=True)):
        name = names(who, at)
        texts = (BAD, PLAIN, GOOD)[says + 1]
        title, summary = texts[int(draws[i, 0] * len(texts))]
        published = midnights[at] + _second_of_day(draws[i, 1], is_tone=says != 0)
        press = int(draws[i, 2] * len(_PRESS))
        code = securities[who].code
        window = at + (published > closes[at])  # the same words about it between two closes are one story
        story = stories.setdefault((who, window, title), len(stories) + 1)
        items.append(_item(published, code, name, (title, summary), (press, i, story)))
        if draws[i, 3] < _AGAIN_SHARE:
            again = (press + 1 + i % (len(_PRESS) - 1)) % len(_PRESS)
            items.append(_item(published + 300 + i % 1500, code, name, (title, summary), (again, i + 5_000_000, story)))
    return News(sorted(items))


def describe(news: News, web: News) -> dict[str, Any]:
    """What a test may expect of the headlines.

    ``stories`` lists the addresses that tell the same story, at Naver (the press's) and at Daum; what it does not list tells a
    story of its own.
    """
    told: dict[int, list[str]] = {}
    for item in (*news.items, *web.items):
        if item.story:
            told.setdefault(item.story, []).append(item.original_url)
    return {
        "per_security_session": PER_SESSION,
        "informative_share": INFORMATIVE_SHARE,
        "informative": f"tone is the sign of the log return relative to the day's median from close[t] to "
        f"close[t+{HORIZON_SESSIONS}]; published on session t between 09:00 and 15:20 Seoul time",
        "other_tones": "as many again with a tone of random sign, the rest without one",
        "duplicate_share": _AGAIN_SHARE,
        "stories": [addresses for addresses in told.values() if len(addresses) > 1],
    }


def _tones(t: np.ndarray, s: np.ndarray, signal: Signal, rng: np.random.Generator) -> np.ndarray:
    """(n,) -1, 0 or 1: informative ones follow the coming return, as many others follow a coin."""
    later = np.full(signal.log_close.shape, np.nan)
    later[:-HORIZON_SESSIONS] = signal.log_close[HORIZON_SESSIONS:] - signal.log_close[:-HORIZON_SESSIONS]
    known = np.isfinite(later)
    middle = np.array(
        [np.median(row[is_known]) if is_known.any() else 0.0 for row, is_known in zip(later, known, strict=True)]
    )
    sign = np.sign(np.nan_to_num(later - middle[:, None])).astype(int)[t, s]
    kind, coin = rng.random(t.size), rng.choice(np.array([-1, 1]), t.size)
    return np.where(kind < INFORMATIVE_SHARE, sign, np.where(kind < 2 * INFORMATIVE_SHARE, coin, 0))


def _second_of_day(u: float, *, is_tone: bool) -> int:
    """Toned items come while the market is open, so that they are known at the close; others from 06:00 to 23:00."""
    begin, end = (9 * 3600, 15 * 3600 + 1200) if is_tone else (6 * 3600, 23 * 3600)
    return int(begin + u * (end - begin))


def _item(published: int, code: str, name: str, texts: tuple[str, str], numbers: tuple[int, int, int]) -> Headline:
    press, number, story = numbers
    press_id, host = _PRESS[press]
    original = f"https://{host}/news/view/{number + 1_000_000}/?sc=Naver&code={code}"
    link = (
        f"https://n.news.naver.com/mnews/article/{press_id}/{number + 3_000_000:010d}?sid=101" if press_id else original
    )
    title, summary = (text.format(n=name) for text in texts)
    return Headline(published, code, name, title, summary, original, link, story)


class _NameTable:
    """The name of a security on a session."""

    def __init__(self, securities: list[Security], plan: Plan) -> None:
        self._names = [security.name for security in securities]
        self._renames = {event.security: (event.at, event.text) for event in plan.of("rename")}

    def __call__(self, security: int, session: int) -> str:
        at, new = self._renames.get(security, (1 << 30, ""))
        return new if session >= at else self._names[security]
