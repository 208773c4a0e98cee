"""What Dagster tries again: a transient failure, a few times, with growing pauses. Everything else fails at once."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from market.errors import MarketlakeError

RETRIES, FIRST_PAUSE_S = 2, 5.0


@contextmanager
def retried_where_transient(context: dg.AssetExecutionContext | dg.OpExecutionContext) -> Iterator[None]:
    """Ask Dagster to try a transient failure again; a permanent one ends the step with what it says as metadata.

    Raises
    ------
    dagster.RetryRequested
        The failure may pass.
    dagster.Failure
        It cannot, with `allow_retries=False`.
    """
    try:
        yield
    except MarketlakeError as error:
        if error.retryable:
            pause = FIRST_PAUSE_S * 2**context.retry_number
            raise dg.RetryRequested(max_retries=RETRIES, seconds_to_wait=pause) from error
        told = {"where": error.where, "expected": error.expected, "found": error.found, "do": error.do}
        raise dg.Failure(
            str(error), allow_retries=False, metadata={name: text for name, text in told.items() if text}
        ) from error
