"""A fault as a user writes it (name and parameters) and the box that decides when it strikes.

What does not belong here: what a fault does to an answer (exchange.faults.delivery, exchange.faults.rows).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from market.errors import Permanent
from market.sources import SOURCES

DRIFTS = ("renamed", "gone", "type")
_COMMON = ("source", "date", "first")

# What each fault may be told besides source, date and first, with its default ("" : none).
PARAMETERS: Mapping[str, Mapping[str, str]] = {
    "rate-limit": {"retry_after": "1"},
    "server-errors": {"status": "503"},
    "slow": {"delay": "2"},
    "cut": {"keep": "0.5"},
    "truncated": {"keep": "0.5"},
    "html": {"status": "200"},
    "error-body": {},
    "schema-drift": {"column": "", "to": "", "kind": "renamed"},
    "bad-rows": {"share": "0.05"},
    "duplicates": {"share": "1"},
    "late-revision": {"at": "", "code": "005930"},
    "clock-skew": {"seconds": "3600"},
    "expired-key": {},
    "quota": {},
    "empty-day": {},
    "holiday-rows": {},
    "stale-day": {},
}


@dataclass(frozen=True)
class Fault:
    """One fault: where it strikes (all sources, all sessions, every time, unless limited) and its parameters."""

    name: str
    source: str = ""
    session: date | None = None
    first: int = 0
    parameters: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.parameters.get(name, PARAMETERS[self.name][name])

    def number(self, name: str) -> float:
        """A parameter as a number."""
        return float(self[name])

    def to_json(self) -> dict[str, Any]:
        """The fault as the control route shows and takes it."""
        limits: dict[str, Any] = {"source": self.source, "first": self.first}
        limits["date"] = self.session.isoformat() if self.session else ""
        return {"name": self.name, **{k: v for k, v in limits.items() if v}, **self.parameters}


def parse(given: str | Mapping[str, Any] | Fault) -> Fault:
    """A fault from ``NAME[:key=value,...]`` or an object with ``name``.

    Raises
    ------
    Permanent : an unknown fault or parameter, a value that is no number or date, or a revision without date and time.
    """
    if isinstance(given, Fault):
        return given
    values = _from_text(given) if isinstance(given, str) else {k: str(v) for k, v in given.items()}
    name = values.pop("name", "")
    if name not in PARAMETERS:
        raise Permanent("exchange fault", expected="one of " + ", ".join(PARAMETERS), found=repr(name))
    unknown = sorted(set(values) - set(_COMMON) - set(PARAMETERS[name]))
    if unknown:
        allowed = ", ".join([*_COMMON, *PARAMETERS[name]])
        raise Permanent(f"exchange fault {name}", expected=f"parameters among {allowed}", found=", ".join(unknown))
    return _checked(name, values)


def _from_text(text: str) -> dict[str, str]:
    name, _, rest = text.partition(":")
    values = {"name": name}
    for pair in filter(None, rest.split(",")):
        key, equals, value = pair.partition("=")
        if not equals:
            raise Permanent(f"exchange fault {name}", expected="key=value", found=repr(pair))
        values[key.strip()] = value.strip()
    return values


def _checked(name: str, values: dict[str, str]) -> Fault:
    source = values.pop("source", "")
    if source and source not in SOURCES:
        raise Permanent(f"exchange fault {name}", expected="a source among " + ", ".join(SOURCES), found=source)
    day, first = values.pop("date", ""), values.pop("first", "0")
    try:
        session = date.fromisoformat(day) if day else None
        fault = Fault(name, source, session, int(first), values)
        for key in ("retry_after", "status", "delay", "keep", "share", "seconds"):
            if key in PARAMETERS[name]:
                fault.number(key)
    except ValueError as error:
        raise Permanent(f"exchange fault {name}", expected="numbers and ISO dates", found=str(error)) from error
    if name == "schema-drift" and fault["kind"] not in DRIFTS:
        raise Permanent("exchange fault schema-drift", expected="kind among " + ", ".join(DRIFTS), found=fault["kind"])
    if name == "late-revision" and not (session and fault["at"]):
        raise Permanent(
            "exchange fault late-revision",
            expected="date (the session revised) and at (the instant from which it shows)",
            found=str(fault.to_json()),
        )
    return fault


class FaultBox:
    """The active faults and how often each has struck. Safe to change while the server runs."""

    def __init__(self, faults: Iterable[str | Mapping[str, Any] | Fault] = ()) -> None:
        self._lock = threading.Lock()
        self.set(faults)

    def set(self, faults: Iterable[str | Mapping[str, Any] | Fault]) -> None:
        """Replace all faults; counts begin anew."""
        parsed = [parse(given) for given in faults]
        with self._lock:
            self._faults, self._struck = parsed, [0] * len(parsed)

    def all(self) -> list[Fault]:
        """The active faults, also those that have struck as often as they may."""
        return list(self._faults)

    def striking(self, source: str, session: date | None) -> list[Fault]:
        """Faults that strike this answer; each strike counts against ``first``."""
        with self._lock:
            found = []
            for i, fault in enumerate(self._faults):
                if fault.source not in ("", source) or not self._is_on(fault, source, session):
                    continue
                if fault.first and self._struck[i] >= fault.first:
                    continue
                self._struck[i] += 1
                found.append(fault)
            return found

    @staticmethod
    def _is_on(fault: Fault, source: str, session: date | None) -> bool:
        # A chart, a company's figures and a list span many sessions, and a report's answer knows none: a revision looks for its own rows.
        spanning = ("yahoo", "sec", "dart", "krx_market")
        is_any_session = fault.session is None or (fault.name == "late-revision" and source in spanning)
        return is_any_session or fault.session == session
