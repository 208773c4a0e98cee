"""Decisions about versions of models, carried out: the registry records them first, then the lake names whom serving and scoring read.

What does not belong here: what a version must show (`training.gates`), making one (`assets.learning`), who asks (the command line, `jobs.decisions`).
"""

from datetime import date, timedelta
from typing import Any

from assets.learning import current, install, tracking_uri, withdraw
from lake.lake import Lake
from market import calendars
from market.errors import Permanent
from market.exports import refuse_changed
from training import export as exporting
from training import registry
from training.catalogue import gates_of, models
from training.gates import SESSIONS_BEHIND
from training.registry import GateResult
from training.versions import SHADOW


def promote(lake: Lake, name: str, version: int, *, force: bool = False) -> GateResult:
    """A version made champion if it passes every gate, and served; a refusal is a result, as ``training.registry.promote`` says.

    Raises
    ------
    Permanent
        There is no such version, or its features are others by now: it cannot be served, by force neither.
    """
    signature = _servable(lake, name, version)
    result = registry.promote(
        tracking_uri(lake), name, version, force=force, gates=gates_of(name), now=_now(lake, signature)
    )
    if result.promoted:
        install(lake, name, version)
        _withdraw_shadow(lake, name)
    return result


def file(lake: Lake, name: str, version: int, reason: str) -> GateResult:
    """A version made challenger, which waits for a decision whatever the gates say of it; people go on seeing the champion."""
    signature = exporting.signature_of_version(tracking_uri(lake), name, version)
    return registry.file(tracking_uri(lake), name, version, reason, gates=gates_of(name), now=_now(lake, signature))


def rollback(lake: Lake, name: str) -> dict[str, object]:
    """The champion before the present one made champion again, and served; as ``training.registry.rollback`` gives it.

    Raises
    ------
    Permanent
        There is none before it, or its features are others by now.
    """
    uri = tracking_uri(lake)
    _servable(lake, name, registry.previous(uri, name))
    held = registry.rollback(uri, name)
    install(lake, name, int(str(held["version"])))
    _withdraw_shadow(lake, name)
    return held


def shadow(lake: Lake, name: str, version: int | None, reason: str) -> None:
    """A version made shadow, which scores each session from the next one on; None: no version is.

    Raises
    ------
    Permanent
        The model does not score sessions; there is no such version, it is the champion, or its features are others by now; or
        there is no shadow to take away.
    """
    if name not in models():
        raise Permanent(f"model {name}", expected=f"one that scores sessions: {', '.join(models())}", found="another")
    if version is not None:
        _servable(lake, name, version)
    registry.assign(tracking_uri(lake), name, SHADOW, version, reason)
    if version is None:
        withdraw(lake, name, SHADOW)
    else:
        install(lake, name, version, SHADOW)


def sessions_behind(day: date, last: date) -> int:
    """Sessions after the day up to the last one, of the exchange that has most of them."""
    return max(len(calendars.sessions(exchange, day + timedelta(days=1), last)) for exchange in calendars.EXCHANGES)


def _withdraw_shadow(lake: Lake, name: str) -> None:
    """Where the new champion was the shadow, there is none any more."""
    if registry.holder(tracking_uri(lake), name, SHADOW) is None:
        withdraw(lake, name, SHADOW)


def _servable(lake: Lake, name: str, version: int) -> dict[str, Any]:
    """The version's signature; refused before anything is decided where it cannot be served."""
    signature = exporting.signature_of_version(tracking_uri(lake), name, version)
    refuse_changed(signature)
    return signature


def _now(lake: Lake, signature: dict[str, Any]) -> dict[str, float]:
    """What is known of a version when it is decided upon, by metric."""
    train_to = date.fromisoformat(signature["lock"]["train_to"])
    return {SESSIONS_BEHIND: float(sessions_behind(train_to, date.fromisoformat(current(lake).last_session)))}
