"""What Dagster may try again: a transient failure, a few times, with growing pauses; a permanent one never."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from market.errors import MarketlakeError

RETRY = dg.RetryPolicy(max_retries=2, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)


@contextmanager
def permanent_fails_at_once() -> Iterator[None]:
    """Turn a permanent failure into Dagster's own that is not retried; a transient one passes through to the policy.

    Raises
    ------
    dagster.Failure
        With `allow_retries=False`, and what the error says as metadata.
    """
    try:
        yield
    except MarketlakeError as error:
        if error.retryable:
            raise
        told = {"where": error.where, "expected": error.expected, "found": error.found, "do": error.do}
        raise dg.Failure(
            str(error), allow_retries=False, metadata={name: text for name, text in told.items() if text}
        ) from error
