"""Spark on EMR Serverless: jobs started, watched and cancelled through Dagster's Pipes; context, messages and logs lie on S3.

The assets do not know: they ask the lake for a candidate, and `assets.resources.open_lake` decides who makes them. What does
not belong here: what a job does (`lake.spark_main`), how rows pass (`lake.staging`).
"""

import gzip
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from time import monotonic, sleep
from types import MappingProxyType
from typing import Any

import dagster as dg
from botocore.exceptions import BotoCoreError, ClientError
from dagster_aws.pipes import PipesEMRServerlessClient, PipesS3ContextInjector, PipesS3MessageReader
from loguru import logger

from lake import aws, masters, shipped
from lake.lake import Lake
from lake.objects import lake_store
from lake.settings import Settings
from lake.spark import Spark
from lake.spark_remote import RemoteSpark, Submit
from lake.staging import FOLDER, Request
from market.errors import Permanent, Transient

ENDED = frozenset({"SUCCESS", "FAILED", "CANCELLED"})
REFUSALS = frozenset(
    {
        "AccessDeniedException", "ExpiredTokenException", "InvalidSignatureException", "ResourceNotFoundException",
        "UnrecognizedClientException", "ValidationException",
    }
)  # fmt: skip
CANCEL_LIMIT_S = 120.0
"""How long a cancelled job is watched. Amazon says of no time within which it ends."""
LOGS = f"{FOLDER}/logs"
"""Where EMR puts its logs, below the lake's root."""
CODE, ENVIRONMENT = "marketlake", "environment"
"""Folders of a job's driver and executors in which our code and a packed Python are unpacked."""


@dataclass(frozen=True)
class LakeElsewhere(Lake):
    """A lake whose builds are jobs."""

    submit: Submit

    @cached_property
    def spark(self) -> Spark:
        """Makes the rows of silver and gold, by jobs."""
        return RemoteSpark(self.settings, self.delta, self.store, self.submit)


def elsewhere(settings: Settings) -> LakeElsewhere:
    """The lake whose builds are jobs of the application that MARKETLAKE_SPARK_MASTER names."""
    return LakeElsewhere(settings, EmrServerless(settings))


class EmrServerless:
    """Runs jobs of one application; called within a step of Dagster, whose log gets the job's messages.

    Parameters
    ----------
    emr, s3 : clients of boto3, by default those of the settings.
    """

    def __init__(self, settings: Settings, emr: Any = None, s3: Any = None) -> None:
        if not settings.emr_role_arn:
            raise Permanent("MARKETLAKE_EMR_ROLE_ARN", expected="the role that jobs run as", found="nothing",
                            do="Set it, see docs/scale.md; or let Spark run here: MARKETLAKE_SPARK_MASTER=local[*]")  # fmt: skip
        self._settings, self._emr, self._s3 = settings, emr, s3

    def __call__(self, request: Request) -> None:
        """One job to its end. Whatever ends the wait early, a termination of the run or a lost connection, cancels the job and waits
        until it has ended, so that it costs no more than it must; its driver commits nothing.
        """
        context = _context(request)
        settings, store = self._settings, lake_store(self._settings)
        s3 = self._s3 or aws.client(settings, "s3")
        bucket, prefix = aws.bucket_and_prefix(settings)
        place = f"{prefix}{request.place}"
        pipes = _Pipes(
            client=self._emr or aws.client(settings, "emr-serverless"),
            context_injector=PipesS3ContextInjector(bucket=bucket, client=s3, key_prefix=f"{place}/"),
            message_reader=_Messages(
                bucket=bucket, client=s3, interval=settings.emr_poll_s, folder=f"{place}/messages"
            ),
            poll_interval=settings.emr_poll_s,
        )
        job = _job(settings, request, store.url, shipped.ship(store))
        try:
            with pipes.ended_with_us():
                pipes.run(context=context, start_job_run_params=job, extras=request.to_json())
        except (RuntimeError, BotoCoreError, ClientError) as error:
            self._forward_logs(s3, bucket, prefix, pipes.job_run_id)
            raise self._failed(request, pipes, error) from error
        self._forward_logs(s3, bucket, prefix, pipes.job_run_id)

    def _failed(self, request: Request, pipes: "_Pipes", error: Exception) -> Permanent | Transient:
        where = f"a build of {request.table} on {self._settings.spark_master}"
        if pipes.may_run:
            return Transient(
                where, expected="the job to end", found=f"{pipes.details or error}, {CANCEL_LIMIT_S:.0f} s after it was cancelled",
                keys=[pipes.job_run_id], do="It commits nothing, and what it makes is taken by nobody: cancel it where it goes on",
            )  # fmt: skip
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
        left = f"Its log is below {LOGS} of the lake, its files below {request.place}"
        do = left if pipes.job_run_id else "No job was started"
        found = pipes.details or str(error)
        if code in REFUSALS or isinstance(error, aws.UNUSABLE):
            do = f"{do}. {aws.DO}, MARKETLAKE_SPARK_MASTER, MARKETLAKE_EMR_ROLE_ARN"
            return Permanent(where, expected="the job to succeed", found=found, do=do)
        return Transient(where, expected="the job to succeed", found=found, do=do)

    def _forward_logs(self, s3: Any, bucket: str, prefix: str, job_run_id: str) -> None:
        """What the driver printed, into this step's own output; EMR may not have written all of it yet."""
        if not job_run_id:
            return
        application = masters.application(self._settings.spark_master)
        for name, stream in (("stdout", sys.stdout), ("stderr", sys.stderr)):
            key = f"{prefix}{LOGS}/applications/{application}/jobs/{job_run_id}/SPARK_DRIVER/{name}.gz"
            try:
                payload = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            except (BotoCoreError, ClientError) as error:
                logger.info("no log of the driver yet", key=key, error=str(error))
                continue
            stream.write(gzip.decompress(payload).decode(errors="replace"))


