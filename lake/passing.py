"""Failures of the engines told as ours: what may pass as `Transient`, a refusal or a full disk as `Permanent`; others go out as they are.

Spark, delta-rs and Arrow say which it was in texts alone: in names of Java's classes, in what the object store's client wrote.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from market.errors import Permanent, Transient

_REFUSED = re.compile(
    r"AccessDenied|Access Denied|InvalidAccessKeyId|SignatureDoesNotMatch|NoSuchBucket|\b40[13] (Forbidden|Unauthorized)"
    r"|AWS Error (ACCESS_DENIED|EXPIRED_TOKEN|INVALID_\w+|MISSING_AUTHENTICATION_TOKEN|NO_SUCH_BUCKET|REQUEST_EXPIRED"
    r"|REQUEST_TIME_TOO_SKEWED|SIGNATURE_DOES_NOT_MATCH|UNRECOGNIZED_CLIENT|UNKNOWN \(HTTP status [34]\d\d\))"  # Arrow
)
_FULL = re.compile(r"No space left on device|Disk quota exceeded")
_AWAY = re.compile(
    r"ExecutorLostFailure|FetchFailed|Python worker exited|All masters are unresponsive|SparkContext was shut down"
    r"|stopped SparkContext|s3a\.AWS\w+Exception|SdkClientException|java\.net\.\w+Exception"  # Spark
    r"|Generic S3 error|error sending request"  # delta-rs
    r"|AWS Error (NETWORK_CONNECTION|SERVICE_UNAVAILABLE|SLOW_DOWN|THROTTLING|REQUEST_TIMEOUT|INTERNAL_FAILURE|UNKNOWN \(HTTP status 5\d\d\))"  # Arrow
)


@contextmanager
def translated(where: str, *raised: type[Exception]) -> Iterator[None]:
    """While it lasts, errors of these types, an engine's, are told as ours where their kind is known.

    Raises
    ------
    Transient
        A server or executor was away.
    Permanent
        The store refused, or the disk is full.
    """
    try:
        yield
    except raised as error:
        told = getattr(error, "_stackTrace", None) or ""
        text = f"{error}\n{told}"
        if found := _FULL.search(text):
            do = "Free space (`marketlake vacuum` removes files that no release needs), then run it again"
            raise Permanent(where, expected="room to write", found=found[0], do=do) from error
        if found := _REFUSED.search(text):
            do = "Check the bucket of MARKETLAKE_LAKE_URL and the S3 credentials"
            raise Permanent(where, expected="to reach the lake", found=_line(text, found), do=do) from error
        if found := _AWAY.search(text):
            raise Transient(where, expected="its servers to be there", found=_line(text, found)) from error
        raise


def _line(text: str, found: "re.Match[str]") -> str:
    """The line that the match stands in, cut to a length that people read."""
    start, end = text.rfind("\n", 0, found.start()) + 1, text.find("\n", found.end())
    return text[start : end if end >= 0 else None].strip().removeprefix("Caused by: ")[:300]
