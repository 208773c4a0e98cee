"""Keys never reach a message, a log, a stored request or a trace: this is the one place that takes them out."""

import logging
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

HIDDEN = "***"
LIBRARIES = ("httpx", "httpcore.connection", "httpcore.http11")
"""Loggers that tell what is sent and what comes: httpx whole URLs, httpcore, at DEBUG, every header."""

_COOKIE = re.compile(r"(cookie['\"]?\s*[,:]\s*b?['\"])[^'\"]*", re.IGNORECASE)  # logged before anybody has learnt of it


class Redactor:
    """Takes the given secrets out of any text, in plain and in URL form.

    Parameters
    ----------
    secrets : empty ones are ignored.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets: frozenset[str] = frozenset()
        self._forms: tuple[str, ...] = ()
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Take these out from now on too: a session's cookie is not known before the host gives it."""
        self._secrets |= {secret for secret in secrets if secret}
        forms = {form for secret in self._secrets for form in _forms(secret)}
        self._forms = tuple(sorted(forms, key=len, reverse=True))

    def shown(self, value: str) -> str:
        """The value of a parameter, hidden where it is a secret."""
        return HIDDEN if value in self._secrets else value

    def __call__(self, text: str) -> str:
        """The text with every secret replaced."""
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        return text

    def of_bytes(self, payload: bytes) -> bytes:
        """The bytes with every secret replaced; they need not be text."""
        for form in self._forms:
            payload = payload.replace(form.encode(), HIDDEN.encode())
        return payload


class LogFilter(logging.Filter):
    """Redacts the records of a library's logger: OpenDART takes its key in the URL, and a member's cookie is a header."""

    def __init__(self) -> None:
        super().__init__()
        self._redactors: list[Redactor] = []

    def add(self, redactor: Redactor) -> None:
        """One more set of secrets to take out."""
        self._redactors.append(redactor)

    def remove(self, redactor: Redactor) -> None:
        """The secrets are no longer in use."""
        self._redactors.remove(redactor)

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record in place; never drops one."""
        text = _COOKIE.sub(rf"\1{HIDDEN}", record.getMessage())
        for redactor in tuple(self._redactors):
            text = redactor(text)
        record.msg, record.args = text, ()
        return True


def guard(logger_name: str, redactor: Redactor) -> LogFilter:
    """Put the redactor on a library's logger; the filter, for taking it off again."""
    logger = logging.getLogger(logger_name)
    for present in logger.filters:
        if isinstance(present, LogFilter):
            present.add(redactor)
            return present
    added = LogFilter()
    added.add(redactor)
    logger.addFilter(added)
    return added


def _forms(secret: str) -> tuple[str, ...]:
    return secret, quote(secret), quote(secret, safe=""), quote_plus(secret)
