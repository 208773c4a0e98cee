"""Which securities a headline names, by the names they had when it was published.

Names are looked up longest first, so that "삼성전자우" is not "삼성전자", and only as words of their own. What may as well be something
else is left open rather than guessed. What does not belong here: reading and storing headlines, and what they tell.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

TITLE, SUMMARY, OPEN, NONE = KINDS = ("title", "summary", "open", "none")
"""How a headline names a security: in its title, in its excerpt alone, by words that may mean something else, not at all."""

NAMES = ("name", "corp_name")
"""Columns of silver.symbols that are names in the press: the exchange's short name, and the company's at the regulator."""

PARTICLES = frozenset(
    """은 는 이 가 을 를 의 에 와 과 도 로 으로 만 서 에서 에서는 에서도 에는 에도 에만 까지 까지도 부터 보다 처럼 만의 만이 만은 마저 조차 라며
    이라며 라고 이라고 라는 이라는 란 이란 나 이나 랑 이랑 하고 에게 에게서 한테 께 뿐 측 측은 측이 등 등이 등은 등을 등의 간 발 향 주 주가
    주도 주는 주를 주식 주주 주주는 주주들 제 산 판 형 표 행 인 였다 이다 입니다 로부터 으로부터 에다 에선 로서 로써 와의 과의 로의 에의 엔 선
    서도 서는 이며 며""".split()
)
"""What may follow a name without a space: particles, and endings that leave the meaning ("삼성전자향", "삼성전자주")."""

WORDS = frozenset(
    """대상 남성 진도 동양 조선 전방 신원 한창 동방 동원 세기 대원 태양 국보 나노 보해 비츠 신화 우성 유성 원풍 광명 대성 한국 미래 우리 나라 서울
    경남 부산 코리아 디자인 다산 레이 바른 가온 파라다이스 미래산업 휴먼 하나 보령 영풍 성안 부국 오리온 사조 동일 진양 화성 인천 이노 모두 네오
    백산 선진 선도 성우 수성 신라 안국 아남 에코 유신 일진 일성 조광 조비 좋은 중앙 청담 코드 태광 평화 한양 한일 해성 환인 대동 대유 동성 흥아
    세원 세진 삼일 삼진 남해 무학 머큐리 오로라 모비스 씨앗 러셀 제주 모델 소프트 테스 디딤 상보 만도 와이즈 포인트 스타 모다 피플""".split()
)
"""Names that are ordinary words, places, or other companies' names too: alone they mean the security at the head of a headline only."""

GROUPS = frozenset(
    "lg sk cj gs ls db hl hd lx kg 한화 두산 효성 한진 롯데 현대 삼성 대한 코오롱 금호 태광 영풍 동국 세아".split()
)
"""Names that the press uses for whole groups: they mean the security where its code follows."""

_CONTEXT = re.compile(
    "주가|주식|주주|株|특징주|목표가|목표주가|코스피|코스닥|증시|증권|상장|공시|실적|영업이익|영업손실|영업익|매출|순이익|순익|배당|증자|순매수|순매도"
    "|시총|시가총액|수주|신고가|신저가|급등|급락|상한가|하한가|강세|약세|상승|하락|매수|투자의견|액면분할|자사주|인수|합병|지분"
)
_TAGS = re.compile(r"^(?:\s*(?:\[[^\]]*\]|<[^>]*>|【[^】]*】|\([^)]*\)))*\s*['\"“‘]?")
_HEAD = re.compile(r"\s*['\"”’]?\s*(?:,|…|\.\.)")
_CODE = re.compile(r"\s*\([0-9a-z]{6}\)")
_HANGUL = re.compile("[가-힣]+")

_SHORT = 2
_Spell = tuple[str, pd.Timestamp, pd.Timestamp | None]


@dataclass(frozen=True)
class Mention:
    """A name in a text.

    Parameters
    ----------
    name : as the dictionary writes it, in its compared form.
    securities : ids that had it then.
    is_open : it may mean something else: several securities, a part of a longer word, or an ordinary word without a context.
    """

    name: str
    securities: tuple[str, ...]
    is_open: bool


