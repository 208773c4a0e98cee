"""How a job of EMR Serverless ends with its caller, whatever the service does not answer: none is left behind, none is doubled."""

from datetime import UTC, date, datetime
from typing import Any

import dagster as dg
import pytest
from botocore.exceptions import ClientError, NoCredentialsError, ReadTimeoutError

from assets import remote
from assets.remote import EmrServerless, _Pipes
from lake.settings import Settings
from lake.staging import Request
from market.errors import Permanent, Transient
from market.table import Window

SETTINGS = Settings(
    lake_url="s3://bucket/lake", spark_master="emr-serverless://00abc", emr_role_arn="arn:aws:iam::1:role/job", _env_file=None
)  # fmt: skip
REQUEST = Request.new("gold.prices", Window(date(2024, 5, 2), date(2024, 5, 3), datetime.now(UTC)))


def refused(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)


class Api:
    """EMR Serverless with one job. A cancelled one ends at the second look; what `fails` names fails so many times."""

    def __init__(self, **fails: int) -> None:
        self.fails, self.called = fails, []
        self.states = ["RUNNING"]

    def start_job_run(self, **params: Any) -> dict[str, str]:
        self._called("start", ReadTimeoutError(endpoint_url="https://emr-serverless"))
        return {"applicationId": "00abc", "jobRunId": "one"}

    def cancel_job_run(self, **params: Any) -> None:
        self._called("cancel", refused("ThrottlingException", "CancelJobRun"))
        self.states = ["CANCELLING", "CANCELLED"]

    def get_job_run(self, **params: Any) -> dict[str, Any]:
        self._called("look", refused("ThrottlingException", "GetJobRun"))
        return {"jobRun": {"state": self.states.pop(0) if len(self.states) > 1 else self.states[0]}}

    def _called(self, name: str, error: Exception) -> None:
        self.called.append(name)
        if self.fails.get(name, 0) > 0:
            self.fails[name] -= 1
            raise error


class Context:
    """A step whose log may be away."""

    def __init__(self, *, is_away: bool = False) -> None:
        self._is_away = is_away

    @property
    def log(self) -> "Context":
        if self._is_away:
            raise RuntimeError("the event log is away")
        return self

    def info(self, line: str) -> None:
        """Heard."""


def ended(api: Api, error: BaseException | None = None, *, is_log_away: bool = False) -> _Pipes:
    """The client after its block broke off with this error, or with the one of the start."""
    pipes = _Pipes(
        client=api, context_injector=dg.PipesEnvContextInjector(), message_reader=dg.PipesTempFileMessageReader(),
        poll_interval=0.01,
    )  # fmt: skip

    def work() -> None:
        with pipes.ended_with_us():
            pipes._start(Context(is_away=is_log_away), {"clientToken": REQUEST.token})
            raise error or AssertionError("the start was to fail")

    with pytest.raises(type(error) if error else (RuntimeError, ReadTimeoutError)):
        work()
    return pipes


LOST = refused("ThrottlingException", "GetJobRun")


def test_a_cancelled_job_is_looked_at_until_it_has_ended() -> None:
    api = Api()
    pipes = ended(api, LOST)
    assert api.called == ["start", "cancel", "look", "look"]
    assert pipes.details == "CANCELLED" and not pipes.may_run


def test_a_cancellation_that_was_refused_is_asked_for_again() -> None:
    api = Api(cancel=2)
    assert not ended(api, LOST).may_run
    assert api.called.count("cancel") == 3


def test_a_job_that_cannot_be_looked_at_is_cancelled_all_the_same() -> None:
    api = Api(look=1)
    assert ended(api, LOST).details == "CANCELLED"
    assert api.called == ["start", "cancel", "look", "look", "look"]


def test_a_job_is_known_before_anything_is_said_of_it() -> None:
    api = Api()
    assert ended(api, is_log_away=True).details == "CANCELLED"


def test_a_job_whose_start_was_not_answered_is_asked_for_again_and_cancelled() -> None:
    api = Api(start=1)
    assert ended(api).job_run_id == "one"
    assert api.called[:3] == ["start", "start", "cancel"]


def test_asked_for_again_it_is_the_same_job() -> None:
    tokens = {remote._job(SETTINGS, REQUEST, "s3://bucket/lake", ("a", "b"))["clientToken"] for _ in range(2)}
    assert len(tokens) == 1
    assert tokens != {Request.new("gold.prices", REQUEST.window).token}


def test_a_job_that_is_not_seen_to_end_is_told_by_its_id_and_may_be_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remote, "CANCEL_LIMIT_S", 0.05)
    pipes = ended(Api(look=1000), LOST)
    told = EmrServerless(SETTINGS)._failed(REQUEST, pipes, LOST)
    assert isinstance(told, Transient) and "It commits nothing" in told.do and "one" in str(told)


def test_the_end_of_a_run_wins_over_what_fails_on_the_way_out() -> None:
    error = RuntimeError("the context could not be removed")
    error.__context__ = dg.DagsterExecutionInterruptedError()
    pipes = _Pipes(
        client=Api(), context_injector=dg.PipesEnvContextInjector(), message_reader=dg.PipesTempFileMessageReader()
    )
    with pytest.raises(dg.DagsterExecutionInterruptedError), pipes.ended_with_us():
        raise error


@pytest.mark.parametrize(
    "error",
    [
        *(refused(code, "StartJobRun") for code in ("UnrecognizedClientException", "ExpiredTokenException", "InvalidSignatureException")),
        NoCredentialsError(),
    ],
)  # fmt: skip
def test_keys_that_do_not_serve_are_permanent_and_say_what_to_do(error: Exception) -> None:
    pipes = _Pipes(
        client=Api(), context_injector=dg.PipesEnvContextInjector(), message_reader=dg.PipesTempFileMessageReader()
    )
    told = EmrServerless(SETTINGS)._failed(REQUEST, pipes, error)
    assert isinstance(told, Permanent) and "MARKETLAKE_S3_ACCESS_KEY_ID" in told.do
    assert isinstance(
        EmrServerless(SETTINGS)._failed(REQUEST, pipes, refused("ThrottlingException", "StartJobRun")), Transient
    )
