"""Spark on EMR Serverless: jobs started, watched and cancelled through Dagster's Pipes; context, messages and logs lie on S3.

The assets do not know: they ask the lake for a candidate and a write, and `open_lake` decides who makes them. What does not belong
here: what a job does (`lake.spark_main`), how rows pass (`lake.staging`).
"""

import gzip
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
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

ENDED = frozenset({"SUCCESS", "FAILED", "CANCELLED", "CANCELLING"})
REFUSALS = frozenset({"AccessDeniedException", "ResourceNotFoundException", "ValidationException"})
LOGS = f"{FOLDER}/logs"
"""Where EMR puts its logs, below the lake's root."""
CODE, ENVIRONMENT = "marketlake", "environment"
"""Folders of a job's driver and executors in which our code and a packed Python are unpacked."""


@dataclass(frozen=True)
class LakeElsewhere(Lake):
    """A lake whose builds and writes are jobs."""

    submit: Submit

    @cached_property
    def spark(self) -> Spark:
        """Builds and writes silver and gold, by jobs."""
        sha = self.code.sha + ("+dirty" if self.code.dirty else "")
        return RemoteSpark(self.settings, self.delta, sha, self.store, self.submit)


def open_lake(settings: Settings) -> Lake:
    """The lake of these settings, with Spark where MARKETLAKE_SPARK_MASTER says.

    Raises
    ------
    Permanent
        The master has none of the forms that there are.
    """
    if masters.is_elsewhere(settings.spark_master):
        return LakeElsewhere(settings, EmrServerless(settings))
    return Lake(settings)


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
        """One job to its end. Whatever ends the wait early, a termination of the run or a lost connection, cancels the job."""
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
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
        kind = Permanent if code in REFUSALS else Transient
        return kind(
            f"{request.action} of {request.table} on {self._settings.spark_master}", expected="the job to succeed",
            found=pipes.details() or str(error), do=f"Its log is below {LOGS} of the lake, its files below {request.place}",
        )  # fmt: skip

    def _forward_logs(self, s3: Any, bucket: str, prefix: str, job_run_id: str) -> None:
        """What the driver printed, into this step's own output; EMR may not have written all of it yet."""
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
    """The client of dagster-aws, which remembers the job that it started."""

    job_run_id = ""
    _application = ""

    @contextmanager
    def ended_with_us(self) -> Iterator[None]:
        """Cancel the job where this block ends before it does; the client itself does so at a termination alone."""
        try:
            yield
        finally:
            self._cancel_what_runs()

    def details(self) -> str:
        """The job's state and why it has it; empty where there is no job."""
        try:
            run = self._look() if self.job_run_id else {}
        except (BotoCoreError, ClientError):
            return ""
        return " ".join(str(run[name]) for name in ("state", "stateDetails", "jobRunId") if run.get(name))

    def _start(self, context: Any, params: Any) -> Any:
        started = super()._start(context, params)
        self._application, self.job_run_id = started["applicationId"], started["jobRunId"]
        return started

    def _read_messages(self, context: Any, session: Any, response: Any) -> None:
        """Nothing is left to do: the reader takes them from S3 as they come. The client's own method knows CloudWatch alone."""

    def _look(self) -> Any:
        return self.client.get_job_run(applicationId=self._application, jobRunId=self.job_run_id)["jobRun"]

    def _cancel_what_runs(self) -> None:
        if not self.job_run_id:
            return
        try:
            if self._look()["state"] not in ENDED:
                self.client.cancel_job_run(applicationId=self._application, jobRunId=self.job_run_id)
                logger.warning("job cancelled", application=self._application, job_run_id=self.job_run_id)
        except (BotoCoreError, ClientError) as error:
            logger.error("the job could not be looked at or cancelled", job_run_id=self.job_run_id, error=str(error))


def _context(request: Request) -> dg.AssetExecutionContext:
    """The step that runs now in this process."""
    try:
        return dg.AssetExecutionContext.get()
    except dg.DagsterInvariantViolationError as error:
        raise Permanent(
            f"{request.action} of {request.table}", expected="a step of Dagster, which watches the job", found="none",
            do="Run it as a job of Dagster, or set MARKETLAKE_SPARK_MASTER=local[*]",
        ) from error  # fmt: skip


def _job(settings: Settings, request: Request, lake_url: str, code: tuple[str, str]) -> dict[str, Any]:
    """What StartJobRun is told; Pipes adds its own variables."""
    archive, entry = (f"{lake_url}/{path}" for path in code)
    return {
        "applicationId": masters.application(settings.spark_master),
        "executionRoleArn": settings.emr_role_arn,
        "name": f"marketlake {request.action} {request.table}",
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