class _Messages(PipesS3MessageReader):
    """Messages in the job's own folder: by default they would lie at the bucket's root, where the job has no right to write."""

    def __init__(self, *, folder: str, **given: Any) -> None:
        super().__init__(**given)
        self._folder = folder

    @contextmanager
    def get_params(self) -> Iterator[dict[str, Any]]:
        """What the job is told of them."""
        with super().get_params() as params:
            yield {**params, "key_prefix": self._folder}


class _Pipes(PipesEMRServerlessClient):
    """The client of dagster-aws, which remembers the job that it started and leaves none behind."""

    job_run_id = ""
    """Empty where no job is known."""
    may_run = False
    """True where the job was not seen to end."""
    details = ""
    """The job's state and why it has it, as last seen."""
    _application = ""
    _is_cancelled = False
    _asked: Mapping[str, Any] = MappingProxyType({})

    @contextmanager
    def ended_with_us(self) -> Iterator[None]:
        """Cancel the job where this block breaks off before it ends; the client itself does so at a termination alone.

        Raises
        ------
        dagster.DagsterExecutionInterruptedError
            The run is being ended, although something else failed on the way out: only so does Dagster not try again.
        """
        try:
            yield
        except BaseException as error:
            self._end()
            if interrupt := _interrupt_behind(error):
                raise interrupt from error
            raise

    def _start(self, context: Any, params: Any) -> Any:
        """The client's own, but that the job is known before anything else can fail."""
        self._asked = params
        try:
            started = self._ask()
        except ClientError as error:
            if aws.status_of(error) < 500:
                self._asked = {}  # an answer: there is no job
            raise
        context.log.info(f"[pipes] {self.AWS_SERVICE_NAME} job started with job_run_id {self.job_run_id}.")
        return started

    def _terminate(self, context: Any, start_response: Any) -> None:
        """Cancel at once. Nothing is raised, which would take the place of what ends the run."""
        self._cancel()

    def _read_messages(self, context: Any, session: Any, response: Any) -> None:
        """Nothing is left to do: the reader takes them from S3 as they come. The client's own method knows CloudWatch alone."""

    def _ask(self) -> Any:
        started = self.client.start_job_run(**self._asked)
        self._application, self.job_run_id = started["applicationId"], started["jobRunId"]
        return started

    def _end(self) -> None:
        """Cancel the job and look until it has ended, or for as long as the limit says."""
        self._cancel()
        self.may_run, last = bool(self.job_run_id), monotonic() + CANCEL_LIMIT_S
        while self.may_run:
            self._look()
            if not self.may_run or monotonic() > last:
                return
            sleep(self.poll_interval)
            self._cancel()

    def _cancel(self) -> None:
        """Without a look before, which may fail while this would not; a job that has ended refuses it."""
        if not self._asked or self._is_cancelled:
            return
        try:
            if not self.job_run_id:
                self._ask()  # the answer was lost; with the same token it is the same job
            self.client.cancel_job_run(applicationId=self._application, jobRunId=self.job_run_id)
        except (BotoCoreError, ClientError) as error:
            logger.warning("job not cancelled", job_run_id=self.job_run_id, reason=str(error))
            return
        self._is_cancelled = True
        logger.warning("job cancelled", application=self._application, job_run_id=self.job_run_id)

    def _look(self) -> None:
        try:
            run = self.client.get_job_run(applicationId=self._application, jobRunId=self.job_run_id)["jobRun"]
        except (BotoCoreError, ClientError) as error:
            logger.warning("job not seen", job_run_id=self.job_run_id, reason=str(error))
            return
        self.may_run = run["state"] not in ENDED
        self.details = " ".join(str(run[name]) for name in ("state", "stateDetails", "jobRunId") if run.get(name))