class Dictionary:
    """Names with the time in which each was known.

    Parameters
    ----------
    symbols : versions of silver.symbols with `security_id`, the columns NAMES, `known_at` and `known_until`.
    """

    def __init__(self, symbols: pd.DataFrame) -> None:
        self._spells: dict[str, list[_Spell]] = {}
        self._since: dict[str, pd.Timestamp] = {}
        columns = ["security_id", *NAMES, "known_at", "known_until"]
        for security, *called, since, until in symbols[columns].itertuples(index=False, name=None):
            end = None if pd.isna(until) else until
            self._since[security] = min(since, self._since.get(security, since))
            # A ticker is a word of many headlines, and names nobody.
            code = security.partition(":")[2].partition("~")[0]
            for name in {form for one in called if isinstance(one, str) and one != code for form in forms(one)}:
                self._spells.setdefault(name, []).append((security, since, end))
        self._lengths = _lengths(self._spells)

    def knows(self, security: str, at: pd.Timestamp) -> bool:
        """Whether any name of the security was known at the instant."""
        return security in self._since and self._since[security] <= at

    def mentions(self, text: str | None, at: pd.Timestamp) -> list[Mention]:
        """The names in a text that were known at the instant, in the order of the text; none lies in another."""
        plain = normal(text or "")
        found, i = [], 0
        while i < len(plain):
            name = self._longest(plain, i, at) if _may_begin(plain, i) else None
            if name is None:
                i += 1
                continue
            holders = self._holders(name, at)
            found.append(Mention(name, holders, len(holders) > 1 or not _is_meant(name, plain, i)))
            i += len(name)
        return found

    def _longest(self, text: str, i: int, at: pd.Timestamp) -> str | None:
        for length in self._lengths.get(text[i], ()):
            name = text[i : i + length]
            if name in self._spells and self._holders(name, at) and _may_end(text, i + length):
                return name
        return None

    def _holders(self, name: str, at: pd.Timestamp) -> tuple[str, ...]:
        return tuple(
            sorted({who for who, since, until in self._spells[name] if since <= at and (until is None or until > at)})
        )


def named(headlines: pd.DataFrame, names: Dictionary) -> pd.Series:
    """How each headline names its security, one of KINDS by the index of the headlines.

    Null where no name of the security was known when the headline was published.

    Parameters
    ----------
    headlines : `security_id`, `title`, `summary` and `published_at` (UTC; null is nobody's time and gives null).
    """
    columns = ["security_id", "title", "summary", "published_at"]
    said = [_kind(names, *row) for row in headlines[columns].itertuples(index=False, name=None)]
    return pd.Series(said, headlines.index, dtype="string")


def links(headlines: pd.DataFrame, names: Dictionary) -> pd.DataFrame:
    """Every security that a headline names, one row per headline, field and name that it has there.

    Parameters
    ----------
    headlines : `title`, `summary` and `published_at` (UTC; a null one names nobody), whoever they were found for.

    Returns
    -------
    `headline` (the index of its row), `security_id`, `mention` (TITLE, SUMMARY or OPEN) and `name`; each of several holders of
    a name has a row, OPEN.
    """
    found: list[tuple[object, str, str, str]] = []
    columns = ["title", "summary", "published_at"]
    for label, title, summary, at in headlines[columns].itertuples(name=None):
        for kind, text in ((TITLE, title), (SUMMARY, summary)):
            if isinstance(text, str) and not pd.isna(at):
                found += [
                    (label, who, OPEN if mention.is_open else kind, mention.name)
                    for mention in names.mentions(text, at)
                    for who in mention.securities
                ]
    return pd.DataFrame(found, columns=["headline", "security_id", "mention", "name"])


def normal(text: str) -> str:
    """Text as it is compared: one form of each letter, no capitals, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def forms(name: str) -> set[str]:
    """A name as the press may write it, in its compared form: with and without its spaces."""
    plain = normal(name)
    return {form for form in (plain, plain.replace(" ", "")) if form}


def _kind(names: Dictionary, security: str, title: str, summary: str, at: pd.Timestamp) -> str | None:
    if pd.isna(at) or not names.knows(security, at):
        return None
    is_open = False
    for kind, text in ((TITLE, title), (SUMMARY, summary)):
        about = [m for m in names.mentions(text if isinstance(text, str) else "", at) if security in m.securities]
        if any(not mention.is_open for mention in about):
            return kind
        is_open |= bool(about)
    return OPEN if is_open else NONE


def _lengths(names: Iterable[str]) -> Mapping[str, list[int]]:
    """By first letter the lengths of the names, longest first."""
    found: dict[str, set[int]] = {}
    for name in names:
        found.setdefault(name[0], set()).add(len(name))
    return {letter: sorted(lengths, reverse=True) for letter, lengths in found.items()}


def _may_begin(text: str, i: int) -> bool:
    """A name begins a word: not behind Hangul, Latin letters or digits (behind 美 or 車 it may)."""
    return i == 0 or not _is_word(text[i - 1])


def _may_end(text: str, end: int) -> bool:
    """A name in Latin letters or digits is not followed by more of them."""
    return end >= len(text) or not (_is_latin(text[end - 1]) and _is_latin(text[end]))


def _is_meant(name: str, text: str, i: int) -> bool:
    """Whether the words around a name leave no doubt that it is the security's."""
    end = i + len(name)
    tail = _HANGUL.match(text, end)
    if (tail is not None and tail.group() not in PARTICLES) or (end < len(text) and _is_latin(text[end])):
        return False
    if _CODE.match(text, end):
        return True
    if name in GROUPS:
        return False
    tags = _TAGS.match(text)
    if tags is not None and tags.end() >= i and _HEAD.match(text, end):
        return True
    if name in WORDS:
        return False
    return len(name) > _SHORT or _CONTEXT.search(text[:i] + " " + text[end:]) is not None


def _is_word(letter: str) -> bool:
    return "가" <= letter <= "힣" or _is_latin(letter)


def _is_latin(letter: str) -> bool:
    return letter.isascii() and letter.isalnum()
