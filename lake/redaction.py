"""Keys never reach a message, a log, a stored request or a trace: this is the one place that takes them out."""

import logging
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

HIDDEN = "***"


class Redactor:
    """Takes the given secrets out of any text, in plain and in URL form.

    Parameters
    ----------
    secrets : empty ones are ignored.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if secret for form in _forms(secret)}
        self._forms = tuple(sorted(forms, key=len, reverse=True))

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
    """Redacts the records of a library's logger: httpx logs whole URLs, and OpenDART takes its key in the URL."""

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
        text = record.getMessage()
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