def _interrupt_behind(error: BaseException) -> dg.DagsterExecutionInterruptedError | None:
    """The end of the run that an error happened on the way out of."""
    behind = error.__context__
    while behind is not None:
        if isinstance(behind, dg.DagsterExecutionInterruptedError):
            return behind
        behind = behind.__context__
    return None


def _context(request: Request) -> dg.AssetExecutionContext:
    """The step that runs now in this process."""
    try:
        return dg.AssetExecutionContext.get()
    except dg.DagsterInvariantViolationError as error:
        raise Permanent(
            f"a build of {request.table}", expected="a step of Dagster, which watches the job", found="none",
            do="Run it as a job of Dagster, or set MARKETLAKE_SPARK_MASTER=local[*]",
        ) from error  # fmt: skip


def _job(settings: Settings, request: Request, lake_url: str, code: tuple[str, str]) -> dict[str, Any]:
    """What StartJobRun is told; Pipes adds its own variables."""
    archive, entry = (f"{lake_url}/{path}" for path in code)
    return {
        "clientToken": request.token,
        "applicationId": masters.application(settings.spark_master),
        "executionRoleArn": settings.emr_role_arn,
        "name": f"marketlake {request.table}",
        "executionTimeoutMinutes": settings.emr_timeout_minutes,
        "jobDriver": {"sparkSubmit": {"entryPoint": entry, "sparkSubmitParameters": _parameters(settings, archive)}},
        "configurationOverrides": {
            "monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": f"{lake_url}/{LOGS}/"}}
        },
    }


def _parameters(settings: Settings, archive: str) -> str:
    """Our code and the settings that a job needs; no secret, as anybody who may look at a job reads them: it has its role."""
    archives = [f"{archive}#{CODE}"]
    driver = {
        "PYTHONPATH": f"./{CODE}", "MARKETLAKE_SPARK_MASTER": "submitted", "MARKETLAKE_LAKE_URL": settings.lake_url,
        "MARKETLAKE_S3_REGION": settings.s3_region, "MARKETLAKE_S3_ENDPOINT_URL": settings.s3_endpoint_url,
    }  # fmt: skip
    executor = {"PYTHONPATH": f"./{CODE}"}
    python = settings.spark_python
    if settings.emr_environment_url:
        archives.append(f"{settings.emr_environment_url}#{ENVIRONMENT}")
        python = python or f"./{ENVIRONMENT}/bin/python"
    if python:
        driver |= {"PYSPARK_DRIVER_PYTHON": python, "PYSPARK_PYTHON": python, "MARKETLAKE_SPARK_PYTHON": python}
        executor["PYSPARK_PYTHON"] = python
    found = {"spark.archives": ",".join(archives)}
    found |= {f"spark.emr-serverless.driverEnv.{name}": value for name, value in driver.items() if value}
    found |= {f"spark.executorEnv.{name}": value for name, value in executor.items()}
    return " ".join(
        [*(f"--conf {name}={value}" for name, value in found.items()), settings.emr_submit_parameters]
    ).strip()
