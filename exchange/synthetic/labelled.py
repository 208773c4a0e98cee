"""Sentences that the desk of a synthetic world has labelled: headlines of its press, about companies that are not listed in it.

They are what a model of headlines is taught with there. The press of this world has few ways to say a thing, so a model that reads
them all but perfectly says little about the real one. What does not belong here: the headlines themselves (exchange.synthetic.news).
"""

from __future__ import annotations

import numpy as np

from exchange.synthetic.news import BAD, GOOD, PLAIN

N_SENTENCES = 600
_STREAM = 1_000
_FIRST = "가람 나래 다솜 도담 마음 미리 보람 봄내 산들 소담 슬기 아라 여울 온새 은하 이든 자람 초롱 큰솔 푸른 하람 해솔 희망 한울".split()
_SECOND = (
    "건설 금속 기계 모터스 물류 바이오 소재 식품 에너지 전기 전자 제약 중공업 테크 통신 홀딩스 화학 반도체".split()
)
_TAGS = ("", "", "", "[단독] ", "[특징주] ", "(종합) ")


def sentences(seed: int, n: int = N_SENTENCES) -> list[tuple[str, str]]:
    """n different texts with their label, negative, neutral or positive, in equal parts as far as n divides by three."""
    rng = np.random.default_rng([seed, _STREAM])
    kinds = (("negative", BAD), ("neutral", PLAIN), ("positive", GOOD))
    found: dict[str, str] = {}
    while len(found) < n:
        label, texts = kinds[len(found) % len(kinds)]
        name = str(rng.choice(_FIRST)) + str(rng.choice(_SECOND))
        title, _ = texts[int(rng.integers(len(texts)))]
        found.setdefault(str(rng.choice(_TAGS)) + title.format(n=name), label)
    return list(found.items())
