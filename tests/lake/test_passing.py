"""What an engine raises is told by whether a rerun may help; what nobody knows goes out as it is."""

import pytest

from lake.passing import translated
from market.errors import MarketlakeError, Permanent, Transient


class Engine(Exception):
    """An engine's error, its Java trace kept as pyspark keeps it."""

    def __init__(self, text: str, trace: str = "") -> None:
        super().__init__(text)
        self._stackTrace = trace


def told(error: Exception) -> MarketlakeError:
    with pytest.raises(MarketlakeError) as caught, translated("gold.prices", Engine, OSError):
        raise error
    return caught.value


@pytest.mark.parametrize(
    ("error", "kind", "found"),
    [
        (Engine("Job aborted", "Caused by: java.net.ConnectException: Connection refused\n\tat"), Transient, "java.net.ConnectException: Connection refused"),
        (Engine("Job aborted: ExecutorLostFailure (executor 1 exited)"), Transient, "ExecutorLostFailure"),
        (Engine("Cannot call methods on a stopped SparkContext."), Transient, "stopped SparkContext"),
        (OSError("Generic S3 error: Error performing GET http://127.0.0.1:1/b: connect refused"), Transient, "Generic S3 error"),
        (OSError("Generic S3 error: status code 403 Forbidden: AccessDenied"), Permanent, "403 Forbidden"),
        (OSError("When reading information for key 'a' in bucket 'b': AWS Error NETWORK_CONNECTION during HeadObject operation: curlCode: 7"), Transient, "NETWORK_CONNECTION"),
        (OSError("When reading information for key 'a' in bucket 'b': AWS Error ACCESS_DENIED during HeadObject operation"), Permanent, "ACCESS_DENIED"),
        (OSError("When reading information for key 'a' in bucket 'b': AWS Error UNKNOWN (HTTP status 400) during HeadObject operation"), Permanent, "HTTP status 400"),
        (OSError("When reading information for key 'a' in bucket 'b': AWS Error UNKNOWN (HTTP status 500) during HeadObject operation"), Transient, "HTTP status 500"),
        (OSError("Generic LocalFileSystem error: No space left on device (os error 28)"), Permanent, "No space left"),
        (Engine("x", "java.io.IOException: No space left on device"), Permanent, "No space left"),
    ],
)  # fmt: skip
def test_a_known_failure_says_which_kind_it_is_and_the_line_that_tells(error, kind, found):
    ours = told(error)
    assert type(ours) is kind and found in ours.found and ours.where == "gold.prices" and ours.__cause__ is error


def test_an_unknown_failure_goes_out_as_it_is():
    with pytest.raises(Engine, match="kernel"), translated("gold.prices", Engine):
        raise Engine("the kernel divided by zero", "org.apache.spark.api.python.PythonException")


def test_our_own_errors_are_left_alone():
    with pytest.raises(Permanent, match="No space left"), translated("gold.prices", Engine, OSError):
        raise Permanent("elsewhere", found="No space left on device")
