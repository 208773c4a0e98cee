"""OpenDART receipts of the synthetic world: what the events require, regular reports, corrections, and everyday noise.

What does not belong here: paging and statuses (exchange.wires.dart).
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

import numpy as np

from exchange.clock import SEOUL, epoch
from exchange.model import Company, Filing
from exchange.synthetic.companies import Security
from exchange.synthetic.events import Event, Plan

_CLASS = {"KOSPI": "Y", "KOSDAQ": "K", "KONEX": "N"}
_REMARK = {"KOSPI": "유", "KOSDAQ": "코", "KONEX": "넥"}
_NOISE = (
    ("임원ㆍ주요주주특정증권등소유상황보고서", "D", 0.38),
    ("최대주주등소유주식변동신고서", "I", 0.12),
    ("단일판매ㆍ공급계약체결", "I", 0.14),
    ("주식등의대량보유상황보고서(일반)", "D", 0.14),
    ("수시공시의무관련사항(공정공시)", "I", 0.08),
    ("특수관계인과의내부거래", "J", 0.08),
    ("기업설명회(IR)개최(안내공시)", "I", 0.06),
)
_REASONS = {"split": "주식분할", "consolidation": "주식병합", "capital_reduction": "감자", "spin_off": "회사분할"}
"""Why trading stops for an action."""

_NOISE_PER_SESSION = 0.04
_AMENDED_SHARE = 0.12
_FIRST_S, _LAST_S = int(7.5 * 3600), int(18.9 * 3600)
_INDUSTRY = {
    "semiconductor": "261", "internet": "639", "auto": "301", "chemistry": "201", "machinery": "291", "pharma": "212",
    "electronics": "264", "energy": "351", "retail": "471", "steel": "241", "battery": "282", "finance": "649",
    "telecom": "612", "shipping": "501",
}  # fmt: skip


class _Draft(NamedTuple):
    """A filing before it has a receipt number."""

    security: int
    day: int
    report_nm: str
    kind: str
    amends: int = -1


def companies(securities: list[Security]) -> dict[str, Company]:
    """Companies by corp code: the listed ones, each once, and two unlisted ones that file too."""
    found: dict[str, Company] = {}
    for s in securities:
        company = Company(s.corp_code, s.name, s.english, s.code, _CLASS[s.market], _INDUSTRY[s.sector])
        found.setdefault(s.corp_code, company)
    for corp_code, name in (("01900013", "가나다파트너스"), ("01900026", "한빛제일차유동화전문유한회사")):
        found[corp_code] = Company(corp_code, name, "", "", "E", "649")
    return found


def filings(
    securities: list[Security], sessions: tuple[date, ...], plan: Plan, rng: np.random.Generator
) -> list[Filing]:
    """All receipts, oldest first."""
    drafts = _of_events(plan) + _regular(securities, sessions, plan, rng) + _noise(securities, plan, len(sessions), rng)
    drafts = [d for d in drafts if 0 <= d.day < len(sessions)]
    drafts += _corrections(drafts, len(sessions), rng)
    seconds = np.clip(rng.normal(14.5 * 3600, 2.2 * 3600, len(drafts)), _FIRST_S, _LAST_S).astype(int).tolist()
    apart = [d for d in _of_events(plan, apart=True) if 0 <= d.day < len(sessions)]
    return _receipts(drafts + apart, seconds + [_LAST_S + 60] * len(apart), securities, sessions, plan)


def _of_events(plan: Plan, *, apart: bool = False) -> list[_Draft]:
    drafts: list[_Draft] = []
    for event in plan.events:
        if event.apart is apart:
            drafts += [_Draft(event.security, day, name, kind) for day, name, kind in _required(event)]
    return drafts


def _required(event: Event) -> list[tuple[int, str, str]]:
    """(session position, report name, kind of disclosure) of what an event makes its company file."""
    told, at = event.announced, event.at
    if event.kind == "split":
        return [(told, "주식분할결정", "I")]
    if event.kind == "consolidation":
        return [(told, "주식병합결정", "I")]
    if event.kind == "capital_reduction":
        return [(told, "주요사항보고서(감자결정)", "B")]
    if event.kind == "bonus_issue":
        return [(told, "주요사항보고서(무상증자결정)", "B")]
    if event.kind == "rights_issue":
        return [(told, "주요사항보고서(유상증자결정)", "B"), (told + 12, "증권신고서(지분증권)", "C")]
    if event.kind == "spin_off":
        return [(told, "주요사항보고서(회사분할결정)", "B")]
    if event.kind == "stock_dividend":
        return [(told, "주식배당결정", "I")]
    if event.kind == "cash_dividend":
        return [(told, "현금ㆍ현물배당결정", "I")]
    if event.kind == "halt":
        reason = _REASONS.get(event.text, event.text)
        return [
            (at - 1, f"주권매매거래정지 ({reason})", "I"),
            (event.until - 1, f"주권매매거래정지해제 ({reason})", "I"),
        ]
    if event.kind == "delisting":
        merger = [(told, "주요사항보고서(회사합병결정)", "B")] if event.text == "피흡수합병" else []
        return [*merger, (at - 8, f"기타시장안내 (상장폐지 관련: {event.text})", "I")]
    if event.kind == "listing":
        return [(told, "증권신고서(지분증권)", "C")]
    if event.kind == "rename":
        return [(told, "상호변경안내", "I")]
    if event.kind == "transfer":
        return [(told, "기타경영사항(자율공시) (유가증권시장 이전상장 추진)", "I")]
    return []


def _regular(
    securities: list[Security], sessions: tuple[date, ...], plan: Plan, rng: np.random.Generator
) -> list[_Draft]:
    """Quarterly, half-year and annual reports in the last sessions before their deadlines (45 and 90 days)."""
    drafts: list[_Draft] = []
    heads = [i for i, s in enumerate(securities) if s.code not in ("005935", "00088K")]
    for year in range(sessions[0].year - 1, sessions[-1].year + 1):
        for month, title, days in (
            (3, "분기보고서", 45),
            (6, "반기보고서", 45),
            (9, "분기보고서", 45),
            (12, "사업보고서", 90),
        ):
            ends = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
            due = bisect_right(sessions, ends + timedelta(days=days)) - 1
            early = rng.geometric(0.35, len(securities)) - 1
            if due <= 0 or sessions[due] < ends + timedelta(days=days - 7):
                continue
            for i in heads:
                day = due - int(early[i])
                if plan.listed_from[i] <= day < plan.listed_until[i]:
                    drafts.append(_Draft(i, day, f"{title} ({year}.{month:02d})", "A"))
    return drafts


def _noise(securities: list[Security], plan: Plan, n_sessions: int, rng: np.random.Generator) -> list[_Draft]:
    names, kinds, weights = zip(*_NOISE, strict=True)
    days, who = np.nonzero(rng.random((n_sessions, len(securities))) < _NOISE_PER_SESSION)
    what = rng.choice(len(names), days.size, p=weights)
    return [
        _Draft(s, t, names[w], kinds[w])
        for t, s, w in zip(days.tolist(), who.tolist(), what.tolist(), strict=True)
        if plan.listed_from[s] <= t < plan.listed_until[s]
    ]


def _corrections(drafts: list[_Draft], n_sessions: int, rng: np.random.Generator) -> list[_Draft]:
    """Later receipts that correct earlier ones; annual reports at times only their attachments."""
    chosen, wait, attached = rng.random(len(drafts)), rng.integers(1, 16, len(drafts)), rng.random(len(drafts))
    found = []
    for i, draft in enumerate(drafts):
        day = draft.day + int(wait[i])
        if chosen[i] < _AMENDED_SHARE and day < n_sessions and not draft.report_nm.startswith(("주권매매", "기타시장")):
            mark = "[첨부정정]" if attached[i] < 0.2 and draft.report_nm.startswith("사업보고서") else "[기재정정]"
            found.append(draft._replace(day=day, report_nm=mark + draft.report_nm, amends=i))
    return found


def _receipts(
    drafts: list[_Draft], seconds: list[int], securities: list[Security], sessions: tuple[date, ...], plan: Plan
) -> list[Filing]:
    """Number the drafts in the order of their receipt; each office of DART counts on its own within a day.

    Parameters
    ----------
    seconds : of its day in Seoul, for each draft.
    """
    order = sorted(range(len(drafts)), key=lambda i: (drafts[i].day, seconds[i], i))
    identity = _Identity(plan, securities)
    numbers: dict[int, str] = {}
    counts: dict[tuple[int, str], int] = {}
    found: list[Filing] = []
    for i in order:
        draft = drafts[i]
        security, day = securities[draft.security], sessions[draft.day]
        market = identity.market(draft.security, draft.day)
        office = ("900" if market != "KOSPI" else "800") if draft.kind == "I" else "000"
        counts[draft.day, office] = counts.get((draft.day, office), 0) + 1
        numbers[i] = f"{day:%Y%m%d}{office}{counts[draft.day, office]:03d}"
        name = identity.name(draft.security, draft.day)
        filer = "한국거래소" if draft.report_nm.startswith(("주권매매", "기타시장")) else name
        filer = _person(draft) if draft.kind == "D" else filer
        remark = _REMARK[market] if draft.kind == "I" else "공" if draft.kind == "J" else ""
        received = datetime.combine(day, time(0), SEOUL) + timedelta(seconds=seconds[i])
        found.append(
            Filing(
                security.corp_code, name, _main_code(security), _CLASS[market], draft.report_nm,
                numbers[i], filer, remark, draft.kind, epoch(received), numbers.get(draft.amends, ""),
            )
        )  # fmt: skip
    return found


def _main_code(security: Security) -> str:
    """OpenDART names a company by its common share."""
    return {"005935": "005930", "00088K": "000880"}.get(security.code, security.code)


def _person(draft: _Draft) -> str:
    surnames, given = "김이박최정강조윤장임", "민준서연도윤하은지호수빈예진현우시우유나"
    k = draft.security * 31 + draft.day * 7
    return surnames[k % 10] + given[k % 10 * 2 : k % 10 * 2 + 2]


class _Identity:
    """The name and market of a security on a session, renames and transfers included."""

    def __init__(self, plan: Plan, securities: list[Security]) -> None:
        self._securities = securities
        self._renames = {e.security: e for e in plan.of("rename")}
        self._transfers = {e.security: e for e in plan.of("transfer")}

    def market(self, security: int, day: int) -> str:
        """The board it is listed on that day."""
        transfer = self._transfers.get(security)
        return transfer.text if transfer is not None and day >= transfer.at else self._securities[security].market

    def name(self, security: int, day: int) -> str:
        """What it is called that day."""
        rename = self._renames.get(security)
        if rename is not None and day >= rename.at:
            return rename.text
        name = self._securities[security].name
        return {"삼성전자우": "삼성전자", "한화3우B": "한화"}.get(name, name)
