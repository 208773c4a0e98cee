"""EMR Serverless for tests: moto's API, with a real driver behind it that runs on this machine.

moto has the calls, but no job ever runs there: one has succeeded as soon as it is started, and there is no dashboard. `Emr` adds
these by hand, and lets a cancelled job go on for a while; the rest is moto's own. What does not belong here: assertions.
"""

import gzip
import os
import shlex
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyspark
from botocore.exceptions import ClientError
from moto.emrserverless.models import emrserverless_backends

from lake import jars

ACCOUNT, REGION = "123456789012", "us-east-1"
SPARK_HOME = Path(pyspark.__file__).parent
OF_EMR = {"JAVA_HOME": str(jars.java_home()), "SPARK_HOME": str(SPARK_HOME), "PYSPARK_PYTHON": sys.executable}
"""What EMR's image brings, in the words of this machine."""

Driver = Callable[["Job"], list[str]]


@dataclass
class Job:
    """What a started job runs as."""

    folder: Path
    params: dict[str, Any]
    conf: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    ends_at: float | None = None


class Emr:
    """A client of moto's API whose jobs run.

    Parameters
    ----------
    s3 : a client of the S3 server that jobs use.
    keys : variables by which a job reaches it, as a role gives them.
    driver : the command that stands for the job's driver.
    """

    cancelling_s = 0.6
    """How long a driver works on after it was cancelled."""

    def __init__(self, client: Any, s3: Any, keys: Mapping[str, str], folder: Path, driver: Driver) -> None:
        self._client, self._s3, self._folder, self._driver = client, s3, folder, driver
        self._keys = keys
        made = client.create_application(name="marketlake", releaseLabel="emr-7.8.0", type="SPARK", clientToken="one")
        self.application = made["applicationId"]
        self.jobs: dict[str, Job] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def start_job_run(self, **params: Any) -> dict[str, Any]:
        """As EMR does it: archives unpacked beside the driver, the driver's variables set, its Spark configured by Amazon.

        Asked for twice with one token it is one job.
        """
        if known := [name for name, job in self.jobs.items() if job.params["clientToken"] == params["clientToken"]]:
            return {"applicationId": self.application, "jobRunId": known[0]}
        started: dict[str, Any] = self._client.start_job_run(**params)
        submit = params["jobDriver"]["sparkSubmit"]
        words = shlex.split(submit["sparkSubmitParameters"])
        conf = dict(word.split("=", 1) for flag, word in zip(words[::2], words[1::2], strict=True) if flag == "--conf")
        job = Job(self._folder / started["jobRunId"], params, conf)
        job.folder.mkdir(parents=True)
        self._download(submit["entryPoint"], job.folder / "entry.py")
        for archive in conf["spark.archives"].split(","):
            url, _, name = archive.partition("#")
            self._download(url, job.folder / "archive.tar.gz")
            with tarfile.open(job.folder / "archive.tar.gz") as packed:
                packed.extractall(job.folder / name, filter="data")
        marker = "spark.emr-serverless.driverEnv."
        given = {name.removeprefix(marker): value for name, value in conf.items() if name.startswith(marker)}
        kept = {name: os.environ[name] for name in ("PATH", "HOME")}
        environment = {**kept, **self._keys, **OF_EMR, **given}
        with (job.folder / "stdout").open("wb") as out, (job.folder / "stderr").open("wb") as err:
            job.process = subprocess.Popen(
                self._driver(job), cwd=job.folder, env=environment, stdout=out, stderr=err, start_new_session=True
            )
        self.jobs[started["jobRunId"]] = job
        self._be(started["jobRunId"], "RUNNING")
        return started

    def get_job_run(self, **params: Any) -> dict[str, Any]:
        """The state of the process as that of the job."""
        name = params["jobRunId"]
        job = self.jobs[name]
        if job.ends_at and time.monotonic() > job.ends_at:
            self.end(job)
            self._be(name, "CANCELLED")
        code = job.process.poll() if job.process else None
        if code is not None and self._state(name) == "RUNNING":
            self._upload_logs(name, job)
            self._be(name, "FAILED" if code else "SUCCESS", f"driver exited with {code}" if code else "")
        found: dict[str, Any] = self._client.get_job_run(**params)
        return found

    def cancel_job_run(self, **params: Any) -> dict[str, Any]:
        """The process ends a little later; a job that does not run is refused."""
        name = params["jobRunId"]
        if self._state(name) != "RUNNING":
            raise ClientError({"Error": {"Code": "ValidationException"}}, "CancelJobRun")
        answered: dict[str, Any] = self._client.cancel_job_run(**params)
        self.jobs[name].ends_at = time.monotonic() + self.cancelling_s
        self._be(name, "CANCELLING")
        return answered

    def get_dashboard_for_job_run(self, **params: Any) -> dict[str, Any]:
        """moto lacks this call."""
        return {"url": f"https://example.org/{params['jobRunId']}"}

    def end(self, job: Job) -> None:
        """Kill the driver and what it started, if it runs."""
        if job.process and job.process.poll() is None:
            os.killpg(job.process.pid, signal.SIGKILL)
            job.process.wait(30)

    def _state(self, name: str) -> str:
        return str(self._run(name).state)

    def _be(self, name: str, state: str, details: str = "") -> None:
        run = self._run(name)
        run.state, run.state_details = state, details

    def _run(self, name: str) -> Any:
        return emrserverless_backends[ACCOUNT][REGION].get_job_run(self.application, name)

    def _download(self, url: str, target: Path) -> None:
        bucket, _, key = url.removeprefix("s3://").partition("/")
        target.write_bytes(self._s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    def _upload_logs(self, name: str, job: Job) -> None:
        monitoring = job.params["configurationOverrides"]["monitoringConfiguration"]
        bucket, _, prefix = monitoring["s3MonitoringConfiguration"]["logUri"].removeprefix("s3://").partition("/")
        for stream in ("stdout", "stderr"):
            key = f"{prefix}applications/{self.application}/jobs/{name}/SPARK_DRIVER/{stream}.gz"
            self._s3.put_object(Bucket=bucket, Key=key, Body=gzip.compress((job.folder / stream).read_bytes()))


def spark_submit(job: Job) -> list[str]:
    """The driver as EMR starts it, on one core of this machine; jars and the way to S3 are the platform's."""
    paths = ":".join(str(path) for path in jars.ensure_jars("spark", "s3"))
    tuning = (Path(__file__).resolve().parents[2] / "spark_conf" / "s3.conf").read_text().splitlines()
    conf = dict(line.split(None, 1) for line in tuning if line and not line.startswith("#"))
    url = job.conf["spark.emr-serverless.driverEnv.MARKETLAKE_S3_ENDPOINT_URL"]
    conf |= {
        "spark.hadoop.fs.s3a.endpoint": url, "spark.hadoop.fs.s3a.endpoint.region": REGION,
        "spark.hadoop.fs.s3a.path.style.access": "true", "spark.driver.extraClassPath": paths,
        "spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1", "spark.driver.memory": "1g",
    }  # fmt: skip
    conf |= {name: value for name, value in job.conf.items() if name.startswith("spark.executorEnv.")}
    words = [word for name, value in conf.items() for word in ("--conf", f"{name}={value}")]
    return [str(SPARK_HOME / "bin" / "spark-submit"), "--master", "local[1]", *words, str(job.folder / "entry.py")]
