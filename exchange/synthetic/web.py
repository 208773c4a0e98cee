"""What Daum's web search shows of the synthetic world: many of Naver's stories again, word for word or nearly; some of its own;
and pages that are no news at all.

What does not belong here: marks, entities and paging (exchange.wires.daum), and the stories themselves (exchange.synthetic.news).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

import numpy as np

from exchange.clock import SEOUL
from exchange.model import Headline, News

SHOWN_SHARE = 0.55
"""Share of Naver's headlines that Daum shows too."""
OWN_SHARE, OTHER_SHARE = 0.15, 0.25
"""Stories that Daum alone has, and pages of other hosts, for each of Naver's headlines."""

_AHEAD_S, _BEHIND_S = 600, 5_400
_TAGS = ("[속보] ", "[특징주] ", "[종합] ", "<증시> ")
_ENDINGS = ("(종합)", "...왜", "(상보)", " [포토]")
_OWN = (
    ("{n} 노사, 임금협상 잠정 합의", "{n} 노사가 임금협상에 잠정 합의했다."),
    ("{n} 물류센터 화재 진압...인명 피해 없어", "{n} 물류센터의 불이 꺼졌다. 다친 사람은 없다."),
    ("국민연금, {n} 지분 늘렸다", "국민연금이 {n} 지분을 늘렸다고 공시했다."),
    ("{n}, 해외 법인장 회의 소집", "{n}가 해외 법인장을 불러 하반기 전략을 논의한다."),
)
_OTHER = (
    ("blog.tistory.example", "{n} 주식 전망 공부하기", "오늘은 {n}에 대해 알아보겠습니다."),
    ("shop.example", "{n} 정품 특가 모음", "{n} 인기 상품을 최저가로 만나보세요."),
    ("cafe.daum.example", "{n} 주주 모임 게시판", "{n} 주주님들 오늘도 화이팅."),
)


def pages(headlines: Iterable[Headline], rng: np.random.Generator) -> News:
    """All pages, oldest first. Each news page tells one story of the truth; a page of another host tells none."""
    found = list(headlines)
    draws = rng.random((len(found), 6))
    number = max((item.story for item in found), default=0)
    addresses: set[str] = set()
    made: list[Headline] = []
    for i, (item, draw) in enumerate(zip(found, draws.tolist(), strict=True)):
        if draw[0] < SHOWN_SHARE:
            at = item.published_at - _AHEAD_S + int(draw[1] * (_AHEAD_S + _BEHIND_S))
            made.append(_news(item, at, _told_again(item.title, draw[2]), item.summary, item.story, addresses))
        if draw[3] < OWN_SHARE:
            number += 1
            title, summary = (text.format(n=item.company) for text in _OWN[i % len(_OWN)])
            made.append(_news(item, item.published_at + int(draw[4] * _BEHIND_S), title, summary, number, addresses))
        if draw[5] < OTHER_SHARE:
            made.append(_other(item, i))
    return News(sorted(made))


def _told_again(title: str, draw: float) -> str:
    """The title as another desk has it: half of them unchanged, then with another tag, another ending, other quotation marks."""
    kinds: tuple[Callable[[str], str], ...] = (
        str,
        str,
        str,
        lambda text: _TAGS[len(text) % len(_TAGS)] + text,
        lambda text: text + _ENDINGS[len(text) % len(_ENDINGS)],
        lambda text: text.replace("'", '"').replace("...", "…"),
    )
    return kinds[int(draw * len(kinds))](title)


def _news(item: Headline, at: int, title: str, summary: str, story: int, addresses: set[str]) -> Headline:
    address = next(one for one in _addresses(at) if one not in addresses)
    addresses.add(address)
    return Headline(at, item.code, item.company, title, summary, address, story=story)


def _addresses(at: int) -> Iterator[str]:
    """Addresses of Daum's articles, which begin with the publication; a tenth is on the older host."""
    second = f"{datetime.fromtimestamp(at, SEOUL):%Y%m%d%H%M%S}"
    for n in range(1000):
        yield f"https://{'news' if at % 10 == 0 else 'v'}.daum.net/v/{second}{n:03d}"


def _other(item: Headline, number: int) -> Headline:
    host, title, summary = _OTHER[number % len(_OTHER)]
    name, at = item.company, item.published_at + number % 3_600
    return Headline(at, item.code, name, title.format(n=name), summary.format(n=name), f"https://{host}/{number}")
